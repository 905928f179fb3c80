"""The state dict in a PyTorch file: alone, among the other things of a training, or inside a whole network."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from cnnzoo.errors import DamagedContentsError
from cnnzoo.text import listed
from cnnzoo.weights.formats.torch_pickle import ADVICE, LONGEST_NAME, Stub, View, kind_of

# Where a file has several state dicts, the first of these is taken: the network itself before its averages.
ORDER = (
    "",  # the file itself
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
    "state_dict_ema",
    "ema_state_dict",
    "model_ema",
    "ema",
)

# Dictionaries are searched so deep, as in {"checkpoint": {"model": {"state_dict": ...}}}.
DEPTH = 3

# The same dictionary may stand in a file many times; a small file could have it looked through endlessly.
MOST_VISITS = 16

# A whole network nests its layers in one another, and a damaged file may nest one in itself.
MOST_PARTS = 100_000


Views = dict[str, View]


def find_state_dict(value: Any, key: str | None = None) -> tuple[str, Views, tuple[str, ...], tuple[str, ...]]:
    """Find the state dict in what a file's pickle describes.

    A dictionary of tensors is one if it names layers (``conv1.weight``), where any does, and has at least half as many
    tensors as the largest: others are scores or parts of an optimizer. Of several, ``ORDER`` decides.

    Args:
        value: From ``torch_pickle.read``.
        key: The one to take, where the file has several.

    Returns:
        Where in the file it is, such as ``state_dict``, empty for the file itself; its tensors by name; the keys of
        the file's other items; and those of further state dicts.

    Raises:
        DamagedContentsError: There is none, none of that key, or several in no order.
    """
    found = dict(_find_candidates(value, (), Counter()))
    if not found:
        raise DamagedContentsError(_explain_none(value))
    layered = {name: tensors for name, tensors in found.items() if any("." in tensor for tensor in tensors)} or found
    most = max(map(len, layered.values()))
    large = {name: tensors for name, tensors in layered.items() if 2 * len(tensors) >= most}
    if key is None:
        first = [name for name in ORDER if name in large][:1]
        if not first and len(large) > 1:
            raise DamagedContentsError(
                f"holds several state dicts ({_quote(large)}); choose one by its name with --state-dict"
            )
        key = first[0] if first else next(iter(large))
    if key not in found:
        raise DamagedContentsError(f"has no state dict '{key}'; it has {_quote(found)}")
    return key, found[key], tuple(_name_others(value, key, found[key])), tuple(name for name in large if name != key)


def _find_candidates(value: Any, path: tuple[str, ...], visits: Counter[int]) -> Iterator[tuple[str, Views]]:
    """Go through the dictionaries of tensors in a value, with the way to each."""
    visits[id(value)] += 1
    if visits[id(value)] > MOST_VISITS:
        return
    tensors = dict(_find_layer_tensors(value)) if isinstance(value, Stub) and value.state else _find_named(value)
    if tensors:
        yield ".".join(path), tensors
    if len(path) < DEPTH:
        for key, part in _list_entries(value).items():
            if isinstance(part, dict | Stub):
                yield from _find_candidates(part, (*path, key), visits)


def _list_entries(value: Any) -> dict[str, Any]:
    """Return the items that can lead to a state dict; those of an optimizer are numbered."""
    if isinstance(value, list | tuple):
        return {str(number): part for number, part in enumerate(value)}
    items = value.items if isinstance(value, Stub) else value
    return {key: part for key, part in items.items() if isinstance(key, str)} if isinstance(items, dict) else {}


def _find_named(value: Any) -> Views:
    if isinstance(value, list | tuple):
        return {}
    return {key: part for key, part in _list_entries(value).items() if isinstance(part, View)}


def _find_layer_tensors(network: Stub) -> Iterator[tuple[str, View]]:
    """Go through the parameters and buffers of a whole network that was pickled, as its state dict has them."""
    waiting: list[tuple[str, Any]] = [("", network)]
    parts = 0
    while waiting:
        prefix, layer = waiting.pop()
        if not isinstance(layer, Stub):
            continue
        own = [layer.state.get(part) for part in ("_parameters", "_buffers", "_modules")]
        parameters, buffers, layers = (part if isinstance(part, dict) else {} for part in own)
        parts += 1 + len(parameters) + len(buffers) + len(layers)
        if parts > MOST_PARTS or len(prefix) > LONGEST_NAME:
            raise DamagedContentsError("is damaged: the network in it contains itself")
        for name, tensor in (_find_named(parameters) | _find_named(buffers)).items():
            yield f"{prefix}{name}", tensor
        waiting += [(f"{prefix}{name}.", inner) for name, inner in reversed(layers.items())]


def _name_others(value: Any, key: str, tensors: Mapping[str, View]) -> Iterator[str]:
    """Name the items of a file that are not the state dict."""
    if isinstance(value, Stub) and value.state:
        return
    items: Any = value.items if isinstance(value, Stub) else value
    for name in range(len(items)) if isinstance(items, list | tuple) else items:
        if isinstance(name, Stub):
            yield kind_of(name)
        elif not (f"{key}.".startswith(f"{name}.") if key else name in tensors):
            yield str(name)


def _explain_none(value: Any) -> str:
    if isinstance(value, Stub) and not value.items:
        return f"is not a state dict but an object of {value.name}, in which no tensors are found; {ADVICE}"
    if isinstance(value, list | tuple) and any(isinstance(part, View) for part in value):
        return f"is not a state dict but a list of {len(value)} tensors without names; {ADVICE}"
    if not isinstance(value, dict | Stub):
        return f"is not a state dict but of the type {kind_of(value)}; {ADVICE}"
    items = value.items if isinstance(value, Stub) else value
    parts = [f"{key if not isinstance(key, Stub) else key.name} ({kind_of(part)})" for key, part in items.items()][:5]
    return f"holds no tensors with names; it holds {', '.join(parts) or 'nothing'}; {ADVICE}"


def _quote(names: Mapping[str, Any]) -> str:
    return listed([f"'{name}'" for name in names], shown=12)
