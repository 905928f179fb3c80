"""Cutout, which makes a square of each image black, and mixup and cutmix, which mix images."""

from typing import Any

from keras import ops, random


def draw_cutout_masks(side: int, batch: Any, size: tuple[int, int], generator: Any) -> Any:
    """Draw a square for each image. Its centre is anywhere in the image, so part of it may be outside.

    DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017, section 3.2. Here
    the square is black. Theirs has the mean colour, because they cut it out of normalized images.

    Args:
        side: Side of the square, in pixels.
        batch: Number of images.
        size: Height and width of the images (pixels).
        generator: The seed generator.

    Returns:
        Masks (batch, height, width, 1): 0.0 in the square and 1.0 around it.
    """
    sides = ops.full((batch,), float(side))
    return 1 - draw_rectangles(sides, sides, size, generator)


def draw_weights(mixup: float | None, cutmix: float | None, batch: Any, size: tuple[int, int], generator: Any) -> Any:
    """Draw the weight of each image's own pixels in a mixture with another image.

    Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, section 2: the same weight for all pixels.
    Yun et al., "CutMix", ICCV 2019, section 3.1: 0 in a rectangle of random area and 1 around it. Its centre is
    anywhere in the image, so part of it may be outside. With both, chance decides for each image.

    Args:
        mixup: Alpha of mixup's Beta(alpha, alpha); None for no mixup.
        cutmix: Alpha of cutmix's Beta(alpha, alpha); None for no cutmix.
        batch: Number of images.
        size: Height and width of the images (pixels).
        generator: The seed generator.

    Returns:
        Weights (batch, height, width, 1), 0 to 1.
    """
    if cutmix is None:
        assert mixup is not None
        return ops.tile(draw_shares(mixup, batch, generator)[:, None, None, None], (1, *size, 1))
    height, width = size
    side = ops.sqrt(1 - draw_shares(cutmix, batch, generator))
    cut = 1 - draw_rectangles(ops.round(side * height), ops.round(side * width), size, generator)
    if mixup is None:
        return cut
    coin = random.uniform((batch, 1, 1, 1), seed=generator) < 0.5
    return ops.where(coin, draw_shares(mixup, batch, generator)[:, None, None, None], cut)


def draw_shares(alpha: float, batch: Any, generator: Any) -> Any:
    """Draw a number (batch,) for each image from Beta(alpha, alpha)."""
    return random.beta((batch,), alpha, alpha, seed=generator)


def draw_rectangles(heights: Any, widths: Any, size: tuple[int, int], generator: Any) -> Any:
    """Draw a rectangle of whole pixels for each image; its centre is anywhere in the image.

    Args:
        heights: Heights of the rectangles (batch,), whole pixels.
        widths: Widths of the rectangles (batch,), whole pixels.
        size: Height and width of the images (pixels).
        generator: The seed generator.

    Returns:
        Masks (batch, height, width, 1): 1.0 inside and 0.0 outside.
    """
    centres = random.uniform((ops.shape(heights)[0], 2), seed=generator)

    def spans(lengths: Any, centres: Any, length: int) -> Any:
        first = ops.floor(centres * length - lengths / 2 + 0.5)[:, None]
        pixels = ops.arange(length, dtype="float32")[None]
        return (pixels >= first) & (pixels < first + lengths[:, None])

    rows, columns = spans(heights, centres[:, 0], size[0]), spans(widths, centres[:, 1], size[1])
    return ops.cast(rows[:, :, None, None] & columns[:, None, :, None], "float32")
