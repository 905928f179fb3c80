"""Images that stay in their files until they are asked for, decoded by several threads."""

import hashlib
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnzoo.data.decoding import WHITE, Resize, decoded
from cnnzoo.downloads import progress
from cnnzoo.errors import UserError

# Images that are under way at a time, at most.
CHUNK = 256


@dataclass(frozen=True)
class ImageFiles:
    """Image files as a sequence of images in one size; indexing decodes.

    Attributes:
        paths: The files.
        input_shape: Height, width and channels of each image.
        resize: How the size is reached.
        sums: What ``sums_of`` returns of each image (count, 2, channels); None before all were read once.
        white: Grey value that counts as white in images of 16 bits.
        pixels_hash: Of the decoded images that could be read, in their order; None before.
    """

    paths: tuple[Path, ...]
    input_shape: tuple[int, int, int]
    resize: Resize
    sums: NDArray[np.int64] | None = field(default=None, repr=False, compare=False)
    pixels_hash: bytes | None = field(default=None, repr=False, compare=False)
    white: int = WHITE

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """The type of a pixel."""
        return np.dtype(np.uint8)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(count, height, width, channels)."""
        return (len(self.paths), *self.input_shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the decoded images would take."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)

    def __getitem__(self, chosen: Any) -> NDArray[np.uint8]:
        """Return the images (count, height, width, channels) at some indices, of a slice or of a mask.

        Raises:
            UserError: A file cannot be read any more.
        """
        return np.stack([image.result() for image in self.begin(np.arange(len(self))[chosen])])

    def begin(self, indices: NDArray[np.integer[Any]]) -> "list[Future[NDArray[np.uint8]]]":
        """Begin to decode the images at some indices (count,), and return what will hold them."""
        arguments = self.input_shape, self.resize, self.white
        return [_threads().submit(decoded, self.paths[index], *arguments) for index in indices]

    def part(self, mask: NDArray[np.bool_]) -> "ImageFiles":
        """Return the files that a mask (count,) is true for."""
        chosen = tuple(path for path, wanted in zip(self.paths, mask, strict=True) if wanted)
        return replace(self, paths=chosen, sums=None if self.sums is None else self.sums[mask], pixels_hash=None)

    def chunks(self) -> Iterator[NDArray[np.uint8]]:
        """Yield all images, some at a time."""
        for start in range(0, len(self), CHUNK):
            yield self[start : start + CHUNK]

    def read(self, *, keep: bool) -> "tuple[NDArray[np.uint8] | ImageFiles, dict[int, UserError]]":
        """Decode every file once.

        Args:
            keep: Return the images; otherwise they are checked and summed up.

        Returns:
            The images (count, height, width, channels), black where a file cannot be read, or the files with
            their sums; and for each file that cannot be read its index and why.
        """
        images = np.zeros(self.shape, np.uint8) if keep else None
        total = hashlib.sha256()
        sums = np.zeros((len(self), 2, self.input_shape[-1]), np.int64)
        failures = {}
        with warnings.catch_warnings(), progress.counting("Reading images", len(self)) as advance:
            warnings.simplefilter("ignore")  # of metadata in a strange form, once for each of thousands of files
            for start in range(0, len(self), CHUNK):
                indices = np.arange(start, min(start + CHUNK, len(self)))
                for index, image in zip(indices, self.begin(indices), strict=True):
                    try:
                        pixels = image.result()
                    except UserError as error:
                        failures[int(index)] = error
                        continue
                    if images is None:
                        sums[index] = sums_of(pixels)
                        total.update(pixels.data)
                    else:
                        images[index] = pixels
                advance(len(indices))
        return replace(self, sums=sums, pixels_hash=total.digest()) if images is None else images, failures


def pixels_hash(images: NDArray[np.uint8] | ImageFiles) -> bytes:
    """Return a hash of all pixels, the same whether the images are in memory or in their files."""
    if isinstance(images, ImageFiles) and images.pixels_hash is not None:
        return images.pixels_hash
    total = hashlib.sha256()
    for part in parts(images):
        total.update(np.ascontiguousarray(part).data)
    return total.digest()


def sums_of(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the sum of the pixels (..., channels) and that of their squares, of each channel (2, channels)."""
    # Counting the 256 values is exact and touches the images once, without a wider copy of them.
    channels = range(images.shape[-1])
    counts = np.stack([np.bincount(images[..., channel].ravel(), minlength=256) for channel in channels])
    values = np.arange(256)
    return np.stack([counts @ values, counts @ values**2])


def parts(images: NDArray[np.uint8] | ImageFiles) -> Iterator[NDArray[np.uint8]]:
    """Yield images in arrays that fit into memory: an array as it is, files some at a time."""
    if isinstance(images, np.ndarray):
        yield images
    else:
        yield from images.chunks()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=min(32, os.cpu_count() or 1), thread_name_prefix="decoding")
