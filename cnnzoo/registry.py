"""Names of networks, with the builder, the paper and the smallest input of each; no network is imported here."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from cnnzoo.errors import UserError, did_you_mean
from cnnzoo.options import check_options, read_options

Builder = TypeVar("Builder", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The publication that describes a network.

    Attributes:
        contribution: The family of networks and what the paper brought, in one line.
        authors: Their surnames.
        title: Of the paper.
        venue: Where it was published: conference or journal.
        year: Of publication.
        link: To the paper.
    """

    contribution: str
    authors: str
    title: str
    venue: str
    year: int
    link: str

    @property
    def citation(self) -> str:
        """Authors, title, venue and year."""
        return f'{self.authors}, "{self.title}", {self.venue}, {self.year}.'


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is registered under a name; ``register`` describes the attributes."""

    builder: Callable[..., Any]
    title: str
    paper: Paper | None
    departures: str
    smallest: tuple[int, int] | None


_ENTRIES: dict[str, Entry] = {}


def register(
    name: str,
    *,
    title: str = "",
    paper: Paper | None = None,
    departures: str = "",
    smallest: tuple[int, int] | None = None,
) -> Callable[[Builder], Builder]:
    """Register a builder under a name; use as a decorator or as ``register(name)(builder)``.

    Args:
        name: The name that configs and the command line use.
        title: What a colleague would call the network, such as "VGG-16 (configuration D)".
        paper: The publication that describes it.
        departures: What the network does differently from the paper.
        smallest: Height and width of the smallest input that it can take; None for no limit, or if the builder
            checks the size by itself.

    Returns:
        A decorator that returns the builder unchanged.

    Raises:
        ValueError: The name is taken.
    """

    def decorate(builder: Builder) -> Builder:
        if name in _ENTRIES:
            raise ValueError(f"A builder named '{name}' is registered already; unregister('{name}') frees the name.")
        _ENTRIES[name] = Entry(builder=builder, title=title, paper=paper, departures=departures, smallest=smallest)
        if isinstance(builder, partial):  # help() would explain partials instead
            builder.__doc__, builder.__name__ = builder.func.__doc__, name  # type: ignore[attr-defined]
        return builder

    return decorate


def unregister(name: str) -> None:
    """Remove a builder, so that another one can be registered under its name.

    Raises:
        UserError: No builder has that name.
    """
    entry(name)
    del _ENTRIES[name]


def names() -> list[str]:
    """Return every registered name, sorted."""
    return sorted(_ENTRIES)


def entry(name: str) -> Entry:
    """Return what is registered under a name.

    Raises:
        UserError: Nothing is registered under it; the nearest name is suggested.
    """
    if name not in _ENTRIES:
        raise UserError(f"There is no network named '{name}'.{did_you_mean(name, _ENTRIES)}")
    return _ENTRIES[name]


def builder(name: str) -> Callable[..., Any]:
    """Return the builder registered under a name.

    Raises:
        UserError: No builder has that name; the nearest one is suggested.
    """
    return entry(name).builder


def check_size(name: str, input_shape: tuple[int, ...], smallest: tuple[int, int]) -> None:
    """Check that an input is large enough for a network.

    Args:
        name: Of the network; the message recommends ``NAME_small`` if that can take the input.
        input_shape: Height, width and channels.
        smallest: Height and width of the smallest input.

    Raises:
        ValueError: The input is too small.
    """
    if _fits(input_shape, smallest):
        return
    other = _ENTRIES.get(f"{name}_small")
    advice = f" {name}_small is for small images." if other and _fits(input_shape, other.smallest or (1, 1)) else ""
    height, width = input_shape[:2]
    raise ValueError(
        f"an input of {height}x{width} is too small; the network needs at least {smallest[0]}x{smallest[1]}.{advice}"
    )


def _fits(input_shape: tuple[int, ...], smallest: tuple[int, int]) -> bool:
    return input_shape[0] >= smallest[0] and input_shape[1] >= smallest[1]


def build(
    name: str, input_shape: tuple[int, int, int] | None = None, num_classes: int | None = None, **options: Any
) -> Any:
    """Build a registered network, uncompiled.

    Args:
        name: A registered name.
        input_shape: Height, width and channels; by default the builder's own.
        num_classes: Number of logits; by default the builder's own, 0 to stop at ``features``.
        **options: The builder's keyword-only options.

    Returns:
        A Keras model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        UserError: An unknown name or option, or a size that the network cannot take.
    """
    registered = entry(name)
    arguments: dict[str, Any] = {}
    if input_shape is not None:
        arguments["input_shape"] = sides = tuple(input_shape) if isinstance(input_shape, tuple | list) else ()
        if len(sides) != 3 or not all(isinstance(side, int) and side > 0 for side in sides):
            raise UserError(f"Network '{name}': input_shape must be (height, width, channels), not {input_shape!r}.")
    if num_classes is not None:
        arguments["num_classes"] = num_classes
        if num_classes < 0:
            raise UserError(f"Network '{name}': num_classes must be 0 or more, not {num_classes}.")
    try:
        check_options(name, read_options(registered.builder), options)
        if input_shape is not None and registered.smallest:
            check_size(name, input_shape, registered.smallest)
        return registered.builder(**arguments, **options)
    except ValueError as error:
        raise UserError(f"Network '{name}' cannot be built: {error}") from error
