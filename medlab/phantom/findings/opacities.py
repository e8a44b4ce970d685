"""Opacities inside the lung: consolidation with its air bronchograms, and nodules."""

import numpy as np

from medlab.core.case import Finding
from medlab.phantom.anatomy import CM
from medlab.phantom.curves import ribbon, spline
from medlab.phantom.findings.place import zone_point
from medlab.phantom.raster import smoothstep
from medlab.phantom.scene import LUNG_DENSITY, Scene
from medlab.phantom.vessels import hilum

NODULE_RADIUS = (0.055, 0.090)
"""canonical units: 10 to 17 mm"""


def paint_consolidation(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """A patch with ill-defined edges whose alveoli are full, crossed by air-filled bronchi; returns its mask."""
    canvas, patient = scene.canvas, scene.patient
    centre = zone_point(patient, finding.side, finding.zone, rng, 0.10)
    radii = rng.uniform(0.165, 0.215), rng.uniform(0.135, 0.18)
    dx, dy = _offsets(scene, centre)
    lean = rng.uniform(-0.5, 0.5)
    across, along = (dx + np.float32(lean) * dy) / np.float32(radii[0]), dy / np.float32(radii[1])
    edge = 1 - np.sqrt(across * across + along * along)
    edge += canvas.noise(rng, (0.13, 0.17), (0.05, 0.07))
    full = smoothstep(edge, 0.0, 0.55) * scene.lung[finding.side] * (1 - scene.mediastinum)
    mottle = np.clip(0.86 + canvas.noise(rng, (0.035, 0.14)), 0.5, 1)
    bronchi = canvas.blur(canvas.fill([(b, 1.0) for b in _bronchi(scene, finding.side, centre, rng)]), 0.004)
    share = full * mottle * (1 - np.float32(0.38) * bronchi) * np.float32(rng.uniform(0.50, 0.64))
    scene.air_path *= 1 - share
    scene.pulmonary *= 1 - np.float32(0.7) * full
    return full * (1 - scene.heart) > 0.4


def paint_nodule(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """A round, slightly lobulated solid nodule; returns its mask."""
    canvas = scene.canvas
    radius = rng.uniform(*NODULE_RADIUS)
    centre = zone_point(scene.patient, finding.side, finding.zone, rng, radius + 0.035)
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    lobes = 1 + 0.06 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.04 * np.sin(5 * angle + rng.uniform(0, 6))
    outline = np.asarray(centre) + (radius * lobes)[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    disc = canvas.blur(canvas.fill([(outline, 1.0)]), 0.003)
    dx, dy = _offsets(scene, centre)
    away = (dx * dx + dy * dy) / np.float32(radius * radius)
    depth = np.float32(0.55) + np.float32(0.45) * np.sqrt(np.clip(1 - away, 0, 1))
    # Denser than soft tissue, as a partly calcified nodule is, so that every one can be seen at 224 pixels.
    solid = 2 * radius * CM * (1 - LUNG_DENSITY) * rng.uniform(1.9, 2.5)
    scene.extra += np.float32(solid) * disc * depth
    return disc > 0.5


def _offsets(scene: Scene, centre: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Distance of every pixel from a patient's point, across (1, size) and down (size, 1), in canonical units."""
    size = scene.canvas.size
    place = scene.canvas.pose.place(np.asarray([centre]))[0]
    grid = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - 1
    return grid[None, :] - np.float32(place[0]), grid[:, None] - np.float32(place[1])


def _bronchi(scene: Scene, side: str, centre: tuple[float, float], rng: np.random.Generator) -> list[np.ndarray]:
    """A few air-filled tubes that run from the hilum through the patch."""
    start, middle = np.asarray(hilum(scene.patient, side)), np.asarray(centre)
    way = (middle - start) / (np.sqrt(((middle - start) ** 2).sum()) + 1e-9)
    tubes = []
    for spread in rng.uniform(-1.1, 1.1, 3):
        side_step = np.array([-way[1], way[0]]) * spread
        end = middle + 0.15 * way + side_step * rng.uniform(0.07, 0.12)
        bend = middle - 0.03 * way + side_step * 0.035
        line = spline([middle - 0.13 * way, bend, end], 6)
        tubes.append(ribbon(line, np.linspace(0.0095, 0.005, len(line))))
    return tubes
