"""One patient's build: the outlines of lungs, heart, vessels of the mediastinum and body, in canonical coordinates.

The unit is half the width of the film (about 19 cm), x to the patient's left, y down. Outlines come from the seed, the
view and the findings that change a shape (a large heart, a lung that lost volume). Nothing is drawn here.
"""

import dataclasses
import math

import numpy as np

from medlab.core.case import Finding
from medlab.phantom.chance import stream
from medlab.phantom.curves import Points, spline
from medlab.phantom.raster import Pose
from medlab.phantom.style import PhantomStyle

CM = 19.0
"""centimetres to one canonical unit"""
SIGN = {"right": -1.0, "left": 1.0}
"""direction of a patient's side in the picture"""
CTR_RANGES = {None: (0.40, 0.48), "mild": (0.53, 0.56), "moderate": (0.60, 0.64), "severe": (0.68, 0.73)}
"""cardiothoracic ratio by severity of cardiomegaly; the gaps make the severity decidable"""
BUILDS = {"thin": (0.84, 0.95), "average": (1.0, 1.0), "large": (1.22, 1.08)}
"""thickness and width of the soft tissue by habitus"""
VOLUME_LOSS = 0.10
"""how far atelectasis of a lower zone raises the diaphragm"""

LATERAL = (
    (0.20, -0.705), (0.30, -0.75), (0.45, -0.74), (0.62, -0.665), (0.765, -0.51), (0.875, -0.325),
    (0.945, -0.10), (0.985, 0.12), (1.0, 0.32), (0.995, 0.46), (0.965, 0.565),
)  # fmt: skip
"""chest wall from the apex to the costophrenic angle: (share of the half thorax, y)"""
DOME = (
    (0.965, 0.565), (0.92, 0.505), (0.80, 0.435), (0.64, 0.39), (0.48, 0.375), (0.32, 0.395), (0.16, 0.445),
    (0.04, 0.47),
)  # fmt: skip
"""diaphragm from the costophrenic angle to the midline"""
MEDIAL = ((0.04, 0.47), (0.03, 0.0), (0.05, -0.45), (0.11, -0.62), (0.20, -0.70))
"""inner border, under the mediastinum"""


@dataclasses.dataclass(frozen=True)
class Patient:
    """Outlines and numbers of one patient in one visit."""

    seed: int
    view: str
    habitus: str
    thickness: float
    """of the soft tissue, as a multiple of the average"""
    breast: float
    """size of the breast shadows; 0 for none"""
    half_thorax: float
    """half the inner width of the thorax"""
    base: dict[str, float]
    """by side: how far the diaphragm lies below its usual height"""
    ctr: float
    """cardiothoracic ratio"""
    turn: float
    """shift of the front of the body against its back, from standing askew"""
    tracheal_shift: float
    lung: dict[str, Points]
    """closed outlines by side, medial part hidden by the mediastinum"""
    lateral: dict[str, Points]
    """by side: the chest wall from apex to costophrenic angle"""
    dome: dict[str, Points]
    """by side: the diaphragm from the costophrenic angle to the midline"""
    heart: Points
    mediastinum: Points
    """the great vessels above the heart, with the aortic knob"""
    torso: Points
    arms: tuple[Points, ...]

    def wall_x(self, side: str, y: np.ndarray | float) -> np.ndarray:
        """Distance from the midline to the chest wall at height y, positive."""
        chain = self.lateral[side]
        return np.interp(y, chain[:, 1], np.abs(chain[:, 0]))

    def dome_y(self, side: str, x: np.ndarray | float) -> np.ndarray:
        """Height of the diaphragm at distance |x| from the midline."""
        chain = self.dome[side][::-1]
        return np.interp(np.abs(x), np.abs(chain[:, 0]), chain[:, 1])

    def inner_x(self, side: str, y: float) -> float:
        """Distance from the midline to the visible inner border of the lung at height y, positive."""
        reach = []
        for outline in (self.heart, self.mediastinum):
            near = outline[np.abs(outline[:, 1] - y) < 0.03]
            reach.append((near[:, 0] * SIGN[side]).max(initial=0.0))
        return max(0.06, *reach)

    def apex_y(self, side: str) -> float:
        return float(self.lung[side][:, 1].min())

    def floor_y(self, side: str) -> float:
        return float(self.lung[side][:, 1].max())


def build_patient(seed: int, style: PhantomStyle, view: str, findings: tuple[Finding, ...], visit: int = 0) -> Patient:
    """The patient of `seed`; `visit` changes inspiration and position, never the person."""
    rng = stream(seed, "anatomy")
    habitus = style.habitus[int(stream(seed, "habitus").integers(len(style.habitus)))]
    thickness, width = BUILDS[habitus]
    breast = float(rng.uniform(0.6, 1.1)) if rng.random() < 0.5 else 0.0
    half_thorax = float(rng.uniform(0.675, 0.735)) * (0.97 if habitus == "thin" else 1.0)
    ctr_place, lean = rng.random(), float(rng.uniform(0.32, 0.37))
    height = rng.uniform(-0.015, 0.02)
    left_lower = rng.uniform(0.015, 0.06)
    shape = rng.normal(0, 0.008, (2, len(LATERAL)))

    visit_rng = stream(seed, "inspiration", visit)
    breath = (visit_rng.uniform(-0.07, 0.06) if visit == 0 else visit_rng.uniform(-0.03, 0.03)) * style.pose
    breath -= 0.05 if view == "AP" else 0.0
    turn = float(np.clip(visit_rng.normal(0, 0.012), -0.03, 0.03)) * style.pose

    severity = next((f.severity for f in findings if f.name == "cardiomegaly"), None)
    low, high = CTR_RANGES[severity]
    if severity is None and view == "AP":
        low = 0.43
    ctr = float(low + (high - low) * ctr_place)
    base = {"right": float(breath), "left": float(breath + left_lower)}
    shift = 0.0
    for finding in findings:
        if finding.name == "atelectasis":
            if finding.zone == "lower":
                base[finding.side] -= VOLUME_LOSS
            else:
                shift = 0.035 * SIGN[finding.side]

    lateral, dome, lung = {}, {}, {}
    for row, side in enumerate(SIGN):
        lateral[side], dome[side], lung[side] = _lung(side, half_thorax, base[side], height, shape[row])
    low_base = max(base.values())
    heart = _heart(ctr, half_thorax, lean, low_base, turn)
    return Patient(
        seed=seed, view=view, habitus=habitus, thickness=thickness, breast=breast, half_thorax=half_thorax,
        base=base, ctr=ctr, turn=turn, tracheal_shift=shift, lung=lung, lateral=lateral, dome=dome, heart=heart,
        mediastinum=_mediastinum(rng, low_base, turn, shift), torso=_torso(width, view),
        arms=_arms(width, view, rng),
    )  # fmt: skip


def draw_pose(seed: int, style: PhantomStyle, visit: int = 0) -> Pose:
    """How the patient of `seed` stood at this visit."""
    rng = stream(seed, "pose", visit)
    size = 1.06 + rng.uniform(-0.05, 0.05) * style.pose
    across = size * (1.0 + rng.uniform(-0.03, 0.03) * style.pose)
    return Pose(
        angle=math.radians(float(np.clip(rng.normal(0, 1.3), -3, 3)) * style.pose),
        scale=(across, size),
        shift=(float(rng.uniform(-0.04, 0.04) * style.pose), float(rng.uniform(-0.03, 0.04) * style.pose) + 0.02),
    )


def _lung(side: str, half_thorax: float, base: float, height: float, shape: np.ndarray) -> tuple[Points, ...]:
    """Chest wall, dome and closed outline of one lung; the widest point is exactly `half_thorax`."""
    wall = np.asarray(LATERAL)
    wall[1:-1, 0] += shape[1:-1]
    wall[:, 1] += base * np.clip((wall[:, 1] + 0.7) / 1.2, 0, 1) + height
    wall = spline(wall, 8)
    wall[:, 0] /= wall[:, 0].max()
    dome = np.asarray(DOME)
    dome[:, 1] += base + height
    dome = spline(dome, 8)
    medial = np.asarray(MEDIAL)
    medial[:, 1] += base * np.clip((medial[:, 1] + 0.7) / 1.2, 0, 1) + height
    # The dome follows the wall's own end, so that the costophrenic angle is one point.
    dome += (wall[-1] - dome[0]) * np.linspace(1, 0, len(dome))[:, None]
    scale = np.array([SIGN[side] * half_thorax, 1.0])
    outline = np.concatenate([wall, dome[1:], spline(medial, 6)[1:-1]])
    return wall * scale, dome * scale, outline * scale


def _heart(ctr: float, half_thorax: float, lean: float, base: float, turn: float) -> Points:
    """The heart's outline; its width is exactly ctr x the inner width of the thorax."""
    width = ctr * 2 * half_thorax
    right, left = width * lean, width * (1 - lean)
    swell = np.clip((ctr - 0.45) / 0.25, 0, 1)
    knots = np.array([
        (0.02, -0.22), (0.13, -0.19), (0.185, -0.12), (0.23 + 0.05 * swell, -0.03),
        (0.66 * left + 0.04, 0.07), (0.885 * left, 0.19), (left, 0.315), (0.965 * left, 0.40), (0.80 * left, 0.46),
        (0.35 * left, 0.50), (-0.4 * right, 0.49), (-0.80 * right, 0.42), (-0.97 * right, 0.29), (-right, 0.16),
        (-0.86 * right, 0.01), (-0.135, -0.13), (-0.09, -0.20),
    ])  # fmt: skip
    knots[:, 1] += base * np.clip((knots[:, 1] + 0.2) / 0.6, 0, 1)
    outline = spline(knots, 6, closed=True)
    x = outline[:, 0]
    core = min(0.15, 0.8 * right)
    x = np.where(x > core, core + (x - core) * (left - core) / (x.max() - core), x)
    x = np.where(x < -core, -core + (x + core) * (right - core) / (-x.min() - core), x)
    return np.stack([x + turn, outline[:, 1]], -1)


def _mediastinum(rng: np.random.Generator, base: float, turn: float, shift: float) -> Points:
    knob, pedicle = rng.uniform(0.175, 0.215), rng.uniform(0.115, 0.14)
    knots = np.array([
        (-0.16, -1.05), (-0.115, -0.80), (-pedicle + 0.012, -0.66), (-pedicle, -0.50), (-pedicle, -0.36),
        (-pedicle - 0.012, -0.24), (-pedicle - 0.02, -0.12), (-0.10, 0.05), (-0.085, 0.35), (-0.085, 0.9),
        (0.085, 0.9), (0.09, 0.35), (0.12, 0.05), (0.185, -0.07),
        (0.175, -0.15), (0.155, -0.205), (knob - 0.012, -0.265), (knob, -0.325), (knob - 0.015, -0.385),
        (0.135, -0.435), (0.115, -0.52), (0.105, -0.66), (0.115, -0.80), (0.16, -1.05),
    ])  # fmt: skip
    knots[:, 0] += shift * np.clip((-0.1 - knots[:, 1]) / 0.4, 0, 1) + turn
    return spline(knots, 6, closed=True)


def _torso(width: float, view: str) -> Points:
    """Neck, shoulders and trunk; a closed outline that runs off the film at the bottom."""
    lift = 0.07 if view == "AP" else 0.0
    flank = 0.84 * width
    half = np.array([
        (0.27, -1.30), (0.265, -1.08), (0.31, -0.98), (0.48, -0.905 - lift), (0.70, -0.85 - lift),
        (0.90, -0.77 - lift), (1.03, -0.62), (1.03, -0.30), (0.95, -0.06), (flank + 0.045, 0.12),
        (flank + 0.02, 0.40), (flank + 0.02, 0.70), (flank + 0.05, 1.0), (flank + 0.07, 1.30),
    ])  # fmt: skip
    side = spline(half, 8)
    return np.concatenate([side * [-1, 1], side[::-1]])


def _arms(width: float, view: str, rng: np.random.Generator) -> tuple[Points, ...]:
    """Upper arms, cut off by the edge of the film; raised away from the chest in PA, beside it in AP."""
    spread = rng.uniform(0.10, 0.22) if view == "PA" else rng.uniform(0.02, 0.08)
    inner = np.array([(0.80, -0.55), (0.90 * width, -0.10), (0.93 * width + spread * 0.6, 0.25),
                      (0.95 * width + 1.3 * spread, 0.70), (0.97 * width + 1.9 * spread, 1.20)])  # fmt: skip
    outer = np.array([(1.5, 1.2), (1.4, 0.2), (1.22, -0.40), (1.06, -0.66), (0.88, -0.73)])
    side = np.concatenate([spline(inner, 8), spline(outer, 6)])
    return (side * [-1, 1], side)
