"""Scan: one picture ready for a model, and the account of how it was made."""

import numpy as np

from medlab.core.errors import SpecError, shown
from medlab.core.record import (
    Record,
    check_choice,
    check_number,
    check_text,
    check_whole,
    frozen_array,
    record,
)

NOTE_KINDS = ("correction", "doubt")
VIEWS = ("PA", "AP", "LATERAL", "OTHER", "unknown")
LATERALITIES = ("left", "right", "both", "unknown")


@record
class Note(Record):
    """One thing that the loader changed (a correction) or could not be sure of (a doubt)."""

    kind: str
    """one of NOTE_KINDS"""
    code: str
    """a short stable word, such as "inverted" or "window_outside_data" """
    text: str
    """one sentence for a person"""

    def __post_init__(self):
        check_choice("kind", self.kind, NOTE_KINDS)
        check_text("code", self.code)
        check_text("text", self.text)


@record
class Scan(Record):
    """One picture: `pixels` (rows, cols) or (rows, cols, 3) float32 in [0, 1], bright = dense, rows run down.

    Side terms are the patient's: on a frontal film the patient's right is at the left of the picture.
    """

    pixels: np.ndarray
    """(rows, cols) or (rows, cols, 3) float32 in [0, 1]; read-only, so do not write to the array given"""
    name: str = "array"
    """the file's own name without its folder; not for identification"""
    sha256: str = ""
    """of the source's bytes, hex; empty where there was no file"""
    modality: str = "unknown"
    """DICOM modality such as "CR", "DX", "CT", "US"; "unknown" where nobody said"""
    view: str = "unknown"
    """one of VIEWS; never guessed"""
    laterality: str = "unknown"
    """one of LATERALITIES: which side of the body was imaged"""
    window: tuple[float, float] | None = None
    """(centre, width) that was applied, in modality units (HU for CT); None where none was"""
    windows: tuple[tuple[float, float], ...] = ()
    """every (centre, width) that the file offers"""
    spacing_mm: tuple[float, float] | None = None
    """distance of pixel centres (down, across) in the *picture given*; None where not known"""
    bits: int = 8
    """bits of grey per stored pixel in the source"""
    frame: int | None = None
    """which frame of a file with several, from 0"""
    frames: int = 1
    """how many frames the file holds"""
    patient: str | None = None
    """salted pseudonym; never a name, number or date from a header"""
    steps: tuple[str, ...] = ()
    """what was done to the stored values, in order"""
    notes: tuple[Note, ...] = ()
    """corrections and doubts"""

    def __post_init__(self):
        pixels = frozen_array("pixels", self.pixels, np.float32, (2, 3))
        if pixels.ndim == 3 and pixels.shape[2] != 3:
            raise SpecError(f"pixels has shape {pixels.shape}", accepted="(rows, cols) or (rows, cols, 3)")
        low, high = float(pixels.min()), float(pixels.max())
        if low < 0 or high > 1:
            raise SpecError(
                f"pixels runs from {low:g} to {high:g}",
                accepted="float32 from 0 to 1",
                fix="medlab.load_scan(array) scales integer arrays for you",
            )
        object.__setattr__(self, "pixels", pixels)
        check_text("name", self.name)
        check_choice("view", self.view, VIEWS)
        check_choice("laterality", self.laterality, LATERALITIES)
        check_text("modality", self.modality)
        check_whole("bits", self.bits, 1, 64)
        check_whole("frames", self.frames, 1)
        if self.frame is not None:
            check_whole("frame", self.frame, 0, self.frames - 1)
        if self.window is not None:
            check_number("window centre", self.window[0])
            check_number("window width", self.window[1], low=0)
        if self.spacing_mm is not None:
            for value in self.spacing_mm:
                check_number("spacing_mm", value, low=1e-6, high=1e6)

    @property
    def rows(self) -> int:
        return self.pixels.shape[0]

    @property
    def cols(self) -> int:
        return self.pixels.shape[1]

    @property
    def is_colour(self) -> bool:
        return self.pixels.ndim == 3

    @property
    def corrections(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if note.kind == "correction")

    @property
    def doubts(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if note.kind == "doubt")

    def to_uint8(self) -> np.ndarray:
        """`pixels` as uint8 0..255, rounded to nearest: the picture that an 8-bit processor is given."""
        return np.round(self.pixels * np.float32(255)).astype(np.uint8)

    def audit(self) -> str:
        """The account in plain text: what was done, what was corrected, what is in doubt."""
        lines = [repr(self)]
        lines += [f"  step        {shown(step, 200)[1:-1]}" for step in self.steps]
        lines += [f"  {note.kind:<11} {note.code}: {shown(note.text, 400)[1:-1]}" for note in self.notes]
        return "\n".join(lines)

    def __repr__(self) -> str:
        parts = [f"{self.rows}x{self.cols}", "colour" if self.is_colour else "grey", self.modality]
        if self.view != "unknown":
            parts.append(self.view)
        if self.window is not None:
            parts.append(f"window {self.window[0]:g}/{self.window[1]:g}")
        if self.frame is not None:
            parts.append(f"frame {self.frame} of {self.frames}")
        if self.notes:
            parts.append(f"{len(self.corrections)} corrected, {len(self.doubts)} in doubt")
        return f"Scan({shown(self.name, 60)}, {', '.join(parts)})"
