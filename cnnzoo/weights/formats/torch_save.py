"""The program that has PyTorch write a state dict, in a process of its own, where PyTorch does not meet Keras.

Arguments: an .npz file of the tensors by name, and the file to write.
"""

import sys
from collections import OrderedDict

import numpy as np
import torch

if __name__ == "__main__":
    source, target = sys.argv[1:]
    with np.load(source) as arrays, open(target, "wb") as file:  # noqa: PTH123 - a path's name would get into the file
        torch.save(OrderedDict((name, torch.from_numpy(arrays[name])) for name in arrays.files), file)
