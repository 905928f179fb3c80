"""Changes of colour: one matrix and one offset for each image."""

import math
from typing import Any

import numpy as np
from keras import ops, random
from numpy.typing import NDArray

from cnnzoo.config import AugmentationSection
from cnnzoo.data.subsets import Subset

# Luma of ITU-R BT.601, and NTSC's colour space YIQ: Y is the luma, and I and Q are the colour without it.
LUMA = np.array([0.299, 0.587, 0.114])
YIQ = np.array([LUMA, [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
# The largest number of images that the principal components are computed from.
SAMPLE = 10_000


def changes_colours(section: AugmentationSection) -> bool:
    """Return whether colours change at all."""
    return any((section.brightness, section.contrast, section.saturation, section.hue, section.lighting))


def compute_lighting_axes(training: Subset, sample: int = SAMPLE) -> NDArray[np.float32]:
    """Compute the three colours that AlexNet's lighting adds, each times a random number.

    Krizhevsky et al. 2012, section 4.1: eigenvectors of the 3x3 covariance of RGB, each times its eigenvalue. The paper
    does not state the range of the pixels. It is 0..1 here, because the paper's deviation of 0.1 then changes pixels by
    a few levels of 255.

    Args:
        training: The training images, in colour.
        sample: The largest number of images that are read, evenly spaced.

    Returns:
        The components as rows (3, 3), in levels of 0 to 255.
    """
    indices = np.linspace(0, len(training) - 1, min(len(training), sample)).astype(int)
    moments, total, count = np.zeros((3, 3)), np.zeros(3), 0
    for part in np.array_split(indices, math.ceil(len(indices) / 100)):
        pixels = training.images.take(training.indices[part]).reshape(-1, 3) / 255.0
        moments, total, count = moments + pixels.T @ pixels, total + pixels.sum(axis=0), count + len(pixels)
    mean = total / count
    values, vectors = np.linalg.eigh(moments / count - np.outer(mean, mean))
    axes: NDArray[np.float32] = (255 * values[:, None] * vectors.T).astype("float32")
    return axes


def change_colours(images: Any, section: AugmentationSection, axes: NDArray[np.float32] | None, generator: Any) -> Any:
    """Change brightness, contrast, saturation, hue and lighting, in this order, and clip to 0..255.

    The hue is turned in YIQ, where that is linear. Saturation and hue do not change greys, so all changes together are
    one matrix and one offset.

    Args:
        images: Pixels (batch, height, width, channels), float, 0 to 255. Saturation, hue and lighting need three
            channels.
        section: The config's section.
        axes: From ``compute_lighting_axes``; None without lighting.
        generator: The seed generator.
    """
    batch, channels = ops.shape(images)[0], images.shape[-1]
    draws = random.uniform((batch, 4), -1.0, 1.0, seed=generator)
    brightness, contrast, saturation = (
        1 + draws[:, n] * limit for n, limit in enumerate((section.brightness, section.contrast, section.saturation))
    )
    offset = ops.zeros((batch, 1), "float32")
    if section.contrast:
        luma = _to_tensor(LUMA if channels == 3 else np.full(channels, 1 / channels))
        grey = ops.sum(ops.mean(images, axis=(1, 2)) * luma, axis=1)
        offset = ((1 - contrast) * brightness * grey)[:, None]
    scale = (brightness * contrast)[:, None, None]
    if section.saturation or section.hue:
        matrices = _make_colour_matrices(saturation, draws[:, 3] * (2 * math.pi * section.hue))
        images = ops.reshape(ops.matmul(ops.reshape(images, (batch, -1, 3)), scale * matrices), ops.shape(images))
    else:
        images = images * scale[..., None]
    if axes is not None:
        offset = offset + ops.matmul(random.normal((batch, 3), stddev=section.lighting, seed=generator), axes)
    return ops.clip(images + offset[:, None, None, :], 0.0, 255.0)


def _make_colour_matrices(saturation: Any, angle: Any) -> Any:
    """Return matrices (batch, 3, 3) for rows of RGB that turn the hue by an angle and multiply the saturation."""
    back = np.linalg.inv(YIQ)
    # In YIQ the luma stays, and (I, Q) are turned and stretched. The matrix is a sum of three constant ones, so that a
    # large batch costs little.
    stay, stretch, turn = np.diag([1.0, 0, 0]), np.diag([0.0, 1, 1]), np.array([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    kept, along, across = (_to_tensor((back @ part @ YIQ).T) for part in (stay, stretch, turn))
    along_by, across_by = saturation * ops.cos(angle), saturation * ops.sin(angle)
    return kept + along_by[:, None, None] * along + across_by[:, None, None] * across


def _to_tensor(numbers: NDArray[np.float64]) -> Any:
    """Return a tensor of the backend; torch does not multiply NumPy's arrays."""
    return ops.convert_to_tensor(numbers, dtype="float32")
