"""A cohort's table on disk, so that the second load takes milliseconds.

One file a cohort, named after everything that it was made from: source, options, the code that reads it, and size and
time of change of each table. It is written beside and renamed, so a reader never sees half of it and two writers do no
harm; a file that does not match its checksum is made again. It holds report texts: its folder is its owner's alone.
"""

import functools
import hashlib
import os
import pathlib
import struct
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from medlab.cohorts.features import schema
from medlab.core.cache_folder import cache_folder
from medlab.version import __version__

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC = b"medlab01"
KEEP = 32
"""files kept in the folder; the oldest go first"""
ABANDONED_SECONDS = 3600
"""after which a file that is still being written belongs to a process that was killed"""


def index_folder() -> pathlib.Path:
    """$MEDLAB_CACHE, or the system's folder for caches."""
    return cache_folder("cohorts")


def index_key(source: str, files: Iterable[pathlib.Path], options: str) -> str:
    """Hex digits over what the table is made from; a table that was touched gives another key."""
    digest = hashlib.blake2b(f"{_code_mark()}|{source}|{options}".encode(), digest_size=16)
    for path in sorted(files):
        state = path.stat()
        digest.update(f"|{path.resolve()}|{state.st_size}|{state.st_mtime_ns}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


@functools.cache
def _code_mark() -> str:
    """Changes with every change of the code that reads tables, so that no index outlives it."""
    digest = hashlib.blake2b(__version__.encode(), digest_size=8)
    for path in sorted(pathlib.Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def indexed(name: str, key: str, build: Callable[[], "pa.Table"]) -> "pa.Table":
    """The table kept under (name, key); built and kept where it is not there or damaged. A full disk is no error."""
    path = index_folder() / f"{name}-{key}.arrow"
    table = _load(path)
    if table is None:
        table = build()
        _save(table, path)
    return table


def _load(path: pathlib.Path) -> "pa.Table | None":
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as stream:
            data = stream.read_buffer()
    except (OSError, pa.ArrowInvalid):
        return None
    size = len(data) - struct.calcsize("<8sI")
    if size <= 0:
        return None
    magic, checksum = struct.unpack("<8sI", data[size:].to_pybytes())
    if magic != MAGIC or zlib.crc32(data[:size]) != checksum:
        return None
    try:
        with pa.ipc.open_file(data[:size]) as reader:
            return reader.read_all() if reader.schema.equals(schema()) else None
    except (OSError, pa.ArrowInvalid):  # the sum is right and the rest is not: not written by `_save`
        return None


def _save(table: "pa.Table", path: pathlib.Path) -> None:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    codec = "lz4" if pa.Codec.is_available("lz4") else None
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table, max_chunksize=65_536)
    data = sink.getvalue()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.write(struct.pack("<8sI", MAGIC, zlib.crc32(data)))
        os.replace(temporary, path)
        _prune(path.parent)
    except OSError:
        pathlib.Path(temporary).unlink(missing_ok=True)


def _prune(folder: pathlib.Path) -> None:
    files = sorted(folder.glob("*.arrow"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEEP:]:
        path.unlink(missing_ok=True)
    for path in folder.glob("*.part"):
        if path.stat().st_mtime < time.time() - ABANDONED_SECONDS:
            path.unlink(missing_ok=True)
