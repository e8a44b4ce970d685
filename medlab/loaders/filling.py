"""Files into a prepared cache: each is decoded once, ever, however often the work is stopped and begun again.

Pictures are listed in small groups, each whole or not at all. It stores no name of a file or folder, and decides
nothing about pixels: `medlab.imaging` does.
"""

import hashlib
import os
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from medlab.core.errors import SpecError, shown
from medlab.imaging.cache import Entry, PreparedCache
from medlab.imaging.preparing import Preparation, to_square
from medlab.loaders.decode import decode_bytes
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.files import read_source
from medlab.loaders.stream import Failure, Stream

ADDED_TOGETHER = 16
"""pictures listed in one transaction: what a kill costs at most, besides those in work"""
_NOT_PIXELS = ("salt", "max_pixels", "max_frames", "max_bytes", "roots")


class Filled(NamedTuple):
    """What `fill_cache` gives back."""

    cache: PreparedCache
    slots: tuple[int | None, ...]
    """of each file given, in their order; None where it was passed over; equal where two files are one picture"""
    failures: tuple[Failure, ...]


def fill_cache(
    folder: str | os.PathLike,
    paths: Iterable[str | os.PathLike],
    preparation: Preparation | None = None,
    *,
    options: ReadOptions | None = None,
    colour: bool = False,
    workers: int = 2,
    on_error: str = "raise",
    progress: bool = True,
) -> Filled:
    """A PreparedCache in `folder` that holds the pictures of all `paths`; what it holds already is not made again.

    A file whose path, size and time are those of an earlier call is not even opened; one that was moved or copied is
    known by its sha256. Stopped at any moment, the same call goes on from there. Raises as `stream` and PreparedCache.
    """
    options = options or ReadOptions()
    cache = PreparedCache(folder, preparation, reading=_reading_of(options), colour=colour)
    known = cache.files()
    made = Stream(
        lambda path: _entry_of(path, cache, known, options),
        paths,
        workers=workers,
        on_error=on_error,
        progress=progress,
    )
    sha256s: dict[int, str] = {}
    waiting: list[tuple[Entry | None, str, str]] = []
    for index, (entry, sha256, stamp) in made.numbered():
        sha256s[index] = sha256
        if stamp not in known:
            waiting.append((entry, sha256, stamp))
        if len(waiting) == ADDED_TOGETHER:
            _store(cache, waiting)
    _store(cache, waiting)
    count = len(sha256s) + len(made.failures)
    slots = tuple(cache.slot(sha256s[index]) if index in sha256s else None for index in range(count))
    return Filled(cache, slots, tuple(made.failures))


def _entry_of(
    path: str | os.PathLike, cache: PreparedCache, known: dict[str, str], options: ReadOptions
) -> tuple[Entry | None, str, str]:
    """(what to store or None where it is there, sha256, stamp) of one file."""
    stamp = _stamp_of(path)
    if stamp in known:
        return None, known[stamp], stamp
    data, name = read_source(path, options)
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 in cache:
        return None, sha256, stamp
    picture = decode_bytes(data, options, name).to_uint8()
    square = to_square(picture, cache.preparation)
    if square.ndim == 3 and not cache.colour:
        raise SpecError(f"{shown(name)} is in colour and the cache is grey", accepted="grey", fix="colour=True")
    if square.ndim == 2 and cache.colour:
        square = np.repeat(square[..., None], 3, axis=2)
    return Entry(sha256, square, cache.preparation.fit_of(*picture.shape[:2])), sha256, stamp


def _store(cache: PreparedCache, waiting: list[tuple[Entry | None, str, str]]) -> None:
    if waiting:
        files = {stamp: sha256 for _, sha256, stamp in waiting if stamp}
        cache.add([entry for entry, _, _ in waiting if entry is not None], files)
        waiting.clear()


def _stamp_of(path: str | os.PathLike) -> str:
    """What changes when a file changes, without its name: hex. Empty where there is no such file."""
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return ""
    words = (os.path.realpath(os.fsdecode(path)), about.st_size, about.st_mtime_ns)
    return hashlib.blake2b(repr(words).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _reading_of(options: ReadOptions) -> str:
    """Fingerprint of the choices that change pixels; limits, folders and the pseudonyms' secret stay out of it."""
    usual = ReadOptions()
    return options.replace(**{name: getattr(usual, name) for name in _NOT_PIXELS}).fingerprint
