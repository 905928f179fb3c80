"""Pictures of the lab."""

from cnnzoo.pictures.lab.filters import draw_filter
from cnnzoo.pictures.lab.grids import draw_windows
from cnnzoo.pictures.lab.matrices import draw_dense_beside, draw_matrix
from cnnzoo.pictures.lab.models import (
    draw_embedding,
    draw_excitations,
    draw_features,
    draw_invariance,
    draw_kernels,
    draw_saliency,
)
from cnnzoo.pictures.lab.networks import draw_channels, draw_receptive_fields, draw_savings

__all__ = [
    "draw_channels",
    "draw_dense_beside",
    "draw_embedding",
    "draw_excitations",
    "draw_features",
    "draw_filter",
    "draw_invariance",
    "draw_kernels",
    "draw_matrix",
    "draw_receptive_fields",
    "draw_saliency",
    "draw_savings",
    "draw_windows",
]
