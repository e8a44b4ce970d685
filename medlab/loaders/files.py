"""From what a person gave (a path, bytes) to bytes and a safe name. It opens regular files only, never an address.

Only the last part of a path is kept: folders often carry names of people.
"""

import difflib
import itertools
import os
import pathlib
import re
import stat

from medlab.core.errors import DataError, SpecError, shown
from medlab.loaders.decoded import ReadOptions

# one slash is what pathlib leaves of two
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:(//|\\\\)|(https?|s?ftp|s3|gs|hf):/|data:|file:", re.IGNORECASE)
_LOOKED_AT = 5000


def read_source(source: str | os.PathLike | bytes, options: ReadOptions) -> tuple[bytes, str]:
    """(the bytes, the file's own name or "bytes") of a path or of bytes.

    Raises DataError: "remote_disabled", "missing_file", "unsafe_path", "not_image" for a folder, "too_large".
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        _check_size(len(data), "bytes", options)
        return data, "bytes"
    if not isinstance(source, (str, os.PathLike)):
        raise SpecError(
            f"a scan cannot be made from {shown(type(source).__name__)}",
            accepted="a path, bytes, a numpy array or a PIL image",
            fix=_instead(source),
        )
    path = local_path(source, options)
    _check_size(path.stat().st_size, path.name, options)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError("missing_file", f"{shown(path.name)} cannot be read: {error.strerror}") from error
    return data, safe_name(path.name)


def local_path(source: str | os.PathLike, options: ReadOptions) -> pathlib.Path:
    """The path of an existing regular file, within `options.roots` where those are given; links are followed first."""
    text = os.fspath(source)
    text = os.fsdecode(text) if isinstance(text, bytes) else text
    refuse_address(text)
    if not text.strip():
        raise DataError("missing_file", "the path is empty", fix="give the path of a file")
    if "\0" in text:
        raise DataError("unsafe_path", f"the path {shown(text, 60)} holds a NUL character")
    path = pathlib.Path(text).expanduser()
    _check_roots(path, options.roots)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _missing(path) from error
    if stat.S_ISDIR(mode):
        raise DataError(
            "not_image",
            f"{shown(path.name or text)} is a folder",
            accepted="one file",
            fix="medlab.load_series(folder) for the slices of one CT, medlab.load_cohort(folder) for a data set",
        )
    if not stat.S_ISREG(mode):
        raise DataError("unsafe_path", f"{shown(path.name)} is a device, pipe or socket", accepted="a regular file")
    return path


def _instead(source: object) -> str:
    """What to give instead of something that is no picture; by what it can do, so that torch is not imported."""
    if hasattr(source, "pixels"):
        return "it is a Scan already: use it as it is"
    if hasattr(source, "scans"):
        return "case.scans[0] is its first Scan"
    if hasattr(source, "numpy"):
        return "load_scan(tensor.numpy())"
    if hasattr(source, "read"):
        return "load_scan(file.read()), or give the path"
    if isinstance(source, (list, tuple)):
        return "[load_scan(one) for one in ...]; load_series(paths) for the slices of one CT"
    return ""


def refuse_address(text: str, where: str = "") -> None:
    """Raises DataError remote_disabled where `text` is an address: nothing is fetched here."""
    if _ADDRESS.match(text):
        raise DataError(
            "remote_disabled",
            f"{where}: {shown(text, 60)} is an address" if where else f"{shown(text, 60)} is an address",
            accepted="the path of a file on this machine",
            fix="download the file first, then give its path",
        )


def safe_name(name: str) -> str:
    """`name` as text that can be stored and sent: bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace").strip() or "unnamed"


def _check_roots(path: pathlib.Path, roots: tuple[str, ...]) -> None:
    if not roots:
        return
    real = pathlib.Path(os.path.realpath(path))
    if not any(real.is_relative_to(os.path.realpath(root)) for root in roots):
        raise DataError(
            "unsafe_path",
            f"{shown(path.name)} lies outside the allowed folders (links are followed)",
            accepted="a file under: " + ", ".join(shown(pathlib.Path(root).name) for root in roots),
        )


def _check_size(size: int, name: str, options: ReadOptions) -> None:
    if size > options.max_bytes:
        raise DataError(
            "too_large",
            f"{shown(name)} has {size} bytes",
            accepted=f"at most {options.max_bytes}",
            fix=f"medlab.load_scan(..., options=medlab.loaders.ReadOptions(max_bytes={size})) if you trust it",
        )


def _missing(path: pathlib.Path) -> DataError:
    """The error for a path that is not there, with names in its folder that are nearly the same."""
    try:
        with os.scandir(path.parent) as entries:
            names = [safe_name(entry.name) for entry in itertools.islice(entries, _LOOKED_AT)]
    except OSError:
        return DataError("missing_file", f"{shown(path.name)} is not there, nor is its folder")
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(shown, near))}?" if near else "check the folder that you are in"
    return DataError("missing_file", f"{shown(path.name)} is not there", fix=hint)
