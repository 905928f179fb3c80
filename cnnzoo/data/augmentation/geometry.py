"""Changes of geometry, which resample each image at most once.

Maps of coordinates go from the new image to the old one, x to the right and y down, in pixels.
"""

import math
from typing import Any

import numpy as np
from keras import ops, random

from cnnzoo.config import AugmentationSection, ElasticSection, ResizedCropSection

# Number of random crops to try; the first that fits is used.
TRIES = 10


def interpolates(section: AugmentationSection) -> bool:
    """Return whether pixel values are interpolated."""
    limits = (section.rotation, section.shift, section.scale, section.squeeze, section.shear)
    return bool(any(limits) or section.elastic or section.resized_crop)


def crop_images(images: Any, pad: int, mirror: Any, generator: Any) -> Any:
    """Crop each image at random after zeros are added around it, and mirror it; pixels keep their values.

    Args:
        images: Pixels (batch, height, width, channels), float.
        pad: Pixels of zeros to add on each side.
        mirror: 1.0 for each image to mirror, 0.0 for the others (batch,); None to mirror none.
        generator: The seed generator.
    """
    batch, (height, width, channels) = ops.shape(images)[0], images.shape[1:]
    rows, columns = ops.arange(height)[None], ops.arange(width)[None]
    if mirror is not None:
        columns = ops.where(mirror[:, None] > 0, width - 1 - columns, columns)
    if pad:
        offsets = draw_whole_shifts(batch, pad, generator)
        rows, columns = rows + offsets[:, 1:], columns + offsets[:, :1]
    inside = _is_inside(rows, height)[:, :, None] & _is_inside(columns, width)[:, None, :]
    places = ops.clip(rows, 0, height - 1)[:, :, None] * width + ops.clip(columns, 0, width - 1)[:, None, :]
    places = places + (ops.arange(batch) * (height * width))[:, None, None]
    pixels = ops.take(ops.reshape(images, (-1, channels)), places, axis=0)
    return ops.where(inside[..., None], pixels, 0.0)


def resample(images: Any, section: AugmentationSection, mirror: Any, generator: Any) -> Any:
    """Change the geometry of each image in one bilinear resampling; pixels from outside the image are 0.

    Args:
        images: Pixels (batch, height, width, channels), float.
        section: The config's section.
        mirror: 1.0 for each image to mirror, 0.0 for the others (batch,); None to mirror none.
        generator: The seed generator.
    """
    batch, (height, width) = ops.shape(images)[0], images.shape[1:3]
    maps = draw_affine_maps(section, batch, (height, width), mirror, generator)
    if not section.elastic and not section.resized_crop:
        # One operation on TensorFlow, three times as fast as ``sample_pixels``.
        transforms = ops.stack([*maps, ops.zeros_like(maps[0]), ops.zeros_like(maps[0])], axis=1)
        return ops.image.affine_transform(images, transforms, interpolation="bilinear", fill_mode="constant")
    x, y = ops.arange(width, dtype="float32")[None, None, :], ops.arange(height, dtype="float32")[None, :, None]
    a, b, c, d, e, f = (number[:, None, None] for number in maps)
    columns, rows = a * x + b * y + c, d * x + e * y + f
    if section.elastic:
        moved = draw_displacements(section.elastic, batch, (height, width), generator)
        columns, rows = columns + moved[:, 0], rows + moved[:, 1]
    if section.resized_crop:
        columns, rows = _move_onto_border(columns, width), _move_onto_border(rows, height)
    return sample_pixels(images, columns, rows)


def draw_affine_maps(
    section: AugmentationSection, batch: Any, size: tuple[int, int], mirror: Any, generator: Any
) -> list[Any]:
    """Draw one affine map for each image: every change of geometry but the elastic distortion.

    Shift, scale, squeeze and shear are the distortions of LeCun et al. 1998, section III.A. Rotation, mirror and both
    kinds of crop are added. All but shifts and crops keep the image's
    centre in its place.

    Args:
        section: The config's section.
        batch: Number of images.
        size: Height and width (pixels).
        mirror: 1.0 for each image to mirror, 0.0 for the others (batch,); None to mirror none.
        generator: The seed generator.

    Returns:
        Six numbers a to f, each (batch,): the pixel at (x, y) comes from (ax + by + c, dx + ey + f).
    """
    height, width = size
    angle, slant, zoom, squeeze, x_shift, y_shift = _split_columns(
        random.uniform((batch, 6), -1.0, 1.0, seed=generator)
    )
    angle = angle * math.radians(section.rotation)
    slant = ops.tan(slant * math.radians(section.shear))
    zoom = ops.exp(zoom * math.log1p(section.scale))
    squeeze = ops.exp(squeeze * math.log1p(section.squeeze))
    x_step, y_step = squeeze / zoom, 1 / (squeeze * zoom)
    x_shift, y_shift = x_shift * section.shift, y_shift * section.shift
    if mirror is not None:
        x_step = x_step * (1 - 2 * mirror)
    if section.crop:
        x_whole, y_whole = _split_columns(ops.cast(draw_whole_shifts(batch, section.crop, generator), "float32"))
        x_shift, y_shift = x_shift + x_whole, y_shift + y_whole
    if section.resized_crop:
        crop_width, crop_height, x_centre, y_centre = draw_crops(section.resized_crop, batch, size, generator)
        x_step, y_step = x_step * crop_width, y_step * crop_height
        x_shift, y_shift = x_shift + x_centre * width, y_shift + y_centre * height
    cosine, sine = ops.cos(angle), ops.sin(angle)
    a, b = cosine * x_step, (slant * cosine - sine) * y_step
    d, e = sine * x_step, (slant * sine + cosine) * y_step
    x, y = (width - 1) / 2, (height - 1) / 2
    return [a, b, x - a * x - b * y + x_shift, d, e, y - d * x - e * y + y_shift]


def draw_whole_shifts(batch: Any, pad: int, generator: Any) -> Any:
    """Draw a shift (batch, 2) in whole pixels for each image, x and y, from -pad to pad."""
    return random.randint((batch, 2), -pad, pad + 1, dtype="int32", seed=generator)


def shrink(images: Any, scale: float) -> Any:
    """Shrink images with a triangular filter, as Pillow's bilinear resampling does.

    Args:
        images: Pixels (batch, height, width, channels), float.
        scale: What both sides are multiplied by, below 1.

    Returns:
        Images (batch, new_height, new_width, channels), of the size that ``shrunk_size`` returns.
    """
    size = images.shape[1:3]
    rows, columns = (_make_shrinking_matrix(old, new) for old, new in zip(size, shrunk_size(size, scale), strict=True))
    return ops.einsum("bywc,xw->byxc", ops.einsum("bhwc,yh->bywc", images, rows), columns)


def shrunk_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Return height and width (pixels) times a scale, in whole pixels and at least 1."""
    height, width = (max(1, round(scale * length)) for length in size)
    return height, width


def draw_crops(
    section: ResizedCropSection, batch: Any, size: tuple[int, int], generator: Any
) -> tuple[Any, Any, Any, Any]:
    """Draw a crop for each image: of ten random ones the first that fits into it, or the first one cut to fit.

    Args:
        section: The range of the area, which is uniform, and of the aspect, whose logarithm is uniform.
        batch: Number of images.
        size: Height and width (pixels).
        generator: The seed generator.

    Returns:
        Width, height, and x and y of the crop's centre from the image's centre, each (batch,), as fractions of
        the image's sides.
    """
    height, width = size
    area = random.uniform((batch, TRIES), *section.area, seed=generator)
    least, largest = (math.log(aspect * height / width) for aspect in section.aspect)
    aspect = ops.exp(random.uniform((batch, TRIES), least, largest, seed=generator))
    widths, heights = ops.sqrt(area * aspect), ops.sqrt(area / aspect)
    fits = ops.cast(ops.maximum(widths, heights) <= 1, "int32")
    first_fit = ops.argmax(fits, axis=1)[:, None]
    crop_width, crop_height = (
        ops.minimum(ops.take_along_axis(sides, first_fit, axis=1)[:, 0], 1.0) for sides in (widths, heights)
    )
    x, y = _split_columns(random.uniform((batch, 2), -0.5, 0.5, seed=generator))
    return crop_width, crop_height, x * (1 - crop_width), y * (1 - crop_height)


def draw_displacements(section: ElasticSection, batch: Any, size: tuple[int, int], generator: Any) -> Any:
    """Draw how far an elastic distortion moves each pixel: uniform noise, -1 to 1, smoothed by a Gaussian, times alpha.

    Near the border, where the Gaussian extends beyond the noise, it is scaled up, so that pixels move as far there as
    in the middle.

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
    # One axis at a time; the first is one large matrix product.
    smooth = ops.matmul(ops.reshape(noise, (-1, width)), ops.transpose(make_smoothing_matrix(width, section.sigma)))
    smooth = ops.matmul(make_smoothing_matrix(height, section.sigma), ops.reshape(smooth, (-1, height, width)))
    return section.alpha * ops.reshape(smooth, (-1, 2, height, width))


def make_smoothing_matrix(length: int, sigma: float) -> Any:
    """Return the matrix (length, length) that smooths along one side, with the same deviation of noise everywhere."""
    distances = np.arange(length)[:, None] - np.arange(length)
    kernel = np.exp(-0.5 * (distances / sigma) ** 2)
    endless = np.exp(-0.5 * (np.arange(-10 * length, 10 * length + 1) / sigma) ** 2)
    spread = np.sqrt((endless**2).sum()) / endless.sum()
    kernel *= spread / np.sqrt((kernel**2).sum(axis=1, keepdims=True))
    return ops.convert_to_tensor(kernel.astype("float32"))


def sample_pixels(images: Any, columns: Any, rows: Any) -> Any:
    """Read pixel values at positions between pixels by bilinear interpolation; outside the image they are 0.

    Args:
        images: Pixels (batch, height, width, channels), float.
        columns: x of each position (batch, new_height, new_width), in pixels.
        rows: y of each position, in the same way.

    Returns:
        Images (batch, new_height, new_width, channels).
    """
    batch, (height, width, channels) = ops.shape(images)[0], images.shape[1:]
    # With a border of zeros every position has four neighbours.
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


def _make_shrinking_matrix(length: int, new_length: int) -> Any:
    """Return the matrix (new_length, length) that shrinks one side of an image."""
    step = length / new_length
    centres = (np.arange(new_length) + 0.5) * step - 0.5
    weights = np.maximum(0.0, 1 - np.abs(np.arange(length) - centres[:, None]) / step)
    return ops.convert_to_tensor((weights / weights.sum(axis=1, keepdims=True)).astype("float32"))


def _move_onto_border(places: Any, length: int) -> Any:
    """Move positions in the outer half of a border pixel to its middle, so that an enlarged border does not fade."""
    inside = (places >= -0.5) & (places <= length - 0.5)
    return ops.where(inside, ops.clip(places, 0, length - 1), places)


def _is_inside(places: Any, length: int) -> Any:
    return (places >= 0) & (places < length)


def _split_columns(numbers: Any) -> list[Any]:
    """Return the columns of numbers (batch, count), each (batch,)."""
    return [numbers[:, column] for column in range(numbers.shape[1])]
