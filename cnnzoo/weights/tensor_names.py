"""The names of a file's tensors, without the prefixes that programs put before them."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from cnnzoo.errors import UserError
from cnnzoo.text import listed, printable
from cnnzoo.weights.formats.contents import SEPARATORS, WeightFile
from cnnzoo.weights.formats.torch_state_dict import ORDER
from cnnzoo.weights.layer_names import COUNTERPARTS, Counterpart

# PyTorch puts these into names if a network or layer was compiled or wrapped, such as for several GPUs.
_WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}

_KERNELS = {"torchvision": "weight", "keras.applications": "kernel"}

# Words in people's names for a classifier, and in those for other layers behind a network.
_CLASSIFIER = re.compile(
    r"(?<![a-z])(fcs?|cls|clf|out)(?![a-z])|head|classif|dense|linear|logit|predictions?(?![a-z])|output"
)
_NOT_CLASSIFIER = re.compile(r"proj|embed|contrast|neck")


def rename_tensors(file: WeightFile) -> WeightFile:
    """Return a file with the tensors of its network only, by the library's names.

    A program may put a prefix such as ``model.`` before every name, and save other things beside the network, such as
    a loss. The prefix is the one under which most layers of a network are found.

    Raises:
        UserError: Several prefixes have equally many layers.
    """
    separator = SEPARATORS[file.library]
    tensors = dict(file.tensors)
    if file.library == "torchvision":
        plain = {".".join(part for part in name.split(".") if part not in _WRAPPERS): name for name in tensors}
        if len(plain) == len(tensors):
            tensors = {name: tensors[wrapped] for name, wrapped in plain.items()}
    layers = {name.rpartition(separator)[0] for name in tensors}
    scores = [
        (counts[prefix], -len(counterpart.layers), counterpart, prefix)
        for counterpart in COUNTERPARTS
        if counterpart.library == file.library
        for counts in [_count_layers(set(counterpart.layers.values()), layers, separator)]
        for prefix in _find_prefixes(tensors, counterpart, separator)
    ]
    # ResNet-34 has all layers of ResNet-18, and more: of equal counts the smaller network is right.
    most = max((score[:2] for score in scores), default=(0, 0))
    best = {
        prefix: counterpart
        for *score, counterpart, prefix in scores
        if tuple(score) == most and 2 * score[0] > -score[1]
    }
    if not best:
        return replace(file, tensors=tensors)
    prefix = "" if "" in best else _choose_prefix(file, list(best))
    counterpart = best[prefix]
    inside = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    outside = {name: tensor for name, tensor in tensors.items() if not name.startswith(prefix)}
    missing = set(counterpart.layers.values()) - {name.rpartition(separator)[0] for name in inside}
    if missing != {counterpart.layers["logits"]}:
        return replace(file, tensors=inside, left_out=(*file.left_out, *outside), prefix=prefix)
    # The classifier may have another name: head.fc in mmpretrain, or fc.1 behind a dropout that somebody added.
    network_layers = {*counterpart.layers.values(), *counterpart.auxiliary.values()}
    unused = outside | {
        f"{prefix}{name}": tensor
        for name, tensor in inside.items()
        if name.rpartition(separator)[0] not in network_layers
    }
    kernel = f"{separator}{_KERNELS[file.library]}"
    dense = tuple(
        name.removesuffix(kernel) for name, tensor in unused.items() if name.endswith(kernel) and len(tensor.shape) == 2
    )
    inside = {name: tensor for name, tensor in inside.items() if f"{prefix}{name}" not in unused}
    if not _is_classifier(dense, unused, separator, kernel):
        return replace(
            file, tensors=inside, left_out=(*file.left_out, *unused), prefix=prefix, unused_dense_layers=dense
        )
    (classifier,) = dense
    inside |= {counterpart.layers["logits"] + name.removeprefix(classifier): tensor for name, tensor in unused.items()}
    return replace(file, tensors=inside, prefix=prefix, classifier=classifier)


def _count_layers(network_layers: set[str], file_layers: Iterable[str], separator: str) -> Counter[str]:
    """Count a network's own layers in a file under each prefix, in time linear in the file's layers."""
    counts: Counter[str] = Counter()
    deepest = max(name.count(separator) for name in network_layers) + 1
    for layer in file_layers:
        parts = layer.rsplit(separator, deepest)
        for length in range(1, min(deepest, len(parts)) + 1):
            name = separator.join(parts[-length:])
            if name in network_layers:
                counts[layer.removesuffix(name)] += 1
    return counts


def _find_prefixes(tensors: Iterable[str], counterpart: Counterpart, separator: str) -> list[str]:
    """Return the prefixes under which a file has the first kernel of a network."""
    kernel = f"{next(iter(counterpart.layers.values()))}{separator}{_KERNELS[counterpart.library]}"
    prefixes = [name.removesuffix(kernel) for name in tensors if name.endswith(kernel)]
    return [prefix for prefix in prefixes if not prefix or prefix.endswith(separator)]


def _choose_prefix(file: WeightFile, prefixes: list[str]) -> str:
    """Return the prefix of the network itself if others are those of its averages."""
    if len(prefixes) == 1:
        return prefixes[0]
    separator = SEPARATORS[file.library]
    ordered = [prefix for key in ORDER for prefix in prefixes if prefix == f"{key}{separator}"]
    if not ordered:
        names = listed([printable(f"'{prefix}'") for prefix in prefixes])
        raise UserError(f"{file.path} holds several networks, under {names}; save only one of them.")
    return ordered[0]


def _is_classifier(dense: tuple[str, ...], unused: Iterable[str], separator: str, kernel: str) -> bool:
    """Return whether the file has exactly one extra dense layer, with a classifier's name."""
    if len(dense) != 1 or {*unused} != {f"{dense[0]}{kernel}", f"{dense[0]}{separator}bias"}:
        return False
    name = dense[0].lower()
    return bool(_CLASSIFIER.search(name)) and not _NOT_CLASSIFIER.search(name)
