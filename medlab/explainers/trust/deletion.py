"""Deletion and insertion (Petsiuk 2018) by image tokens: does the answer go when the strongest places go first?

The tower runs once; what is deleted is replaced behind it. A curve's area means little alone: it depends on the film,
the words and what stands for "nothing". So it is told where it lies between orders by chance (0) and the order of the
truth, lesion first (1). A map can be above 1: the model may need only a part of the lesion. Few places that repeat the
same evidence make every order look alike; and an edge filter does well here. It is no proof of anything by itself.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from medlab.core.grid import to_cells
from medlab.explainers.base import Request
from medlab.explainers.baselines import baseline_of
from medlab.explainers.explain import coarser
from medlab.explainers.trust.localise import Truth

FILLS = ("mean", "blank")
"""what a deleted token is replaced by: `medlab.explainers.baselines` says what they are"""
STEPS = 14
ORDERS = 5
"""random orders that stand for chance"""


@dataclasses.dataclass(frozen=True)
class Areas:
    """Areas under the two curves of one order, between 0 and 1."""

    deletion: float
    """small where the answer went early"""
    insertion: float
    """large where the answer came early"""


def order_of(values: np.ndarray, grid: tuple[int, int], seed: int = 0) -> np.ndarray:
    """(tokens,) int: image tokens, strongest first; among equals by chance."""
    coarse = coarser(values, grid).ravel()
    return np.lexsort((np.random.default_rng(seed).random(coarse.size), -coarse))


def orders(request: Request, truth: Truth, seed: int = 0) -> Iterator[tuple[str, np.ndarray]]:
    """("truth", lesion first), then ("chance 0", …) to ORDERS: what a map's own order is measured between."""
    grid = request.glass.grid
    union = np.logical_or.reduce(truth.lesions).astype(np.float32)
    fit = request.model.fit_of(request.aim.query.scans[request.scan])
    yield "truth", order_of(to_cells(union, fit, grid), grid, seed)
    rng = np.random.default_rng(seed)
    for number in range(ORDERS):
        yield f"chance {number}", rng.permutation(grid[0] * grid[1])


def areas(request: Request, order: np.ndarray, fill: str = "mean", steps: int = STEPS) -> Areas:
    """The two areas of one order of image tokens, by `curves`."""
    return Areas(*(float((curve[1:] + curve[:-1]).mean() / 2) for curve in curves(request, order, fill, steps)))


def curves(request: Request, order: np.ndarray, fill: str = "mean", steps: int = STEPS) -> tuple[np.ndarray, ...]:
    """(deletion, insertion): (steps + 1,) float64 each, the probability after each step's share of tokens.

    fill  one of FILLS: what stands where a token was taken away, and where it was not yet put

    Of a contrast it is the probability of the first reply where there are only the two; of other words, their own.
    """
    import torch

    glass = request.glass
    tokens = glass.tokens()[request.scan]
    nothing = baseline_of(request, tokens[None].float(), "tokens", fill)[0].to(tokens.dtype)
    counts = np.linspace(0, len(order), steps + 1).round().astype(int)
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    gone = rank[None] < counts[:, None]
    hidden = torch.from_numpy(np.concatenate([gone, ~gone]))[..., None].to(tokens.device)
    scores = glass.score_many(request.aim, torch.where(hidden, nothing, tokens), request.scan).double().cpu().numpy()
    shares = 1 / (1 + np.exp(-np.clip(scores, -700, 700))) if request.aim.contrast else np.exp(scores)
    return shares[: steps + 1], shares[steps + 1 :]
