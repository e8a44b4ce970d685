"""Relevance: attention weighted by what the score gains from it, followed from the words down to the scan.

The rule is Chefer, Gur & Wolf 2021 (arXiv 2103.15679): R <- R + mean over heads of (gradient x attention)+ R. Only the
row of R that belongs to the words is wanted, and that row is pulled down layer by layer in the order in which the
gradient comes, so nothing is stored for it. It knows the words' places, not their meaning.
"""

import dataclasses
from typing import TYPE_CHECKING

from medlab.core.errors import CapabilityError
from medlab.core.record import check_choice
from medlab.explainers.attention import GRIDS, on_patches, over_patches, piece_of, readings, row_of, watched
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.cost import reckon
from medlab.explainers.glass import Glass
from medlab.explainers.gradients import held, kept_bytes, runs_of
from medlab.explainers.streaming import Layer, Watcher, streamed

if TYPE_CHECKING:
    import torch


@dataclasses.dataclass(frozen=True)
class Relevance(Method):
    """Gradient-weighted attention from the words to the scan: one pass forwards and one back.

    grid  "tokens", the image tokens as the language model reads them, or "patches": on through the projector's
          pooling, evenly, and down the tower to its own patches

    A contrast of words in one place is one score, whose gradient is of the difference. Where the contexts differ, each
    reply has a map of its own and the one against is subtracted. Within one map nothing is below 0: the rule keeps
    what raises the score and drops the rest.
    """

    grid: str = "tokens"

    name = "relevance"
    family = "attention"
    question = "From which places did attention carry what raised the score?"
    not_this = "What lowered the score is dropped, and so is all that does not pass through attention's weights."
    passes = "1 forwards, 1 back; for patches, the tower forwards and back too"

    def __post_init__(self):
        check_choice("grid", self.grid, GRIDS)

    def draw(self, request: Request) -> Map:
        glass, total = request.glass, 0.0
        for sign, strands in readings(request.aim):
            if len(strands) == 1:  # its sign weighs the map, not the score
                strands = (dataclasses.replace(strands[0], sign=1),)
            aim = dataclasses.replace(request.aim, strands=strands)
            row, slope = in_language(glass, dataclasses.replace(request, aim=aim))
            total = total + sign * (row if self.grid == "tokens" else in_tower(glass, request.scan, row, slope))
        if self.grid == "patches":
            return Map(on_patches(glass, total))
        return Map(total.reshape(glass.grid).cpu().numpy())

    def cost(self, request: Request) -> Cost:
        tokens, said = runs_of(request)
        contexts = len(readings(request.aim))  # each is a pass of its own
        times = 2 * contexts if self.grid == "patches" else 0
        glass = request.glass
        # of a piece of a map: itself, the gradient, and what is made of the two
        peak = 5 * piece_of(glass, self.grid, tokens, len(glass.ids))
        peak += kept_bytes(request, "pixels" if self.grid == "patches" else "tokens")
        return reckon(
            self.name,
            glass,
            tower=1 + times,
            tokens=2 * tokens * contexts,
            seen=tokens / 2,
            rows=2 * said,
            peak=peak,
        )


class Pull(Watcher):
    """A row of R, pulled down through each layer as the gradient passes it."""

    def __init__(self, row: "torch.Tensor"):
        self.row = row
        """(tokens,) float32: of what lies above the next layer, how much comes from each place"""
        self.layers = 0
        """that it was pulled through"""
        self._gained: torch.Tensor | float = 0.0

    def shown(self, layer: Layer, rows: slice, flow: "torch.Tensor") -> None:
        self._gained = self._gained + self.row[layer.seen :][rows] @ flow[0].clamp(min=0).mean(0)

    def left(self, layer: Layer) -> None:
        self.row = self.row + self._gained
        self._gained, self.layers = 0.0, self.layers + 1


def in_language(glass: Glass, request: Request) -> "tuple[torch.Tensor, torch.Tensor]":
    """(relevance (image tokens,), gradient (1, image tokens, hidden)) of the score for the tokens of the scan.

    The request's strands must stand in one context.
    """
    import torch

    pull = Pull(row_of(glass, request.aim.strands[0], mean=False))
    tokens = glass.tokens()[request.scan][None].detach().clone().requires_grad_()
    with torch.enable_grad(), held(glass.module), watched(glass, request.scan, pull):
        score = glass.score(request.aim, tokens, request.scan)
        (slope,) = torch.autograd.grad(score.sum(), tokens)
    _check(glass, pull, glass.language.config.num_hidden_layers, slope)
    return pull.row[glass.places(request.scan)], slope


def in_tower(glass: Glass, scan: int, row: "torch.Tensor", slope: "torch.Tensor") -> "torch.Tensor":
    """(patches,) relevance, from that of the scan's tokens (image tokens,) and the score's gradient of them."""
    import torch

    pull = Pull(over_patches(glass, row))
    pixels = glass.pixels[scan][None].detach().clone().requires_grad_()
    with torch.enable_grad(), held(glass.module), streamed(glass.module, pull):
        tokens = glass.project(glass.see(pixels))
        torch.autograd.grad(tokens, pixels, slope.to(tokens.dtype))
    _check(glass, pull, glass.module.config.vision_config.num_hidden_layers, slope)
    return pull.row


def _check(glass: Glass, pull: Pull, layers: int, slope: "torch.Tensor") -> None:
    """Raises CapabilityError where not every layer was passed, or where the numbers are not finite."""
    if pull.layers != layers:
        raise CapabilityError(
            f"{pull.layers} of {layers} attention layers of {glass.model.name} were seen",
            accepted="layers that look their attention function up with transformers' AttentionInterface",
            fix="pip install transformers==5.23.0",
        )
    if not (slope.isfinite().all() and pull.row.isfinite().all()):
        raise CapabilityError(
            f"the gradient of {glass.model.name}'s score is not finite, computed in {glass.module.dtype}",
            accepted="a model whose score has a finite gradient",
            fix='load_model(name, dtype="float32"), or a method without gradients: method="token_occlusion"',
        )
