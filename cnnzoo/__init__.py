"""The classic convolutional networks, faithful to their papers, in Keras 3.

>>> import cnnzoo
>>> model = cnnzoo.build("lenet5", (32, 32, 1), 10)

Importing this package loads nothing heavy; ``build`` and ``model_names`` import Keras.
"""

import sys
from collections.abc import Callable
from typing import Any

from cnnzoo import registry
from cnnzoo.errors import UserError
from cnnzoo.registry import Builder

__all__ = ["UserError", "build", "model_names", "register", "unregister"]
__version__ = "0.1.0"


def build(
    name: str, input_shape: tuple[int, int, int] | None = None, num_classes: int | None = None, **options: Any
) -> Any:
    """Build a network of the zoo by its name, uncompiled.

    Args:
        name: A registered name, such as ``"lenet5"``; ``model_names()`` lists them.
        input_shape: Height, width and channels; by default the network's own.
        num_classes: Number of logits; by default the network's own, 0 to stop at ``features``.
        **options: The network's own options, such as ``activation="relu"`` for ``lenet5``.

    Returns:
        A Keras model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        UserError: An unknown name or option, or a size that the network cannot take.
    """
    import cnnzoo.models  # noqa: F401 - registers the zoo, and loads Keras only now

    return registry.build(name, input_shape, num_classes, **options)


def model_names(pattern: str = "*") -> list[str]:
    """Return the names of all networks that match a glob pattern, sorted.

    Args:
        pattern: Such as ``"lenet*"``.
    """
    from fnmatch import fnmatchcase

    import cnnzoo.models  # noqa: F401

    return [name for name in registry.names() if fnmatchcase(name, pattern)]


def register(name: str, **about: Any) -> Callable[[Builder], Builder]:
    """Register a builder of your own under a name; use as a decorator or as ``register(name)(builder)``.

    Args:
        name: The name that ``build`` and configs use.
        **about: Title, paper and so on, as in ``cnnzoo.registry.register``.

    Returns:
        A decorator that returns the builder unchanged.

    Raises:
        ValueError: The name is taken.
    """
    from cnnzoo import catalogue  # knows the zoo's names without Keras

    if "cnnzoo.models" not in sys.modules and name in catalogue.cards():
        raise ValueError(f"The zoo has a network named '{name}'; choose another name, or call unregister('{name}').")
    return registry.register(name, **about)


def unregister(name: str) -> None:
    """Remove a builder, so that another one can be registered under its name.

    In a notebook: ``if "mine" in cnnzoo.model_names(): cnnzoo.unregister("mine")``, and then register it.

    Raises:
        UserError: No builder has that name.
    """
    import cnnzoo.models  # noqa: F401 - a network of the zoo may be meant

    registry.unregister(name)
