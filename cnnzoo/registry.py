"""Names and their builders; this module knows no network."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from cnnzoo.errors import UserError, did_you_mean

Builder = TypeVar("Builder", bound=Callable[..., Any])

_BUILDERS: dict[str, Callable[..., Any]] = {}


def register(name: str) -> Callable[[Builder], Builder]:
    """Register a builder under a name; use as a decorator or as ``register(name)(builder)``.

    Args:
        name: The name that configs and the command line use.

    Returns:
        A decorator that returns the builder unchanged.

    Raises:
        ValueError: The name is taken.
    """

    def decorate(builder: Builder) -> Builder:
        if name in _BUILDERS:
            raise ValueError(f"A builder named '{name}' is registered already; unregister('{name}') frees the name.")
        _BUILDERS[name] = builder
        if isinstance(builder, partial):  # help() would explain partials instead
            builder.__doc__, builder.__name__ = builder.func.__doc__, name  # type: ignore[attr-defined]
        return builder

    return decorate


def unregister(name: str) -> None:
    """Forget a builder, so that another one can be registered under its name.

    In a notebook: ``if "mine" in cnnzoo.model_names(): cnnzoo.unregister("mine")``, and then register it.

    Raises:
        UserError: No builder has that name.
    """
    builder(name)
    del _BUILDERS[name]


def names() -> list[str]:
    """Return every registered name, sorted."""
    return sorted(_BUILDERS)


def builder(name: str) -> Callable[..., Any]:
    """Return the builder registered under a name.

    Raises:
        UserError: No builder has that name; the nearest one is suggested.
    """
    if name not in _BUILDERS:
        raise UserError(f"There is no model named '{name}'.{did_you_mean(name, _BUILDERS)}")
    return _BUILDERS[name]


def build(
    name: str, input_shape: tuple[int, int, int] | None = None, num_classes: int | None = None, **options: Any
) -> Any:
    """Build a registered network, uncompiled.

    Args:
        name: A registered name.
        input_shape: Height, width and channels; the network's native one when left out.
        num_classes: Number of logits; the network's native one when left out, 0 to stop at ``features``.
        **options: The builder's own keyword-only options.

    Returns:
        A Keras model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        UserError: An unknown name or option, or a size that the network cannot take.
    """
    function = builder(name)
    known = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    hints = get_type_hints(getattr(function, "func", function))
    for option, value in options.items():
        if option not in known:
            raise UserError(f"Model '{name}' has no option '{option}'.{did_you_mean(option, known)}")
        choices = get_args(hints.get(option)) if get_origin(hints.get(option)) is Literal else ()
        if choices and value not in choices:
            raise UserError(f"Model '{name}', option '{option}': {value!r} is none of {', '.join(map(repr, choices))}.")
    if input_shape is not None:
        sides = tuple(input_shape) if isinstance(input_shape, tuple | list) else ()
        if len(sides) != 3 or not all(isinstance(side, int) and side > 0 for side in sides):
            raise UserError(f"Model '{name}': input_shape is (height, width, channels), not {input_shape!r}.")
        input_shape = sides
    if num_classes is not None and num_classes < 0:
        raise UserError(f"Model '{name}': num_classes is 0 or more, not {num_classes}.")
    given = {"input_shape": input_shape, "num_classes": num_classes}
    try:
        return function(**{key: value for key, value in given.items() if value is not None}, **options)
    except ValueError as error:
        small = f"{name}_small"
        small_one = "too small" in str(error) and small in _BUILDERS and small not in str(error)
        advice = f" {small} is for small images." if small_one else ""
        raise UserError(f"Model '{name}' cannot be built: {error}{advice}") from error
