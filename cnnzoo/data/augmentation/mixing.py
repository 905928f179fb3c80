"""Parts of images left out (cutout), and images mixed with others (mixup, cutmix)."""

from typing import Any

from keras import ops, random


def outside_square(side: int, batch: Any, size: tuple[int, int], generator: Any) -> Any:
    """Draw a square for each image, its centre anywhere in it, so that part of the square may lie outside.

    DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017,
    section 3.2. The square becomes black, where theirs, cut out of normalized images, has the mean colour.

    Args:
        side: Of the square, in pixels.
        batch: Number of images.
        size: Height and width of the images (pixels).
        generator: The seed generator.

    Returns:
        Masks (batch, height, width, 1): 0.0 in the square and 1.0 around it.
    """
    sides = ops.full((batch,), float(side))
    return 1 - rectangles(sides, sides, size, generator)


def weights(mixup: float | None, cutmix: float | None, batch: Any, size: tuple[int, int], generator: Any) -> Any:
    """Draw the weight of each image's own pixels in a mixture with another image.

    Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, section 2: the same share
    everywhere. Yun et al., "CutMix", ICCV 2019, section 3.1: 0 in a rectangle and 1 around it; the area is
    drawn, the centre lies anywhere, and what lies outside does not count. With both, a coin decides.

    Args:
        mixup: Alpha of the share's Beta(alpha, alpha); None for no mixup.
        cutmix: Alpha of the area's; None for no cutmix.
        batch: Number of images.
        size: Height and width of the images (pixels).
        generator: The seed generator.

    Returns:
        Weights (batch, height, width, 1), 0 to 1.
    """
    if cutmix is None:
        assert mixup is not None
        return ops.tile(shares(mixup, batch, generator)[:, None, None, None], (1, *size, 1))
    height, width = size
    side = ops.sqrt(1 - shares(cutmix, batch, generator))
    cut = 1 - rectangles(ops.round(side * height), ops.round(side * width), size, generator)
    if mixup is None:
        return cut
    coin = random.uniform((batch, 1, 1, 1), seed=generator) < 0.5
    return ops.where(coin, shares(mixup, batch, generator)[:, None, None, None], cut)


def shares(alpha: float, batch: Any, generator: Any) -> Any:
    """Draw from Beta(alpha, alpha), (batch,)."""
    return random.beta((batch,), alpha, alpha, seed=generator)


def rectangles(heights: Any, widths: Any, size: tuple[int, int], generator: Any) -> Any:
    """Draw rectangles of whole pixels with their centres anywhere in the images.

    Args:
        heights: Their heights (batch,), whole pixels.
        widths: Their widths (batch,), whole pixels.
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
