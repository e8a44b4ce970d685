"""A film in the making: how much tissue every ray crosses, in centimetres of water, and the masks found so far.

`build_scene` lays down the anatomy. Findings then change the scene (fluid for air, air for lung, a vessel less), and
`attenuation` adds everything up. It knows nothing of exposure, grey levels or reports.
"""

import dataclasses

import numpy as np

from medlab.phantom.anatomy import SIGN, Patient
from medlab.phantom.bones import ribs, shoulder_girdle, spine
from medlab.phantom.chance import stream
from medlab.phantom.curves import ellipse, ribbon, spline
from medlab.phantom.raster import Canvas, Shape, smoothstep
from medlab.phantom.vessels import airways, hilar_arteries, vessels

CHEST_CM = 20.0
"""front-to-back thickness of an average chest"""
LUNG_CM = 14.0
"""longest path of a ray through one lung"""
LUNG_DENSITY = 0.26
"""of lung tissue, water being 1"""


@dataclasses.dataclass
class Scene:
    """Fields are (size, size) float32."""

    canvas: Canvas
    patient: Patient
    body: np.ndarray
    """thickness of body, lungs counted as if solid, cm"""
    lung: dict[str, np.ndarray]
    """coverage of each whole lung by side, 0 to 1, also behind the heart"""
    air_path: np.ndarray
    """path through aerated lung, cm"""
    heart: np.ndarray
    """coverage of the heart, 0 to 1"""
    mediastinum: np.ndarray
    """coverage of the great vessels, 0 to 1"""
    pulmonary: np.ndarray
    """vessels in the lungs, cm"""
    extra: np.ndarray
    """everything else that a ray meets, cm; negative for gas"""
    metal: np.ndarray
    """devices, cm of water that would absorb as much"""

    def attenuation(self) -> np.ndarray:
        """What each ray crosses, cm of water; even the airiest ray meets the chest wall twice."""
        total = self.body - (1 - LUNG_DENSITY) * self.air_path + self.pulmonary + self.extra + self.metal
        return np.maximum(total, np.float32(0.28) * self.body)

    def open_lung(self, side: str) -> np.ndarray:
        """Coverage of the lung of one side that nothing of the mediastinum hides."""
        return self.lung[side] * (1 - self.heart) * (1 - self.mediastinum)


def build_scene(canvas: Canvas, patient: Patient) -> Scene:
    """The anatomy of a patient without findings, but for the shapes that the patient itself has."""
    body = _body(canvas, patient)
    lung = {side: canvas.fill([(patient.lung[side], 1.0)]) for side in SIGN}
    heart = canvas.blur(canvas.fill([(patient.heart, 1.0)]), 0.004)
    mediastinum = canvas.blur(canvas.fill([(patient.mediastinum, 1.0)]), 0.004)
    air_path = _air_path(canvas, patient, lung, heart, mediastinum)
    scene = Scene(
        canvas=canvas, patient=patient, body=body, lung=lung, air_path=air_path, heart=heart,
        mediastinum=mediastinum, pulmonary=_pulmonary(canvas, patient, air_path),
        extra=_bones(canvas, patient, body), metal=np.zeros_like(body),
    )  # fmt: skip
    scene.extra += _soft_parts(canvas, patient)
    scene.extra += _gas(canvas, patient)
    return scene


def _body(canvas: Canvas, patient: Patient) -> np.ndarray:
    torso = canvas.fill([(patient.torso, 1.0)])
    arms = canvas.fill([(arm, 1.0) for arm in patient.arms])
    round_torso = _rounded(canvas.blur_coarse(canvas.shrink(torso), 0.20))
    round_arms = _rounded(canvas.blur_coarse(canvas.shrink(arms), 0.07))
    # Neck and shoulders are thinner than the chest, the upper abdomen a little thicker.
    height = np.linspace(-1, 1, canvas.size, dtype=np.float32)[:, None] - np.float32(canvas.pose.shift[1])
    profile = 0.52 + 0.48 * smoothstep(height, -1.0, -0.30) + 0.10 * smoothstep(height, 0.25, 0.8)
    trunk = CHEST_CM * patient.thickness * torso * canvas.enlarge(round_torso) * profile
    limb = 9.0 * patient.thickness * arms * canvas.enlarge(round_arms)
    return np.maximum(trunk, 0) + np.maximum(limb, 0) * (1 - 0.75 * torso)


def _rounded(blurred: np.ndarray) -> np.ndarray:
    """A blurred outline as the depth of a rounded body, 0.25 at the skin to 1 inside."""
    return np.float32(0.25) + np.float32(0.75) * np.sqrt(smoothstep(blurred, 0.35, 1.0))


def _air_path(
    canvas: Canvas, patient: Patient, lung: dict[str, np.ndarray], heart: np.ndarray, mediastinum: np.ndarray
) -> np.ndarray:
    """Lungs as a flattened dome: shallow at the chest wall, deep inside, less of it before and behind the heart."""
    cavity = [(np.concatenate([patient.lateral[s], [(patient.lateral[s][-1, 0] * 0.97, 1.1), (0, 1.1), (0, -0.72)]]),
               1.0) for s in SIGN]  # fmt: skip
    walls = canvas.fill_soft(cavity, 0.02)
    # Two blurs add up as squares: 0.02 and this make 0.085.
    depth = smoothstep(canvas.blur_coarse(walls, 0.0826), 0.40, 1.05)
    depth = canvas.enlarge(np.sqrt(depth + np.float32(0.02)))
    bulge = canvas.enlarge(smoothstep(canvas.blur_coarse(canvas.shrink(heart), 0.07), 0.15, 1.0))
    both = np.maximum(lung["right"], lung["left"])
    # The lungs reach down behind the domes: the upper abdomen keeps some air that fades downwards.
    below = canvas.fill_soft([(patient.lung[s] + [0, 0.10], 1.0) for s in SIGN], 0.05)
    hidden = (1 - both) * canvas.enlarge(below * walls)
    share = both + 0.17 * hidden
    share = share * (1 - np.maximum(heart * (0.60 + 0.30 * bulge), 0.86 * mediastinum))
    return np.maximum(LUNG_CM * patient.thickness**0.3 * depth * share, 0)


def _pulmonary(canvas: Canvas, patient: Patient, air_path: np.ndarray) -> np.ndarray:
    """Vessels and the fine net between them, where there is lung."""
    front, back = vessels(patient)
    branches = canvas.fill(front) + canvas.fill(back)
    hila = canvas.blur(canvas.fill(hilar_arteries(patient)), 0.007)
    rng = stream(patient.seed, "interstitium")
    net = canvas.noise(rng, (0.09, 0.10), (0.045, 0.12), (0.022, 0.12))
    aerated = np.clip(air_path / np.float32(LUNG_CM * 0.55), 0, 1)
    return (3.0 * canvas.blur(branches, 0.003) + 3.4 * hila + net) * aerated


def _bones(canvas: Canvas, patient: Patient, body: np.ndarray) -> np.ndarray:
    posterior, anterior = ribs(patient)
    girdle = canvas.fill(shoulder_girdle(patient))
    back = canvas.fill(posterior)
    column = canvas.blur(canvas.fill(spine(patient)), 0.006)
    total = 2.2 * back + 1.8 * canvas.fill(anterior) + 2.3 * girdle + 1.8 * column
    marrow = canvas.noise(stream(patient.seed, "marrow"), (0.03, 0.10))
    return total * (1 + marrow) * np.clip(body / np.float32(2.0), 0, 1)


def _soft_parts(canvas: Canvas, patient: Patient) -> np.ndarray:
    """Breasts, pectoral muscle, the companion shadow of the chest wall, the descending aorta, liver and spleen."""
    rng = stream(patient.seed, "soft parts")
    broad: list[Shape] = []
    for side in SIGN.values():
        pectoral = spline([(0.20, -0.45), (0.55, -0.62), (0.90, -0.45), (0.80, -0.15), (0.50, -0.12)], 6, closed=True)
        broad.append((pectoral * [side, 1], 0.42))
    field = 2.2 * canvas.fill_soft(broad, 0.07)
    abdomen = [(np.concatenate([patient.dome[s][::-1], [(SIGN[s] * 0.70, 1.2), (0, 1.2)]]), 1.0) for s in SIGN]
    organs = canvas.fill(abdomen)
    clouds = canvas.noise(rng, (0.25, 0.22))
    parts = canvas.enlarge(field) + organs * (0.5 + clouds)
    if patient.breast:
        parts += _breasts(canvas, patient, rng)
    wall = [(ribbon(patient.lateral[s][14:] + [SIGN[s] * 0.014, 0], 0.013), 1.0) for s in SIGN]
    parts += 0.9 * canvas.blur(canvas.fill(wall), 0.006)
    aorta = spline([(0.17, -0.33), (0.155, -0.15), (0.135, 0.10), (0.105, 0.35), (0.08, 0.55)], 6)
    strip = ribbon(aorta + [-0.045 - patient.turn, 0], 0.055)
    return parts + 1.1 * canvas.fill([(strip, 1.0)])


def _breasts(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> np.ndarray:
    """Two soft shadows with a clear lower fold."""
    shapes: list[Shape] = []
    for side in SIGN.values():
        size = patient.breast * rng.uniform(0.95, 1.05)
        centre = (side * 0.46, 0.24 + 0.04 * size)
        shapes.append((ellipse(centre, (0.31 * size**0.5, 0.24 * size), side * 0.25), 1.0))
    fold = canvas.blur(canvas.fill(shapes), 0.012)
    mass = canvas.enlarge(np.clip(canvas.fill_soft(shapes, 0.09), 0, 1))
    return fold * mass * 2.6 * patient.breast * patient.thickness


def _gas(canvas: Canvas, patient: Patient) -> np.ndarray:
    """Trachea and bronchi, the gastric bubble, and loops of bowel."""
    rng = stream(patient.seed, "gas")
    tubes = canvas.blur(canvas.fill(airways(patient)), 0.006)
    under = float(patient.dome_y("left", 0.36 * patient.half_thorax / 0.7))
    x, width = rng.uniform(0.22, 0.40), rng.uniform(0.08, 0.14)
    radii, tilt = (width, 0.45 * width + 0.01), rng.uniform(-0.3, 0.2)
    bubbles: list[Shape] = [(ellipse((x, under + 0.065 + 0.4 * width), radii, tilt, power=0.85), 1.0)]
    for _ in range(int(rng.integers(0, 5))):
        centre = (rng.uniform(-0.5, 0.6), under + rng.uniform(0.30, 0.55))
        bubbles.append((ellipse(centre, (rng.uniform(0.03, 0.09), rng.uniform(0.02, 0.05)), rng.uniform(-1, 1)), 0.5))
    gas = canvas.blur(canvas.fill(bubbles), 0.010)
    return -2.0 * tubes - rng.uniform(2.0, 5.0) * gas
