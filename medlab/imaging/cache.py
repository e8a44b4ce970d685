"""Prepared pictures on disk, so that the second epoch costs a look-up instead of a decode and a resize.

A folder holds `pictures.u8`, the uint8 squares one after another, and an index that says whose they are. Squares are
written first and listed afterwards in one transaction, so that a process killed at any moment leaves a sound cache of
what it had listed; run again, it goes on from there. Mean and standard deviation are applied on reading: one cache
serves every encoder of its size. It reads no image files (`medlab.loaders.filling` does), keeps no file names,
and is not a place for the only copy of anything.
"""

import os
import pathlib
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medlab.core.errors import DataError, SpecError, UnknownName, shown
from medlab.core.geometry import SquareFit
from medlab.core.record import check_choice
from medlab.imaging.cache_index import CacheIndex
from medlab.imaging.preparing import PIPELINE, Preparation, Prepared, look_up, normalise, tables_of

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Entry(NamedTuple):
    """One picture on its way into a cache."""

    sha256: str
    """of the source's bytes, hex"""
    square: np.ndarray
    """uint8 (size, size), or (size, size, 3) in a colour cache"""
    fit: SquareFit
    """how the original lies on the square"""


class PreparedCache:
    """The squares of many pictures: `cache[i]` or `cache[sha256]` is a Prepared, `cache.batch(slots)` a tensor.

    folder       made where missing
    preparation  size and fit must be those that the cache was made with; channels, mean and std are free
    reading      whatever else decided the pixels, as one word: the fingerprint of the read options
    colour       True stores three bytes a pixel

    Raises DataError: mismatch where the folder holds other pictures than these, decode where its index is damaged,
    truncated where pictures are missing.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        preparation: Preparation | None = None,
        *,
        reading: str = "",
        colour: bool = False,
    ):
        self.folder = pathlib.Path(folder)
        self.preparation = preparation or Preparation()
        self.reading, self.colour = reading, colour
        if colour and self.preparation.channels != 3:
            raise SpecError("a colour cache of one channel", accepted="channels=3", fix="colour=False")
        size = self.preparation.size
        self._shape = (size, size, 3) if colour else (size, size)
        self._slots: dict[str, int] = {}
        self._facts = np.empty((0, 3), np.int64)  # rows, cols, crc32 of each slot
        self._pictures = np.empty((0, *self._shape), np.uint8)
        self.folder.mkdir(parents=True, exist_ok=True)
        about = {"pipeline": str(PIPELINE), "size": str(size), "fit": self.preparation.fit}
        self._index = CacheIndex(self.folder, about | {"colour": str(colour), "reading": reading})
        self.refresh()

    def __len__(self) -> int:
        return len(self._facts)

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self._slots

    def __getitem__(self, key: int | str) -> Prepared:
        """The picture in a slot, or of a source's sha256. Raises IndexError, UnknownName, or DataError mismatch."""
        return Prepared(normalise(self.square(key), self.preparation), self.fit(key))

    def __repr__(self) -> str:
        kind = "colour" if self.colour else "grey"
        return f"PreparedCache({len(self)} {kind} pictures, {self.preparation.size} px, {self.preparation.fit})"

    def __reduce__(self):
        # a data loader's worker opens the folder for itself
        return (_reopened, (self.folder, self.preparation, self.reading, self.colour))

    def slot(self, key: int | str) -> int:
        """The slot of a source's sha256; a slot is itself. Raises UnknownName or IndexError."""
        if isinstance(key, str):
            if key not in self._slots:
                fix = "medlab.loaders.filling.fill_cache(folder, paths)"
                raise UnknownName("prepared picture", key, [], fix=fix)
            return self._slots[key]
        if not -len(self) <= key < len(self):
            raise IndexError(f"slot {key} of a prepared cache of {len(self)} pictures")
        return int(key) % len(self)

    def square(self, key: int | str) -> np.ndarray:
        """The uint8 square, (size, size) or (size, size, 3), read-only, compared with its checksum on every read."""
        slot = self.slot(key)
        square = self._pictures[slot]
        if zlib.crc32(square) != self._facts[slot, 2]:
            raise self._broken("mismatch", f"picture {slot} of the prepared cache is not what was written")
        return square

    def fit(self, key: int | str) -> SquareFit:
        """How the original lies on the square."""
        rows, cols, _ = self._facts[self.slot(key)].tolist()
        return self.preparation.fit_of(rows, cols)

    def files(self) -> dict[str, str]:
        """The sha256 of every file that was prepared, by the stamp that was given for it."""
        return self._index.files()

    def batch(
        self, keys: Sequence[int | str], dtype: str = "float32", *, out: "torch.Tensor | None" = None
    ) -> "torch.Tensor":
        """Several pictures as a torch tensor (n, channels, size, size); `dtype` is one of DTYPES.

        out  a tensor of that shape and dtype to fill, pinned perhaps

        Without `out`, the channels of grey pictures are one plane in memory (stride 0) where mean and std are the same
        for all: writing three costs three times the look-up. Whatever copies the tensor lays it out in full.
        """
        import torch

        check_choice("dtype", dtype, DTYPES)
        kind, size, channels = getattr(torch, dtype), self.preparation.size, self.preparation.channels
        # numpy knows no bfloat16, but a look-up only moves bits
        words = torch.int32 if dtype == "float32" else torch.int16
        tables = tuple(torch.tensor(t).to(kind).view(words).numpy() for t in tables_of(self.preparation))
        shape = (len(keys), channels, size, size)
        if out is None:
            planes = 1 if len(tables) == 1 and not self.colour else channels
            batch = torch.empty(len(keys), planes, size, size, dtype=kind)
        elif out.shape == shape and out.dtype == kind and out.is_contiguous():
            batch = out
        else:
            given = f"out is {out.dtype} of shape {tuple(out.shape)}"
            raise SpecError(given, accepted=f"contiguous {dtype} of shape {shape}")
        for key, pixels in zip(keys, batch.view(words).numpy(), strict=True):
            look_up(self.square(key), tables, pixels)
        return batch.expand(shape)

    def add(self, entries: Sequence[Entry], files: Mapping[str, str] | None = None) -> None:
        """Store pictures, all or none; one that is there already is passed over. Processes may take turns at it.

        files  sha256 by stamp, for finding a file again without reading it

        Raises SpecError for a square of another shape or fit, CapabilityError where another process keeps the lock.
        """
        for entry in entries:
            self._check(entry)
        with self._index.turn() as turn:
            fresh = [e for e in {e.sha256: e for e in entries}.values() if not turn.has(e.sha256)]
            squares = [np.ascontiguousarray(e.square) for e in fresh]
            first = turn.next_slot()
            self._write(first, squares)
            rows = [(e.sha256, e.fit.rows, e.fit.cols, zlib.crc32(s)) for e, s in zip(fresh, squares, strict=True)]
            turn.list_pictures(first, rows)
            turn.list_files(dict(files or {}))
        self.refresh()

    def refresh(self) -> None:
        """Take in what this or another process has added."""
        rows = self._index.rows_from(len(self))
        if not rows:
            return
        self._slots |= {row[0]: slot for slot, row in enumerate(rows, len(self))}
        self._facts = np.concatenate([self._facts, np.array([row[1:] for row in rows], np.int64)])
        path = self.folder / "pictures.u8"
        held = path.stat().st_size // self._bytes if path.exists() else 0
        if held < len(self):
            raise self._broken("truncated", f"the prepared cache lists {len(self)} pictures and holds {held}")
        self._pictures = np.memmap(path, np.uint8, "r", shape=(len(self), *self._shape))

    @property
    def _bytes(self) -> int:
        """of one square"""
        return int(np.prod(self._shape))

    def _write(self, first: int, squares: list[np.ndarray]) -> None:
        path = self.folder / "pictures.u8"
        path.touch()
        with path.open("r+b") as file:
            file.seek(first * self._bytes)  # over whatever a killed process had written but not listed
            for square in squares:
                file.write(square.data)
            file.flush()
            os.fsync(file.fileno())

    def _check(self, entry: Entry) -> None:
        if not _SHA256.fullmatch(entry.sha256):
            raise SpecError(f"sha256 is {shown(entry.sha256)}", accepted="64 hex digits, lower case")
        if entry.square.dtype != np.uint8 or entry.square.shape != self._shape:
            raise SpecError(
                f"the square is {entry.square.dtype} of shape {entry.square.shape}",
                accepted=f"uint8 of shape {self._shape}",
                fix="" if self.colour else "PreparedCache(..., colour=True) for pictures in colour",
            )
        if (entry.fit.size, entry.fit.mode) != (self.preparation.size, self.preparation.fit):
            raise SpecError(
                f"the fit is {entry.fit.mode} to {entry.fit.size}",
                accepted=f"{self.preparation.fit} to {self.preparation.size}",
            )

    def _broken(self, code: str, given: str) -> DataError:
        return DataError(code, given, fix=f"delete the folder {shown(self.folder.name)} and prepare again")


def _reopened(folder: pathlib.Path, preparation: Preparation, reading: str, colour: bool) -> PreparedCache:
    return PreparedCache(folder, preparation, reading=reading, colour=colour)
