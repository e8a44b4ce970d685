"""Curves and outlines as arrays of (x, y) points. It knows no anatomy and draws nothing."""

import functools
import math
from collections.abc import Sequence

import numpy as np

Points = np.ndarray
"""(..., n, 2) float64: x to the right of the picture, y down"""


def spline(knots: Sequence[Sequence[float]] | Points, per_segment: int = 8, *, closed: bool = False) -> Points:
    """A Catmull-Rom curve through every knot, (n, 2)."""
    points = np.asarray(knots, np.float64)
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        first, last = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
        padded = np.concatenate([[first], points, [last]])
    before, start, end, after = _weights(per_segment)
    curve = before * padded[:-3, None] + start * padded[1:-2, None]
    curve += end * padded[2:-1, None] + after * padded[3:, None]
    flat = curve.reshape(-1, 2)
    return flat if closed else np.concatenate([flat, points[-1:]])


@functools.lru_cache(maxsize=32)
def _weights(per_segment: int) -> np.ndarray:
    """What each of four neighbouring knots adds to the points of one segment, (4, per_segment, 1)."""
    t = np.linspace(0, 1, per_segment, endpoint=False)[:, None]
    before = -t + 2 * t**2 - t**3
    start = 2 - 5 * t**2 + 3 * t**3
    end = t + 4 * t**2 - 3 * t**3
    after = -(t**2) + t**3
    return 0.5 * np.stack([before, start, end, after])


def offset(lines: Points, distance: np.ndarray | float) -> Points:
    """Curves (..., n, 2) moved sideways: to the right-hand side of their direction where `distance` > 0."""
    return lines + _sideways(lines, distance)


def ribbon(lines: Points, half_width: np.ndarray | float) -> Points:
    """The outline (..., 2n, 2) of curves (..., n, 2) drawn with a pen of `half_width` (broadcast to (..., n))."""
    step = _sideways(lines, half_width)
    return np.concatenate([lines + step, (lines - step)[..., ::-1, :]], -2)


def _sideways(lines: Points, distance: np.ndarray | float) -> Points:
    """The step of length `distance` across each point of the curves, to the right-hand side of their direction."""
    along = np.empty_like(lines)
    along[..., 1:-1, :] = lines[..., 2:, :] - lines[..., :-2, :]
    along[..., 0, :] = lines[..., 1, :] - lines[..., 0, :]
    along[..., -1, :] = lines[..., -1, :] - lines[..., -2, :]
    share = distance / (np.sqrt(along[..., 0] ** 2 + along[..., 1] ** 2) + 1e-12)
    step = np.empty_like(lines)
    np.multiply(along[..., 1], -share, out=step[..., 0])
    np.multiply(along[..., 0], share, out=step[..., 1])
    return step


def ellipse(
    centre: Sequence[float], radii: Sequence[float], turn: float = 0.0, points: int = 40, power: float = 1.0
) -> Points:
    """An ellipse turned by `turn` radians, (points, 2); `power` below 1 makes it squarer."""
    along, across = _circle(points, power)
    x, y = radii[0] * along, radii[1] * across
    cos, sin = math.cos(turn), math.sin(turn)
    return np.stack([centre[0] + cos * x - sin * y, centre[1] + sin * x + cos * y], -1)


@functools.lru_cache(maxsize=32)
def _circle(points: int, power: float) -> np.ndarray:
    """Points round the unit circle, squarer for `power` below 1, (2, points)."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    return np.sign(circle) * np.abs(circle) ** power
