"""What every reader hands back: stored values, the one table that turns them into a picture, and the account.

A reader knows one file format. It does not build a Scan, resize, or decide how a picture is shown: `to_scan` and
`to_uint8` here do, so that a file is rendered the same way whether a person or a training loop asked for it.
"""

import dataclasses
from typing import Any

import numpy as np

from medlab.core.errors import SpecError
from medlab.core.record import Record, check_choice, check_tuple, check_whole, record
from medlab.core.scan import Note, Scan

WINDOW_PRESETS = {
    "lung": (-600.0, 1500.0),
    "mediastinum": (40.0, 400.0),
    "bone": (400.0, 1800.0),
    "brain": (40.0, 80.0),
}
"""(centre, width) in HU, by name; CT only"""

PLANES = ("axial", "coronal", "sagittal")

THREE_WINDOWS = ((-1024.0, 1024.0), (-135.0, 215.0), (0.0, 80.0))
"""(black, white) in HU of the red, green and blue that MedGemma 1.5 was trained on (Google's CT notebook)"""

LOOK_UP_PIECE = 65536
"""pixels looked up at a time; measured"""


@record
class ReadOptions(Record):
    """What a person may choose about reading one file. The defaults follow the file."""

    frame: int | None = None
    """which frame of several, from 0; None is right only where there is one"""
    window: tuple[float, float] | None = None
    """(centre, width) in modality units, instead of the file's"""
    window_index: int = 0
    """which of the file's own windows or VOI LUTs"""
    full_range: bool = False
    """True ignores windows: black is the least value present, white the greatest"""
    three_windows: bool = False
    """True makes the RGB of three CT windows that MedGemma 1.5 was trained on"""
    plane: str = "axial"
    """how a NIfTI volume is cut: one of PLANES"""
    salt: str = dataclasses.field(default="", repr=False)
    """secret that makes pseudonyms unlinkable; empty gives no pseudonym at all. Left out of repr, not of to_dict"""
    max_pixels: int = 100_000_000
    """rows x cols above which a file is refused before decoding"""
    max_frames: int = 4096
    max_bytes: int = 1 << 30
    """size above which a file is refused unread, and above which unpacking one stops"""
    roots: tuple[str, ...] = ()
    """folders that paths must lie under; empty allows any"""

    def __post_init__(self):
        if self.frame is not None:
            check_whole("frame", self.frame)
        check_whole("window_index", self.window_index)
        check_whole("max_pixels", self.max_pixels, 1)
        check_whole("max_frames", self.max_frames, 1)
        check_whole("max_bytes", self.max_bytes, 1)
        check_tuple("roots", self.roots, str)
        check_choice("plane", self.plane, PLANES)
        if self.window is not None:
            valid = len(self.window) == 2 and np.all(np.isfinite(self.window)) and self.window[1] > 0
            if not valid:
                raise SpecError(
                    f"window is {self.window!r}",
                    accepted="(centre, width) with width > 0, or a preset: " + ", ".join(WINDOW_PRESETS),
                )
        if sum((self.window is not None, self.full_range, self.three_windows, self.window_index > 0)) > 1:
            raise SpecError(
                "several windows were asked for", accepted="one of window, window_index, full_range, three_windows"
            )


def three_windows(hu: np.ndarray) -> np.ndarray:
    """(...) values in HU to (..., 3) float32 in [0, 1], rounded to 256 levels as the model was trained."""
    levels = np.empty((*hu.shape, 3), np.float32)
    for channel, (black, white) in enumerate(THREE_WINDOWS):
        share = (np.clip(hu, black, white) - black) / (white - black)
        levels[..., channel] = np.round(share * 255) / 255
    return levels


@dataclasses.dataclass(kw_only=True)
class Account:
    """What a reader did and doubted, written down while it works."""

    steps: list[str] = dataclasses.field(default_factory=list)
    """in order"""
    notes: list[Note] = dataclasses.field(default_factory=list)

    def correct(self, code: str, text: str) -> None:
        self.notes.append(Note("correction", code, text))

    def doubt(self, code: str, text: str) -> None:
        self.notes.append(Note("doubt", code, text))


@dataclasses.dataclass
class Decoded(Account):
    """Stored values of one picture and how to show them; handed on at once, never kept."""

    stored: np.ndarray
    """(rows, cols) or (rows, cols, 3): uint8, uint16, int16 with a `lut`, else float32 in [0, 1]"""
    lut: np.ndarray | None
    """(256,) or (65536,) float32 in [0, 1], indexed by the stored value's bits as unsigned; None for float32"""
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    """keyword arguments of Scan, but for pixels, steps and notes"""

    def _patterns(self) -> np.ndarray:
        """The stored values' bits as unsigned numbers, in one row: what a table is indexed by."""
        return np.ascontiguousarray(self.stored).reshape(-1).view(f"u{self.stored.dtype.itemsize}")

    def _look_up(self, table: np.ndarray) -> np.ndarray:
        """`table` at every stored pattern; in pieces, so that numpy's 8-byte indices stay in the cache."""
        patterns = self._patterns()
        pixels = np.empty(patterns.size, table.dtype)
        for start in range(0, patterns.size, LOOK_UP_PIECE):
            piece = slice(start, start + LOOK_UP_PIECE)
            # every pattern has an entry: "clip" only spares numpy the check
            np.take(table, patterns[piece], out=pixels[piece], mode="clip")
        return pixels.reshape(self.stored.shape)

    def _look_up_fast(self, table: np.ndarray) -> np.ndarray:
        """The same by pyarrow, which needs no 8-byte indices: twice as fast, once it is imported (0.3 s)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        # every pattern has an entry, so no index can be out of bounds
        pixels = pc.take(pa.array(table), pa.array(self._patterns()), boundscheck=False)
        return np.asarray(pixels).reshape(self.stored.shape)

    def to_scan(self) -> Scan:
        """The picture as a Scan, float32."""
        pixels = self.stored if self.lut is None else self._look_up(self.lut.astype(np.float32, copy=False))
        return Scan(pixels, steps=tuple(self.steps), notes=tuple(self.notes), **self.fields)

    def to_uint8(self) -> np.ndarray:
        """The picture as uint8 without a float image in between; equals `to_scan().to_uint8()`."""
        if self.lut is None:
            return np.round(self.stored * np.float32(255)).astype(np.uint8)
        table = np.round(self.lut.astype(np.float32, copy=False) * np.float32(255)).astype(np.uint8)
        if len(table) == 256 and np.array_equal(table, np.arange(256)):
            return self.stored.view(np.uint8)  # 8 bits that are shown as they are stored, as in most PNG and JPEG
        return self._look_up_fast(table)
