"""Another library's weights, in our networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras

from cnnzoo import registry
from cnnzoo.errors import UserError
from cnnzoo.porting import checkpoints
from cnnzoo.porting.checkpoints import SEPARATORS, Checkpoint
from cnnzoo.porting.forms import FORMS, Form
from cnnzoo.porting.slots import Slot, slots
from cnnzoo.porting.tensors import Tensor

# PyTorch counts the steps of training here, and needs the count only where batch norm has no momentum.
_STEPS = "num_batches_tracked"


@dataclass(frozen=True)
class Imported:
    """A network with another library's weights.

    Attributes:
        network: From normalized images (batch, height, width, channels), red first, to logits (batch, num_classes).
        form: What it is in that library, and how that normalizes images.
        source: The file of the weights.
        left_out: Tensors of the file that the network has no use for.
    """

    network: keras.Model
    form: Form
    source: Path
    left_out: tuple[str, ...]


def import_weights(
    network: str,
    path: Path,
    input_shape: tuple[int, int, int] | None = None,
    num_classes: int | None = None,
    *,
    auxiliary_heads: bool = False,
) -> Imported:
    """Build a network with weights of torchvision or keras.applications.

    Args:
        network: Name of our network, such as ``resnet50``; its options become those of the library's.
        path: A state dict (.pth or .safetensors) for torchvision's, HDF5 (.h5) for keras.applications'.
        input_shape: Height, width and channels; the network's own when left out.
        num_classes: How many the file must tell apart; as many as it does when left out.
        auxiliary_heads: Keep GoogLeNet's auxiliary heads, which serve training only.

    Raises:
        UserError: No other library has the network, the file cannot be read, or its tensors are not exactly those
            of the network.
    """
    known = dict.fromkeys(form.network for form in FORMS)
    if network not in known:
        raise UserError(f"No other library has weights for '{network}'; there are for {', '.join(sorted(known))}.")
    with checkpoints.opened(path) as checkpoint:
        form = _form_in(checkpoint, network)
        _check_heads(checkpoint, form, auxiliary_heads)
        options = {**form.options, **({"auxiliary_heads": True} if auxiliary_heads else {})}
        model = registry.build(network, input_shape, _num_classes(checkpoint, form, num_classes), **options)
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = form.momentum
        wanted = {slot.name: slot for slot in slots(model, form)}
        tensors = _taken(checkpoint, form, auxiliary_heads)
        _check_fit(path, form, wanted, tensors)
        for name, slot in wanted.items():
            slot.assign(tensors[name].values())
    left_out = tuple(name for name in checkpoint.tensors if name not in wanted)
    return Imported(model, form, path, left_out)


def _form_in(checkpoint: Checkpoint, network: str) -> Form:
    """Return the form of a network that a file holds, or the one that is nearest to what it holds."""
    forms = [form for form in FORMS if form.library == checkpoint.library]
    own = [form for form in forms if form.network == network]
    held = checkpoint.layers
    for form in own:
        if held in _layer_sets(form):
            return form
    for form in forms:
        if held in _layer_sets(form):
            raise UserError(
                f"{checkpoint.path} holds {form.whole_title}, which is '{form.network}' here, not '{network}'."
            )
    if not own:
        raise UserError(f"{checkpoint.path} has the format of {checkpoint.library}, which has no '{network}'.")
    return max(own, key=lambda form: len(held & set(form.layers.values())))


def _layer_sets(form: Form) -> list[set[str]]:
    """Return the layers that a file of a form may hold, without and with auxiliary heads."""
    without = set(form.layers.values())
    return [without, without | set(form.auxiliary.values())]


def _check_heads(checkpoint: Checkpoint, form: Form, auxiliary_heads: bool) -> None:
    if auxiliary_heads and not form.auxiliary:
        raise UserError(f"{form.whole_title} has no auxiliary heads that could be kept.")
    if auxiliary_heads and not checkpoint.layers & set(form.auxiliary.values()):
        raise UserError(f"{checkpoint.path} has no auxiliary heads that could be kept.")


def _taken(checkpoint: Checkpoint, form: Form, auxiliary_heads: bool) -> dict[str, Tensor]:
    """Return the tensors of a file that are weights of the network."""
    left_out = () if auxiliary_heads else tuple(f"{layer}." for layer in form.auxiliary.values())
    return {
        name: tensor
        for name, tensor in checkpoint.tensors.items()
        if not name.endswith(f".{_STEPS}") and not name.startswith(left_out)
    }


def _num_classes(checkpoint: Checkpoint, form: Form, wanted: int | None) -> int | None:
    bias = checkpoint.tensors.get(f"{form.layers['logits']}{SEPARATORS[form.library]}bias")
    if bias is None or len(bias.shape) != 1 or not bias.shape[0]:
        return wanted  # what is wrong with it is said when everything else is compared
    if wanted not in {None, bias.shape[0]}:
        raise UserError(f"{checkpoint.path} tells {bias.shape[0]} classes apart, not {wanted}.")
    return bias.shape[0]


def _check_fit(path: Path, form: Form, wanted: Mapping[str, Slot], tensors: Mapping[str, Tensor]) -> None:
    """Make sure that every weight has its tensor, every tensor its weight, and both the same shape."""
    missing = [f"{name!r} ({_written(slot.shape)})" for name, slot in wanted.items() if name not in tensors]
    surplus = [f"{name!r} ({_written(tensor.shape)})" for name, tensor in tensors.items() if name not in wanted]
    both = [(name, tensors[name], slot) for name, slot in wanted.items() if name in tensors]
    misshapen = [
        f"{name!r} is {_written(tensor.shape)} where the network has {_written(slot.shape)}"
        for name, tensor, slot in both
        if tensor.shape != slot.shape
    ]
    whole = [f"{name!r} holds {tensor.dtype}, no weights" for name, tensor, _ in both if "float" not in tensor.dtype]
    clauses = [
        *_first("it lacks ", missing),
        *_first("it has ", surplus, ", which the network has not"),
        *_first("", misshapen),
        *_first("", whole),
    ]
    if clauses:
        raise UserError(f"{path} does not fit {form.whole_title}: {'; '.join(clauses)}.")


def _first(beginning: str, found: list[str], end: str = "") -> list[str]:
    """Return a clause about the first of several, or none."""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [f"{beginning}{found[0]}{more}{end}"] if found else []


def _written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"
