"""How well a map points at lesions that are known to the pixel. It sees numbers and masks, neither models nor words.

Everything is reckoned by area: a cell counts for as many pixels of the scan as it covers, and for the lesion by as
many as the lesion has in it, so nothing is resampled. Only what speaks *for* the words (values above 0) has energy and
is thresholded; what is merely the largest value counts for pointing, whatever its sign.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from medlab.core.case import Case
from medlab.core.errors import SpecError, shown
from medlab.core.geometry import SquareFit
from medlab.core.grid import Grid, covered, to_cells
from medlab.core.vocabulary import ORGAN_TERMS

TOUCHES = 0.01
"""share of a cell that a lesion must cover for the cell to count as on it: a cell is the tolerance of pointing. Of a
lesion that covers less of every cell, those of which it covers most"""


@dataclasses.dataclass(frozen=True)
class Truth:
    """What a map of one finding should point at, and what else lies on the scan."""

    lesions: tuple[np.ndarray, ...]
    """(rows, cols) bool each, none empty: the finding's own"""
    others: tuple[np.ndarray, ...] = ()
    """(rows, cols) bool each: other findings, and what lies on the film without belonging to the patient"""


@dataclasses.dataclass(frozen=True)
class Localisation:
    """How one map did. Shares are from 0 to 1."""

    hit: float
    """whether the strongest cell touches a lesion (Zhang 2018, the pointing game); between 0 and 1 where several cells
    are equally strong and only some of them do"""
    chance: float
    """share of the scan's cells that touch a lesion: the hit that pointing blindly would have"""
    found: float | None
    """of several lesions, the share that is pointed at before the first cell that touches none; None for one lesion"""
    elsewhere: float | None
    """whether the strongest cell misses the lesions and touches something else that is there; None where nothing is"""
    energy: float | None
    """share of the positive values that lies in the lesions (Wang 2020); None where nothing is positive"""
    lift: float | None
    """energy over area: how many times more than by chance"""
    iou_otsu: float
    """intersection over union of the lesions with the cells above Otsu's threshold (Saporta 2022)"""
    iou_best: float
    """the same at the threshold that suits the lesions best: a bound, since nobody knows it beforehand"""
    auroc: float | None
    """chance that a pixel of the lesions has a larger value than another; None where the lesions fill the scan"""
    area: float
    """share of the scan that the lesions cover"""


def truth_of(case: Case, finding: str, scan: int = 0) -> Truth:
    """Masks of a finding on one scan, and of everything else there but organs. SpecError where it has none."""
    here = [mask for mask in case.masks if mask.scan == scan and mask.pixels.any()]
    lesions = tuple(mask.pixels for mask in here if mask.label == finding)
    if not lesions:
        raise SpecError(
            f"case {shown(case.id)} has no mask of {shown(finding)} on scan {scan}",
            accepted=", ".join(sorted({mask.label for mask in here})) or "a case with masks",
        )
    return Truth(lesions, tuple(m.pixels for m in here if m.label != finding and m.label not in ORGAN_TERMS))


def localise(values: np.ndarray, fit: SquareFit, truth: Truth, grid: Grid | None = None) -> Localisation:
    """The marks of one map.

    values  (rows, cols) on any grid that divides the square
    grid    on which pointing is judged, such as that of the image tokens, so that maps of fine and coarse grids have
            the same tolerance; the map's own by default
    """
    union = np.logical_or.reduce(truth.lesions)
    lesion = to_cells(union.astype(np.float32), fit, values.shape).astype(np.float64)
    scan = covered(fit, values.shape).astype(np.float64)
    positive = np.clip(values.astype(np.float64), 0, None)
    whole = (positive * scan).sum()
    energy = float((positive * lesion).sum() / whole) if whole > 0 else None
    area = float(union.mean())
    return Localisation(
        **_pointing(strongest(values, grid or values.shape), fit, truth),
        energy=energy,
        lift=None if energy is None else energy / area,
        iou_otsu=_iou(positive > otsu(positive, scan), lesion, scan),
        iou_best=_best_iou(values, lesion, scan),
        auroc=auroc(values, lesion, scan - lesion),
        area=area,
    )


def strongest(values: np.ndarray, grid: Grid) -> np.ndarray:
    """(grid) the largest value that a map has within each cell of another grid, finer or coarser.

    A cell of a coarser map is as many equally strong cells: pointing with it counts by how many are on the lesion.
    """
    for axis, wanted in enumerate(grid):
        have = values.shape[axis]
        parts = [range(cell * have // wanted, -(-(cell + 1) * have // wanted)) for cell in range(wanted)]
        values = np.stack([values.take(part, axis).max(axis) for part in parts], axis)
    return values


def touched(mask: np.ndarray, fit: SquareFit, grid: Grid) -> np.ndarray:
    """(grid) bool: the cells of which a mask, which is not empty, covers at least TOUCHES."""
    share = to_cells(mask.astype(np.float32), fit, grid)
    return share >= min(TOUCHES, share.max())


def tells_apart(maps: Sequence[np.ndarray], fit: SquareFit, truths: Sequence[Truth], grid: Grid) -> float | None:
    """Whether each of two maps points at its own of two findings; between 0 and 1 where several cells are strongest.

    Cells that touch both findings count for neither, so that one map given twice has 0. None where a finding has no
    cell of its own.
    """
    one, other = (np.logical_or.reduce([touched(mask, fit, grid) for mask in truth.lesions]) for truth in truths)
    own, both = (one & ~other, other & ~one), 1.0
    if not (own[0].any() and own[1].any()):
        return None
    for values, cells in zip(maps, own, strict=True):
        peaks = strongest(values, grid)
        both *= float(cells[peaks == peaks.max()].mean())
    return both


def _pointing(peaks: np.ndarray, fit: SquareFit, truth: Truth) -> dict[str, float | None]:
    lesions = [touched(mask, fit, peaks.shape) for mask in truth.lesions]
    on_lesion = np.logical_or.reduce(lesions)
    top = peaks == peaks.max()
    elsewhere = None
    if truth.others:
        other = np.logical_or.reduce([touched(mask, fit, peaks.shape) for mask in truth.others])
        elsewhere = float((other & ~on_lesion)[top].mean())
    return {
        "hit": float(on_lesion[top].mean()),
        "chance": float(on_lesion[covered(fit, peaks.shape) > 0].mean()),
        "found": _found(peaks, lesions) if len(lesions) > 1 else None,
        "elsewhere": elsewhere,
    }


def _found(peaks: np.ndarray, lesions: list[np.ndarray]) -> float:
    """Going down the cells by value, the false first among equals, passing over those of lesions already found."""
    found: set[int] = set()
    for cell in np.lexsort((np.logical_or.reduce(lesions).ravel(), -peaks.ravel())):
        here = {number for number, lesion in enumerate(lesions) if lesion.flat[cell]}
        if not here:
            break
        found |= here
    return len(found) / len(lesions)


def otsu(values: np.ndarray, weight: np.ndarray) -> float:
    """The value above which cells are in the upper of the two classes that lie furthest apart (Otsu 1979), exactly.

    values  any shape, each counted `weight` times; of one single value, that value: nothing lies above it
    """
    levels, place = np.unique(values, return_inverse=True)
    counts = np.bincount(place.ravel(), weight.ravel(), len(levels))
    if len(levels) < 2:
        return float(levels[-1])
    below, total = np.cumsum(counts)[:-1], counts.sum()
    sums = np.cumsum(counts * levels)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = (sums[-1] * below - sums[:-1] * total) ** 2 / (below * (total - below))
    return float(levels[int(np.nanargmax(np.nan_to_num(apart, nan=-1.0, posinf=-1.0)))])


def auroc(values: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float | None:
    """Area under the curve where each cell counts `positive` and `negative` times; ties count half. None if undefined.

    It is Mann and Whitney's statistic: the chance that a positive has the larger value.
    """
    levels, place = np.unique(values, return_inverse=True)
    ups = np.bincount(place.ravel(), np.clip(positive, 0, None).ravel(), len(levels))
    downs = np.bincount(place.ravel(), np.clip(negative, 0, None).ravel(), len(levels))
    pairs = ups.sum() * downs.sum()
    if pairs <= 0:
        return None
    return float((ups * (np.cumsum(downs) - downs / 2)).sum() / pairs)


def _iou(chosen: np.ndarray, lesion: np.ndarray, scan: np.ndarray) -> float:
    inside = lesion[chosen].sum()
    return float(inside / (scan[chosen].sum() + lesion.sum() - inside))


def _best_iou(values: np.ndarray, lesion: np.ndarray, scan: np.ndarray) -> float:
    levels, place = np.unique(-values, return_inverse=True)  # the largest first
    inside = np.cumsum(np.bincount(place.ravel(), lesion.ravel(), len(levels)))
    area = np.cumsum(np.bincount(place.ravel(), scan.ravel(), len(levels)))
    return float((inside / (area + lesion.sum() - inside)).max())
