"""Where each pixel comes from: one map of coordinates, and one look at the image.

The maps go from the new image to the old one, x to the right and y down, in pixels.
"""

import math
from typing import Any

import numpy as np
from keras import ops, random

from cnnzoo.config import AugmentationSection, ElasticSection, ResizedCropSection

# Parts of an image that are drawn; the first that fits inside it is taken, or the first of all, cut to fit.
TRIES = 10


def interpolates(section: AugmentationSection) -> bool:
    """Tell whether pixels come from between the old ones."""
    planar = (section.rotation, section.shift, section.scale, section.squeeze, section.shear)
    return bool(any(planar) or section.elastic or section.resized_crop)


def cropped(images: Any, pad: int, mirror: Any, generator: Any) -> Any:
    """Move each image by whole pixels and mirror it; pixels are copied, and keep their values.

    Args:
        images: Pixels (batch, height, width, channels), float.
        pad: Zeros on each side (pixels) out of which a part of the old size is cut.
        mirror: Of each image (batch,), 1.0 to mirror it and 0.0 not to; None for none.
        generator: The seed generator.
    """
    batch, (height, width, channels) = ops.shape(images)[0], images.shape[1:]
    rows, columns = ops.arange(height)[None], ops.arange(width)[None]
    if mirror is not None:
        columns = ops.where(mirror[:, None] > 0, width - 1 - columns, columns)
    if pad:
        offsets = whole_pixels(batch, pad, generator)
        rows, columns = rows + offsets[:, 1:], columns + offsets[:, :1]
    inside = _within(rows, height)[:, :, None] & _within(columns, width)[:, None, :]
    places = ops.clip(rows, 0, height - 1)[:, :, None] * width + ops.clip(columns, 0, width - 1)[:, None, :]
    places = places + (ops.arange(batch) * (height * width))[:, None, None]
    pixels = ops.take(ops.reshape(images, (-1, channels)), places, axis=0)
    return ops.where(inside[..., None], pixels, 0.0)


def resampled(images: Any, section: AugmentationSection, mirror: Any, generator: Any) -> Any:
    """Change the geometry of each image in one bilinear resampling; what comes in from outside is 0.

    Args:
        images: Pixels (batch, height, width, channels), float.
        section: The config's section.
        mirror: Of each image (batch,), 1.0 to mirror it and 0.0 not to; None for none.
        generator: The seed generator.
    """
    batch, (height, width) = ops.shape(images)[0], images.shape[1:3]
    lines = planar(section, batch, (height, width), mirror, generator)
    if not section.elastic and not section.resized_crop:
        # On TensorFlow one operation, three times as fast as looking up the pixels.
        transforms = ops.stack([*lines, ops.zeros_like(lines[0]), ops.zeros_like(lines[0])], axis=1)
        return ops.image.affine_transform(images, transforms, interpolation="bilinear", fill_mode="constant")
    x, y = ops.arange(width, dtype="float32")[None, None, :], ops.arange(height, dtype="float32")[None, :, None]
    a, b, c, d, e, f = (number[:, None, None] for number in lines)
    columns, rows = a * x + b * y + c, d * x + e * y + f
    if section.elastic:
        moved = displacements(section.elastic, batch, (height, width), generator)
        columns, rows = columns + moved[:, 0], rows + moved[:, 1]
    if section.resized_crop:
        columns, rows = _onto_the_border(columns, width), _onto_the_border(rows, height)
    return looked_up(images, columns, rows)


def planar(section: AugmentationSection, batch: Any, size: tuple[int, int], mirror: Any, generator: Any) -> list[Any]:
    """Draw one affine map for each image, of everything that straight lines survive.

    Shift, scale, squeeze and shear are the distortions of LeCun et al. 1998, section III.A; with rotation, mirror
    and both kinds of crop they are about the image's centre.

    Args:
        section: The config's section.
        batch: Number of images.
        size: Height and width (pixels).
        mirror: Of each image (batch,), 1.0 to mirror it and 0.0 not to; None for none.
        generator: The seed generator.

    Returns:
        Six numbers a to f, each (batch,): the pixel at (x, y) comes from (ax + by + c, dx + ey + f).
    """
    height, width = size
    angle, slant, zoom, squeeze, x_shift, y_shift = _columns(random.uniform((batch, 6), -1.0, 1.0, seed=generator))
    angle = angle * math.radians(section.rotation)
    slant = ops.tan(slant * math.radians(section.shear))
    zoom = ops.exp(zoom * math.log1p(section.scale))
    squeeze = ops.exp(squeeze * math.log1p(section.squeeze))
    x_step, y_step = squeeze / zoom, 1 / (squeeze * zoom)
    x_shift, y_shift = x_shift * section.shift, y_shift * section.shift
    if mirror is not None:
        x_step = x_step * (1 - 2 * mirror)
    if section.crop:
        x_whole, y_whole = _columns(ops.cast(whole_pixels(batch, section.crop, generator), "float32"))
        x_shift, y_shift = x_shift + x_whole, y_shift + y_whole
    if section.resized_crop:
        x_part, y_part, x_centre, y_centre = parts(section.resized_crop, batch, size, generator)
        x_step, y_step = x_step * x_part, y_step * y_part
        x_shift, y_shift = x_shift + x_centre * width, y_shift + y_centre * height
    cosine, sine = ops.cos(angle), ops.sin(angle)
    a, b = cosine * x_step, (slant * cosine - sine) * y_step
    d, e = sine * x_step, (slant * sine + cosine) * y_step
    x, y = (width - 1) / 2, (height - 1) / 2
    return [a, b, x - a * x - b * y + x_shift, d, e, y - d * x - e * y + y_shift]


def whole_pixels(batch: Any, pad: int, generator: Any) -> Any:
    """Draw shifts (batch, 2) of whole pixels, x and y, from -pad to pad."""
    return random.randint((batch, 2), -pad, pad + 1, dtype="int32", seed=generator)


def shrunk(images: Any, scale: float) -> Any:
    """Shrink images, each new pixel being a mean of those around its place (a triangle, as in Pillow's bilinear).

    Args:
        images: Pixels (batch, height, width, channels), float.
        scale: What both sides are multiplied by, below 1.

    Returns:
        Images (batch, new_height, new_width, channels), of the size that ``shrunk_size`` returns.
    """
    size = images.shape[1:3]
    rows, columns = (_means(old, new) for old, new in zip(size, shrunk_size(size, scale), strict=True))
    return ops.einsum("bywc,xw->byxc", ops.einsum("bhwc,yh->bywc", images, rows), columns)


def shrunk_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Return height and width (pixels) times a scale, in whole pixels and at least 1."""
    height, width = (max(1, round(scale * length)) for length in size)
    return height, width


def parts(section: ResizedCropSection, batch: Any, size: tuple[int, int], generator: Any) -> tuple[Any, Any, Any, Any]:
    """Draw parts of images, each the first of ten whose area and aspect fit in.

    Args:
        section: The ranges of area, drawn evenly, and of aspect, drawn evenly in its logarithm.
        batch: Number of images.
        size: Height and width (pixels).
        generator: The seed generator.

    Returns:
        Width, height, and x and y of the centre from the image's centre, each (batch,), in fractions of the
        image's sides.
    """
    height, width = size
    area = random.uniform((batch, TRIES), *section.area, seed=generator)
    least, largest = (math.log(aspect * height / width) for aspect in section.aspect)
    aspect = ops.exp(random.uniform((batch, TRIES), least, largest, seed=generator))
    x_parts, y_parts = ops.sqrt(area * aspect), ops.sqrt(area / aspect)
    fits = ops.cast(ops.maximum(x_parts, y_parts) <= 1, "int32")
    chosen = ops.argmax(fits, axis=1)[:, None]
    x_part, y_part = (
        ops.minimum(ops.take_along_axis(drawn, chosen, axis=1)[:, 0], 1.0) for drawn in (x_parts, y_parts)
    )
    x, y = _columns(random.uniform((batch, 2), -0.5, 0.5, seed=generator))
    return x_part, y_part, x * (1 - x_part), y * (1 - y_part)


def displacements(section: ElasticSection, batch: Any, size: tuple[int, int], generator: Any) -> Any:
    """Draw smooth fields: uniform noise from -1 to 1, smoothed by a Gaussian, times alpha.

    Near the border, where the Gaussian reaches beyond the noise, it is scaled up, so that pixels move as far
    there as in the middle.

    Args:
        section: Alpha, and the Gaussian's sigma in pixels.
        batch: Number of images.
        size: Height and width (pixels).
        generator: The seed generator.

    Returns:
        Displacements (batch, 2, height, width) along x and y, in pixels.
    """
    height, width = size
    noise = random.uniform((batch, 2, height, width), -1.0, 1.0, seed=generator)
    # One axis at a time; the first in one large product of matrices.
    smooth = ops.matmul(ops.reshape(noise, (-1, width)), ops.transpose(gaussian(width, section.sigma)))
    smooth = ops.matmul(gaussian(height, section.sigma), ops.reshape(smooth, (-1, height, width)))
    return section.alpha * ops.reshape(smooth, (-1, 2, height, width))


def gaussian(length: int, sigma: float) -> Any:
    """Return the matrix (length, length) that smooths along one side without changing how far noise spreads."""
    distances = np.arange(length)[:, None] - np.arange(length)
    kernel = np.exp(-0.5 * (distances / sigma) ** 2)
    endless = np.exp(-0.5 * (np.arange(-10 * length, 10 * length + 1) / sigma) ** 2)
    spread = np.sqrt((endless**2).sum()) / endless.sum()
    kernel *= spread / np.sqrt((kernel**2).sum(axis=1, keepdims=True))
    return ops.convert_to_tensor(kernel.astype("float32"))


def looked_up(images: Any, columns: Any, rows: Any) -> Any:
    """Read images between their pixels, bilinearly; what lies outside is 0.

    Args:
        images: Pixels (batch, height, width, channels), float.
        columns: Where to read (batch, new_height, new_width), in pixels.
        rows: The same for rows.

    Returns:
        Images (batch, new_height, new_width, channels).
    """
    batch, (height, width, channels) = ops.shape(images)[0], images.shape[1:]
    # With a border of zeros every place has four neighbours.
    pixels = ops.reshape(ops.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]]), (-1, channels))
    columns, rows = ops.clip(columns + 1, 0, width + 1), ops.clip(rows + 1, 0, height + 1)
    left, upper = ops.minimum(ops.floor(columns), width), ops.minimum(ops.floor(rows), height)
    firsts = (ops.arange(batch) * ((height + 2) * (width + 2)))[:, None, None]
    places = firsts + ops.cast(upper * (width + 2) + left, "int32")
    right, lower = (columns - left)[..., None], (rows - upper)[..., None]

    def between(places: Any) -> Any:
        one, next_one = ops.take(pixels, places, axis=0), ops.take(pixels, places + 1, axis=0)
        return one + right * (next_one - one)

    above, below = between(places), between(places + width + 2)
    return above + lower * (below - above)


def _means(length: int, new_length: int) -> Any:
    """Return the matrix (new_length, length) that shrinks one side."""
    step = length / new_length
    centres = (np.arange(new_length) + 0.5) * step - 0.5
    weights = np.maximum(0.0, 1 - np.abs(np.arange(length) - centres[:, None]) / step)
    return ops.convert_to_tensor((weights / weights.sum(axis=1, keepdims=True)).astype("float32"))


def _onto_the_border(places: Any, length: int) -> Any:
    """Move places that lie in the outer half of the border's pixels to their middle: enlarged, they should not fade."""
    inside = (places >= -0.5) & (places <= length - 0.5)
    return ops.where(inside, ops.clip(places, 0, length - 1), places)


def _within(places: Any, length: int) -> Any:
    return (places >= 0) & (places < length)


def _columns(drawn: Any) -> list[Any]:
    """Return the columns of numbers (batch, count), each (batch,)."""
    return [drawn[:, column] for column in range(drawn.shape[1])]
