"""CSV tables as columns of text, and out again. Every cell stays as written: no number is guessed, no blank filled.

Plain, gzip and zip; UTF-8 and UTF-16. It does not know what a heading means.
"""

import collections
import csv
import io
import pathlib
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from medlab.cohorts.archives import members
from medlab.core.errors import DataError, shown

if TYPE_CHECKING:
    import pyarrow as pa

MAX_TABLE_BYTES = 2 << 30
"""of text, after decompression; MIMIC-CXR's largest table has about 0.1 GB"""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""with which a cell becomes a formula in a spreadsheet"""


class CohortWarning(UserWarning):
    """Something in a cohort that was left out or settled; the text says what and how often."""


def read_table(
    path: pathlib.Path,
    *,
    needed: Iterable[str] = (),
    keep: Iterable[str] | None = None,
    names: list[str] | None = None,
    max_bytes: int = MAX_TABLE_BYTES,
) -> "pa.Table":
    """A CSV file as text columns.

    needed  headings without which it is not the table expected
    keep    the only headings read; None reads all
    names   headings to use instead of a broken first line
    Raises DataError: missing_file, encoding, too_large, decode; schema names a missing heading or a ragged line.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    data = as_utf8(file_bytes(path, max_bytes), path.name)
    first_line, _, rest = data.partition(b"\n")
    names = names or _headings(first_line, path.name)
    missing = [name for name in needed if name not in names]
    if missing:
        raise DataError(
            "schema",
            f"{path.name}: no column {', '.join(map(shown, missing))}",
            accepted=", ".join(needed),
            fix=f"the table has: {', '.join(shown(name, 40) for name in names[:40])}",
        )
    wanted = [name for name in keep if name in names] if keep is not None else names
    counts = collections.Counter(names)
    repeated = min((name for name in wanted if counts[name] > 1), default=None)
    if repeated is not None:
        raise DataError("schema", f"{path.name}: heading {shown(repeated)} stands more than once")
    if not rest.strip():
        return pa.table({name: pa.array([], pa.string()) for name in wanted})
    _check_quotes(data, path.name)
    try:
        return arrow_csv.read_csv(
            pa.py_buffer(rest),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=8 << 20),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, strings_can_be_null=False
            ),
        ).combine_chunks()
    except pa.ArrowInvalid as error:
        raise DataError("schema", f"{path.name}: {shown(str(error), 200)}", accepted="one cell a heading") from error


def file_bytes(path: pathlib.Path, max_bytes: int = MAX_TABLE_BYTES) -> bytes:
    """The bytes of a file, decompressed where it is .gz or a .zip of one file."""
    try:
        if path.name.lower().endswith(".zip"):
            found = list(members(path, ".csv", max_bytes))
            if len(found) != 1:
                raise DataError("schema", f"{path.name} holds {len(found)} CSV files", accepted="one")
            return found[0][1]
        with path.open("rb") as stream:
            raw = stream.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise DataError(
            "missing_file", f"no file {shown(path.name)}", fix="look at the folder that you gave"
        ) from error
    except OSError as error:
        raise DataError("decode", f"{shown(path.name)}: {error.strerror}") from error
    if raw.startswith(b"\x1f\x8b"):
        raw = _gunzip(raw, max_bytes, path.name)
    if len(raw) > max_bytes:
        raise DataError("too_large", f"{path.name}: more than {max_bytes} bytes", accepted=f"up to {max_bytes} bytes")
    return raw


def as_utf8(raw: bytes, name: str) -> bytes:
    """The text as UTF-8 without a byte-order mark; raises DataError encoding where that cannot be told."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return raw.decode("utf-16").encode("utf-8")
        except UnicodeError as error:
            raise DataError("encoding", f"{name}: broken UTF-16 ({error.reason})") from error
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            "encoding",
            f"{name}: byte {error.start} is not UTF-8",
            accepted="UTF-8, or UTF-16 with a byte-order mark",
            fix="save the table as 'CSV UTF-8'",
        ) from error
    if b"\x00" in raw:
        raise DataError("encoding", f"{name}: NUL bytes; perhaps UTF-16 without a byte-order mark", accepted="UTF-8")
    return raw


def _check_quotes(data: bytes, name: str) -> None:
    """Refuse a quote that is never closed: it would swallow the rest of the table into one cell."""
    if data.count(b'"') % 2 == 0:
        return
    try:
        for _ in csv.reader(io.StringIO(data.decode(), newline=""), strict=True):
            pass
    except csv.Error as error:
        raise DataError("schema", f"{name}: {error}", accepted="every quote closed") from error


def _headings(line: bytes, name: str) -> list[str]:
    try:
        names = next(csv.reader([line[: 1 << 20].decode("utf-8", "replace")]), [])
    except csv.Error as error:
        raise DataError("schema", f"{name}: first line: {error}") from error
    if not any(heading.strip() for heading in names):
        raise DataError("schema", f"{name}: no line of headings", accepted="a first line that names the columns")
    return names


def _gunzip(raw: bytes, max_bytes: int, name: str) -> bytes:
    chunks, total, rest = [], 0, raw
    while rest:
        stream = zlib.decompressobj(wbits=31)
        try:
            chunk = stream.decompress(rest, max_bytes - total + 1)
        except zlib.error as error:
            raise DataError("decode", f"{name}: {error}") from error
        total += len(chunk)
        chunks.append(chunk)
        if total > max_bytes:
            raise DataError("too_large", f"{name}: unpacks to more than {max_bytes} bytes")
        if not stream.eof:
            raise DataError("truncated", f"{name}: the gzip stream ends too early")
        rest = stream.unused_data.lstrip(b"\x00")
    return b"".join(chunks)


def write_csv(rows: Iterable[dict[str, object]], path: pathlib.Path) -> None:
    """Rows with the same keys as a CSV file; a cell that a spreadsheet would run is prefixed with an apostrophe."""
    rows = list(rows)
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows({key: _inert(value) for key, value in row.items()} for row in rows)
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
