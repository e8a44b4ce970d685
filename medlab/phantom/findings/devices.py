"""Devices: pacemaker with leads, central venous line, endotracheal tube. What they treat is not known here."""

import numpy as np

from medlab.core.case import Finding
from medlab.phantom.anatomy import SIGN
from medlab.phantom.curves import Points, ellipse, ribbon, spline
from medlab.phantom.raster import Shape
from medlab.phantom.scene import Scene
from medlab.phantom.vessels import carina_y

THIN = 0.3
"""coverage above which a pixel belongs to a wire or tube"""


def paint_pacemaker(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """A generator below the clavicle and one or two leads through the great vein into the heart; returns the mask."""
    patient, sign = scene.patient, SIGN[finding.side]
    x, y = sign * rng.uniform(0.46, 0.55), rng.uniform(-0.42, -0.36)
    radius = rng.uniform(0.088, 0.104)
    lean = rng.uniform(-0.25, 0.25)
    case = ellipse((x, y), (radius * 1.05, radius * 0.92), lean, power=0.75)
    header = ellipse((x - sign * 0.01, y - radius * 0.86), (radius * 0.62, radius * 0.34), lean, power=0.6)
    battery = ellipse((x, y + radius * 0.22), (radius * 0.78, radius * 0.50), lean, power=0.6)
    shapes: list[Shape] = [(case, 0.62), (battery, 0.85), (header, 0.45)]
    heart = patient.heart
    left, low = float(heart[:, 0].max()), float(heart[:, 1].max())
    ends = [[(-0.085, 0.10), (-0.02, 0.26), (left * 0.42, low - 0.10), (left * 0.60, low - 0.085)]]
    if rng.random() < 0.6:
        ends.append([(-0.088, 0.08), (-0.075, 0.17), (-0.13, 0.13), (-0.135, 0.08)])
    start = (x - sign * 0.02, y - radius * 0.95)
    wires = [_venous_path(sign, start, end, loop=0.02 * k) for k, end in enumerate(ends)]
    shapes += [(ribbon(wire, 0.0058), 0.42) for wire in wires]
    shapes += [(ellipse(wire[-1], (0.012, 0.012), points=16), 0.7) for wire in wires]
    cover = scene.canvas.fill(shapes)
    scene.metal = np.maximum(scene.metal, np.float32(17) * cover)
    return cover > 0.42 * THIN


def paint_central_line(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """A catheter from the neck down the great vein, its tip above the right atrium; returns the mask."""
    tip = rng.uniform(-0.20, -0.08)
    neck = rng.uniform(0.17, 0.24)
    if finding.side == "right":
        path = [(-neck, -1.3), (-neck, -0.98), (-neck * 0.82, -0.76), (-0.105, -0.52), (-0.085, -0.36), (-0.09, tip)]
    else:
        path = [(neck, -1.3), (neck, -0.98), (neck * 0.85, -0.76), (0.10, -0.57), (-0.03, -0.47), (-0.08, -0.36),
                (-0.09, tip)]  # fmt: skip
    path = np.asarray(path) + [scene.patient.turn * 0.3, 0]
    cover = scene.canvas.fill([(ribbon(spline(path, 10), 0.0085), 1.0)])
    scene.metal = np.maximum(scene.metal, np.float32(4.6) * scene.canvas.blur(cover, 0.001))
    return cover > THIN


def paint_endotracheal_tube(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """A tube in the trachea with its opaque stripe, tip well above the carina; returns the mask."""
    patient = scene.patient
    tip = carina_y(patient) - rng.uniform(0.10, 0.26)
    x = patient.turn * 0.5 + patient.tracheal_shift * 0.7
    line = spline([(x * 0.3, -1.3), (x * 0.5, -0.95), (x, -0.62), (x - 0.004, tip)], 10)
    wall, stripe = 0.0235, 0.0235
    shapes: list[Shape] = [
        (ribbon(line, wall + 0.006), 0.34),
        (ribbon(line, wall - 0.006), 0.05),
        (ribbon(line + [stripe, 0], 0.0070), 1.0),
    ]
    cover = scene.canvas.fill(shapes)
    scene.metal = np.maximum(scene.metal, np.float32(5.0) * scene.canvas.blur(cover, 0.001))
    return scene.canvas.fill([(ribbon(line, wall + 0.006), 1.0)]) > 0.5


def _venous_path(sign: float, start: tuple[float, float], end: list[tuple[float, float]], loop: float) -> Points:
    """From the generator under the clavicle into the superior vena cava, then to `end`."""
    x, y = start
    way = [(x, y), (x - sign * 0.03, y - 0.07 - loop), (sign * 0.31, -0.565 - loop), (sign * 0.14, -0.545 - loop / 2)]
    if sign > 0:
        way.append((0.0, -0.49))
    way += [(-0.072, -0.40), (-0.085, -0.15)]
    return spline([*way, *end], 10)
