"""Reads the members of a .zip or .tar(.gz) one by one, in memory, within limits. Nothing is ever extracted to disk."""

import pathlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from medlab.cohorts.paths import inner_path
from medlab.core.errors import DataError, shown

MAX_MEMBERS = 1_000_000
MAX_MEMBER_BYTES = 256 << 20
MAX_TOTAL_BYTES = 4 << 30
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz")


def members(path: pathlib.Path, ending: str, max_member_bytes: int = MAX_MEMBER_BYTES) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each file in the archive whose name ends with `ending`.

    Raises DataError: unsafe_path for a name that leads out of the archive or a member that is a link, too_large beyond
    the limits, decode or truncated where the archive is broken.
    """
    opened = _tar_members if path.name.lower().endswith(TAR_ENDINGS) else _zip_members
    count = total = 0
    try:
        for name, size, read in opened(path):
            count += 1
            inside = inner_path(name, path.name)
            if not inside.lower().endswith(ending):
                continue
            total += size
            if size > max_member_bytes or total > MAX_TOTAL_BYTES or count > MAX_MEMBERS:
                raise DataError(
                    "too_large",
                    f"{path.name}: member {shown(inside)} of {size} bytes, {total} bytes in all",
                    accepted=f"members up to {max_member_bytes} bytes, {MAX_TOTAL_BYTES} in all",
                )
            data = read(size + 1)
            if len(data) != size:
                raise DataError("truncated", f"{path.name}: {shown(inside)} is {len(data)} bytes, not {size}")
            yield inside, data
    except EOFError as error:
        raise DataError("truncated", f"{path.name}: the archive ends too early") from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, OSError, NotImplementedError, RuntimeError) as error:
        raise DataError("decode", f"{path.name}: {shown(str(error))}", accepted="a sound .zip or .tar.gz") from error


def _tar_members(path: pathlib.Path):
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isdir():
                continue
            if not member.isfile():
                raise DataError("unsafe_path", f"{path.name}: {shown(member.name)} is a link or device, not a file")
            yield member.name, member.size, archive.extractfile(member).read


def _zip_members(path: pathlib.Path):
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            with archive.open(member) as stream:
                yield member.filename, member.file_size, stream.read
