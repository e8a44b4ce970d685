"""Fits the demo model's guard: on phantoms of several sizes, views and styles that nothing else was trained on."""

import numpy as np

from medlab.core.scan import Scan
from medlab.imaging.preparing import prepare
from medlab.models.guard import Guard, describe
from medlab.phantom.style import PhantomStyle
from medlab.phantom.worker import VIEWS, Phantom

FIRST_SEED = 3_000_000
SIZES = (224, 384, 512)
STYLES = (PhantomStyle(), PhantomStyle(noise=2.0), PhantomStyle(marker="none", distractors=0.8))
FITTED, HELD_OUT = 700, 500
QUANTILE = 0.99


def fit_guard(tower) -> Guard:
    """The guard of a vision tower that was trained on phantoms."""
    scans = [draw(FIRST_SEED + number) for number in range(FITTED + HELD_OUT)]
    described = np.stack([describe(see(tower, scan)) for scan in scans])
    return Guard.fit(
        described[:FITTED], described[FITTED:], quantile=QUANTILE, trained_on="synthetic chest films"
    )  # fmt: skip


def draw(seed: int) -> Scan:
    rng = np.random.default_rng(seed)
    size, style, view = (options[int(rng.integers(len(options)))] for options in (SIZES, STYLES, VIEWS))
    return Phantom(size, style).draw(seed, view=view).scans[0]


def see(tower, scan: Scan):
    """(patches, hidden): the scan as the tower sees it, prepared as for an answer."""
    import torch

    pixels = prepare(scan, tower.config.image_size, "pad").pixels
    with torch.inference_mode():
        return tower(pixel_values=torch.from_numpy(pixels.copy())[None]).last_hidden_state[0]
