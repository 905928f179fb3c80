"""Tar archives, gzipped or not, read in memory: nothing is unpacked onto the disk."""

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from cnnzoo.downloads.errors import GZIP_START, DamagedFileError, explain_damage


def read_members(path: Path, sizes: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    """Read members of a tar archive one after the other.

    All of the archive is read, so that a cut one or one with entries that would leave its folder is
    refused whatever is wanted of it.

    Args:
        path: The archive; whether it is gzipped is told by its first bytes.
        sizes: For each wanted member the most bytes that it may have.

    Yields:
        The name and content of each wanted member that is there, in the archive's order.

    Raises:
        DamagedFileError: The archive cannot be read, or has an entry that is not to be trusted.
    """
    with explain_damage(path), path.open("rb") as stored:
        start = stored.read(2)
        stored.seek(0)
        file = gzip.GzipFile(fileobj=stored) if start == GZIP_START else stored
        try:
            # As a stream, member by member: looking for one alone would unpack everything before it again.
            with tarfile.open(fileobj=file, mode="r|") as archive:
                for member in archive:
                    _check(path, member)
                    name = str(PurePosixPath(member.name))  # without "./"
                    if member.isfile() and name in sizes:
                        if member.size > sizes[name]:
                            raise DamagedFileError(path, f"holds {member.size:,} bytes as {name}, too many")
                        content = archive.extractfile(member)
                        assert content is not None
                        yield name, content.read()
            while file.read(1 << 20):  # to the end, where gzip compares its checksum
                pass
        except tarfile.ReadError as error:
            if "unexpected end" in str(error):
                raise DamagedFileError(path, f"is cut short, after {path.stat().st_size:,} bytes") from None
            reason = "is a web page or XML" if start[:1] == b"<" else "is empty" if not start else "is damaged or none"
            raise DamagedFileError(path, f"{reason}, not a tar archive" if start else reason) from None
        except tarfile.TarError:
            raise DamagedFileError(path, "is damaged: its entries cannot be read") from None


def _check(path: Path, member: tarfile.TarInfo) -> None:
    """Refuse an entry that would write outside the archive's folder if somebody unpacked it."""
    name = PurePosixPath(member.name.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or (name.parts[:1] and name.parts[0].endswith(":")):
        raise DamagedFileError(path, f"holds an entry that leads out of its folder, {member.name!r}: do not unpack it")
    if not (member.isfile() or member.isdir()):
        raise DamagedFileError(path, f"holds a link or device, {member.name!r}, where only files belong")
