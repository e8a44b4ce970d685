"""Ribs, spine, clavicles, scapulae and humeri as shapes to fill, with their thickness in centimetres of tissue.

It places bones around the outlines of a `Patient`; what they look like on film is the painter's business.
"""

import numpy as np

from medlab.phantom.anatomy import SIGN, Patient
from medlab.phantom.chance import stream
from medlab.phantom.curves import Points, ellipse, offset, ribbon, spline
from medlab.phantom.raster import Shape

RIBS = 10
CORTEX = 0.0055
"""half thickness of the dense rim of a bone"""


def ribs(patient: Patient) -> tuple[list[Shape], list[Shape]]:
    """Shapes of the (posterior, anterior) halves of the ribs, levels 0 to 1.

    Each rib is one curve round the chest wall, from the spine to the costochondral junction: seen from the front, its
    posterior half descends outwards and its anterior half inwards.
    """
    rng = stream(patient.seed, "ribs")
    step = rng.uniform(0.117, 0.125)
    number = np.arange(RIBS)
    jitter = rng.normal(0, 0.006, (2, RIBS))
    rib_width = rng.uniform(0.90, 1.12, (2, RIBS)) * np.linspace(0.0235, 0.0285, RIBS) * rng.uniform(0.9, 1.12)
    end = np.radians(np.linspace(162, 132, RIBS) + rng.normal(0, 3, (2, RIBS)))
    density = rng.uniform(0.8, 1.0, (2, RIBS))
    posterior: list[Shape] = []
    anterior: list[Shape] = []
    for row, side in enumerate(SIGN):
        top = patient.apex_y(side)
        start_y = top + 0.005 + step * number + jitter[row]
        drop = 0.17 + 0.011 * number
        reach = patient.wall_x(side, start_y + drop) + 0.012
        reach[0] = 0.30
        turn_back = np.radians(np.where(number < 7, 93, 70))
        back = _arc(start_y, drop, reach, np.radians(2.5), turn_back)
        front = _arc(start_y, drop, reach, np.pi * 0.47, end[row])
        flip = np.array([SIGN[side], 1.0])
        posterior += _rib_shapes(back * flip - [patient.turn * 0.5, 0], rib_width[row], density[row], fade=False)
        # The first and the two lowest anterior halves lie outside the lungs.
        seen = slice(1, 7)
        anterior += _rib_shapes(
            front[seen] * flip + [patient.turn, 0], rib_width[row][seen] * 1.12, 0.62 * density[row][seen], fade=True
        )
    return posterior, anterior


def _arc(start_y: np.ndarray, drop: np.ndarray, reach: np.ndarray, first: float, last: np.ndarray) -> Points:
    """Part of each rib between two angles (0 at the spine, 90 degrees at the side), (ribs, n, 2)."""
    t = np.linspace(0, 1, 20)
    angle = first + (np.asarray(last)[:, None] - first) * t
    x = reach[:, None] * np.sin(angle) ** 0.86
    hump = 0.03 * np.sin(np.clip(angle * 1.7, 0, np.pi))
    forward = 1.1 * drop[:, None] * np.clip(-np.cos(angle), 0, 1) ** 2
    y = start_y[:, None] - hump + drop[:, None] * (1 - np.cos(angle)) + forward
    return np.stack([x, y], -1)


def _rib_shapes(lines: Points, half_width: np.ndarray, density: np.ndarray, *, fade: bool) -> list[Shape]:
    """Body and both rims of each rib; anterior ribs thin out towards the cartilage, none ends bluntly."""
    t = np.linspace(0, 1, lines.shape[1])
    width = half_width[:, None] * ((1 - 0.2 * t if fade else 1) * (1 - 0.8 * t**12))
    bodies = ribbon(lines, width)
    upper = ribbon(offset(lines, width - CORTEX), CORTEX * (1 - 0.9 * t**4))
    lower = ribbon(offset(lines, CORTEX - width), CORTEX * (1 - 0.9 * t**4))
    shapes = [(body, 0.46 * d) for body, d in zip(bodies, density, strict=True)]
    shapes += [(rim, 0.80 * d) for rim, d in zip(upper, density, strict=True)]
    shapes += [(rim, 0.90 * d) for rim, d in zip(lower, density, strict=True)]
    return shapes


def spine(patient: Patient) -> list[Shape]:
    """Vertebral bodies with end plates, pedicles and spinous processes, from the neck to the loins."""
    rng = stream(patient.seed, "spine")
    bend = rng.normal(0, 0.012)
    height = 0.088 + 0.00215 * np.arange(VERTEBRAE)
    y = -1.10 + np.cumsum(height + 0.018)
    centre = np.stack([bend * np.sin(2.2 * y) - patient.turn * 0.5, y], -1)
    half = np.stack([0.066 + 0.012 * (y + 1), height * 0.5], -1)
    shapes: list[Shape] = []
    for outline, level in _VERTEBRA:
        shapes += [(part, level) for part in outline * half[:, None] + centre[:, None]]
    return shapes


VERTEBRAE = 19
_PLATE = spline([(-1, 1.04), (0, 0.88), (1, 1.04)], 5)
_VERTEBRA: tuple[Shape, ...] = (
    (ellipse((0, 0), (1, 0.95), points=28, power=0.42), 0.62),
    (ribbon(_PLATE, 0.10), 0.82),
    (ribbon(_PLATE * [1, -1], 0.10), 0.82),
    (ellipse((-0.62, -0.25), (0.18, 0.38), points=14), 0.95),
    (ellipse((0.62, -0.25), (0.18, 0.38), points=14), 0.95),
    (ellipse((-1.22, -0.40), (0.34, 0.34), points=14), 0.42),
    (ellipse((1.22, -0.40), (0.34, 0.34), points=14), 0.42),
    (ellipse((0, 0.6), (0.16, 0.5), points=14), 0.92),
)
"""one vertebra in units of its half width and half height"""


def shoulder_girdle(patient: Patient) -> list[Shape]:
    """Clavicles, scapulae and humeri; in AP the clavicles lie higher and the scapulae over the lungs."""
    rng = stream(patient.seed, "shoulders")
    ap = patient.view == "AP"
    lift = 0.06 if ap else 0.0
    swing = rng.uniform(-0.02, 0.02)
    blade_in = 0.60 if ap else 0.755
    shapes: list[Shape] = []
    for side in SIGN.values():
        flip = np.array([side, 1.0])
        place = [0, rng.uniform(-0.012, 0.012)]
        blade = spline([(0.86, -0.60), (0.80, -0.66), (blade_in + 0.02, -0.62), (blade_in - 0.02, -0.46),
                        (blade_in, -0.25), (blade_in + 0.05, -0.05), (blade_in + 0.10, -0.12),
                        (0.84, -0.36), (0.875, -0.48)], 6, closed=True) * flip + place  # fmt: skip
        shapes += _hollow(blade, 0.12, 0.34)
        ridge = spline([(blade_in, -0.47), (0.76, -0.60), (0.86, -0.685 - lift / 2), (0.95, -0.69 - lift / 2)], 8)
        shapes.append((ribbon(ridge * flip + place, 0.017), 0.40))
        humerus = spline([(0.955, -0.60), (0.985, -0.42), (1.02, -0.10), (1.07, 0.40), (1.12, 0.9)], 6)
        shaft = ribbon(humerus * flip, 0.052)
        head = ellipse((0.935 * side, -0.585), (0.088, 0.092), points=30)
        shapes += _hollow(shaft, 0.42, 0.78)
        shapes += _hollow(head, 0.50, 0.66)
        clavicle = spline([(0.075, -0.535 - lift * 0.3), (0.17, -0.575 - lift * 0.8), (0.34, -0.615 - lift),
                           (0.52, -0.665 - lift), (0.70, -0.715 - lift + swing), (0.86, -0.735 - lift * 0.6 + swing)],
                          8) * flip + [patient.turn, place[1]]  # fmt: skip
        width = np.interp(np.linspace(0, 1, len(clavicle)), _CLAVICLE_AT, _CLAVICLE_HALF)
        shapes += _hollow(ribbon(clavicle, width), 0.52, 0.78)
    return shapes


_CLAVICLE_AT = (0, 0.02, 0.12, 0.5, 0.85, 1)
_CLAVICLE_HALF = (0.012, 0.026, 0.026, 0.022, 0.026, 0.008)
"""half width of a clavicle along its length, from the sternum outwards"""


def _hollow(outline: Points, inside: float, rim: float) -> list[Shape]:
    """A bone with a denser rim."""
    closed = np.concatenate([outline, outline[:1]])
    return [(outline, inside), (ribbon(closed, CORTEX), rim)]
