"""Atelectasis: a collapsed upper lobe with a sharp lower border, or plate-like bands over a raised diaphragm.

The loss of volume itself (shifted trachea, raised diaphragm) is part of the patient's shape: see `anatomy`.
"""

import numpy as np

from medlab.core.case import Finding
from medlab.phantom.anatomy import SIGN
from medlab.phantom.curves import ribbon, spline
from medlab.phantom.findings.place import zone_point
from medlab.phantom.scene import Scene


def paint_atelectasis(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """Upper zone: the lobe; lower zone: bands. Returns the mask."""
    return _lobe(scene, finding.side, rng) if finding.zone == "upper" else _bands(scene, finding, rng)


def _lobe(scene: Scene, side: str, rng: np.random.Generator) -> np.ndarray:
    """Everything above a fissure that rises, concave, from the hilum to the chest wall."""
    patient, sign = scene.patient, SIGN[side]
    top, floor = patient.apex_y(side), patient.floor_y(side)
    low = top + (floor - top) * rng.uniform(0.33, 0.37)
    high = top + (floor - top) * rng.uniform(0.17, 0.21)
    wall = float(patient.wall_x(side, high)) + 0.03
    middle = (0.42 * wall, high + 0.36 * (low - high))
    fissure = spline([(0.0, low + 0.03), (0.14, low), middle, (wall, high - 0.01)], 10) * [sign, 1]
    above = np.concatenate([fissure, [(sign * 1.0, high - 0.1), (sign * 1.0, -1.2), (0.0, -1.2)]])
    airless = scene.canvas.blur(scene.canvas.fill([(above, 1.0)]), 0.004) * scene.lung[side]
    airless *= 1 - scene.mediastinum
    scene.air_path *= 1 - np.float32(rng.uniform(0.62, 0.74)) * airless
    scene.pulmonary *= 1 - airless
    return airless > 0.5


def _bands(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """One long band and a shorter one below it, a little tilted."""
    canvas, sign = scene.canvas, SIGN[finding.side]
    x, y = zone_point(scene.patient, finding.side, finding.zone, rng, 0.10)
    tilt = rng.uniform(-0.28, 0.28)
    bands = []
    for drop, length, half in ((0.0, rng.uniform(0.17, 0.21), 0.019), (0.055, rng.uniform(0.09, 0.13), 0.012)):
        along = np.array([-1.0, -0.3, 0.4, 1.0]) * length
        bow = np.array([0.012, -0.004, -0.004, 0.010])
        line = spline(np.stack([x + along, y + drop - 0.03 + tilt * along * sign + bow], -1), 8)
        taper = np.interp(np.linspace(0, 1, len(line)), [0, 0.2, 0.8, 1], [0.4, 1, 1, 0.4])
        bands.append((ribbon(line, half * taper), 1.0))
    cover = canvas.blur(canvas.fill(bands), 0.004) * scene.open_lung(finding.side)
    scene.extra += np.float32(rng.uniform(3.0, 3.8)) * cover
    return cover > 0.4
