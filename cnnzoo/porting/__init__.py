"""Weights of torchvision and keras.applications, read into our networks and written from them."""

from cnnzoo.porting.exporting import export_weights
from cnnzoo.porting.importing import Imported, import_weights
from cnnzoo.porting.saving import imagenet_class_names, read_class_names, save_model

__all__ = ["Imported", "export_weights", "imagenet_class_names", "import_weights", "read_class_names", "save_model"]
