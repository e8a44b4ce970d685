"""Integrated gradients: the gradient added up along the straight line from a picture without content to the scan.

By the fundamental theorem of calculus the values add up to the change of the score along the line; what is missing is
the error of adding up at finitely many places, and every map carries it. captum's IntegratedGradients is the engine,
with medlab's score, which runs the tower once where it can, and medlab's gradients, which are checked. It knows
neither models nor what a baseline is made of.
"""

import dataclasses

from medlab.core.record import check_choice, check_whole
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.baselines import baseline_of, check_baseline
from medlab.explainers.gradients import at_once, gradient, inputs_of, on_grid, reckon_gradients, runs_of, score_of


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
        import captum.attr
        import torch
        from tqdm.auto import tqdm

        end = inputs_of(request, self.of)
        start = baseline_of(request, end, self.of, self.baseline).expand_as(end)
        engine = captum.attr.IntegratedGradients(lambda points: score_of(request, points, self.of))
        with tqdm(total=self.steps, desc="gradients", disable=not request.progress, unit="step") as bar:

            def slopes(inputs: "tuple[torch.Tensor]", **_: object) -> "tuple[torch.Tensor]":
                bar.update(len(inputs[0]))
                return (gradient(request, inputs[0], self.of)[1],)

            engine.gradient_func = slopes
            values, gap = engine.attribute(
                end,
                start,
                n_steps=self.steps,
                internal_batch_size=self._together(request),
                return_convergence_delta=True,
            )
        return Map(on_grid(request.glass, values.detach(), self.of)[0], completeness_error=abs(float(gap)))

    def cost(self, request: Request) -> Cost:
        return reckon_gradients(self.name, request, self.of, self.steps, self._together(request))

    def _together(self, request: Request) -> int:
        """Steps in one batch."""
        rows = at_once(request, self.of)
        if self.of == "pixels":
            return rows
        # what fits into memory may still be too much for a CPU's cache
        return min(rows, request.glass.at_once(runs_of(request)[0]))
