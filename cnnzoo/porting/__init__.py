"""Weights of torchvision and keras.applications, read into our networks and written from them.

Importing this package loads nothing heavy; the first use of a name below imports Keras.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnzoo.porting.class_names import (
        ClassNames,
        imagenet_class_names,
        read_class_names,
    )
    from cnnzoo.porting.exporting import export_weights
    from cnnzoo.porting.importing import Imported, import_weights
    from cnnzoo.porting.saving import save_model

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
    "exporting": ("export_weights",),
    "importing": ("Imported", "import_weights"),
    "saving": ("save_model",),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"cnnzoo.porting.{module}"), name)
    raise AttributeError(f"module 'cnnzoo.porting' has no attribute {name!r}")
