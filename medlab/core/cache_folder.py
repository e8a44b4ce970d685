"""Where medlab keeps what it can make again. It names the place and makes nothing."""

import os
import pathlib
import sys


def cache_folder(name: str) -> pathlib.Path:
    """`name` in $MEDLAB_CACHE, or in medlab's part of the system's folder for caches."""
    if given := os.environ.get("MEDLAB_CACHE"):
        return pathlib.Path(given, name)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or pathlib.Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = pathlib.Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base, "medlab", name)
