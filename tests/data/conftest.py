"""Tiny data sets of the same make as MNIST and CIFAR, and mirrors of them on the loopback."""

import gzip
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnzoo.data.sets.cifar import CIFAR10, CIFAR100
from cnnzoo.data.sets.idx_files import write_idx
from cnnzoo.data.sets.idx_sets import IdxFile, IdxSet
from cnnzoo.data.sets.mnist import MNIST
from cnnzoo.data.sets.record_sets import RecordFile, RecordSet

Published = TypeVar("Published", IdxSet, RecordSet)


@dataclass(frozen=True)
class Tiny:
    """A data set and the four arrays in its files, by name."""

    published: IdxSet
    arrays: dict[str, NDArray[np.uint8]]

    def write(self, folder: Path) -> Path:
        """Write all four files, gzipped."""
        folder.mkdir(parents=True, exist_ok=True)
        for stem, array in self.arrays.items():
            write_idx(folder / f"{stem}.gz", array)
        return folder

    def write_unpacked(self, folder: Path, *, dotted: bool = False) -> Path:
        """Write all four files, not gzipped."""
        self.write(folder)
        for stem in self.arrays:
            packed = folder / f"{stem}.gz"
            name = stem.replace("-idx", ".idx") if dotted else stem
            (folder / name).write_bytes(gzip.decompress(packed.read_bytes()))
            packed.unlink()
        return folder

    def write_npz(self, path: Path) -> Path:
        """Write Keras's archive."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **{file.npz_key: self.arrays[file.name] for file in self.published.files})
        return path

    def served(self) -> dict[str, bytes]:
        """Return what a right mirror serves."""
        served = {}
        for stem, array in self.arrays.items():
            header = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
            served[f"{stem}.gz"] = gzip.compress(header + array.tobytes())
        return served


@pytest.fixture
def tiny() -> Tiny:
    """Return a set of 12 + 6 images of 5x4 pixels in 3 classes that is published as MNIST is."""
    generator = np.random.default_rng(0)
    arrays, files = {}, []
    for part, key, count in (("train", "train", 12), ("t10k", "test", 6)):
        for kind, array in (
            ("images", generator.integers(0, 256, (count, 5, 4), dtype=np.uint8)),
            ("labels", (np.arange(count) % 3).astype(np.uint8)),
        ):
            stem = f"{part}-{kind}-idx{array.ndim}-ubyte"
            arrays[stem] = array
            sha256 = hashlib.sha256(array.tobytes()).hexdigest()
            files.append(IdxFile(stem, f"{'x' if kind == 'images' else 'y'}_{key}", array.shape, sha256))
    description = replace(MNIST.description, title="Tiny", class_names=("a", "b", "c"), input_shape=(5, 4, 1))
    published = IdxSet(
        description=description,
        train=tuple(files[:2]),
        test=tuple(files[2:]),
        folders=("MNIST/raw",),
        mirrors=(),
        others={},
    )
    return Tiny(published, arrays)


@dataclass
class Mirrors:
    """What a server on the loopback serves, by path, and what it was asked for."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    breaks_off: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def of(self, published: Published, *folders: str, npz: bool = False) -> Published:
        """Return a data set whose mirrors are folders of this server."""
        mirrors = tuple(f"{self.address}/{folder}/" for folder in folders)
        archives: dict[str, Any] = {"npz_mirrors": (f"{self.address}/npz/",)} if npz else {}
        return replace(published, mirrors=mirrors, **archives)


@pytest.fixture
def mirrors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    """Serve files on the loopback; what is not there is a 404."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            served.asked.append(path)
            if path not in served.files:
                self.send_error(404)
                return
            body = served.files[path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if path in served.breaks_off else body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Mirrors(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass(frozen=True)
class TinyRecords:
    """A data set of record files and the contents of its files, by name."""

    published: RecordSet
    contents: dict[str, bytes]

    def write_unpacked(self, folder: Path) -> Path:
        """Write the record files as the archive's own folder holds them."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.contents.items():
            (folder / name).write_bytes(content)
        return folder

    def archive(self, *extra: tarfile.TarInfo, contents: dict[str, bytes] | None = None, prefix: str = "") -> bytes:
        """Return the archive, with further entries at its end."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, content in (contents or self.contents).items():
                entry = tarfile.TarInfo(f"{prefix}{self.published.folders[0]}/{name}")
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            for entry in extra:
                archive.addfile(entry, io.BytesIO(bytes(entry.size)))
        return packed.getvalue()

    def write(self, folder: Path, **changes: Any) -> Path:
        """Write the archive and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.published.archive
        path.write_bytes(self.archive(**changes))
        return path


def tiny_records(real: RecordSet, counts: dict[str, int]) -> TinyRecords:
    """Return a set of fewer images that is published as a real one is."""
    generator = np.random.default_rng(1)
    contents = {}
    for file, count in counts.items():
        labels = [np.arange(count) % classes for classes in real.label_classes]
        pixels = generator.integers(0, 256, (count, 3072))
        contents[file] = np.concatenate([np.stack(labels, axis=1), pixels], axis=1).astype(np.uint8).tobytes()
    files = [
        RecordFile(file, count, hashlib.md5(contents[file], usedforsecurity=False).hexdigest())
        for file, count in counts.items()
    ]
    return TinyRecords(replace(real, train=tuple(files[:-1]), test=tuple(files[-1:]), mirrors=()), contents)


@pytest.fixture
def tiny_cifar10() -> TinyRecords:
    """Return a set of 2 x 20 + 10 images that is published as CIFAR-10 is."""
    return tiny_records(CIFAR10, {"data_batch_1.bin": 20, "data_batch_2.bin": 20, "test_batch.bin": 10})


@pytest.fixture
def tiny_cifar100() -> TinyRecords:
    """Return a set of 200 + 100 images that is published as CIFAR-100 is."""
    return tiny_records(CIFAR100, {"train.bin": 200, "test.bin": 100})
