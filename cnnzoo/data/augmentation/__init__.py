"""Random changes of training images: vectorised, per image, inside the compiled step, on every backend."""

from typing import Any

import numpy as np
from keras import Variable, ops, random

from cnnzoo.config import AugmentationSection
from cnnzoo.data.augmentation import colour, geometry, mixing
from cnnzoo.data.subsets import Subset

__all__ = ["Augmentation"]


class Augmentation:
    """Draws new changes for every image of every batch.

    The randomness comes from one Keras seed generator, and what alternates from one variable, so an epoch
    can be drawn again from its seed and number.

    Args:
        section: The config's section.
        training: The training images: lighting follows their colours, and an alternating mirror their number.
    """

    def __init__(self, section: AugmentationSection, training: Subset) -> None:
        self.section = section
        self.generator = random.SeedGenerator(0)
        self.alternates = section.mirror == "alternating"
        self.indices = training.indices
        # For each image whether it is mirrored in this epoch.
        mirrored = np.zeros(training.images.shape[0] if self.alternates else 0, "int32")
        self.mirrored = Variable(mirrored, trainable=False, dtype="int32", name="mirrored")
        self.lighting_axes = colour.lighting_axes(training) if section.lighting else None

    def __bool__(self) -> bool:
        """Tell whether anything is changed at all."""
        return self.section != AugmentationSection()

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with others, and so their labels."""
        return bool(self.section.mixup or self.section.cutmix)

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Settle what holds for a whole epoch, from the run's seed and the epoch's number alone."""
        if self.alternates:
            mirrored = np.zeros(self.mirrored.shape, "int32")
            mirrored[self.indices] = np.random.default_rng(seed).integers(0, 2, len(self.indices), dtype="int32")
            self.mirrored.assign((mirrored + epoch) % 2)

    def __call__(self, images: Any, indices: Any) -> Any:
        """Change each image by itself: its geometry, then its colours, then what is cut out.

        Args:
            images: Pixels (batch, height, width, channels), float32, 0 to 255.
            indices: Where they are among the images of the data set (batch,).

        Returns:
            Images of the same shape, 0 to 255.
        """
        section, generator = self.section, self.generator
        batch, (height, width) = ops.shape(images)[0], images.shape[1:3]
        mirror = None
        if self.alternates:
            mirror = ops.cast(ops.take(self.mirrored, indices, axis=0), "float32")
        elif section.mirror:
            mirror = ops.cast(random.uniform((batch,), seed=generator) < 0.5, "float32")
        if geometry.interpolates(section):
            images = geometry.resampled(images, section, mirror, generator)
        elif section.crop or section.mirror:
            images = geometry.cropped(images, section.crop, mirror, generator)
        if colour.changes(section):
            images = colour.changed(images, section, self.lighting_axes, generator)
        if section.cutout:
            images = images * mixing.outside_square(section.cutout, batch, (height, width), generator)
        return images

    def mix(self, images: Any) -> tuple[Any, Any]:
        """Mix each image with the next one of the batch, the last with the first.

        The batch has been shuffled, so the next one is as good as any.

        Args:
            images: Pixels (batch, height, width, channels), float32.

        Returns:
            The mixed images, and the share (batch,), 0 to 1, that an image's own label keeps.
        """
        batch, size = ops.shape(images)[0], images.shape[1:3]
        own = mixing.weights(self.section.mixup, self.section.cutmix, batch, size, self.generator)
        partners = ops.roll(images, -1, axis=0)
        return partners + own * (images - partners), ops.mean(own, axis=(1, 2, 3))
