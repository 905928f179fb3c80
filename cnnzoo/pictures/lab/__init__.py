"""Pictures of the lab."""

from cnnzoo.pictures.lab.filters import draw_filter
from cnnzoo.pictures.lab.grids import draw_matrix, draw_windows

__all__ = ["draw_filter", "draw_matrix", "draw_windows"]
