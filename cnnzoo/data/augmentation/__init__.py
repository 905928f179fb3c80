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

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Decide what holds for a whole epoch, by the run's seed and the epoch's number alone."""
        if self.alternates:
            mirrored = np.zeros(self.mirrored.shape, "int32")
            mirrored[self.indices] = np.random.default_rng(seed).integers(0, 2, len(self.indices), dtype="int32")
            self.mirrored.assign((mirrored + epoch) % 2)

    def __call__(self, images: Any, targets: Any, indices: Any, scale: float = 1.0) -> tuple[Any, Any]:
        """Change each image by itself (geometry, colours, cutout), shrink all, and mix each with another one.

        Args:
            images: Pixels (batch, height, width, channels), float32, 0 to 255.
            targets: Probabilities of the classes (batch, num_classes), float32.
            indices: Where the images are among the images of the data set (batch,).
            scale: Factor of the images' sides, at most 1.

        Returns:
            The images, 0 to 255, and their targets.
        """
        images = self._change(images, indices)
        if scale < 1:
            images = geometry.shrunk(images, scale)
        if self.section.mixup or self.section.cutmix:
            images, targets = self._mix(images, targets)
        return images, targets

    def _change(self, images: Any, indices: Any) -> Any:
        """Change the geometry of each image, then its colours, then cut a square out."""
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

    def _mix(self, images: Any, targets: Any) -> tuple[Any, Any]:
        """Mix each image, and its target, with the next one of the batch, the last with the first.

        The batch has been shuffled, so the next one is as good as any. Cross-entropy is linear in its targets: mixing
        them mixes the losses of both labels.
        """
        batch, size = ops.shape(images)[0], images.shape[1:3]
        weights = mixing.weights(self.section.mixup, self.section.cutmix, batch, size, self.generator)
        share = ops.mean(weights, axis=(1, 2, 3))[:, None]
        partners, partner_targets = ops.roll(images, -1, axis=0), ops.roll(targets, -1, axis=0)
        return partners + weights * (images - partners), partner_targets + share * (targets - partner_targets)
