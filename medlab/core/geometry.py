"""The map between a scan's own pixels and the square picture that a model sees. The only place that owns it.

Points are (row, col) at pixel *edges*: the scan covers 0..rows by 0..cols, so box edges map without half-pixel
slips. Boxes are (top, left, bottom, right), half-open. It knows numbers, not pixels: `medlab.imaging` resamples.
"""

import numpy as np

from medlab.core.errors import SpecError
from medlab.core.record import Record, check_choice, check_whole, record

BoxPx = tuple[float, float, float, float]

MODES = ("pad", "stretch")


@record
class SquareFit(Record):
    """How a scan of rows x cols was made to fill a size x size square.

    "pad" centres it in a square of its longer side, then resizes (aspect kept; MedGemma's localisation recipe).
    "stretch" resizes each axis alone (what the Gemma 3 processor does by itself).
    """

    rows: int
    """height of the original scan, pixels"""
    cols: int
    """width of the original scan, pixels"""
    size: int
    """side of the square, pixels"""
    mode: str = "pad"
    """one of MODES"""

    def __post_init__(self):
        for name in ("rows", "cols", "size"):
            check_whole(name, getattr(self, name), low=1)
        check_choice("mode", self.mode, MODES)

    @property
    def side(self) -> int:
        """side of the padded square in original pixels (pad mode)"""
        return max(self.rows, self.cols)

    @property
    def offset(self) -> tuple[int, int]:
        """(rows above, cols left of) the scan in the padded square; (0, 0) when stretched"""
        if self.mode == "stretch":
            return (0, 0)
        return ((self.side - self.rows) // 2, (self.side - self.cols) // 2)

    @property
    def extent(self) -> tuple[int, int]:
        """(rows, cols) of what fills the square, in original pixels: the padded square, or the scan itself"""
        return (self.rows, self.cols) if self.mode == "stretch" else (self.side, self.side)

    @property
    def scale(self) -> tuple[float, float]:
        """model pixels per original pixel, (down, across)"""
        return (self.size / self.extent[0], self.size / self.extent[1])

    def to_square(self, points: np.ndarray) -> np.ndarray:
        """Original (row, col) points, shape (..., 2), to square pixels, float64."""
        return (_pairs(points) + self.offset) * self.size / self.extent

    def to_original(self, points: np.ndarray) -> np.ndarray:
        """Square (row, col) points, shape (..., 2), to original pixels, float64. Inverse of `to_square`."""
        return _pairs(points) * self.extent / self.size - self.offset

    def box_to_square(self, box: BoxPx) -> BoxPx:
        """An original box in square pixels."""
        return tuple(self.to_square(np.reshape(_ordered(box), (2, 2))).ravel().tolist())

    def box_to_original(self, box: BoxPx, *, clip: bool = True) -> BoxPx:
        """A square box in original pixels, clipped to the scan unless `clip` is False."""
        corners = self.to_original(np.reshape(_ordered(box), (2, 2)))
        if clip:
            corners = np.clip(corners, 0, (self.rows, self.cols))
        return tuple(corners.ravel().tolist())

    def box_from_1000(self, box: BoxPx, *, clip: bool = True) -> BoxPx:
        """MedGemma 1.5's (y0, x0, y1, x1) in 0..1000 of the square, in original pixels."""
        return self.replace(size=1000).box_to_original(box, clip=clip)

    def box_to_1000(self, box: BoxPx) -> tuple[int, int, int, int]:
        """An original box as MedGemma 1.5 writes it: whole numbers 0..1000, (y0, x0, y1, x1)."""
        return tuple(round(min(max(v, 0), 1000)) for v in self.replace(size=1000).box_to_square(box))

    def content(self) -> BoxPx:
        """The part of the square that the scan covers; the rest is padding."""
        return self.box_to_square((0, 0, self.rows, self.cols))


def _pairs(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, np.float64)
    if points.shape[-1:] != (2,):
        raise SpecError(f"points has shape {points.shape}", accepted="(..., 2): a (row, col) on the last axis")
    return points


def _ordered(box: BoxPx) -> BoxPx:
    if len(box) != 4 or not np.all(np.isfinite(box)) or box[2] < box[0] or box[3] < box[1]:
        raise SpecError(f"box is {box!r}", accepted="(top, left, bottom, right) with top <= bottom, left <= right")
    return box
