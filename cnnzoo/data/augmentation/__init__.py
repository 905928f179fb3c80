"""Random changes of training images, different for each image and computed in the compiled training step."""

from typing import Any

import numpy as np
from keras import Variable, ops, random

from cnnzoo.config import AugmentationSection
from cnnzoo.data.augmentation import boards, colour, geometry, mixing
from cnnzoo.data.subsets import Subset

__all__ = ["Augmentation"]


class Augmentation:
    """Changes every image of every batch at random.

    The random numbers come from one Keras seed generator, and the alternating mirror from one variable. So the changes
    of an epoch can be repeated from the seed and the epoch's number.

    Args:
        section: The config's section.
        training: The training images. Lighting uses their colours, and an alternating mirror their number.
    """

    def __init__(self, section: AugmentationSection, training: Subset) -> None:
        self.section = section
        self.generator = random.SeedGenerator(0)
        self.alternates = section.mirror == "alternating"
        self.indices = training.indices
        # 1 for each image that is mirrored in this epoch, 0 for the others.
        mirrored = np.zeros(training.images.shape[0] if self.alternates else 0, "int32")
        self.mirrored = Variable(mirrored, trainable=False, dtype="int32", name="mirrored")
        self.lighting_axes = colour.compute_lighting_axes(training) if section.lighting else None

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Choose the images that an alternating mirror mirrors in an epoch, by the run's seed and its number."""
        if self.alternates:
            mirrored = np.zeros(self.mirrored.shape, "int32")
            mirrored[self.indices] = np.random.default_rng(seed).integers(0, 2, len(self.indices), dtype="int32")
            self.mirrored.assign((mirrored + epoch) % 2)

    def __call__(self, images: Any, targets: Any, indices: Any, scale: float = 1.0) -> tuple[Any, Any]:
        """Change each image (geometry, colours, cutout), shrink all of them, and mix each with another one.

        Boards of Go are turned, and nothing else.

        Args:
            images: Pixels (batch, height, width, channels), float32, 0 to 255; or packed planes of boards, uint8.
            targets: Probabilities of the classes (batch, num_classes), float32.
            indices: The positions of the images in the data set (batch,).
            scale: Factor of the images' sides, at most 1.

        Returns:
            The images, 0 to 255, and their targets.
        """
        if self.section.symmetries:
            return boards.turn(images, targets, self.generator)
        images = self._change(images, indices)
        if scale < 1:
            images = geometry.shrink(images, scale)
        if self.section.mixup or self.section.cutmix:
            images, targets = self._mix(images, targets)
        return images, targets

    def _change(self, images: Any, indices: Any) -> Any:
        """Change the geometry of each image, then its colours, then make a square of it black."""
        section, generator = self.section, self.generator
        batch, (height, width) = ops.shape(images)[0], images.shape[1:3]
        mirror = None
        if self.alternates:
            mirror = ops.cast(ops.take(self.mirrored, indices, axis=0), "float32")
        elif section.mirror:
            mirror = ops.cast(random.uniform((batch,), seed=generator) < 0.5, "float32")
        if geometry.interpolates(section):
            images = geometry.resample(images, section, mirror, generator)
        elif section.crop or section.mirror:
            images = geometry.crop_images(images, section.crop, mirror, generator)
        if colour.changes_colours(section):
            images = colour.change_colours(images, section, self.lighting_axes, generator)
        if section.cutout:
            images = images * mixing.draw_cutout_masks(section.cutout, batch, (height, width), generator)
        return images

    def _mix(self, images: Any, targets: Any) -> tuple[Any, Any]:
        """Mix each image, and its target, with the next one of the batch, the last with the first.

        The batch was shuffled, so the next image is a random one. Cross-entropy is linear in the targets, so the loss
        of mixed targets is the mixture of the losses of both labels.
        """
        batch, size = ops.shape(images)[0], images.shape[1:3]
        weights = mixing.draw_weights(self.section.mixup, self.section.cutmix, batch, size, self.generator)
        share = ops.mean(weights, axis=(1, 2, 3))[:, None]
        partners, partner_targets = ops.roll(images, -1, axis=0), ops.roll(targets, -1, axis=0)
        return partners + weights * (images - partners), partner_targets + share * (targets - partner_targets)
