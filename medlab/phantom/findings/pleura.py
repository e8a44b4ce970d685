"""Pleural findings: fluid that fills a lung from below, and air that frees it from the chest wall."""

import numpy as np

from medlab.core.case import Finding
from medlab.phantom.anatomy import SIGN
from medlab.phantom.curves import Points, ribbon
from medlab.phantom.scene import LUNG_DENSITY, Scene
from medlab.phantom.vessels import hilum

FLUID_ABOVE_DOME = {"small": (-0.060, -0.025), "moderate": (0.10, 0.17), "large": (0.43, 0.59)}
"""height of the fluid's level above the top of the diaphragm; below 0 only the costophrenic angle is filled"""
BEHIND_HEART = 0.6
"""rise of the level on the left, by how far the cardiothoracic ratio goes beyond one half"""
GAP = {"small": (0.075, 0.10), "moderate": (0.155, 0.195), "large": (0.28, 0.36)}
"""distance of the lung's edge from the chest wall at mid height"""


def paint_effusion(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """Fluid with a meniscus that climbs the chest wall; returns its mask."""
    patient, side = scene.patient, finding.side
    dome_top = float(patient.dome[side][:, 1].min())
    level = dome_top - rng.uniform(*FLUID_ABOVE_DOME[finding.severity])
    if side == "left" and finding.severity != "small":
        # A large heart hides what lies behind it: only more fluid is seen as as much.
        level -= BEHIND_HEART * max(0.0, patient.ctr - 0.5)
    climb, reach = rng.uniform(0.12, 0.17), rng.uniform(0.05, 0.09)
    wall = float(patient.wall_x(side, level - climb / 2)) + 0.02
    x = np.linspace(0, wall, 48)
    rise = climb * 0.5 ** ((wall - x) / (reach * 0.7)) + 0.25 * climb * 0.5 ** (np.abs(x - 0.12) / 0.06)
    y = level - rise + 0.05 * np.clip((wall - x) / wall, 0, 1)
    surface = np.stack([SIGN[side] * x, y], -1)
    below = np.array([(SIGN[side] * 1.2, y[-1]), (SIGN[side] * 1.2, 1.3), (0.0, 1.3)])
    fluid = scene.canvas.blur(scene.canvas.fill([(np.concatenate([surface, below]), 1.0)]), 0.012)
    fluid *= scene.lung[side]
    scene.air_path *= 1 - np.float32(0.97) * fluid
    scene.pulmonary *= 1 - fluid
    return fluid * (1 - scene.heart) > 0.5


def paint_pneumothorax(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """Air outside a lung that shrinks towards its hilum, which ends at a thin pleural line; returns the air's mask."""
    patient, side = scene.patient, finding.side
    edge, shrunk = _collapsed(scene, side, rng.uniform(*GAP[finding.severity]), rng)
    canvas = scene.canvas
    inside = canvas.fill([(shrunk, 1.0)])
    free = scene.lung[side] * (1 - inside) * (1 - scene.mediastinum)
    scene.pulmonary *= 1 - free
    scene.extra -= np.float32(LUNG_DENSITY) * scene.air_path * free
    loss = {"small": 0.02, "moderate": 0.07, "large": 0.20}[finding.severity]
    scene.air_path *= 1 - np.float32(loss) * inside * scene.lung[side]
    line = canvas.blur(canvas.fill([(ribbon(edge, 0.005), 1.0)]), 0.0025)
    scene.extra += np.float32(1.7) * line * scene.lung[side] * np.clip(patient.thickness, 0.9, 1.1)
    return free * (1 - scene.heart) > 0.5


def _collapsed(scene: Scene, side: str, gap: float, rng: np.random.Generator) -> tuple[Points, Points]:
    """The lung's free edge and its whole outline after it drew back by `gap`, more at the apex than at the base."""
    patient = scene.patient
    wall, outline = patient.lateral[side], patient.lung[side]
    height = np.linspace(0, 1, len(wall))
    share = 1.25 - 0.75 * height**1.5 + 0.05 * np.sin(2 * np.pi * (height * rng.uniform(1.0, 1.8) + rng.random()))
    share *= np.clip((1.02 - height) / 0.12, 0, 1)
    towards = np.asarray(hilum(patient, side)) - wall
    distance = np.sqrt((towards**2).sum(-1))
    # Never further than the stump that remains at the hilum.
    step = np.minimum(gap * share, np.maximum(distance - 0.10, 0))
    edge = wall + towards * (step / distance)[:, None]
    # Close along the diaphragm, or above it where the lung has left it.
    rest = outline[len(wall) :]
    return edge, np.concatenate([edge, rest[rest[:, 1] > edge[0, 1]]])
