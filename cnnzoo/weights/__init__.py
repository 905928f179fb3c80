"""Weights of torchvision and keras.applications: imported into our networks and exported from them.

Importing this package loads nothing heavy; the first use of a name below imports Keras.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnzoo.weights.class_names import ClassNames, imagenet_class_names, read_class_names
    from cnnzoo.weights.exporter import export_weights
    from cnnzoo.weights.importer import ImportedNetwork, import_weights, save_model

__all__ = [
    "ClassNames",
    "ImportedNetwork",
    "export_weights",
    "imagenet_class_names",
    "import_weights",
    "read_class_names",
    "save_model",
]

_MODULES = {
    "export_weights": "exporter",
    **dict.fromkeys(("ImportedNetwork", "import_weights", "save_model"), "importer"),
}


def __getattr__(name: str) -> Any:
    """Import the module that defines a name."""
    if name not in __all__:
        raise AttributeError(f"module 'cnnzoo.weights' has no attribute {name!r}")
    return getattr(import_module(f"cnnzoo.weights.{_MODULES.get(name, 'class_names')}"), name)
