"""RISE: many random smooth masks at once, and which places go with a high score (Petsiuk et al. 2018, 1806.07421).

Random masks hide much of the scan at a time, so that evidence which repeats itself is found where single cells miss
it. Three things differ from the paper: a place's value is the slope of the score over its visibility and not a mean
of scores, so that it is in nats, signed, and needs no score of a black film; masks are shifted by parts of a cell, so
that each place is as often seen as every other; and it can be stopped at *any time*: every value has its standard
error, which shrinks as it runs. It knows masks and scores, and hides tokens or edges; pixels are hidden elsewhere.
"""

import abc
import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from medlab.core.record import check_number, check_whole
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.cost import reckon_rows
from medlab.explainers.knockout import cut_scorer, reckon_knockouts

STEP = 50
"""masks from one map to the next"""
FEWEST = 20
"""masks below which a standard error says nothing"""
Scores = Callable[[np.ndarray], np.ndarray]
"""(masks, grid_rows, grid_cols) of what is seen, 0 to 1 -> (masks,) the score of each"""


@dataclasses.dataclass(frozen=True)
class Rise(Method):
    """What is common to RISE on tokens, over knockouts, and on pixels.

    A value is by how many nats the score rises as the place comes into sight, together with what its masks tend to
    show along with it: a map is smooth on the scale of a mask's cells. `standard_error` is that of the slope, for
    masks drawn at random and scores of any spread (White 1980).

    masks   how many
    coarse  cells of a mask along the side of the grid
    keep    share of the scan that a mask lets be seen, on the average
    """

    masks: int = 500
    coarse: int = 7
    keep: float = 0.5

    family = "perturbation"
    question = "Does the score rise when this place is in sight, whatever else is?"
    not_this = "A place beside the evidence rises with it, by a mask's cell; within 2 standard errors of 0 is nothing."
    causal = True

    def __post_init__(self):
        check_whole("masks", self.masks, FEWEST, 1_000_000)
        check_whole("coarse", self.coarse, 2)
        check_number("keep", self.keep, 0.1, 0.9)

    @abc.abstractmethod
    def scorer(self, request: Request) -> tuple[tuple[int, int], Scores]:
        """The grid of the masks, and how a batch of them is scored. Raises CapabilityError before any work."""

    def shape(self, masks: np.ndarray) -> np.ndarray:
        """The smooth masks, 0 to 1, as this method can use them."""
        return masks

    def steps(self, request: Request) -> Iterator[Map]:
        """The map so far, after every STEP masks: stop whenever its errors are small enough."""
        from tqdm.auto import tqdm

        grid, score = self.scorer(request)
        rng = np.random.default_rng(request.seed)
        seen, scores = [], []
        with tqdm(total=self.masks, desc=self.name, disable=not request.progress, unit="mask") as bar:
            for number in steps_of(self.masks):
                masks = self.shape(smooth_masks(rng, number, grid, self.coarse, self.keep))
                seen.append(masks)
                scores.append(score(masks))
                bar.update(number)
                yield slopes(np.concatenate(seen), np.concatenate(scores))

    def draw(self, request: Request) -> Map:
        *_, last = self.steps(request)
        return last


@dataclasses.dataclass(frozen=True)
class RiseTokens(Rise):
    """RISE on image tokens: the reference. A mask mixes each token with the mean of the scan's tokens.

    The tower runs once; the language model reads every masked scan anew, so that nothing of a hidden place is left
    but what the tower carried over to its neighbours.
    """

    masks: int = 200

    name = "rise_tokens"
    passes = "1 tower, a language pass for each mask"

    def scorer(self, request: Request) -> tuple[tuple[int, int], Scores]:
        import torch

        glass = request.glass
        tokens = glass.tokens()[request.scan]
        mean = tokens.mean(0)

        def score(masks: np.ndarray) -> np.ndarray:
            seen = torch.from_numpy(masks.reshape(len(masks), -1, 1)).to(tokens)
            return glass.score_many(request.aim, mean + seen * (tokens - mean), request.scan).cpu().numpy()

        return glass.grid, score

    def cost(self, request: Request) -> Cost:
        return reckon_rows(self.name, request, self.masks, at_once=STEP)


@dataclasses.dataclass(frozen=True)
class RiseKnockout(Rise):
    """RISE over knockouts: its cheap form. A mask cuts attention to the places that it shows less than half.

    Only what stands after the scan is run again, all masks packed: see `medlab.explainers.knockout`, also for what is
    cut. The scan's own tokens still see one another, so that evidence may be found where it was carried to.
    """

    name = "rise_knockout"
    passes = "1 tower, 1 language pass, and for each mask one over what stands after the scan"

    def shape(self, masks: np.ndarray) -> np.ndarray:
        return (masks > 0.5).astype(masks.dtype)

    def scorer(self, request: Request) -> tuple[tuple[int, int], Scores]:
        score = cut_scorer(request)
        return request.glass.grid, lambda masks: score(masks < 0.5)

    def cost(self, request: Request) -> Cost:
        return reckon_knockouts(self.name, request, self.masks)


def steps_of(masks: int) -> list[int]:
    """How many masks each step takes; the last takes what would be too few for a step."""
    whole, rest = divmod(masks, STEP)
    steps = [STEP] * whole
    if rest >= FEWEST or not steps:
        return [*steps, rest]
    return [*steps[:-1], STEP + rest]


def smooth_masks(rng: np.random.Generator, number: int, grid: tuple[int, int], coarse: int, keep: float) -> np.ndarray:
    """(number, grid_rows, grid_cols) float32, 0 hidden to 1 seen; each place is seen by `keep` on the average.

    Cells, each seen with probability `keep`, are laid over the grid at a random shift, and joined linearly.
    """
    spans = [min(coarse, side) for side in grid]
    cells = (rng.random((number, spans[0] + 2, spans[1] + 2)) < keep).astype(np.float32)
    down, across = (
        _hats(rng.random(number), side, span).astype(np.float32) for side, span in zip(grid, spans, strict=True)
    )
    return np.clip(np.matmul(np.matmul(down, cells), across.transpose(0, 2, 1)), 0, 1)


def _hats(shifts: np.ndarray, side: int, span: int) -> np.ndarray:
    """(masks, side, span + 2): the weight of each coarse cell at each place, linear between their centres."""
    places = (np.arange(side) + 0.5) * span / side + shifts[:, None]
    return np.maximum(0, 1 - abs(places[..., None] - np.arange(span + 2)))


def slopes(seen: np.ndarray, scores: np.ndarray) -> Map:
    """At each place, the slope of the scores over how well it was seen, and that slope's standard error.

    seen    (masks, grid_rows, grid_cols)
    scores  (masks,)

    The error is White's (1980), which lets the scores' spread depend on the mask; HC1, for n - 2 degrees of freedom.
    Where every mask showed a place alike, its slope is not known: 0, give or take all that the scores ranged over.
    """
    number = len(seen)
    x = seen.reshape(number, -1).astype(np.float64)
    x -= x.mean(0)
    y = scores.astype(np.float64) - scores.mean(dtype=np.float64)
    spread = (x * x).sum(0)
    told = spread > 1e-9
    spread[~told] = 1
    slope = np.where(told, y @ x / spread, 0)
    left = y[:, None] - x * slope
    error = np.sqrt(((x * left) ** 2).sum(0) * number / (number - 2)) / spread
    error = np.where(told, error, np.ptp(y))
    return Map(slope.reshape(seen.shape[1:]), error.reshape(seen.shape[1:]))
