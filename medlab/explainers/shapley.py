"""Shapley values of regions: what the scan as a whole is worth to the score, shared out fairly among its parts.

Regions come into sight one by one in random orders, and each is credited with what the score gains; the mean over all
orders is the only sharing that adds up to the whole, treats like regions alike, and gives nothing to what never
matters (Shapley 1953; by sampling: Castro et al. 2009). Orders are drawn in pairs, one the other backwards, which
cancels much of the noise (Mitchell et al. 2022, 2104.12199). What is not in sight is knocked out. It knows regions of
image tokens, whoever named them.
"""

import dataclasses
import re
from collections.abc import Callable

import numpy as np

from medlab.core.case import Mask
from medlab.core.errors import SpecError, shown
from medlab.core.geometry import SquareFit
from medlab.core.grid import to_cells
from medlab.core.record import check_tuple, check_whole
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.knockout import cut_scorer, in_batches, reckon_knockouts


@dataclasses.dataclass(frozen=True)
class Shapley(Method):
    """A region's share of what hiding the whole scan would cost, spread evenly over its cells.

    The values add up to that cost however few orders are drawn: `completeness_error` holds rounding alone.

    regions  "grid:4" for 4 x 4 oblongs of image tokens, "grid" for each token; or Masks, such as those of organs: a
             cell belongs to the mask that covers most of it, and cells of which most is in no mask are a region too
    orders   in which regions come into sight; half of them are the other half backwards
    """

    regions: str | tuple[Mask, ...] = "grid:4"
    orders: int = 32

    name = "shapley"
    family = "perturbation"
    question = "How is what the whole scan is worth shared out among its regions?"
    not_this = "Cells of one region are not told apart; a share counts every company in which the region was seen."
    passes = "1 tower, 1 language pass, and orders x regions over what stands after the scan"
    causal = True

    def __post_init__(self):
        if isinstance(self.regions, str):
            _side_of(self.regions)
        else:
            check_tuple("regions", self.regions, Mask)
            if not self.regions:
                raise SpecError("regions is ()", accepted='Masks, or "grid:4"')
        check_whole("orders", self.orders, 4)
        if self.orders % 2:
            raise SpecError(f"orders is {self.orders}", accepted="an even number: they are drawn in pairs")

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        told = self.regions
        if not isinstance(told, str):
            told = ", ".join(f"{mask.label} ({mask.fingerprint[:8]})" for mask in told)
        return ("regions", told), ("orders", str(self.orders))

    def draw(self, request: Request) -> Map:
        parts = self._parts(request)
        score = cut_scorer(request)
        rng = np.random.default_rng(request.seed)
        share, error, effect = shares(
            lambda hidden: in_batches(score, hidden[:, parts], request), int(parts.max()) + 1, self.orders, rng
        )
        size = np.bincount(parts.ravel())
        values = (share / size)[parts]
        return Map(values, (error / size)[parts], abs(float(values.sum() - effect)))

    def cost(self, request: Request) -> Cost:
        parts = self._parts(request)
        return reckon_knockouts(self.name, request, 2 + self.orders * int(parts.max()))

    def _parts(self, request: Request) -> np.ndarray:
        return parts_of(self.regions, request.glass.fits[request.scan], request.glass.grid, request.scan)


def shares(
    score: Callable[[np.ndarray], np.ndarray], count: int, orders: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """((regions,) Shapley values, (regions,) their standard errors, the score of all less that of none).

    score   of (cuts, regions) bool, True is hidden: (cuts,)
    orders  even: half are drawn, and taken backwards too. An error is that of a mean over independent pairs
    """
    half = [rng.permutation(count) for _ in range(orders // 2)]
    drawn = np.array([order for one in half for order in (one, one[::-1])])
    ranks = np.argsort(drawn, 1)  # of each region in each order
    hidden = (ranks[:, None] >= np.arange(1, count)[:, None]).reshape(-1, count)
    ends = np.array([[True] * count, [False] * count])
    scores = score(np.concatenate([ends, hidden]))
    none, whole = (np.full((orders, 1), end) for end in scores[:2])
    worth = np.concatenate([none, scores[2:].reshape(orders, count - 1), whole], 1)
    gains = np.empty(drawn.shape)
    np.put_along_axis(gains, drawn, np.diff(worth, axis=1), 1)
    pairs = gains.reshape(-1, 2, count).mean(1)
    return pairs.mean(0), pairs.std(0, ddof=1) / np.sqrt(len(pairs)), float(scores[1] - scores[0])


def parts_of(regions: str | tuple[Mask, ...], fit: SquareFit, grid: tuple[int, int], scan: int = 0) -> np.ndarray:
    """(grid_rows, grid_cols) whole numbers from 0: the region of each cell. There are two regions or more.

    Raises SpecError for a mask of another scan or size, and for one that no cell belongs to.
    """
    if isinstance(regions, str):
        side = min(_side_of(regions) or max(grid), *grid)
        down, across = (np.arange(length) * side // length for length in grid)
        return down[:, None] * side + across
    for mask in regions:
        if mask.scan != scan or mask.pixels.shape != (fit.rows, fit.cols):
            raise SpecError(
                f"mask {shown(mask.label)} of scan {mask.scan}, {mask.pixels.shape} pixels",
                accepted=f"masks of scan {scan}, ({fit.rows}, {fit.cols}) pixels",
            )
    shares = np.stack([to_cells(mask.pixels, fit, grid) for mask in regions])
    rest = np.maximum(0, 1 - shares.sum(0))
    parts = np.concatenate([shares, rest[None]]).argmax(0)
    for number, mask in enumerate(regions):
        if not (parts == number).any():
            raise SpecError(
                f"mask {shown(mask.label)}, which covers most of no cell",
                accepted=f"masks larger than a cell of {grid[0]} x {grid[1]}, none hidden under another",
            )
    present = np.unique(parts)
    if len(present) < 2:
        raise SpecError("one region alone, which is the whole scan", accepted="two regions or more")
    return np.searchsorted(present, parts)


def _side_of(regions: str) -> int:
    """Regions along a side: of "grid:4" 4, of "grid" 0, for all."""
    found = re.fullmatch(r"grid(?::([1-9]\d{0,3}))?", regions)
    if found is None or found[1] == "1":
        raise SpecError(f"regions is {shown(regions)}", accepted='"grid:4", "grid", or Masks', fix='regions="grid:4"')
    return int(found[1] or 0)
