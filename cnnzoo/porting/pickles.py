"""The pickles inside PyTorch's files, read without unpickling.

A pickle is a program for a small stack machine, and may call any function of any module by name. This one
knows the instructions of plain values, and three names that it handles itself; every other name ends it.
Nothing is imported.
"""

import pickletools
from collections.abc import Callable, Iterable
from typing import IO, Any, NamedTuple

from cnnzoo.porting.tensors import FileError

ADVICE = "write one with torch.save(network.state_dict(), FILE)"

# The storages that torch.save names, and the types of their numbers.
_STORAGES = {
    "torch DoubleStorage": "float64",
    "torch FloatStorage": "float32",
    "torch HalfStorage": "float16",
    "torch BFloat16Storage": "bfloat16",
    "torch LongStorage": "int64",
    "torch IntStorage": "int32",
    "torch ShortStorage": "int16",
    "torch CharStorage": "int8",
    "torch ByteStorage": "uint8",
    "torch BoolStorage": "bool",
}


class Storage(NamedTuple):
    """A row of numbers outside the pickle.

    Attributes:
        key: Its name.
        dtype: A key of DTYPES.
        start: Place of its first number in the row of that name.
        size: How many numbers it has.
    """

    key: str
    dtype: str
    start: int
    size: int


class View(NamedTuple):
    """A tensor: a view into a storage, in units of numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Pickle(NamedTuple):
    """What a pickle describes.

    Attributes:
        value: A value, with tensors as ``View`` and without keys that are neither text nor whole numbers.
        storages: All rows of numbers that it names.
    """

    value: Any
    storages: dict[str, Storage]


def read(file: IO[bytes]) -> Pickle:
    """Read one pickle; the file then stands behind it.

    Raises:
        FileError: It is damaged, or holds anything but plain values and tensors.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(file):
            machine.do(opcode.name, argument)
        (value,) = machine.stack
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError):
        raise FileError("is damaged: its pickle makes no sense") from None
    return Pickle(value, machine.storages)


class _Machine:
    """The stack, where in it lists begin, and what the pickle has put aside to use again."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}
        pop, push = self.stack.pop, self.stack.append
        self.instructions: dict[str, Callable[[Any], object]] = {
            **dict.fromkeys(("PROTO", "FRAME", "STOP"), lambda _: None),
            **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), push),
            **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"), push),
            "NONE": lambda _: push(None),
            "NEWTRUE": lambda _: push(True),
            "NEWFALSE": lambda _: push(False),
            "EMPTY_TUPLE": lambda _: push(()),
            "EMPTY_LIST": lambda _: push([]),
            "EMPTY_DICT": lambda _: push({}),
            "MARK": lambda _: self.marks.append(len(self.stack)),
            "TUPLE": lambda _: push(tuple(self.since_mark())),
            "TUPLE1": lambda _: push((pop(),)),
            "TUPLE2": lambda _: push((pop(), pop())[::-1]),
            "TUPLE3": lambda _: push((pop(), pop(), pop())[::-1]),
            "APPEND": lambda _: self.extend([pop()]),
            "APPENDS": lambda _: self.extend(self.since_mark()),
            "SETITEM": lambda _: self.update([pop(), pop()][::-1]),
            "SETITEMS": lambda _: self.update(self.since_mark()),
            **dict.fromkeys(("BINPUT", "LONG_BINPUT"), self.remember),
            "MEMOIZE": lambda _: self.remember(len(self.memo)),
            **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda key: push(self.memo[key])),
            "GLOBAL": lambda name: push(_Name(name)),
            "STACK_GLOBAL": lambda _: push(_Name(" ".join((pop(), pop())[::-1]))),
            "BINPERSID": lambda _: push(self.stored(_storage(*pop()))),
            "REDUCE": lambda _: push(_call(*(pop(), pop())[::-1])),
            "BUILD": lambda _: pop(),  # what belongs to a dictionary beside its items: versions of modules
        }

    def do(self, instruction: str, argument: Any) -> None:
        """Follow one instruction."""
        if instruction not in self.instructions:
            raise FileError(f"is no state dict: it holds more than plain values and tensors ({instruction}); {ADVICE}")
        self.instructions[instruction](argument)

    def since_mark(self) -> list[Any]:
        """Take the values since the last mark off the stack."""
        place = self.marks.pop()
        values = self.stack[place:]
        del self.stack[place:]
        return values

    def extend(self, values: list[Any]) -> None:
        """Add values to the list on top of the stack."""
        target = self.stack[-1]
        if type(target) is not list:
            raise TypeError
        target.extend(values)

    def update(self, values: list[Any]) -> None:
        """Add keys and values, which alternate, to the dictionary on top of the stack."""
        target = self.stack[-1]
        if type(target) is not dict:
            raise TypeError
        target.update(_items(zip(values[::2], values[1::2], strict=True)))

    def stored(self, storage: Storage) -> Storage:
        """Take note of a storage and return it."""
        self.storages[storage.key] = storage
        return storage

    def remember(self, key: int) -> None:
        """Put aside what is on top of the stack."""
        self.memo[key] = self.stack[-1]


class _Name(str):
    """A module and what it shall give, such as ``torch FloatStorage``; checked where it is used."""

    __slots__ = ()


def _items(pairs: Iterable[Any]) -> dict[str | int, Any]:
    """Return a dictionary without keys of other types: some take forever to look up."""
    return {key: value for key, value in pairs if type(key) in {str, int}}


def _storage(kind: str, storage_type: Any, key: str, _: str, count: int, part: Any = None) -> Storage:
    """Return what torch.save's persistent id stands for.

    Args:
        kind: Always "storage".
        storage_type: Such as ``torch FloatStorage``.
        key: Name of the row.
        _: The device that the numbers were on.
        count: How many numbers the row has.
        part: In files of 2017: name, place and size of a part of the row.
    """
    types = (type(kind), type(storage_type), type(key), type(count))
    if types != (str, _Name, str, int) or kind != "storage" or count < 0:
        raise ValueError
    if storage_type not in _STORAGES:
        raise FileError(f"holds numbers of a kind that is not read ({_dotted(storage_type)})")
    if part is None:
        return Storage(key, _STORAGES[storage_type], 0, count)
    _, start, size = part
    if not (type(start) is int and type(size) is int and 0 <= start <= start + size <= count):
        raise ValueError
    return Storage(key, _STORAGES[storage_type], start, size)


def _call(function: Any, arguments: tuple[Any, ...]) -> Any:
    """Return what one of the functions that torch.save names would give."""
    if type(function) is not _Name or type(arguments) is not tuple:
        raise TypeError
    if function == "collections OrderedDict":
        return _items(*arguments or [()])
    if function in {"torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor"}:
        storage, offset, shape, strides = arguments[:4]
        if type(storage) is not Storage:
            raise TypeError
        return View(storage, offset, tuple(shape), tuple(strides))
    if function == "torch._utils _rebuild_parameter":
        return arguments[0]
    raise FileError(f"is no state dict: it asks to call {_dotted(function)}, and nothing in a file is called; {ADVICE}")


def _dotted(name: str) -> str:
    """Quote a name from a file, whatever signs it is made of."""
    return repr(name.replace(" ", "."))
