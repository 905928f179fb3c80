"""The state dict in a PyTorch file: alone, in a checkpoint of a training, or inside a whole network."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from cnnzoo.errors import DamagedContentsError
from cnnzoo.text import listed
from cnnzoo.weights.formats.torch_pickle import ADVICE, LONGEST_NAME, Stub, View, kind_of

# If a file has several state dicts, the first of these is taken: the network itself before its averages.
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

# How deep dictionaries are searched, as in {"checkpoint": {"model": {"state_dict": ...}}}.
DEPTH = 3

# A file may contain the same dictionary many times, and a small file could make the search endless.
MOST_VISITS = 16

# A whole network contains its layers, and in a damaged file a layer may contain itself.
MOST_PARTS = 100_000


Views = dict[str, View]


def find_state_dict(value: Any, key: str | None = None) -> tuple[str, Views, tuple[str, ...], tuple[str, ...]]:
    """Find the state dict in the value of a file's pickle.

    A dictionary of tensors is a state dict if its names have layers in them (``conv1.weight``), unless none has, and
    if it has at least half as many tensors as the largest: others are scores or parts of an optimizer. If there are
    several, ``ORDER`` decides.

    Args:
        value: From ``torch_pickle.read``.
        key: Key of the state dict to take, if the file has several.

    Returns:
        Its key in the file, such as ``state_dict``, or "" for the file itself; its tensors by name; the keys of the
        file's other items; and those of further state dicts.

    Raises:
        DamagedContentsError: There is no state dict, none of that key, or several of which none is in ``ORDER``.
    """
    dicts = dict(_find_candidates(value, (), Counter()))
    if not dicts:
        raise DamagedContentsError(_explain_none(value))
    layered = {name: tensors for name, tensors in dicts.items() if any("." in tensor for tensor in tensors)} or dicts
    most = max(map(len, layered.values()))
    large = {name: tensors for name, tensors in layered.items() if 2 * len(tensors) >= most}
    if key is None:
        first = [name for name in ORDER if name in large][:1]
        if not first and len(large) > 1:
            raise DamagedContentsError(
                f"holds several state dicts ({_quote(large)}); choose one by its name with --state-dict"
            )
        key = first[0] if first else next(iter(large))
    if key not in dicts:
        raise DamagedContentsError(f"has no state dict '{key}'; it has {_quote(dicts)}")
    return key, dicts[key], tuple(_list_others(value, key, dicts[key])), tuple(name for name in large if name != key)


def _find_candidates(value: Any, path: tuple[str, ...], visits: Counter[int]) -> Iterator[tuple[str, Views]]:
    """Yield the dictionaries of tensors in a value, each with its key, joined by dots if it is nested."""
    visits[id(value)] += 1
    if visits[id(value)] > MOST_VISITS:
        return
    tensors = dict(_find_layer_tensors(value)) if isinstance(value, Stub) and value.state else _select_tensors(value)
    if tensors:
        yield ".".join(path), tensors
    if len(path) < DEPTH:
        for key, part in _list_entries(value).items():
            if isinstance(part, dict | Stub):
                yield from _find_candidates(part, (*path, key), visits)


def _list_entries(value: Any) -> dict[str, Any]:
    """Return the items of a value that can contain a state dict, by their names or positions in a list."""
    if isinstance(value, list | tuple):
        return {str(number): part for number, part in enumerate(value)}
    items = value.items if isinstance(value, Stub) else value
    return {key: part for key, part in items.items() if isinstance(key, str)} if isinstance(items, dict) else {}


def _select_tensors(value: Any) -> Views:
    if isinstance(value, list | tuple):
        return {}
    return {key: part for key, part in _list_entries(value).items() if isinstance(part, View)}


def _find_layer_tensors(network: Stub) -> Iterator[tuple[str, View]]:
    """Yield the parameters and buffers of a whole pickled network, by their names in its state dict."""
    waiting: list[tuple[str, Any]] = [("", network)]
    parts = 0
    while waiting:
        prefix, layer = waiting.pop()
        if not isinstance(layer, Stub):
            continue
        groups = [layer.state.get(part) for part in ("_parameters", "_buffers", "_modules")]
        parameters, buffers, layers = (part if isinstance(part, dict) else {} for part in groups)
        parts += 1 + len(parameters) + len(buffers) + len(layers)
        if parts > MOST_PARTS or len(prefix) > LONGEST_NAME:
            raise DamagedContentsError("is damaged: the network in it contains itself")
        for name, tensor in (_select_tensors(parameters) | _select_tensors(buffers)).items():
            yield f"{prefix}{name}", tensor
        waiting += [(f"{prefix}{name}.", inner) for name, inner in reversed(layers.items())]


def _list_others(value: Any, key: str, tensors: Mapping[str, View]) -> Iterator[str]:
    """Yield the names of a file's items other than the state dict."""
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
        return f"is not a state dict but an object of {value.name} without tensors; {ADVICE}"
    if isinstance(value, list | tuple) and any(isinstance(part, View) for part in value):
        return f"is not a state dict but a list of {len(value)} tensors without names; {ADVICE}"
    if not isinstance(value, dict | Stub):
        return f"is not a state dict but of the type {kind_of(value)}; {ADVICE}"
    items = value.items if isinstance(value, Stub) else value
    parts = [f"{key if not isinstance(key, Stub) else key.name} ({kind_of(part)})" for key, part in items.items()][:5]
    return f"holds no tensors with names; it holds {', '.join(parts) or 'nothing'}; {ADVICE}"


def _quote(names: Mapping[str, Any]) -> str:
    return listed([f"'{name}'" for name in names], shown=12)
