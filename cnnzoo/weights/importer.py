"""Another library's weights, in our networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path

import keras

from cnnzoo import registry
from cnnzoo.errors import UserError
from cnnzoo.text import listed, printable
from cnnzoo.weights import network_names, preprocessing, weight_file
from cnnzoo.weights.conversion import Conversion, conversions
from cnnzoo.weights.formats.tensor import Tensor, unusable
from cnnzoo.weights.layer_names import COUNTERPARTS, Counterpart
from cnnzoo.weights.network_names import NetworkName
from cnnzoo.weights.preprocessing import Preprocessing, choose_preprocessing
from cnnzoo.weights.tensor_names import RenamedTensors, rename_tensors
from cnnzoo.weights.weight_file import SEPARATORS, WeightFile

# PyTorch counts the steps of training here, and needs the count only where batch norm has no momentum.
_STEPS = "num_batches_tracked"


@dataclass(frozen=True)
class Imported:
    """A network with another library's weights.

    Attributes:
        network: From normalized images (batch, height, width, channels), red first, to logits (batch, num_classes).
        counterpart: What it is in that library, and how that normalizes images.
        source: The file of the weights.
        left_out: Items and tensors of the file that the network has no use for.
        sha256: Of the file.
        preprocessing: How its images are prepared.
        state_dict: Which one of the file was taken; empty where the file is one itself.
        others: Further state dicts in the file.
        classifier: The layer of the file that was taken as the network's classifier, where that has another name.
    """

    network: keras.Model
    counterpart: Counterpart
    source: Path
    left_out: tuple[str, ...]
    sha256: str
    preprocessing: Preprocessing
    state_dict: str = ""
    others: tuple[str, ...] = ()
    classifier: str = ""


def import_weights(
    network: str,
    path: Path,
    input_shape: tuple[int, int, int] | None = None,
    num_classes: int | None = None,
    *,
    auxiliary_heads: bool = False,
    state_dict: str | None = None,
    preprocessing: str | None = None,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    resize: int | None = None,
) -> Imported:
    """Build a network with weights of torchvision or keras.applications.

    Args:
        network: Name of our network, such as ``resnet50``, or the other library's; its options become those of the
            library's.
        path: A PyTorch file (.pth, .safetensors) for torchvision's, HDF5 (.h5) or .keras for keras.applications'.
        input_shape: Height, width and channels; the network's own when left out.
        num_classes: How many the file must tell apart; as many as it does when left out.
        auxiliary_heads: Keep GoogLeNet's auxiliary heads, which serve training only.
        state_dict: Which one to take, where the file has several.
        preprocessing: How the images of the training were prepared, a key of ``preprocessing.PREPROCESSINGS``; the
            library's own way when left out. It decides the order of the channels that a network of
            keras.applications takes. GoogLeNet's default is "transform_input", which is right for torchvision's own
            weights; a network that was built without them takes "imagenet".
        mean: Of the pixels scaled to 0..1, red, green, blue, in place of that of ``preprocessing``.
        deviation: Likewise.
        resize: Pixels that the shorter side of a photograph is brought to before its centre is cut out; 256 when left
            out (232 for torchvision's IMAGENET1K_V2), or as much in proportion for other sizes.

    Raises:
        UserError: There are no weights for the network, the file cannot be read, its tensors are not exactly those
            of the network or cannot be weights, the preparation does not fit the network, or the file holds a
            network inside another of Keras and the preprocessing is not stated.
    """
    network_name = network_names.find_network(network)
    with weight_file.open_weight_file(path, state_dict) as file:
        with path.open("rb") as whole:
            sha256 = file_digest(whole, "sha256").hexdigest()
        renamed = rename_tensors(file)
        checkpoint = replace(file, tensors=renamed.tensors)
        counterpart = _counterpart_in(checkpoint, network_name, network)
        _check_nesting(path, counterpart, renamed, preprocessing)
        _check_heads(checkpoint, counterpart, auxiliary_heads)
        options = {**counterpart.options, **({"auxiliary_heads": True} if auxiliary_heads else {})}
        model = registry.build(
            counterpart.network, input_shape, _num_classes(checkpoint, counterpart, num_classes), **options
        )
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = counterpart.momentum
        images = choose_preprocessing(
            counterpart,
            sha256,
            model.input_shape[1:3],
            preprocessing=preprocessing,
            mean=mean,
            deviation=deviation,
            resize=resize,
        )
        expected = {conversion.name: conversion for conversion in conversions(model, counterpart, images.channels)}
        tensors = _taken(checkpoint, counterpart, auxiliary_heads)
        _check_fit(path, counterpart, expected, tensors, renamed.beside)
        wrong: list[str] = []
        for name, conversion in expected.items():
            values = tensors[name].values()
            wrong += filter(None, [unusable(name, values)])
            conversion.assign(values)
    _check_values(path, sha256, wrong)
    unused = tuple(name for name in checkpoint.tensors if name not in expected)
    left_out = (*checkpoint.left_out, *renamed.left_out, *unused)
    state = (checkpoint.key, checkpoint.others, renamed.classifier)
    return Imported(model, counterpart, path, left_out, sha256, images, *state)


def _check_nesting(path: Path, counterpart: Counterpart, tensors: RenamedTensors, preprocessing: str | None) -> None:
    if tensors.prefix and counterpart.library == "keras.applications" and not preprocessing:
        raise UserError(
            f"{path} holds a network inside another, but not how that one prepares its images; pass --preprocessing: "
            "unit after Rescaling(1/255), caffe after preprocess_input of VGG and ResNet, transform_input after "
            "Rescaling(1/127.5, -1)."
        )


def _check_values(path: Path, sha256: str, wrong: list[str]) -> None:
    published = preprocessing.published(sha256)
    if wrong and published and not published.classifies:
        raise UserError(f"{path} is torchvision's {published.title}, which has no classifier; take IMAGENET1K_V1.")
    if wrong:
        more = f", and {len(wrong) - 1} more tensor(s) cannot be weights" if len(wrong) > 1 else ""
        raise UserError(
            f"{path}: {wrong[0]}{more}; the training that wrote the file diverged, or the file is damaged: take an "
            "earlier checkpoint or download it again."
        )


def _counterpart_in(checkpoint: WeightFile, wanted: NetworkName, name: str) -> Counterpart:
    """Return the counterpart of a network that a file holds, or the one that is nearest to what it holds."""
    counterparts = [counterpart for counterpart in COUNTERPARTS if counterpart.library == checkpoint.library]
    own = [counterpart for counterpart in counterparts if counterpart.network == wanted.network]
    own = [counterpart for counterpart in own if wanted.options.items() <= counterpart.options.items()]
    held = checkpoint.layers
    for counterpart in own:
        if held in _layer_sets(counterpart):
            return counterpart
    for counterpart in counterparts:
        if held in _layer_sets(counterpart):
            raise UserError(
                f"{checkpoint.path} holds {counterpart.full_title}, which is '{counterpart.network}' here, "
                f"not '{name}'."
            )
    if not own:
        raise UserError(f"{checkpoint.path} has the format of {checkpoint.library}, which has no '{name}'.")
    return max(own, key=lambda counterpart: len(held & set(counterpart.layers.values())))


def _layer_sets(counterpart: Counterpart) -> list[set[str]]:
    """Return the layers that a file of a counterpart may hold, without and with auxiliary heads."""
    without = set(counterpart.layers.values())
    return [without, without | set(counterpart.auxiliary.values())]


def _check_heads(checkpoint: WeightFile, counterpart: Counterpart, auxiliary_heads: bool) -> None:
    if auxiliary_heads and not counterpart.auxiliary:
        raise UserError(f"{counterpart.full_title} has no auxiliary heads that could be kept.")
    if auxiliary_heads and not checkpoint.layers & set(counterpart.auxiliary.values()):
        raise UserError(f"{checkpoint.path} has no auxiliary heads that could be kept.")


def _taken(checkpoint: WeightFile, counterpart: Counterpart, auxiliary_heads: bool) -> dict[str, Tensor]:
    """Return the tensors of a file that are weights of the network."""
    left_out = () if auxiliary_heads else tuple(f"{layer}." for layer in counterpart.auxiliary.values())
    return {
        name: tensor
        for name, tensor in checkpoint.tensors.items()
        if not name.endswith(f".{_STEPS}") and not name.startswith(left_out)
    }


def _num_classes(checkpoint: WeightFile, counterpart: Counterpart, wanted: int | None) -> int | None:
    bias = checkpoint.tensors.get(f"{counterpart.layers['logits']}{SEPARATORS[counterpart.library]}bias")
    if bias is None or len(bias.shape) != 1 or not bias.shape[0]:
        return wanted  # what is wrong with it is said when everything else is compared
    if wanted not in {None, bias.shape[0]}:
        raise UserError(f"{checkpoint.path} tells {bias.shape[0]} classes apart, not {wanted}.")
    return bias.shape[0]


def _check_fit(
    path: Path,
    counterpart: Counterpart,
    expected: Mapping[str, Conversion],
    tensors: Mapping[str, Tensor],
    beside: Sequence[str],
) -> None:
    """Make sure that every weight has its tensor, every tensor its weight, and both the same shape."""
    missing = [
        f"{name!r} ({_written(conversion.shape)})" for name, conversion in expected.items() if name not in tensors
    ]
    surplus = [f"{name!r} ({_written(tensor.shape)})" for name, tensor in tensors.items() if name not in expected]
    both = [(name, tensors[name], conversion) for name, conversion in expected.items() if name in tensors]
    misshapen = [
        f"{name!r} is {_written(tensor.shape)} where the network has {_written(conversion.shape)}"
        for name, tensor, conversion in both
        if tensor.shape != conversion.shape
    ]
    whole = [
        f"{name!r} holds {tensor.dtype} numbers, which are not weights"
        for name, tensor, _ in both
        if "float" not in tensor.dtype
    ]
    clauses = [
        *_first("it lacks ", missing),
        *_first("it has ", surplus, ", which the network does not have"),
        *_first("", misshapen),
        *_first("", whole),
    ]
    if missing and not (surplus or misshapen or whole) and {*expected} - {*tensors} <= _classifier_names(counterpart):
        layers = ", ".join(_classifier_layers(counterpart))
        raise UserError(
            f"{path} holds {counterpart.full_title} without its classifier ({layers})"
            f"{_describe_beside(counterpart, beside)}; save the whole network, with the classifier that tells your "
            "classes apart."
        )
    if clauses:
        raise UserError(f"{path} does not fit {counterpart.full_title}: {'; '.join(clauses)}.")


def _describe_beside(counterpart: Counterpart, beside: Sequence[str]) -> str:
    """Say which dense layers lie beside a network and why none is its classifier; empty where there are none."""
    if not beside:
        return ""
    names, (*_, fc) = listed([printable(f"'{name}'") for name in beside]), _classifier_layers(counterpart)
    if len(beside) > 1:
        return f"; beside it are the layers {names}, of which a network here can take only one as its '{fc}'"
    return f"; beside it is the layer {names}, which is not known to be a classifier: if it is one, rename it to '{fc}'"


def _classifier_layers(counterpart: Counterpart) -> list[str]:
    """Return the dense layers of a counterpart by their names in the library."""
    return [theirs for ours, theirs in counterpart.layers.items() if ours in {"fc6", "fc7", "logits"}]


def _classifier_names(counterpart: Counterpart) -> set[str]:
    kinds = ("kernel", "weight", "bias")
    return {
        f"{layer}{SEPARATORS[counterpart.library]}{kind}" for layer in _classifier_layers(counterpart) for kind in kinds
    }


def _first(beginning: str, found: list[str], end: str = "") -> list[str]:
    """Return a clause about the first of several, or none."""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [f"{beginning}{found[0]}{more}{end}"] if found else []


def _written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "one number"
