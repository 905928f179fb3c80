"""Images of one size, in memory or in their files."""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnzoo.data.decoding import WHITE, Resize, decode
from cnnzoo.downloads import progress
from cnnzoo.errors import UserError
from cnnzoo.runtime import available_cores

Pixels = NDArray[np.uint8]
Indices = NDArray[np.integer[Any]]

# The largest number of image files that are decoded into memory at a time.
CHUNK = 256


class Images(Protocol):
    """Images of one size: (count, height, width, channels), grey or colour values 0 to 255."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Count, height, width and channels."""

    @property
    def array(self) -> Pixels | None:
        """All images if they are in memory; None if they are in files."""

    def take(self, indices: Indices) -> Pixels:
        """Return the images at some indices (count,).

        Raises:
            UserError: A file can no longer be read.
        """

    def chunks(self, indices: Indices) -> Iterator[Pixels]:
        """Yield the images at some indices (count,) in arrays that fit into memory."""

    def sums(self, indices: Indices) -> NDArray[np.int64]:
        """Return the sums (2, channels) of pixels and of squared pixels over the images at some indices."""

    def fingerprint(self, indices: Indices) -> bytes:
        """Return the SHA-256 of the images at some indices, which is the same in memory and in files."""

    def hashes(self, indices: Indices) -> tuple[bytes, ...]:
        """Return a hash of each image at some indices (count,)."""


@dataclass(frozen=True)
class Pending:
    """Images that threads are reading.

    Attributes:
        futures: Their parts, in order.
        join: Makes one array of the parts.
    """

    futures: "list[Future[Pixels]]"
    join: Callable[[list[Pixels]], Pixels]

    def result(self) -> Pixels:
        """Wait for the images and return them.

        Raises:
            UserError: A file can no longer be read.
        """
        return self.join([future.result() for future in self.futures])


class StreamedImages(Images, Protocol):
    """Images that are not kept in memory: threads read or compute a batch ahead of the device."""

    def start(self, indices: Indices) -> Pending:
        """Start to read the images at some indices (count,) as the training model takes them."""


@dataclass(frozen=True)
class ImageArray:
    """Images of one size in memory.

    Attributes:
        array: Grey or colour values 0 to 255 (count, height, width, channels).
    """

    array: Pixels

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Count, height, width and channels."""
        count, height, width, channels = self.array.shape
        return count, height, width, channels

    def take(self, indices: Indices) -> Pixels:
        """Return the images at some indices (count,); all images in their order are not copied."""
        is_everything = len(indices) == len(self.array) and np.array_equal(indices, np.arange(len(indices)))
        return self.array if is_everything else self.array[indices]

    def chunks(self, indices: Indices) -> Iterator[Pixels]:
        """Yield the images at some indices (count,) in one array."""
        yield self.take(indices)

    def sums(self, indices: Indices) -> NDArray[np.int64]:
        """Return the sums (2, channels) of pixels and of squared pixels over the images at some indices."""
        return sums_of(self.take(indices))

    def fingerprint(self, indices: Indices) -> bytes:
        """Return the SHA-256 of the images at some indices, which is the same in memory and in files."""
        return hashlib.sha256(np.ascontiguousarray(self.take(indices)).data).digest()

    def hashes(self, indices: Indices) -> tuple[bytes, ...]:
        """Return the SHA-256 of each image at some indices (count,)."""
        return tuple(hashlib.sha256(image.tobytes()).digest() for image in self.take(indices))


@dataclass(frozen=True)
class ImageFiles:
    """Images of one size that stay in their files. Several threads decode them each time they are used.

    Attributes:
        paths: The files.
        input_shape: Height, width and channels of each image.
        resize: How an image is resized.
        white: Grey value that counts as white in images of 16 bits.
        sums_by_image: ``sums_of`` each image (count, 2, channels), from the first time that it was read.
        hash: SHA-256 of all pixels at that time.
    """

    paths: tuple[Path, ...]
    input_shape: tuple[int, int, int]
    resize: Resize
    white: int
    sums_by_image: NDArray[np.int64]
    hash: bytes

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Count, height, width and channels."""
        return (len(self.paths), *self.input_shape)

    @property
    def array(self) -> None:
        """None: the images are in files."""
        return None

    def start(self, indices: Indices) -> Pending:
        """Start to decode the images at some indices (count,)."""
        paths = [self.paths[index] for index in indices]
        return Pending(decode_all(paths, self.input_shape, self.resize, self.white), np.stack)

    def take(self, indices: Indices) -> Pixels:
        """Return the images at some indices (count,).

        Raises:
            UserError: A file can no longer be read.
        """
        return self.start(indices).result()

    def chunks(self, indices: Indices) -> Iterator[Pixels]:
        """Yield the images at some indices (count,), CHUNK at a time."""
        for start in range(0, len(indices), CHUNK):
            yield self.take(indices[start : start + CHUNK])

    def sums(self, indices: Indices) -> NDArray[np.int64]:
        """Return the sums (2, channels) of pixels and of squared pixels over the images at some indices."""
        return np.asarray(self.sums_by_image[indices].sum(axis=0))

    def fingerprint(self, indices: Indices) -> bytes:
        """Return the SHA-256 of the images at some indices; that of all images is from when they were first read."""
        if len(indices) == len(self.paths):
            return self.hash
        total = hashlib.sha256()
        for chunk in self.chunks(indices):
            total.update(np.ascontiguousarray(chunk).data)
        return total.digest()

    def hashes(self, indices: Indices) -> tuple[bytes, ...]:
        """Return the SHA-256 of each image at some indices (count,)."""
        return tuple(hashlib.sha256(image.tobytes()).digest() for chunk in self.chunks(indices) for image in chunk)


def read_files(
    paths: Sequence[Path],
    input_shape: tuple[int, int, int],
    resize: Resize,
    white: int = WHITE,
    *,
    most_bytes: float,
) -> tuple[Images, dict[int, UserError]]:
    """Decode every file once.

    Args:
        paths: Image files.
        input_shape: Height, width and channels that each image gets.
        resize: How an image is resized.
        white: Grey value that counts as white in images of 16 bits.
        most_bytes: The images stay in memory if they need this much or less, otherwise in their files.

    Returns:
        The images that could be read, in their order; and the error of each file that could not be read, by its index.
    """
    in_memory = len(paths) * np.prod(input_shape) <= most_bytes
    pixels = np.zeros((len(paths), *input_shape), np.uint8) if in_memory else None
    sums = np.zeros((len(paths), 2, input_shape[-1]), np.int64)
    total, failures = hashlib.sha256(), {}
    with warnings.catch_warnings(), progress.show_count("Reading images", len(paths)) as advance:
        warnings.simplefilter("ignore")  # about strange metadata, once for each of thousands of files
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            for index, image in enumerate(decode_all(chunk, input_shape, resize, white), start):
                try:
                    array = image.result()
                except UserError as error:
                    failures[index] = error
                    continue
                if pixels is None:
                    sums[index] = sums_of(array)
                    total.update(array.data)
                else:
                    pixels[index] = array
            advance(len(chunk))
    good = np.setdiff1d(np.arange(len(paths)), list(failures))
    if pixels is not None:
        return ImageArray(pixels[good] if failures else pixels), failures
    readable = tuple(paths[index] for index in good)
    return ImageFiles(readable, input_shape, resize, white, sums[good], total.digest()), failures


def decode_all(
    paths: Sequence[Path], input_shape: tuple[int, int, int], resize: Resize, white: int
) -> "list[Future[Pixels]]":
    """Start to decode image files on the threads, and return their futures."""
    return [decoding_threads().submit(decode, path, input_shape, resize, white) for path in paths]


def sums_of(images: Pixels) -> NDArray[np.int64]:
    """Return the sums (2, channels) of the pixels (..., channels) and of their squares."""
    # Counting the 256 values is exact, and needs no copy of the images with more bits.
    channels = range(images.shape[-1])
    counts = np.stack([np.bincount(images[..., channel].ravel(), minlength=256) for channel in channels])
    values = np.arange(256)
    return np.stack([counts @ values, counts @ values**2])


@cache
def decoding_threads() -> ThreadPoolExecutor:
    """Return the threads that read image files: one for each core that this process may use, at most 32."""
    return ThreadPoolExecutor(max_workers=min(32, available_cores()), thread_name_prefix="decoding")
