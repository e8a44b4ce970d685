"""Curves and outlines as arrays of (x, y) points. It knows no anatomy and draws nothing."""

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
    before, start, end, after = padded[:-3, None], padded[1:-2, None], padded[2:-1, None], padded[3:, None]
    t = np.linspace(0, 1, per_segment, endpoint=False)[None, :, None]
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * (start - end) + after - before) * t**3
    )
    flat = curve.reshape(-1, 2)
    return flat if closed else np.concatenate([flat, points[-1:]])


def offset(lines: Points, distance: np.ndarray | float) -> Points:
    """Curves (..., n, 2) moved sideways: to the right-hand side of their direction where `distance` > 0."""
    tangent = np.empty_like(lines)
    tangent[..., 1:-1, :] = lines[..., 2:, :] - lines[..., :-2, :]
    tangent[..., 0, :] = lines[..., 1, :] - lines[..., 0, :]
    tangent[..., -1, :] = lines[..., -1, :] - lines[..., -2, :]
    share = distance / (np.sqrt(tangent[..., 0] ** 2 + tangent[..., 1] ** 2) + 1e-12)
    moved = lines.copy()
    moved[..., 0] -= tangent[..., 1] * share
    moved[..., 1] += tangent[..., 0] * share
    return moved


def ribbon(lines: Points, half_width: np.ndarray | float) -> Points:
    """The outline (..., 2n, 2) of curves (..., n, 2) drawn with a pen of `half_width` (broadcast to (..., n))."""
    half_width = np.broadcast_to(half_width, lines.shape[:-1])
    return np.concatenate([offset(lines, half_width), offset(lines, -half_width)[..., ::-1, :]], -2)


def ellipse(
    centre: Sequence[float], radii: Sequence[float], turn: float = 0.0, points: int = 40, power: float = 1.0
) -> Points:
    """An ellipse turned by `turn` radians, (points, 2); `power` below 1 makes it squarer."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    along, across = np.cos(angle), np.sin(angle)
    x = radii[0] * np.sign(along) * np.abs(along) ** power
    y = radii[1] * np.sign(across) * np.abs(across) ** power
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([centre[0] + cos * x - sin * y, centre[1] + sin * x + cos * y], -1)
