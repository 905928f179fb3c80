"""The classic convolutional networks, each as its paper has it, in Keras 3.

>>> import cnnzoo
>>> model = cnnzoo.build("lenet5", (32, 32, 1), 10)

Importing this package loads nothing heavy; the first call of a function below imports Keras.
"""

from typing import Any

from cnnzoo.errors import UserError
from cnnzoo.registry import register, unregister

__all__ = ["UserError", "build", "model_names", "register", "unregister"]
__version__ = "0.1.0"


def build(
    name: str, input_shape: tuple[int, int, int] | None = None, num_classes: int | None = None, **options: Any
) -> Any:
    """Build a network of the zoo by its name, uncompiled.

    Args:
        name: A registered name, such as ``"lenet5"``; ``model_names()`` lists them.
        input_shape: Height, width and channels; the network's native one when left out.
        num_classes: Number of logits; the network's native one when left out, 0 to stop at ``features``.
        **options: The network's own options, such as ``activation="relu"`` for ``lenet5``.

    Returns:
        A Keras model from images (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        UserError: An unknown name or option, or a size that the network cannot take.
    """
    import cnnzoo.models  # noqa: F401 - registers the zoo, and loads Keras only now
    from cnnzoo import registry

    return registry.build(name, input_shape, num_classes, **options)


def model_names(pattern: str = "*") -> list[str]:
    """Return the names of all networks that match a glob pattern, sorted.

    Args:
        pattern: Such as ``"lenet*"``.
    """
    from fnmatch import fnmatchcase

    import cnnzoo.models  # noqa: F401
    from cnnzoo import registry

    return [name for name in registry.names() if fnmatchcase(name, pattern)]
