"""What the demo model's vision tower is taught about one film: by patch, finding and side. Arrays in, arrays out."""

import dataclasses

import numpy as np

from medlab.core.case import Finding
from medlab.core.vocabulary import SCALES
from medlab.demo.pool import SIZE, Pool
from medlab.phantom.vocabulary import FINDINGS, KINDS, LUNG_SIDES, ZONES

CHANNELS: tuple[tuple[str, str | None], ...] = tuple(
    (name, side) for name in FINDINGS for side in (LUNG_SIDES if KINDS[name].sided else (None,))
)
"""(finding, side): what is told apart"""
GAIN = {"nodule": 4.0, "endotracheal_tube": 3.0, "central_line": 4.0, "pacemaker": 2.0}
"""a thin thing fills little of a patch: its share is multiplied by this, others' by 1.5"""
STEPS = 100
"""a box's edges are told in hundredths of the film"""


@dataclasses.dataclass
class Targets:
    """Of n films; the grid is square."""

    films: np.ndarray
    """(n, 224, 224) uint8, shifted"""
    share: np.ndarray
    """(n, channels, grid, grid) float32 in 0..1: how much of each patch the finding covers, after GAIN"""
    present: np.ndarray
    """(n, channels) float32, 0 or 1"""
    zone: np.ndarray
    """(n, channels) int64, -1 where there is none"""
    severity: np.ndarray
    """(n, channels) int64, -1 where there is none"""
    edges: np.ndarray
    """(n, channels, 4) int64: top, left, bottom, right in STEPS, -1 where there is no box"""


def channel_of(finding: Finding) -> int:
    return CHANNELS.index((finding.name, finding.side if KINDS[finding.name].sided else None))


def make_targets(pool: Pool, chosen: np.ndarray, patch: int, shifts: np.ndarray) -> Targets:
    """The targets of `chosen` films, each moved by its row of `shifts` (n, 2): pixels down and to the right."""
    n, grid = len(chosen), SIZE // patch
    out = Targets(
        films=np.stack([_moved(pool.films[i], *s) for i, s in zip(chosen, shifts.tolist(), strict=True)]),
        share=np.zeros((n, len(CHANNELS), grid, grid), np.float32),
        present=np.zeros((n, len(CHANNELS)), np.float32),
        zone=np.full((n, len(CHANNELS)), -1),
        severity=np.full((n, len(CHANNELS)), -1),
        edges=np.full((n, len(CHANNELS), 4), -1),
    )
    for row, film in enumerate(chosen):
        masks = range(*np.searchsorted(pool.owner[:, 0], (film, film + 1)))
        for mask in masks:
            finding = pool.findings[film][pool.owner[mask, 1]]
            channel = channel_of(finding)
            out.present[row, channel] = 1
            if finding.zone:
                out.zone[row, channel] = ZONES.index(finding.zone)
            if finding.severity:
                out.severity[row, channel] = list(SCALES[finding.name]).index(finding.severity)
            pixels = _moved(np.unpackbits(pool.bits[mask], axis=1), *shifts[row].tolist(), edge=False)
            share = pixels.reshape(grid, patch, grid, patch).mean((1, 3), dtype=np.float32)
            out.share[row, channel] = np.minimum(1, share * GAIN.get(finding.name, 1.5))
            rows, cols = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
            if rows.size:
                box = np.array([rows[0], cols[0], rows[-1] + 1, cols[-1] + 1]) * STEPS / SIZE
                out.edges[row, channel] = np.round(box)
    return out


def _moved(picture: np.ndarray, down: int, right: int, *, edge: bool = True) -> np.ndarray:
    """The picture shifted by whole pixels; what comes in repeats the border, or is 0."""
    if down == 0 and right == 0:
        return picture
    reach = max(abs(down), abs(right))
    padded = np.pad(picture, reach, mode="edge") if edge else np.pad(picture, reach)
    rows, cols = picture.shape
    return padded[reach - down : reach - down + rows, reach - right : reach - right + cols]
