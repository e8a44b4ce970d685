"""JSON and JSON Lines from strangers: one object a line, strict, within limits. It does not know what a key means."""

import pathlib
import warnings
from collections.abc import Iterator
from typing import Any

from medlab.cohorts.tables import CohortWarning, as_utf8, file_bytes
from medlab.core.errors import DataError, shown
from medlab.loaders.strict_json import parse_json

MAX_JSON_BYTES = 1 << 30
MAX_LINE_BYTES = 64 << 20


def read_json(text: bytes, where: str) -> Any:
    """One JSON value. NaN and infinity raise DataError schema, broken or endlessly nested text raises decode.

    A key that stands twice in one object keeps its last value and gives a CohortWarning.
    """
    value, repeated = parse_json(text, where)
    if repeated:
        warnings.warn(
            f"{where}: key {shown(repeated[0])} stands twice in one object; the last value is kept",
            CohortWarning,
            stacklevel=3,
        )
    return value


def read_lines(path: pathlib.Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """("name line 3", object) for each line of a .jsonl file; blank lines are passed over."""
    data = as_utf8(file_bytes(path, MAX_JSON_BYTES), path.name)
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        where = f"{path.name} line {number}"
        if len(line) > MAX_LINE_BYTES:
            raise DataError("too_large", f"{where}: {len(line)} bytes", accepted=f"up to {MAX_LINE_BYTES}")
        value = read_json(line, where)
        if not isinstance(value, dict):
            raise DataError("schema", f"{where}: {shown(value)}", accepted='one object a line: {"id": …}')
        yield where, value


def read_document(path: pathlib.Path) -> Any:
    """The one JSON value of a .json file."""
    return read_json(as_utf8(file_bytes(path, MAX_JSON_BYTES), path.name), path.name)
