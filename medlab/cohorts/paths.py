"""Paths that a table or an archive names: kept inside their folder, and found there. Opens no picture."""

import os
import pathlib
import re

from medlab.core.errors import DataError, shown

# one slash is what pathlib leaves of two
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|(https?|s?ftp|s3|gs|hf):/|file:|data:", re.IGNORECASE)


def refuse_address(text: str, where: str) -> None:
    """Raises DataError remote_disabled where `text` is an address: nothing is fetched here."""
    if _ADDRESS.match(text):
        raise DataError(
            "remote_disabled",
            f"{where}: {shown(text)} is an address",
            accepted="the path of a file on this machine",
            fix="fetch the file yourself and give its path",
        )


def inner_path(text: str, where: str) -> str:
    """`text` as a relative path with forward slashes that cannot leave its folder.

    Raises DataError: remote_disabled for an address, unsafe_path for an absolute path, a drive, `..` or a NUL.
    """
    refuse_address(text, where)
    path = text.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or "\x00" in path or path.startswith("/") or ".." in parts or re.match(r"[a-zA-Z]:", path):
        raise DataError(
            "unsafe_path",
            f"{where}: {shown(text)} is not a path inside its folder",
            accepted="a relative path without '..'",
        )
    return "/".join(parts)


def under(root: pathlib.Path, path: str, where: str) -> pathlib.Path:
    """The file `path` below `root`, links followed; raises DataError unsafe_path where a link leads out of it."""
    inside = inner_path(path, where)
    root = root.resolve()
    target = (root / inside).resolve()
    if not target.is_relative_to(root):
        raise DataError("unsafe_path", f"{where}: {shown(path)} is a link that leads out of its folder")
    return target


def files_below(root: pathlib.Path) -> list[str]:
    """Every file below `root` as a relative path with forward slashes, sorted; linked folders are not entered."""
    found, pending = [], [""]
    while pending:
        folder = pending.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif not entry.is_dir():
                    found.append(path)
    return sorted(found)
