"""The networks, one module per paper."""

from cnnzoo.models.lenet import lenet5, lenet5_1998

__all__ = ["lenet5", "lenet5_1998"]
