"""What lies on a film without being a finding: side marker, ECG leads, buttons, a necklace, a token, a black border.

Each is drawn where it would be on a real film and, but for the border, comes with its mask. The token is bait for
shortcut learning: see `PhantomStyle.spurious`.
"""

import dataclasses
import itertools

import numpy as np

from medlab.core.case import Finding
from medlab.phantom.anatomy import SIGN, Patient
from medlab.phantom.chance import stream
from medlab.phantom.curves import Points, ellipse, ribbon, spline
from medlab.phantom.exposure import WHITE
from medlab.phantom.raster import Canvas, Shape
from medlab.phantom.scene import Scene
from medlab.phantom.style import PhantomStyle

EXTRA_LABELS = ("marker", "distractor", "spurious")
"""labels of masks that are neither findings nor organs"""
_STROKE = 0.15
_LETTERS = {
    "R": (((-0.5, 1.08), (-0.5, -1.0), (0.15, -1.0), (0.5, -0.78), (0.5, -0.25), (0.15, 0.0), (-0.45, 0.0)),
          ((0.05, 0.0), (0.55, 1.08))),
    "L": (((-0.45, -1.08), (-0.45, 1.0), (0.55, 1.0)),),
}  # fmt: skip
"""strokes of the two letters in a box of about 1 x 2"""


@dataclasses.dataclass(frozen=True)
class Overlay:
    """Something lead or plastic laid on the cassette: its mask, and how bright it prints (0 to 1)."""

    label: str
    coverage: np.ndarray
    brightness: float

    @property
    def mask(self) -> np.ndarray:
        return self.coverage > 0.25


def paint_distractors(scene: Scene, style: PhantomStyle, visit: int) -> np.ndarray | None:
    """ECG leads, buttons or a necklace by chance; the mask, or None where there are none."""
    rng = stream(scene.patient.seed, "distractors", visit)
    if rng.random() >= style.distractors:
        return None
    kind = ("leads", "buttons", "necklace")[int(rng.integers(3))]
    shapes = {"leads": _leads, "buttons": _buttons, "necklace": _necklace}[kind](rng)
    cover = scene.canvas.fill(shapes)
    scene.metal = np.maximum(scene.metal, np.float32(5.5) * scene.canvas.blur(cover, 0.001))
    return cover > 0.12


def side_marker(canvas: Canvas, patient: Patient, style: PhantomStyle) -> Overlay | None:
    """The letter of one of the patient's sides, on that side unless the style says wrong."""
    if style.marker == "none":
        return None
    rng = stream(patient.seed, "marker")
    letter = "R" if rng.random() < 0.5 else "L"
    side = SIGN["right" if letter == "R" else "left"] * (-1 if style.marker == "wrong" else 1)
    size = rng.uniform(0.045, 0.062)
    place = np.array([side * rng.uniform(0.80, 0.88), rng.uniform(-0.86, -0.74)])
    strokes = [ribbon(_even(stroke), _STROKE) * size * [0.8, 1] + place for stroke in _LETTERS[letter]]
    cover = canvas.fill([(stroke, 1.0) for stroke in strokes], posed=False)
    return Overlay("marker", cover, rng.uniform(0.86, 1.0))


def spurious_token(
    canvas: Canvas, patient: Patient, style: PhantomStyle, findings: tuple[Finding, ...], visit: int
) -> Overlay | None:
    """The token that goes with the style's finding: a small barred square at the top edge."""
    if style.spurious is None:
        return None
    present = any(finding.name == style.spurious for finding in findings)
    chance = style.spurious_if_present if present else style.spurious_if_absent
    rng = stream(patient.seed, "spurious", visit)
    if rng.random() >= chance:
        return None
    centre = np.array([rng.uniform(-0.60, -0.50), rng.uniform(-0.92, -0.88)])
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * 0.055 + centre
    bars = [(square * [0.13, 0.7] + centre * [0.87, 0.3] + [k * 0.033, 0], 0.0) for k in (-1, 0, 1)]
    return Overlay("spurious", canvas.fill([(square, 1.0), *bars], posed=False), 0.95)


def lay_on(film: np.ndarray, overlay: Overlay) -> np.ndarray:
    """The film (uint16) with the overlay printed on it."""
    bright = np.float32(WHITE * overlay.brightness)
    mixed = film + overlay.coverage * np.maximum(bright - film, 0)
    return np.rint(mixed).astype(np.uint16)


def collimate(canvas: Canvas, patient: Patient, style: PhantomStyle, film: np.ndarray, visit: int) -> np.ndarray:
    """The film with one or two black, unexposed edges by chance, never over the lungs."""
    rng = stream(patient.seed, "collimation", visit)
    if rng.random() >= style.collimation:
        return film
    film = film.copy()
    margin = np.clip(np.rint(rng.uniform(-0.03, 0.035, 4) * canvas.size), 0, None).astype(int)
    top, bottom, left, right = margin.tolist()
    film[:top], film[canvas.size - bottom :] = 0, 0
    film[:, :left], film[:, canvas.size - right :] = 0, 0
    return film


def _even(stroke: tuple[tuple[float, float], ...]) -> Points:
    """A stroke with its corners doubled, so that the pen keeps its width round them."""
    points = np.asarray(stroke)
    steps = np.linspace(0, 1, 5)[:, None]
    return np.concatenate([a + (b - a) * steps for a, b in itertools.pairwise(points)])


def _leads(rng: np.random.Generator) -> list[Shape]:
    shapes: list[Shape] = []
    for _ in range(int(rng.integers(3, 6))):
        x, y = rng.uniform(0.35, 0.80) * rng.choice([-1, 1]), rng.uniform(-0.5, 0.45)
        end = (x + rng.uniform(-0.45, 0.45), 1.2)
        wire = spline([(x, y), (x + rng.uniform(-0.12, 0.12), y + 0.30), end], 14)
        shapes.append((ribbon(wire, 0.0045), 0.24))
        shapes.append((ellipse((x, y), (0.024, 0.024), points=24), 0.30))
        shapes.append((ellipse((x, y), (0.011, 0.011), points=18), 1.0))
    return shapes


def _buttons(rng: np.random.Generator) -> list[Shape]:
    x, first = rng.uniform(-0.06, 0.06), rng.uniform(-0.45, -0.25)
    shapes: list[Shape] = []
    for y in np.arange(first, 0.9, rng.uniform(0.24, 0.32)):
        place = (x + rng.normal(0, 0.008), float(y))
        shapes.append((ellipse(place, (0.024, 0.024), points=24), 0.42))
        shapes += [((ellipse((place[0] + d, place[1]), (0.004, 0.004), points=8)), 0.1) for d in (-0.008, 0.008)]
    return shapes


def _necklace(rng: np.random.Generator) -> list[Shape]:
    low, half = rng.uniform(-0.62, -0.50), rng.uniform(0.22, 0.28)
    chain = spline([(-half, -1.3), (-half * 0.95, -0.92), (0.0, low), (half * 0.95, -0.92), (half, -1.3)], 24)
    beads: list[Shape] = [(ellipse(point, (0.008, 0.008), points=8), 0.75) for point in chain[::2]]
    return [*beads, (ellipse((0.0, low + 0.03), (0.022, 0.030), points=24), 0.9)]
