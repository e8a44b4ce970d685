"""From attenuation to film: scatter, detector blur, quantum noise, and the curve of a digital radiograph.

Grey levels are whole twelve-bit numbers, as a detector stores them. It knows nothing of anatomy or findings.
"""

import functools

import numpy as np

from medlab.phantom.anatomy import Patient
from medlab.phantom.chance import stream
from medlab.phantom.raster import Canvas
from medlab.phantom.scene import CHEST_CM
from medlab.phantom.style import PhantomStyle

WHITE = 4095
"""greatest grey level of twelve bits"""


def expose(canvas: Canvas, patient: Patient, attenuation: np.ndarray, style: PhantomStyle, visit: int) -> np.ndarray:
    """The film, (size, size) uint16 from 0 to WHITE, bright where much was crossed.

    Levels depend on the patient and the exposure, never on the content of the picture, so a finding changes the film
    only where it lies.
    """
    rng = stream(patient.seed, "exposure", visit)
    reach = CHEST_CM * patient.thickness
    low = reach * rng.uniform(0.07, 0.12)
    high = reach * rng.uniform(1.18, 1.30)
    film = (attenuation - np.float32(low)) / np.float32(high - low)
    film = np.clip(film, -0.2, 1.4)
    veil = np.float32((0.10 + 0.06 * (patient.thickness - 1)) * (1.3 if patient.view == "AP" else 1.0))
    crisp = np.float32(rng.uniform(0.25, 0.5))
    # Both blurs are wide, so they are made on the coarse grid and enlarged together.
    coarse = canvas.shrink(film)
    scattered = canvas.blur_coarse(coarse, 0.22)
    veiled = coarse + veil * (scattered - coarse)
    wide = canvas.enlarge(veil * (1 + crisp) * scattered - crisp * canvas.blur_coarse(veiled, 0.06))
    film = (1 - veil) * (1 + crisp) * film + wide
    sharpness = rng.uniform(0.0012, 0.0022) * (1.25 if patient.view == "AP" else 1.0)
    film = canvas.blur(film, max(sharpness, 0.9 / canvas.size))
    film = film + _quantum_noise(canvas, film, patient, style, stream(patient.seed, "noise", visit))
    stored = np.clip(np.rint(film * np.float32(WHITE * 0.8)), 0, WHITE).astype(np.uint16)
    return _curve(round(rng.uniform(4.6, 5.6), 2), round(rng.uniform(0.46, 0.53), 2))[stored]


def _quantum_noise(
    canvas: Canvas, film: np.ndarray, patient: Patient, style: PhantomStyle, rng: np.random.Generator
) -> np.ndarray:
    """Grain that is stronger where fewer photons arrive; pixels of a small picture average over more of them."""
    size = canvas.size
    # Grain is drawn at the size of the picture, so each size has its own; its strength follows the pixel's area.
    fine = rng.standard_normal((size, size), dtype=np.float32)
    strength = 0.007 * style.noise * patient.thickness**1.5 * min(1.6, (size / 512) ** 0.5)
    strength *= float(stream(patient.seed, "dose").uniform(0.7, 1.5))
    return np.float32(strength) * fine * (np.float32(0.35) + np.clip(film, 0, 1.2))


@functools.lru_cache(maxsize=64)
def _curve(slope: float, middle: float) -> np.ndarray:
    """The S-shaped display curve as a table of WHITE + 1 grey levels; black stays black and white white."""
    rise = 1 / (1 + np.exp(-slope * (np.linspace(0, 1.25, WHITE + 1) - middle)))
    return np.rint(WHITE * (rise - rise[0]) / (rise[-1] - rise[0])).astype(np.uint16)
