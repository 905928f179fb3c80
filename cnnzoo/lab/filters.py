"""Fixed kernels on photographs, by Keras."""

from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnzoo.errors import UserError


def apply_filter(image: ArrayLike, kernel: ArrayLike, *, flip: bool = False) -> NDArray[Any]:
    """Filter an image with a fixed kernel, each channel by itself; the output has the size of the image.

    The border is mirrored with its last pixel repeated (scipy's "symm"), as in the lecture.

    Args:
        image: Numbers (height, width) or (height, width, channels).
        kernel: Weights (height, width).
        flip: Flip the kernel, which is convolution in mathematics; otherwise cross-correlation, as in networks.

    Returns:
        Numbers of the image's shape, float32, not clipped.

    Raises:
        UserError: The image or the kernel has other axes, or the kernel is larger than the image.
    """
    pixels, weights = np.asarray(image, "float32"), np.asarray(kernel, "float32")
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise UserError(f"An image has the axes (height, width) or (height, width, channels), not {pixels.shape}.")
    if weights.ndim != 2 or not weights.size:
        raise UserError(f"A kernel has the axes (height, width), not {weights.shape}.")
    if any(weight > size for weight, size in zip(weights.shape, pixels.shape, strict=False)):
        shapes = ["x".join(map(str, shape)) for shape in (weights.shape, pixels.shape[:2])]
        raise UserError(f"A kernel of {shapes[0]} is larger than the image of {shapes[1]}.")
    if flip:
        weights = np.flip(weights)
    planes = np.atleast_3d(pixels).transpose(2, 0, 1)[..., None]  # each channel as an image of its own
    # The middle of an even kernel lies between two pixels. As in scipy, the one before it counts, and is flipped too.
    before = [side // 2 if flip else (side - 1) // 2 for side in weights.shape]
    margins = [(0, 0), *((b, side - 1 - b) for b, side in zip(before, weights.shape, strict=True)), (0, 0)]
    padded = np.pad(planes, margins, mode="symmetric")
    filtered = keras.ops.conv(padded, weights[..., None, None], padding="valid", data_format="channels_last")
    result: NDArray[Any] = keras.ops.convert_to_numpy(filtered)[..., 0].transpose(1, 2, 0).reshape(pixels.shape)
    return result
