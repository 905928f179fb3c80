"""Weights of torchvision and keras.applications, read into our networks and written from them.

Importing this package loads nothing heavy; the first use of a name below imports Keras.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnzoo.weights.class_names import ClassNames, imagenet_class_names, read_class_names
    from cnnzoo.weights.exporter import export_weights
    from cnnzoo.weights.importer import Imported, import_weights
    from cnnzoo.weights.model_file import save_model

__all__ = [
    "ClassNames",
    "Imported",
    "export_weights",
    "imagenet_class_names",
    "import_weights",
    "read_class_names",
    "save_model",
]

_MODULES = {
    "class_names": ("ClassNames", "imagenet_class_names", "read_class_names"),
    "exporter": ("export_weights",),
    "importer": ("Imported", "import_weights"),
    "model_file": ("save_model",),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"cnnzoo.weights.{module}"), name)
    raise AttributeError(f"module 'cnnzoo.weights' has no attribute {name!r}")
