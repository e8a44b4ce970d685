"""Where in a lung a finding lies: zones as shares of the lung's height. It paints nothing."""

import numpy as np

from medlab.phantom.anatomy import SIGN, Patient

ZONE_CENTRES = {"upper": (0.19, 0.29), "mid": (0.43, 0.56), "lower": (0.69, 0.755)}
"""share of the lung's height, from the apex, where the middle of a finding may lie"""


def zone_point(patient: Patient, side: str, zone: str, rng: np.random.Generator, margin: float) -> tuple[float, float]:
    """A point (x, y) in the zone, `margin` away from mediastinum and chest wall where the lung is wide enough."""
    top, floor = patient.apex_y(side), patient.floor_y(side)
    low, high = ZONE_CENTRES[zone]
    y = top + (floor - top) * rng.uniform(low, high)
    inner = max(patient.inner_x(side, y + d) for d in (-margin / 2, 0.0, margin / 2)) + margin
    outer = float(patient.wall_x(side, y)) - margin
    share = rng.uniform(0.1, 0.9)
    x = inner + (outer - inner) * share if outer > inner else (inner + outer) / 2
    y = min(y, float(patient.dome_y(side, x)) - margin)
    return SIGN[side] * x, y
