"""From outlines to pixels: one canvas per picture, at any size, with the pose of the patient in front of the detector.

Coordinates are canonical: x and y from -1 to 1 over the square picture, so a phantom has the same shape at every size.
Crisp outlines are filled on an enlarged 8-bit canvas and averaged down. Smooth fields live on a coarse grid whose
size does not depend on the picture and are interpolated, which is fast and gives every size the same field.

Arrays go through operations that IEEE arithmetic rounds exactly (no exp, no sin over pixels), so the bytes do not
depend on the vector units of the machine.
"""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np

from medlab.phantom.curves import Points

COARSE = 64
"""rows and columns of the grid for smooth fields"""
CANVAS = 448
"""least side of the enlarged canvas, pixels"""

Shape = tuple[Points, float]
"""a closed outline (n, 2) and its level, 0 to 1"""


@dataclasses.dataclass(frozen=True)
class Pose:
    """How the patient stands: canonical patient coordinates to canonical picture coordinates."""

    angle: float = 0.0
    """radians, clockwise"""
    scale: tuple[float, float] = (1.0, 1.0)
    """across, down"""
    shift: tuple[float, float] = (0.0, 0.0)
    """across, down"""

    def place(self, points: Points) -> Points:
        x, y = points[..., 0] * self.scale[0], points[..., 1] * self.scale[1]
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return np.stack([cos * x - sin * y + self.shift[0], sin * x + cos * y + self.shift[1]], -1)


class Canvas:
    """Fills outlines and makes smooth fields for one picture of `size` x `size` pixels."""

    def __init__(self, size: int, pose: Pose):
        self.size, self.pose = size, pose
        self._factor = max(2, -(-CANVAS // size))

    def fill(self, shapes: Iterable[Shape], *, posed: bool = True) -> np.ndarray:
        """Coverage (size, size) float32 in [0, 1]; where shapes overlap the later one stands.

        `posed` False takes the outlines as picture coordinates (markers, wires on the cassette).
        """
        return self._fill(shapes, self.size, self._factor, posed)

    def fill_soft(self, shapes: Iterable[Shape], blur: float) -> np.ndarray:
        """The same, blurred by `blur` canonical units, on the coarse grid (COARSE, COARSE)."""
        return self.blur_coarse(self._fill(shapes, COARSE, 4, True), blur)

    def _fill(self, shapes: Iterable[Shape], size: int, factor: int, posed: bool) -> np.ndarray:
        from PIL import Image, ImageDraw

        cover = np.zeros((size, size), np.float32)
        shapes = list(shapes)
        if not shapes:
            return cover
        points = np.concatenate([outline for outline, _ in shapes])
        placed = self.pose.place(points) if posed else points
        # Rounding far below a pixel hides last-digit differences between mathematical libraries.
        corners = np.round((placed + 1) * (size * factor / 2) - 0.5, 4)
        # Only the pixels round the shapes are drawn: most fill a small part of the picture. A polygon owns its edges.
        (left, right), (top, bottom) = (_span(edge, factor, size) for edge in corners.T)
        if left >= right or top >= bottom:
            return cover
        image = Image.new("L", ((right - left) * factor, (bottom - top) * factor), 0)
        draw = ImageDraw.Draw(image)
        flat = (corners - [left * factor, top * factor]).ravel().tolist()
        start = 0
        for outline, level in shapes:
            stop = start + 2 * len(outline)
            draw.polygon(flat[start:stop], fill=round(255 * level))
            start = stop
        cover[top:bottom, left:right] = image.reduce(factor)
        cover *= np.float32(1 / 255)
        return cover

    @staticmethod
    def blur_coarse(field: np.ndarray, blur: float) -> np.ndarray:
        """A coarse field blurred by `blur` canonical units."""
        return _gaussian(field, blur * COARSE / 2)

    def blur(self, field: np.ndarray, blur: float) -> np.ndarray:
        """A (size, size) field blurred by `blur` canonical units; wide blurs go through the coarse grid."""
        sigma = blur * self.size / 2
        if sigma < 0.5:
            # A pixel averages over more than that anyway.
            return field
        if blur * COARSE / 2 < 1.5 or self.size <= COARSE:
            return _gaussian(field, sigma)
        return self.enlarge(self.blur_coarse(self.shrink(field), blur))

    def shrink(self, field: np.ndarray) -> np.ndarray:
        """A (size, size) field on the coarse grid."""
        return _resized(field, COARSE, "BOX")

    def enlarge(self, field: np.ndarray) -> np.ndarray:
        """A square coarse field of any side on the picture's grid, (size, size) float32."""
        return _resized(field, self.size, "BICUBIC")

    def noise(self, rng: np.random.Generator, *layers: tuple[float, float]) -> np.ndarray:
        """Smooth noise, the sum of layers (wavelength in canonical units, about its standard deviation), widest first.

        The field is the same at any size. Each layer is enlarged to the grid of the next, so that only the sum is
        enlarged to the size of the picture.
        """
        field = np.zeros((1, 1), np.float32)
        for wavelength, strength in layers:
            side = round(2 / wavelength)
            grain = rng.standard_normal((side, side), dtype=np.float32)
            field = _resized(field, side, "BICUBIC") + np.float32(1.4 * strength) * grain
        return self.enlarge(field)


def _span(corners: np.ndarray, factor: int, size: int) -> tuple[int, int]:
    """First and one past the last of `size` pixels that shapes with these enlarged coordinates may touch."""
    first, last = math.floor((corners.min() - 1) / factor), math.ceil((corners.max() + 2) / factor)
    return max(first, 0), min(last, size)


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, a smooth rise between."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (np.float32(3) - np.float32(2) * t)


def _gaussian(field: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(field, sigma, mode="nearest", truncate=3)


def _resized(field: np.ndarray, size: int, filter_name: str) -> np.ndarray:
    """`field` on a (size, size) grid, float32."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling[filter_name]))
