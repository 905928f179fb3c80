"""Reading tar archives and other files, gzipped or not, in memory: nothing is unpacked to the disk."""

import gzip
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path, PurePosixPath

from cnnzoo.downloads.damage import describe_other_file, explain_damage
from cnnzoo.errors import DamagedFileError

GZIP_START = b"\x1f\x8b"


@contextmanager
def open_unpacked(path: Path) -> Iterator[BufferedReader | gzip.GzipFile]:
    """Open a file that may be gzipped. Its first bytes decide, because browsers unpack files without renaming them.

    Raises:
        DamagedFileError: The file cannot be read.
    """
    with explain_damage(path), path.open("rb") as stored:
        start = stored.read(2)
        stored.seek(0)
        yield gzip.GzipFile(fileobj=stored) if start == GZIP_START else stored


def read_members(path: Path, sizes: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    """Read members of a tar archive one after the other.

    The whole archive is read, so that it is always refused if it is cut short or has a member outside its folder.

    Args:
        path: The archive, gzipped or not.
        sizes: The names of the members to read, each with the largest number of bytes that it may have.

    Yields:
        The name and content of each of these members that the archive has, in the archive's order.

    Raises:
        DamagedFileError: The archive cannot be read, or has a member that could be dangerous.
    """
    has_members = False
    with open_unpacked(path) as file:
        try:
            # Read as a stream: each search for one member would unpack everything before it again.
            with tarfile.open(fileobj=file, mode="r|") as archive:
                for member in archive:
                    has_members = True
                    _check(path, member)
                    name = str(PurePosixPath(member.name))  # without "./"
                    if member.isfile() and name in sizes:
                        if member.size > sizes[name]:
                            raise DamagedFileError(path, f"holds {member.size:,} bytes as {name}, too many")
                        content = archive.extractfile(member)
                        assert content is not None
                        yield name, content.read()
            while file.read(1 << 20):  # gzip compares its checksum at the end of the file
                pass
        except tarfile.ReadError:
            if has_members:
                raise DamagedFileError(path, f"is cut short, after {path.stat().st_size:,} bytes") from None
            with path.open("rb") as stored:
                other = describe_other_file(stored.read(64), "a tar archive")
            raise DamagedFileError(path, other or "is damaged, or not a tar archive") from None
        except tarfile.TarError:
            raise DamagedFileError(path, "is damaged: its members cannot be read") from None


def _check(path: Path, member: tarfile.TarInfo) -> None:
    """Refuse a member that would be written outside the archive's folder if somebody unpacked it."""
    name = PurePosixPath(member.name.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or (name.parts[:1] and name.parts[0].endswith(":")):
        raise DamagedFileError(path, f"holds a member that leads out of its folder, {member.name!r}: do not unpack it")
    if not (member.isfile() or member.isdir()):
        raise DamagedFileError(path, f"holds a link or device, {member.name!r}; only files and folders may be in it")
