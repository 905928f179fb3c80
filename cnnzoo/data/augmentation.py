"""Random changes of training images: vectorised, per image, inside the compiled step."""

import math
from typing import Any

from keras import ops, random

from cnnzoo.config import AugmentationSection


class Augmentation:
    """Draws new changes for every image of every batch.

    The randomness comes from one Keras seed generator, so an epoch can be drawn again from its seed.

    Args:
        section: The config's section.
    """

    def __init__(self, section: AugmentationSection) -> None:
        self.section = section
        self.generator = random.SeedGenerator(0)

    def __bool__(self) -> bool:
        """Tell whether anything is changed at all."""
        return bool(self.section.rotation or self.section.shift)

    def __call__(self, images: Any) -> Any:
        """Rotate each image about its centre and shift it, in one bilinear resampling.

        Args:
            images: Pixels (batch, height, width, channels), float.

        Returns:
            Images of the same shape; what comes in from outside is 0.
        """
        batch, (height, width) = ops.shape(images)[0], images.shape[1:3]
        draws = random.uniform((batch, 3), -1.0, 1.0, seed=self.generator)
        angle = draws[:, 0] * math.radians(self.section.rotation)
        cosine, sine = ops.cos(angle), ops.sin(angle)
        x, y = (width - 1) / 2, (height - 1) / 2
        x_shift = x - cosine * x + sine * y + draws[:, 1] * self.section.shift
        y_shift = y - sine * x - cosine * y + draws[:, 2] * self.section.shift
        zero = ops.zeros_like(angle)
        transforms = ops.stack([cosine, -sine, x_shift, sine, cosine, y_shift, zero, zero], axis=1)
        return ops.image.affine_transform(images, transforms, interpolation="bilinear", fill_mode="constant")
