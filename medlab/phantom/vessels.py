"""The branching vessels of the lungs and the bronchi, as shapes to fill. It knows nothing of findings."""

import numpy as np

from medlab.phantom.anatomy import SIGN, Patient
from medlab.phantom.chance import stream
from medlab.phantom.curves import Points, ribbon, spline
from medlab.phantom.raster import Shape

STEPS = (9, 9, 5, 5)
"""points along a branch, by generation: the later ones are short"""
PER_BRANCH = (4, 3, 1)
"""side branches of each branch, by generation"""


def vessels(patient: Patient) -> tuple[list[Shape], list[Shape]]:
    """Two sets of tapering branches that leave both hila; where the sets cross, their shadows add."""
    sets: tuple[list[Shape], list[Shape]] = ([], [])
    for side in SIGN:
        rng = stream(patient.seed, "vessels", side)
        lines, widths = _trunks(patient, side, rng)
        for generation in range(len(STEPS)):
            outlines = ribbon(lines, widths)
            level = np.clip(widths[:, 0] * 42, 0.10, 0.9)
            for index, outline in enumerate(outlines):
                sets[(index + generation) % 2].append((outline, float(level[index])))
            if generation < len(PER_BRANCH):
                lines, widths = _children(lines, widths, rng, PER_BRANCH[generation], STEPS[generation + 1])
    return sets


def hilum(patient: Patient, side: str) -> tuple[float, float]:
    """Where vessels and main bronchus enter the lung; the left hilum is a little higher."""
    y = -0.05 if side == "right" else -0.095
    return SIGN[side] * 0.165 + patient.turn * 0.5, y + 0.4 * patient.base[side]


def hilar_arteries(patient: Patient) -> list[Shape]:
    """The descending pulmonary arteries and the upper lobe trunks: the shadow that is called the hilum."""
    shapes: list[Shape] = []
    for side, sign in SIGN.items():
        x, y = hilum(patient, side)
        rng = stream(patient.seed, "hilum", side)
        bulge = rng.uniform(0.9, 1.15)
        descending = spline([(x - sign * 0.05, y - 0.05), (x + sign * 0.02, y - 0.02), (x + sign * 0.055, y + 0.07),
                             (x + sign * 0.06, y + 0.17), (x + sign * 0.075, y + 0.27)], 6)  # fmt: skip
        width = np.linspace(0.036, 0.010, len(descending)) * bulge
        shapes.append((ribbon(descending, width), 0.85))
        upper = spline([(x - sign * 0.03, y), (x + sign * 0.01, y - 0.08), (x + sign * 0.05, y - 0.17)], 6)
        shapes.append((ribbon(upper, np.linspace(0.026, 0.010, len(upper)) * bulge), 0.7))
        vein = spline([(x - sign * 0.08, y + 0.12), (x + sign * 0.02, y + 0.10), (x + sign * 0.10, y + 0.05)], 6)
        shapes.append((ribbon(vein, np.linspace(0.02, 0.008, len(vein))), 0.5))
    return shapes


def airways(patient: Patient) -> list[Shape]:
    """Trachea and main bronchi: air, so they darken what lies behind."""
    x, shift = 0.004 + patient.turn * 0.5, patient.tracheal_shift
    carina = carina_y(patient)
    trachea = spline([(x, -1.3), (x, -0.95), (x + shift * 0.6, -0.65), (x - 0.012 + shift, -0.42),
                      (x - 0.014 + shift * 0.6, carina + 0.02)], 8)  # fmt: skip
    shapes: list[Shape] = [(ribbon(trachea, 0.041), 1.0)]
    for side, sign in SIGN.items():
        hx, hy = hilum(patient, side)
        start = (x - 0.014 + shift * 0.6, carina - 0.01)
        bend = (hx * 0.55, (carina + hy) / 2 - 0.015)
        bronchus = spline([start, bend, (hx * 0.98, hy), (hx + sign * 0.03, hy + 0.06)], 6)
        shapes.append((ribbon(bronchus, np.linspace(0.034, 0.018, len(bronchus))), 0.75))
    return shapes


def carina_y(patient: Patient) -> float:
    """Where the trachea divides."""
    return -0.235 + 0.3 * patient.base["right"]


def _trunks(patient: Patient, side: str, rng: np.random.Generator) -> tuple[Points, np.ndarray]:
    """The first branches: a fan from the hilum, thicker and longer towards the base."""
    sign = SIGN[side]
    x, y = hilum(patient, side)
    count = 11
    angle = np.linspace(-1.25, 1.35, count) + rng.normal(0, 0.10, count)
    down = np.clip(np.sin(angle), -1, 1)
    length = rng.uniform(0.34, 0.48, count) * (1 + 0.20 * down)
    start = np.stack([np.full(count, x) + sign * 0.03 * np.cos(angle), y + 0.10 * down + 0.04], -1)
    width = rng.uniform(0.0085, 0.0125, count) * (1 + 0.30 * down)
    return _grow(start, angle, length, rng.normal(0, 0.45, count), sign, width, STEPS[0])


def _children(
    lines: Points, widths: np.ndarray, rng: np.random.Generator, per_branch: int, steps: int
) -> tuple[Points, np.ndarray]:
    """Side branches of every branch, alternating from one side of it to the other."""
    branches = len(lines)
    count = branches * per_branch
    parent = np.repeat(np.arange(branches), per_branch)
    position = np.tile(np.linspace(0.30, 0.86, per_branch), branches) + rng.uniform(-0.08, 0.08, count)
    last = lines.shape[1] - 1
    index = np.clip(np.rint(position * last).astype(int), 1, last - 1)
    heading = lines[parent, index + 1] - lines[parent, index - 1]
    sign = np.where(lines[:, -1, 0] >= 0, 1.0, -1.0)[parent]
    angle = np.arctan2(heading[:, 1], heading[:, 0] * sign)
    turn = rng.uniform(0.40, 0.85, count) * np.where(np.arange(count) % 2 == 0, 1, -1)
    extent = np.sqrt(((lines[:, -1] - lines[:, 0]) ** 2).sum(-1))[parent]
    length = extent * rng.uniform(0.38, 0.62, count) * (1.1 - 0.45 * position)
    width = widths[parent, index] * rng.uniform(0.58, 0.78, count)
    curl = -0.6 * turn + rng.normal(0, 0.25, count)
    return _grow(lines[parent, index], angle + turn, length, curl, sign, width, steps)


def _grow(
    start: Points,
    angle: np.ndarray,
    length: np.ndarray,
    curl: np.ndarray,
    sign: np.ndarray | float,
    width: np.ndarray,
    steps: int,
) -> tuple[Points, np.ndarray]:
    """Curves of even steps whose heading turns by `curl` over their length, and their tapering half widths."""
    t = np.linspace(0, 1, steps)
    heading = angle[:, None] + curl[:, None] * t
    step = (length / (steps - 1))[:, None]
    dx = np.cumsum(np.cos(heading) * step, 1) * np.reshape(sign, (-1, 1))
    dy = np.cumsum(np.sin(heading) * step, 1)
    moves = np.stack([dx, dy], -1)
    lines = np.concatenate([start[:, None], start[:, None] + moves[:, :-1]], 1)
    return lines, width[:, None] * np.linspace(1.0, 0.45, steps)
