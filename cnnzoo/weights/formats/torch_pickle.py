"""The pickles inside PyTorch's files, read without unpickling.

A pickle is a program for a small stack machine, and may call any function of any module by name. This machine
imports nothing and calls nothing. It knows the few functions that build tensors and dictionaries; everything else that
a pickle names or calls becomes a ``Stub``, which only keeps the name.
"""

import pickletools
from collections.abc import Callable, Iterable
from typing import IO, Any, NamedTuple

from cnnzoo.errors import DamagedContentsError
from cnnzoo.weights.formats.contents import DTYPES, MOST_AXES

ADVICE = "write a state dict with torch.save(network.state_dict(), FILE)"

# A state dict takes about 40 instructions for each tensor, and an optimizer's state another 40.
MOST_INSTRUCTIONS = 4_000_000
# A name in a pickle can be used many times, and each use may copy it. Real ones are shorter than this.
LONGEST_NAME = 1000
# No size and no position in a file needs more than 63 bits, and arithmetic with millions of digits takes seconds.
LARGEST_NUMBER = 2**63
# Python hashes integers by their remainder modulo 2**61 - 1, so a file could contain large ones that all collide.
LARGEST_KEY = 2**31

# torch.save's names of storages, and the types of their numbers.
_KINDS = ["Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"]
_STORAGES = {f"torch {kind}Storage": dtype for kind, dtype in zip(_KINDS, DTYPES, strict=True)}


class Storage(NamedTuple):
    """A row of numbers outside the pickle, or a part of one.

    Attributes:
        key: The row's name.
        dtype: The type of the numbers: a key of DTYPES, or the file's name for a type that cannot be read.
        start: Position of the first number in the row.
        size: Number of numbers.
    """

    key: str
    dtype: str
    start: int
    size: int


class View(NamedTuple):
    """A tensor: a view into a storage, with its offset and strides in numbers, not in bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Stub:
    """An object of an unknown class, or the result of an unknown function.

    Attributes:
        name: Name of the class or function, such as ``argparse.Namespace``.
        items: The items that the pickle puts into it, as into a dictionary.
        state: The attributes that the pickle gives it, if any.
    """

    __slots__ = ("items", "name", "state")

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: dict[Any, Any] = {}
        self.state: dict[Any, Any] = {}


def kind_of(value: Any) -> str:
    """Return the name of a value's type, as the program that wrote the file would call it."""
    if isinstance(value, Stub):
        return value.name
    if isinstance(value, Name):
        return value.replace(" ", ".")
    return "tensor" if isinstance(value, View) else type(value).__name__


def read(file: IO[bytes]) -> tuple[Any, dict[str, Storage]]:
    """Read one pickle; afterwards the file's position is behind it.

    Returns:
        Its value, with tensors as ``View`` and everything unknown as ``Stub``; and all storages that it names.

    Raises:
        DamagedContentsError: The pickle is damaged, or longer than any state dict.
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(file):
            machine.do(opcode.name, argument)
        (value,) = machine.stack
    except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError):
        raise DamagedContentsError("is damaged: its pickle is invalid") from None
    return value, machine.storages


class Name(str):
    """The names of a module and of something in it, such as ``torch FloatStorage``."""


class _Machine:
    """The stack, the positions in it where lists begin, and the values that the pickle remembers to use again."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}
        self.steps = 0
        self.copied = 0

    def do(self, instruction: str, argument: Any) -> None:
        """Follow one instruction."""
        self.steps += 1
        if self.steps > MOST_INSTRUCTIONS:
            raise DamagedContentsError(f"describes its contents in more than {MOST_INSTRUCTIONS:,} steps; {ADVICE}")
        if instruction in _PUSHES:
            self.stack.append(_PUSHES[instruction](self, argument))
        else:
            _CHANGES[instruction](self, argument)

    def pop(self, count: int) -> list[Any]:
        """Take the last values off the stack."""
        return [self.stack.pop() for _ in range(count)][::-1]

    def since_mark(self) -> list[Any]:
        """Take the values since the last mark off the stack."""
        place = self.marks.pop()
        values = self.stack[place:]
        del self.stack[place:]
        return values

    def drop(self) -> None:
        """Take the top off the stack, which may be a mark."""
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def extend(self, values: list[Any]) -> None:
        """Add values to the list on top of the stack."""
        target = self.stack[-1]
        if type(target) is list:
            target.extend(values)
        elif type(target) is not Stub:
            raise TypeError

    def update(self, values: list[Any]) -> None:
        """Add a list that alternates keys and values to the dictionary on top of the stack."""
        target = self.stack[-1].items if type(self.stack[-1]) is Stub else self.stack[-1]
        if type(target) is not dict:
            raise TypeError
        target.update(_pair_up(values))

    def build(self, state: Any) -> None:
        """Give the object on top of the stack its attributes; attributes of dictionaries are ignored."""
        if type(self.stack[-1]) is Stub:
            attributes = state[0] if type(state) is tuple and len(state) == 2 else state
            self.stack[-1].state = attributes if type(attributes) is dict else {}

    def remember(self, key: int) -> None:
        """Remember the value on top of the stack under a number.

        Raises:
            ValueError: The number is larger than any that pickle uses, which counts up from 0.
        """
        if key >= LARGEST_KEY:
            raise ValueError
        self.memo[key] = self.stack[-1]

    def persistent(self, described: Any) -> Any:
        """Return what a persistent id means: a storage, or in files before 2020 the class of a network."""
        if type(described) is not tuple or not described:
            raise TypeError
        if described[0] == "module" and len(described) == 4:
            return described[1]
        storage = _make_storage(*described)
        self.storages[storage.key] = storage
        return storage

    def call(self, function: Any, arguments: Any) -> Any:
        """Return the result of a function that builds tensors or dictionaries, or a stub for any other function."""
        if type(function) is Stub:
            return Stub(function.name)
        if type(function) is not Name or type(arguments) is not tuple:
            raise TypeError
        if function in _FUNCTIONS:
            return _FUNCTIONS[function](self, *arguments)
        constructs = function in _CONSTRUCTORS and arguments
        return Stub(kind_of(arguments[0] if constructs else function))

    def construct(self, kind: Any, *arguments: Any) -> Any:
        """Return the result of calling a class with arguments."""
        return self.call(kind, arguments)

    def ordered(self, pairs: Iterable[Any] = ()) -> dict[Any, Any]:
        """Return a dictionary from a list of pairs.

        A list can be used many times, so a short pickle could ask for endless copies. An honest pickle copies fewer
        pairs than it has instructions.
        """
        if type(pairs) not in {list, tuple}:
            raise TypeError
        pairs = list(pairs)
        self.copied += len(pairs)
        if self.copied > self.steps:
            raise ValueError
        return _make_dictionary(pairs)


_Instruction = Callable[[_Machine, Any], Any]

_NUMBERS = "INT LONG LONG1 LONG4 BININT BININT1 BININT2 FLOAT BINFLOAT"
_TEXTS = "STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8"
_BYTES = "BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8"

# The instructions that put a value on the stack.
_PUSHES: dict[str, _Instruction] = {
    **dict.fromkeys(_NUMBERS.split(), lambda _, number: _limit_number(number)),
    **dict.fromkeys(f"{_TEXTS} {_BYTES}".split(), lambda _, content: content),
    "NONE": lambda *_: None,
    "NEWTRUE": lambda *_: True,
    "NEWFALSE": lambda *_: False,
    "EMPTY_TUPLE": lambda *_: (),
    "EMPTY_LIST": lambda *_: [],
    "EMPTY_DICT": lambda *_: {},
    "EMPTY_SET": lambda *_: Stub("set"),
    "TUPLE": lambda machine, _: tuple(machine.since_mark()),
    "TUPLE1": lambda machine, _: tuple(machine.pop(1)),
    "TUPLE2": lambda machine, _: tuple(machine.pop(2)),
    "TUPLE3": lambda machine, _: tuple(machine.pop(3)),
    "LIST": lambda machine, _: machine.since_mark(),
    "DICT": lambda machine, _: _pair_up(machine.since_mark()),
    "FROZENSET": lambda machine, _: (machine.since_mark(), Stub("frozenset"))[1],
    "DUP": lambda machine, _: machine.stack[-1],
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda machine, key: machine.memo[int(key)]),
    "GLOBAL": lambda _, name: _make_name(name),
    "STACK_GLOBAL": lambda machine, _: _make_name(*machine.pop(2)),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), lambda _, code: Stub(f"extension {code}")),
    "PERSID": lambda *_: Stub("persistent object"),
    "NEXT_BUFFER": lambda *_: Stub("buffer"),
    "BINPERSID": lambda machine, _: machine.persistent(*machine.pop(1)),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), lambda machine, _: machine.call(*machine.pop(2))),
    "NEWOBJ_EX": lambda machine, _: machine.call(*machine.pop(3)[:2]),
    "OBJ": lambda machine, _: machine.construct(*machine.since_mark()),
    "INST": lambda machine, name: machine.construct(_make_name(name), *machine.since_mark()),
}

# The instructions that change what is on the stack.
_CHANGES: dict[str, _Instruction] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP", "READONLY_BUFFER"), lambda *_: None),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "APPEND": lambda machine, _: machine.extend(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.update(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.update(machine.since_mark()),
    **dict.fromkeys(("ADDITEMS", "POP_MARK"), lambda machine, _: machine.since_mark()),
    "POP": lambda machine, _: machine.drop(),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.remember),
    "MEMOIZE": lambda machine, _: machine.remember(len(machine.memo)),
    "BUILD": lambda machine, _: machine.build(*machine.pop(1)),
}

# The functions that build tensors and dictionaries.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "collections OrderedDict": _Machine.ordered,
    "collections defaultdict": lambda *_: {},
    "torch._utils _rebuild_tensor": lambda _, *view: _make_view(*view),
    "torch._utils _rebuild_tensor_v2": lambda _, *view: _make_view(*view),
    "torch._utils _rebuild_parameter": lambda _, tensor, *__: tensor,
    "torch._utils _rebuild_parameter_with_state": lambda _, tensor, *__: tensor,
    "torch._tensor _rebuild_from_type_v2": lambda machine, builder, _, view, __: machine.call(builder, view),
}

_CONSTRUCTORS = {"copy_reg _reconstructor", "copyreg _reconstructor", "copyreg __newobj__", "copy_reg __newobj__"}


def _make_view(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Any:
    """Return a tensor; the other arguments are whether it learns, its hooks and its metadata."""
    if type(storage) is not Storage:
        return Stub("tensor")
    if any(type(sides) is not tuple or len(sides) > MOST_AXES for sides in (shape, strides)):
        raise ValueError
    if rest[2:3] and rest[2]:  # PyTorch negates or conjugates the numbers of such a view when it reads them
        return Stub("negated or conjugated tensor")
    return View(storage, offset, shape, strides)


def _make_dictionary(pairs: Iterable[Any]) -> dict[Any, Any]:
    """Return a dictionary; a key that would be slow to look up or to copy becomes a stub."""
    return {key if _is_plain(key) else Stub(kind_of(key)): value for key, value in pairs}


def _pair_up(values: list[Any]) -> dict[Any, Any]:
    """Return a dictionary from a list that alternates keys and values."""
    return _make_dictionary(zip(values[::2], values[1::2], strict=True))


def _is_plain(key: Any) -> bool:
    if type(key) is str:
        return len(key) <= LONGEST_NAME
    return type(key) in {int, bool} and abs(key) < LARGEST_KEY


def _limit_number(value: float) -> Any:
    """Return a number, or a stub for an integer of more than 63 bits."""
    return Stub("int") if type(value) is int and abs(value) >= LARGEST_NUMBER else value


def _make_name(*parts: Any) -> Name:
    """Return the name of something in a module.

    Raises:
        DamagedContentsError: The name is longer than any real one.
        ValueError: A part of it is not text.
    """
    if any(type(part) is not str for part in parts):
        raise ValueError
    if sum(map(len, parts)) > LONGEST_NAME:
        raise DamagedContentsError(f"is damaged: it names a class in more than {LONGEST_NAME} characters")
    return Name(" ".join(parts))


def _make_storage(kind: str, storage_type: Any, key: str, _: str, count: int, part: Any = None) -> Storage:
    """Return the storage that a persistent id of torch.save describes.

    Args:
        kind: Always "storage".
        storage_type: Type of the storage, such as ``torch FloatStorage``.
        key: Name of the row.
        _: The device of the numbers.
        count: How many numbers the row has.
        part: In files of 2017: name, start and size of a part of the row.
    """
    types = (type(kind), type(storage_type), type(key), type(count))
    if types != (str, Name, str, int) or kind != "storage" or count < 0:
        raise ValueError
    dtype = _STORAGES.get(storage_type, kind_of(storage_type))
    if part is None:
        return Storage(key, dtype, 0, count)
    _, start, size = part
    if not (type(start) is int and type(size) is int and 0 <= start <= start + size <= count):
        raise ValueError
    return Storage(key, dtype, start, size)
