"""Where resources come from: a bundle, a page of a search, a bulk export, one resource; files, folders or bytes.

Every resource is handed on with the name of its place. It knows bundles, and nothing of what a resource says.
"""

import io
import os
import pathlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from medlab.core.errors import DataError, SpecError, shown
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.ehr.elements import word
from medlab.loaders.files import local_path, refuse_address, safe_name
from medlab.loaders.strict_json import parse_json

MAX_BYTES = 128 << 20
"""of one JSON document, which is held in memory about ten times over; lines of a bulk export are read one by one"""
MAX_LINE_BYTES = 32 << 20
MAX_FILES = 10_000
_NESTED = 3
_LINES = (".ndjson", ".jsonl")
_NO_STATE = {"history": "what is true now cannot be told from all versions"}


class Item(NamedTuple):
    """A resource and where it stood."""

    where: str
    address: str
    """the bundle's fullUrl; empty where there is none"""
    resource: dict


def items(source: "str | os.PathLike | bytes | dict", told: Counter, max_bytes: int = MAX_BYTES) -> Iterator[Item]:
    """Every resource of a path, a folder of .json and .ndjson files, bytes, or JSON that is parsed already.

    told  counts what was passed over and what is doubtful
    Raises DataError: remote_disabled, missing_file, unsafe_path, too_large, decode, schema, unsupported.
    """
    pages = Counter()
    if isinstance(source, dict):
        yield from _resources(source, "the bundle", "", pages, told)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        _check_size(len(source), "bytes", max_bytes)
        yield from _document(bytes(source), "bytes", pages, told)
    elif isinstance(source, (str, os.PathLike)):
        for path in _files(source):
            yield from _file(path, pages, told, max_bytes)
    else:
        raise SpecError(
            f"a record cannot be read from a {type(source).__name__}",
            accepted="the path of a FHIR file or folder, its bytes, or a parsed bundle",
            fix='load_record("bundle.json")',
        )
    if pages["more to come"] and pages["more to come"] == pages["pages"]:
        told["a search of which the last page was not given"] += 1


def _files(source: "str | os.PathLike") -> list[pathlib.Path]:
    text = os.fsdecode(os.fspath(source))
    refuse_address(text)
    folder = pathlib.Path(text).expanduser()
    if not text.strip() or "\0" in text or not folder.is_dir():
        return [local_path(source, ReadOptions())]
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".json", *_LINES) and path.is_file())
    if not found:
        raise DataError("missing_file", "the folder holds no .json or .ndjson file", accepted="a FHIR export")
    if len(found) > MAX_FILES:
        raise DataError("too_large", f"the folder holds {len(found)} files", accepted=f"at most {MAX_FILES}")
    return found


def _file(path: pathlib.Path, pages: Counter, told: Counter, max_bytes: int) -> Iterator[Item]:
    name = safe_name(path.name)
    try:
        with path.open("rb") as stream:
            if path.suffix.lower() in _LINES:
                yield from _lines(stream, name, pages, told)
                return
            _check_size(path.stat().st_size, name, max_bytes)
            data = stream.read(max_bytes + 1)
    except OSError as error:
        raise DataError("missing_file", f"{shown(name)} cannot be read: {error.strerror}") from error
    yield from _document(data, name, pages, told)


def _check_size(size: int, name: str, max_bytes: int) -> None:
    if size > max_bytes:
        raise DataError(
            "too_large",
            f"{shown(name)} has {size} bytes",
            accepted=f"at most {max_bytes} in one JSON document",
            fix=f"load_record(..., max_bytes={size}) if you trust it, or export .ndjson, which is read line by line",
        )


def _document(data: bytes, name: str, pages: Counter, told: Counter) -> Iterator[Item]:
    head = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] == b"<":
        raise DataError(
            "unsupported", f"{shown(name)} is XML", accepted="FHIR as JSON", fix="export with _format=json"
        )
    if head[:2] in (b"\x1f\x8b", b"PK"):
        raise DataError("unsupported", f"{shown(name)} is compressed", accepted="plain JSON", fix="unpack it first")
    first_line, _, rest = data.lstrip().partition(b"\n")
    if rest.lstrip()[:1] == b"{" and first_line.rstrip()[-1:] == b"}":
        yield from _lines(io.BytesIO(data), name, pages, told)
        return
    value = _parsed(data, name, told)
    if not isinstance(value, (dict, list)):
        raise DataError("schema", f"{shown(name)} holds {shown(value)}", accepted="a FHIR Bundle or resource")
    for number, one in enumerate(value if isinstance(value, list) else [value]):
        yield from _resources(one, f"{name} [{number}]" if isinstance(value, list) else name, "", pages, told)


def _lines(stream: BinaryIO, name: str, pages: Counter, told: Counter) -> Iterator[Item]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        where = f"{name} line {number}"
        if len(line) > MAX_LINE_BYTES:
            raise DataError(
                "too_large", f"{where} is longer than {MAX_LINE_BYTES} bytes", accepted="one resource a line"
            )
        if line.strip(b"\xef\xbb\xbf \t\r\n"):
            yield from _resources(_parsed(line, where, told), where, "", pages, told)


def _parsed(text: bytes, where: str, told: Counter) -> Any:
    value, repeated = parse_json(text, where)
    if repeated:
        told["JSON keys that stand twice, the last counts"] += len(repeated)
    return value


def _resources(value: Any, where: str, address: str, pages: Counter, told: Counter, depth: int = 0) -> Iterator[Item]:
    kind = word(value.get("resourceType")) if isinstance(value, dict) else ""
    if not kind:
        told["things that are no FHIR resource"] += 1
        return
    if kind != "Bundle":
        yield Item(where, address, value)
        return
    sort = word(value.get("type"))
    if sort in _NO_STATE:
        raise DataError(
            "unsupported", f"{where} is a Bundle of type {sort}: {_NO_STATE[sort]}", accepted="a searchset"
        )
    if depth == _NESTED:
        told["bundles too deep within bundles"] += 1
        return
    if sort == "searchset":
        pages["pages"] += 1
        links = value.get("link") if isinstance(value.get("link"), list) else []
        pages["more to come"] += any(isinstance(one, dict) and one.get("relation") == "next" for one in links)
    entries = value.get("entry", [])
    if not isinstance(entries, list):
        raise DataError("schema", f"{where}: the Bundle's entry is {shown(entries, 60)}", accepted="a list")
    for number, entry in enumerate(entries):
        entry = entry if isinstance(entry, dict) else {}
        if entry.get("resource") is None:
            told["entries without a resource"] += 1
            continue
        spot = f"{where} entry {number}"
        yield from _resources(entry["resource"], spot, word(entry.get("fullUrl")), pages, told, depth + 1)
