"""Another library's weights, in our networks and as model files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Unpack

import keras

from cnnzoo import files, registry
from cnnzoo.classifier import metadata
from cnnzoo.classifier.metadata import Metadata
from cnnzoo.config import PreprocessingSection
from cnnzoo.data.preprocessing import with_preprocessing
from cnnzoo.errors import UserError
from cnnzoo.text import format_size, listed, printable
from cnnzoo.weights.class_names import imagenet_class_names
from cnnzoo.weights.conversion import describe_invalid_values, list_conversions
from cnnzoo.weights.formats.contents import SEPARATORS, Tensor, WeightFile
from cnnzoo.weights.layer_names import COUNTERPARTS, Counterpart
from cnnzoo.weights.network_names import find_network
from cnnzoo.weights.preprocessing import Preprocessing, StatedPreprocessing, choose_preprocessing, find_published
from cnnzoo.weights.tensor_names import rename_tensors
from cnnzoo.weights.weight_file import open_weight_file

# PyTorch counts the steps of training here, and needs the count only where batch norm has no momentum.
_STEPS = ".num_batches_tracked"

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Imported:
    """A network with another library's weights.

    Attributes:
        network: From normalized images (batch, height, width, channels), red first, to logits (batch, num_classes).
        counterpart: What it is in that library.
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

    @property
    def num_classes(self) -> int:
        """How many classes the network tells apart."""
        return int(self.network.get_layer("logits").units)


def import_weights(
    network: str,
    path: Path,
    input_shape: tuple[int, int, int] | None = None,
    num_classes: int | None = None,
    *,
    auxiliary_heads: bool = False,
    state_dict: str | None = None,
    **stated: Unpack[StatedPreprocessing],
) -> Imported:
    """Build a network with weights of torchvision or keras.applications.

    Args:
        network: Name of our network, such as ``resnet50``, or the other library's; its options become those of the
            library's.
        path: A PyTorch file (.pth, .safetensors) for torchvision's, HDF5 (.h5) or .keras for keras.applications'.
        input_shape: Height, width and channels; by default the network's own.
        num_classes: How many the file must tell apart; by default as many as it does.
        auxiliary_heads: Keep GoogLeNet's auxiliary heads, which serve training only.
        state_dict: Which one to take, where the file has several.
        **stated: How the images of the training were prepared; by default the library's own way.

    Raises:
        UserError: There are no weights for the network, the file cannot be read, its tensors are not exactly those
            of the network or cannot be weights, the preprocessing does not fit the network, or the file holds a
            network inside another of Keras and the preprocessing is not stated.
    """
    find_network(network)
    with open_weight_file(path, state_dict) as opened:
        with path.open("rb") as content:
            sha256 = file_digest(content, "sha256").hexdigest()
        file = rename_tensors(opened)
        counterpart = _find_counterpart(file, network)
        if file.prefix and counterpart.library == "keras.applications" and not stated.get("preprocessing"):
            raise UserError(
                f"{path} holds a network inside another, but not how that one prepares its images; pass "
                "--preprocessing: unit after Rescaling(1/255), caffe after preprocess_input of VGG and ResNet, "
                "transform_input after Rescaling(1/127.5, -1)."
            )
        model = _build(counterpart, file, input_shape, num_classes, auxiliary_heads)
        preprocessing = choose_preprocessing(counterpart, sha256, model.input_shape[1:3], **stated)
        expected = {one.name: one for one in list_conversions(model, counterpart, preprocessing.channels)}
        heads = () if auxiliary_heads else tuple(f"{layer}." for layer in counterpart.auxiliary.values())
        unused = {name for name in file.tensors if name.endswith(_STEPS) or name.startswith(heads)}
        tensors = {name: tensor for name, tensor in file.tensors.items() if name not in unused}
        _check_fit(path, counterpart, {name: one.shape for name, one in expected.items()}, tensors, file.beside)
        invalid: list[str] = []
        for name, conversion in expected.items():
            values = tensors[name].values()
            invalid += filter(None, [describe_invalid_values(name, values)])
            conversion.assign(values)
    _check_values(path, sha256, invalid)
    left_out = (*file.left_out, *(name for name in file.tensors if name in unused))
    state = (file.key, file.others, file.classifier)
    return Imported(model, counterpart, path, left_out, sha256, preprocessing, *state)


def _find_counterpart(file: WeightFile, network: str) -> Counterpart:
    """Return the counterpart of a network that a file holds, or the nearest counterpart."""
    name, options = find_network(network)
    candidates = [counterpart for counterpart in COUNTERPARTS if counterpart.library == file.library]
    own = [one for one in candidates if one.network == name and options.items() <= one.options.items()]
    for counterpart in own + candidates:
        without_heads = set(counterpart.layers.values())
        if file.layers in (without_heads, without_heads | set(counterpart.auxiliary.values())):
            if counterpart in own:
                return counterpart
            raise UserError(
                f"{file.path} holds {counterpart.full_title}, which is '{counterpart.network}' here, not '{network}'."
            )
    if not own:
        raise UserError(f"{file.path} has the format of {file.library}, which has no '{network}'.")
    return max(own, key=lambda counterpart: len(file.layers & set(counterpart.layers.values())))


def _build(
    counterpart: Counterpart,
    file: WeightFile,
    input_shape: tuple[int, int, int] | None,
    num_classes: int | None,
    auxiliary_heads: bool,
) -> keras.Model:
    """Build the network of a file, with batch normalization and options as in the library."""
    if auxiliary_heads and not counterpart.auxiliary:
        raise UserError(f"{counterpart.full_title} has no auxiliary heads that could be kept.")
    if auxiliary_heads and not file.layers & set(counterpart.auxiliary.values()):
        raise UserError(f"{file.path} has no auxiliary heads that could be kept.")
    bias = file.tensors.get(f"{counterpart.layers['logits']}{SEPARATORS[counterpart.library]}bias")
    # What is wrong with the bias itself is said when everything is compared.
    if bias is not None and len(bias.shape) == 1 and bias.shape[0]:
        if num_classes not in {None, bias.shape[0]}:
            raise UserError(f"{file.path} tells {bias.shape[0]} classes apart, not {num_classes}.")
        num_classes = bias.shape[0]
    options = {**counterpart.options, **({"auxiliary_heads": True} if auxiliary_heads else {})}
    model = registry.build(counterpart.network, input_shape, num_classes, **options)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = counterpart.momentum
    return model


def _check_fit(
    path: Path,
    counterpart: Counterpart,
    shapes: Mapping[str, Shape],
    tensors: Mapping[str, Tensor],
    beside: Sequence[str],
) -> None:
    """Make sure that every weight has its tensor, every tensor its weight, and both the same shape."""
    missing = [f"{name!r} ({format_size(shape)})" for name, shape in shapes.items() if name not in tensors]
    surplus = [f"{name!r} ({format_size(tensor.shape)})" for name, tensor in tensors.items() if name not in shapes]
    both = [(name, tensors[name], shape) for name, shape in shapes.items() if name in tensors]
    misshapen = [
        f"{name!r} is {format_size(tensor.shape)} where the network has {format_size(shape)}"
        for name, tensor, shape in both
        if tensor.shape != shape
    ]
    integers = [
        f"{name!r} holds {tensor.dtype} numbers, which are not weights"
        for name, tensor, _ in both
        if "float" not in tensor.dtype
    ]
    if missing and not (surplus or misshapen or integers):
        _check_classifier(path, counterpart, {*shapes} - {*tensors}, beside)
    groups = [("it lacks ", missing, ""), ("it has ", surplus, ", which the network does not have")]
    groups += [("", misshapen, ""), ("", integers, "")]
    clauses = [
        f"{beginning}{found[0]}{f' and {len(found) - 1} more' if len(found) > 1 else ''}{end}"
        for beginning, found, end in groups
        if found
    ]
    if clauses:
        raise UserError(f"{path} does not fit {counterpart.full_title}: {'; '.join(clauses)}.")


def _check_classifier(path: Path, counterpart: Counterpart, missing: set[str], beside: Sequence[str]) -> None:
    """Make sure that more is missing than the classifier.

    Args:
        path: The file.
        counterpart: The network.
        missing: Names of tensors.
        beside: The dense layers beside the network.
    """
    layers = [theirs for ours, theirs in counterpart.layers.items() if ours in {"fc6", "fc7", "logits"}]
    if not {name.rpartition(SEPARATORS[counterpart.library])[0] for name in missing} <= {*layers}:
        return
    names = listed([printable(f"'{name}'") for name in beside])
    clause = ""
    if len(beside) == 1:
        clause = f"; beside it is the layer {names}, which is not known to be a classifier: if it is one, rename it to "
        clause += f"'{layers[-1]}'"
    elif beside:
        clause = f"; beside it are the layers {names}, of which a network here can take only one as its '{layers[-1]}'"
    raise UserError(
        f"{path} holds {counterpart.full_title} without its classifier ({', '.join(layers)}){clause}; save the whole "
        "network, with the classifier that tells your classes apart."
    )


def _check_values(path: Path, sha256: str, invalid: Sequence[str]) -> None:
    published = find_published(sha256)
    if invalid and published and not published.classifies:
        raise UserError(f"{path} is torchvision's {published.title}, which has no classifier; take IMAGENET1K_V1.")
    if invalid:
        more = f", and {len(invalid) - 1} more tensor(s) cannot be weights" if len(invalid) > 1 else ""
        raise UserError(
            f"{path}: {invalid[0]}{more}; the training that wrote the file diverged, or the file is damaged: take an "
            "earlier checkpoint or download it again."
        )


def save_model(imported: Imported, output: Path, *, class_names: Sequence[str] | None = None) -> Metadata:
    """Write an imported network with what prepares its images, and with the names of its classes.

    Args:
        imported: From ``import_weights``.
        output: The new model file, .keras: from RGB pixels (batch, height, width, 3), 0 to 255, to logits.
        class_names: What the logits stand for; by default ImageNet's names for 1000 logits, else numbers.

    Returns:
        The file's metadata.

    Raises:
        UserError: There are more or fewer names than classes.
    """
    source, num_classes, preprocessing = imported.source, imported.num_classes, imported.preprocessing
    if class_names is None:
        class_names = imagenet_class_names() if num_classes == 1000 else [str(label) for label in range(num_classes)]
    if len(class_names) != num_classes:
        raise UserError(f"{len(class_names)} names of classes were given, and {source} tells {num_classes} apart.")
    section = PreprocessingSection(mean=list(preprocessing.mean), deviation=list(preprocessing.deviation))
    input_shape: tuple[int, int, int] = imported.network.input_shape[1:]
    described = Metadata(
        title=f"{imported.counterpart.full_title} from {source.name}",
        network=imported.counterpart.network,
        input_shape=input_shape,
        class_names=tuple(class_names),
        shorter_side=preprocessing.shorter_side,
        source=source.name,
        sha256=imported.sha256,
    )
    with files.whole(output) as temporary:
        with_preprocessing(imported.network, section, input_shape).save(temporary)
        metadata.write(temporary, described)
    return described
