"""Integrated gradients: the gradient added up along the straight line from a picture without content to the scan.

By the fundamental theorem of calculus the values add up to the change of the score along the line; what is missing is
the error of adding up at finitely many places, and every map carries it. It is medlab's own code, equal to captum's
IntegratedGradients to 1e-5 at the same nodes. It knows neither models nor what a baseline is made of.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.record import check_choice, check_whole
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.baselines import baseline_of, check_baseline
from medlab.explainers.gradients import at_once, gradients, inputs_of, on_grid, reckon_gradients, runs_of, score_of

if TYPE_CHECKING:
    import torch

Slopes = Callable[["Iterator[torch.Tensor]"], "Iterator[torch.Tensor]"]
"""gradients of each batch of points, in turn"""


@dataclasses.dataclass(frozen=True)
class IntegratedGradients(Method):
    """What each place adds to the score on the way from baseline to scan (Sundararajan et al. 2017, 1703.01365).

    The values add up to score(scan) - score(baseline) but for `completeness_error`, in nats, which every map carries:
    where it is not small beside that change, take more steps.

    of        "tokens": the tower runs once, on the token grid; "pixels": on the patch grid
    steps     Gauss-Legendre nodes on the line
    baseline  where the line starts, one of BASELINES
    """

    of: str = "tokens"
    steps: int = 32
    baseline: str = "mean"

    name = "integrated_gradients"
    family = "gradients"
    question = "How is the score's change from a picture without content to this one shared out among the places?"
    not_this = "The shares hang on the baseline and on pictures halfway that nobody ever took."
    passes = "1 forwards and 1 back for each step"

    def __post_init__(self):
        check_choice("of", self.of, ("tokens", "pixels"))
        check_whole("steps", self.steps, 1, 1000)
        check_baseline(self.of, self.baseline)

    def draw(self, request: Request) -> Map:
        import torch

        end = inputs_of(request, self.of)
        start = baseline_of(request, end, self.of, self.baseline)

        def slopes(points: "Iterator[torch.Tensor]") -> "Iterator[torch.Tensor]":
            return (slope for _, slope in gradients(request, points, self.of))

        values = on_grid(request.glass, integrate(slopes, start, end, self.steps, self._together(request)), self.of)
        with torch.no_grad():
            there, here = score_of(request, torch.cat([end, start]), self.of).tolist()
        return Map(values[0], completeness_error=abs(float(values.sum(dtype=np.float64)) - (there - here)))

    def cost(self, request: Request) -> Cost:
        return reckon_gradients(self.name, request, self.of, self.steps, self._together(request))

    def _together(self, request: Request) -> int:
        """Steps in one batch."""
        rows = at_once(request, self.of)
        if self.of == "pixels":
            return rows
        # what fits into memory may still be too much for a CPU's cache
        return min(rows, request.glass.at_once(runs_of(request)[0]))


def integrate(slopes: Slopes, start: "torch.Tensor", end: "torch.Tensor", steps: int, batch: int) -> "torch.Tensor":
    """(1, ...) float32: the gradient's integral along the line from `start` to `end`, both (1, ...), times the way.

    Gauss-Legendre: exact where each gradient is a polynomial of a degree below 2 * steps along the line.
    """
    import torch

    nodes, weights = (end.new_tensor(row).view(-1, *[1] * (end.ndim - 1)) for row in _legendre(steps))
    points = (start + part * (end - start) for part in nodes.split(batch))
    total = torch.zeros_like(end)
    for weight, slope in zip(weights.split(batch), slopes(points), strict=True):
        total += (weight * slope).sum(0, keepdim=True)
    return total * (end - start)


def _legendre(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(nodes, weights) on 0..1."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2
