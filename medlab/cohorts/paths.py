"""Paths that a table or an archive names: kept inside their folder, and found there. Opens no picture."""

import os
import pathlib
import re

from medlab.core.errors import DataError, shown
from medlab.loaders.files import refuse_address


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
