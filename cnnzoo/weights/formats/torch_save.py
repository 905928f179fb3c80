"""A program that has PyTorch write a state dict, in a process apart from Keras.

Arguments: an .npz file with the names of the tensors and then each tensor, and the file to write.
"""

import sys
from collections import OrderedDict

import numpy as np
import torch

if __name__ == "__main__":
    source, target = sys.argv[1:]
    with np.load(source) as arrays, open(target, "wb") as file:  # noqa: PTH123 - a path's name would get into the file
        names, *tensors = (arrays[member] for member in arrays.files)
        torch.save(OrderedDict(zip(names.tolist(), map(torch.from_numpy, tensors), strict=True)), file)
