"""Weights of another library, imported into our networks and saved as model files."""

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

# PyTorch's count of training steps, which it needs only for batch normalization without momentum.
_STEPS = ".num_batches_tracked"

Shape = tuple[int, ...]


@dataclass(frozen=True)
class ImportedNetwork:
    """A network with another library's weights.

    Attributes:
        network: From normalized images (batch, height, width, channels), red first, to logits (batch, num_classes).
        counterpart: The same network in the other library.
        source: The weight file.
        left_out: Items and tensors of the file that the network does not use.
        sha256: Hash of the file.
        preprocessing: How the network's images are prepared.
        state_dict: The key of the state dict in the file; "" if the file itself is the state dict.
        other_state_dicts: Keys of further state dicts in the file.
        classifier: The layer of the file that became the network's classifier, if it has another name there.
    """

    network: keras.Model
    counterpart: Counterpart
    source: Path
    left_out: tuple[str, ...]
    sha256: str
    preprocessing: Preprocessing
    state_dict: str = ""
    other_state_dicts: tuple[str, ...] = ()
    classifier: str = ""

    @property
    def num_classes(self) -> int:
        """Number of the network's classes."""
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
) -> ImportedNetwork:
    """Build a network with weights of torchvision or keras.applications.

    Args:
        network: Our name of the network, such as ``resnet50``, or the other library's. It is built with the options
            that make it the library's network.
        path: A PyTorch file (.pth, .safetensors) of torchvision, or HDF5 (.h5) or .keras of keras.applications.
        input_shape: Height, width and channels; by default the network's own.
        num_classes: Number of classes that the file must have; by default any.
        auxiliary_heads: Keep GoogLeNet's auxiliary heads, which only training needs.
        state_dict: Key of the state dict to take, if the file has several.
        **stated: How the images of the training were prepared; by default as for the library's own weights.

    Raises:
        UserError: There are no weights for the network, the file cannot be read, its tensors are not exactly those
            of the network or cannot be weights, the preprocessing does not fit the network, or the file contains a
            Keras network inside another and the preprocessing is not stated.
    """
    find_network(network)
    with open_weight_file(path, state_dict) as opened:
        with path.open("rb") as content:
            sha256 = file_digest(content, "sha256").hexdigest()
        file = rename_tensors(opened)
        counterpart = _find_counterpart(file, network)
        if file.prefix and counterpart.library == "keras.applications" and not stated.get("preprocessing"):
            raise UserError(
                f"{path} holds a network inside another, but not how the outer one prepares its images; pass "
                "--preprocessing: unit after Rescaling(1/255), caffe after preprocess_input of VGG and ResNet, "
                "transform_input after Rescaling(1/127.5, -1)."
            )
        model = _build(counterpart, file, input_shape, num_classes, auxiliary_heads)
        preprocessing = choose_preprocessing(counterpart, sha256, model.input_shape[1:3], **stated)
        conversions = list(list_conversions(model, counterpart, preprocessing.channels))
        heads = () if auxiliary_heads else tuple(f"{layer}." for layer in counterpart.auxiliary.values())
        unused = {name for name in file.tensors if name.endswith(_STEPS) or name.startswith(heads)}
        tensors = {name: tensor for name, tensor in file.tensors.items() if name not in unused}
        shapes = {conversion.name: conversion.shape for conversion in conversions}
        _check_fit(path, counterpart, shapes, tensors, file.unused_dense_layers)
        invalid: list[str] = []
        for conversion in conversions:
            values = tensors[conversion.name].values()
            invalid += filter(None, [describe_invalid_values(conversion.name, values)])
            conversion.assign(values)
    _check_values(path, sha256, invalid)
    left_out = (*file.left_out, *(name for name in file.tensors if name in unused))
    origin = (file.key, file.other_state_dicts, file.classifier)
    return ImportedNetwork(model, counterpart, path, left_out, sha256, preprocessing, *origin)


def _find_counterpart(file: WeightFile, network: str) -> Counterpart:
    """Return the counterpart whose layers are all in the file, or else the counterpart with the most layers in it."""
    name, options = find_network(network)
    candidates = [counterpart for counterpart in COUNTERPARTS if counterpart.library == file.library]
    counterparts = [one for one in candidates if one.network == name and options.items() <= one.options.items()]
    for counterpart in counterparts + candidates:
        without_heads = set(counterpart.layers.values())
        if file.layers in (without_heads, without_heads | set(counterpart.auxiliary.values())):
            if counterpart in counterparts:
                return counterpart
            raise UserError(
                f"{file.path} holds {counterpart.full_title}, which is '{counterpart.network}' here, not '{network}'."
            )
    if not counterparts:
        raise UserError(f"{file.path} has the format of {file.library}, which has no '{network}'.")
    return max(counterparts, key=lambda counterpart: len(file.layers & set(counterpart.layers.values())))


def _build(
    counterpart: Counterpart,
    file: WeightFile,
    input_shape: tuple[int, int, int] | None,
    num_classes: int | None,
    auxiliary_heads: bool,
) -> keras.Model:
    """Build the network of a file with the options and the momentum of batch normalization that the library has."""
    if auxiliary_heads and not counterpart.auxiliary:
        raise UserError(f"{counterpart.full_title} has no auxiliary heads to keep.")
    if auxiliary_heads and not file.layers & set(counterpart.auxiliary.values()):
        raise UserError(f"{file.path} has no auxiliary heads to keep.")
    bias = file.tensors.get(f"{counterpart.layers['logits']}{SEPARATORS[counterpart.library]}bias")
    # A bias of another shape is reported with the other tensors by _check_fit.
    if bias is not None and len(bias.shape) == 1 and bias.shape[0]:
        if num_classes not in {None, bias.shape[0]}:
            raise UserError(f"{file.path} has {bias.shape[0]} classes, not {num_classes}.")
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
    dense_layers: Sequence[str],
) -> None:
    """Check that every weight has a tensor, every tensor a weight, and both the same shape."""
    missing = [f"{name!r} ({format_size(shape)})" for name, shape in shapes.items() if name not in tensors]
    surplus = [f"{name!r} ({format_size(tensor.shape)})" for name, tensor in tensors.items() if name not in shapes]
    both = [(name, tensors[name], shape) for name, shape in shapes.items() if name in tensors]
    reshaped = [
        f"{name!r} is {format_size(tensor.shape)}, and in the network {format_size(shape)}"
        for name, tensor, shape in both
        if tensor.shape != shape
    ]
    integers = [
        f"{name!r} holds {tensor.dtype} numbers, which cannot be weights"
        for name, tensor, _ in both
        if "float" not in tensor.dtype
    ]
    if missing and not (surplus or reshaped or integers):
        _check_classifier(path, counterpart, {*shapes} - {*tensors}, dense_layers)
    groups = [(missing, "missing in the file"), (surplus, "unknown to the network"), (reshaped, ""), (integers, "")]
    clauses = [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}"
        + (f" {'are' if len(names) > 1 else 'is'} {problem}" if problem else "")
        for names, problem in groups
        if names
    ]
    if clauses:
        raise UserError(f"{path} does not fit {counterpart.full_title}: {'; '.join(clauses)}.")


def _check_classifier(path: Path, counterpart: Counterpart, missing: set[str], dense_layers: Sequence[str]) -> None:
    """Raise an error if only the classifier is missing.

    Args:
        path: The file.
        counterpart: The network.
        missing: Names of the missing tensors.
        dense_layers: The dense layers beside the network.
    """
    layers = [theirs for ours, theirs in counterpart.layers.items() if ours in {"fc6", "fc7", "logits"}]
    if not {name.rpartition(SEPARATORS[counterpart.library])[0] for name in missing} <= {*layers}:
        return
    names = listed([printable(f"'{name}'") for name in dense_layers])
    clause = ""
    if len(dense_layers) == 1:
        clause = f"; beside it is the layer {names}; if that is the classifier, rename it to '{layers[-1]}'"
    elif dense_layers:
        clause = f"; beside it are the layers {names}, and only one of them can be '{layers[-1]}'"
    raise UserError(
        f"{path} holds {counterpart.full_title} without its classifier ({', '.join(layers)}){clause}; save the "
        "whole network, with the classifier for your classes."
    )


def _check_values(path: Path, sha256: str, invalid: Sequence[str]) -> None:
    published = find_published(sha256)
    if invalid and published and not published.classifies:
        raise UserError(f"{path} is torchvision's {published.title}, which has no classifier; use IMAGENET1K_V1.")
    if invalid:
        more = f", and {len(invalid) - 1} more tensor(s) cannot be weights" if len(invalid) > 1 else ""
        raise UserError(
            f"{path}: {invalid[0]}{more}; the training that wrote the file diverged, or the file is damaged: use an "
            "earlier checkpoint or download it again."
        )


def save_model(imported: ImportedNetwork, output: Path, *, class_names: Sequence[str] | None = None) -> Metadata:
    """Save an imported network as a model, with its preprocessing and the names of its classes.

    Args:
        imported: From ``import_weights``.
        output: The new model file, .keras: from RGB pixels (batch, height, width, 3), 0 to 255, to logits.
        class_names: Names in the order of the logits; by default ImageNet's names for 1000 classes, else numbers.

    Returns:
        The file's metadata.

    Raises:
        UserError: The number of names is not the number of classes.
    """
    source, num_classes, preprocessing = imported.source, imported.num_classes, imported.preprocessing
    if class_names is None:
        class_names = imagenet_class_names() if num_classes == 1000 else [str(label) for label in range(num_classes)]
    if len(class_names) != num_classes:
        raise UserError(f"There are {len(class_names)} names of classes, and {source} has {num_classes} classes.")
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
