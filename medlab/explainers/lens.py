"""Logit lens: what each image token would say next, were it asked, behind a layer of the language model.

It reads and changes nothing. It knows the scan's tokens and the aim's, not how the one came to the other.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.core.record import check_whole
from medlab.explainers.aims import Strand
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.cost import reckon
from medlab.explainers.glass import Glass

if TYPE_CHECKING:
    import torch

ROWS = 32
"""image tokens whose logits over the whole vocabulary exist at a time"""


@dataclasses.dataclass(frozen=True)
class LogitLens(Method):
    """What each image token would say next, were it asked: logit of the aim's tokens over the vocabulary's mean.

    The lens is nostalgebraist's (2020): the state behind a layer, through the last norm and the output matrix. Summed
    over the aim's tokens, for less against.

    layer  number of the layer behind which it is read, from 0; -1 for the last
    """

    layer: int = -1

    name = "logit_lens"
    family = "inside"
    question = "Which image tokens have come to mean the word themselves?"
    not_this = "No image token was trained to speak: a place may hold the evidence and say something else."
    passes = "1 forwards over prompt and scan"

    def __post_init__(self):
        check_whole("layer", self.layer, -1)

    def draw(self, request: Request) -> Map:
        import torch

        glass = request.glass
        number = glass.language.config.num_hidden_layers
        check_whole("layer", self.layer, -1, number - 1)
        with torch.no_grad():
            states = glass.language.norm(behind_layer(glass, request.scan, self.layer % number))
            rows = [_above_mean(glass, part, request.aim.strands) for part in states.split(ROWS)]
        return Map(torch.cat(rows).reshape(glass.grid).cpu().numpy())

    def cost(self, request: Request) -> Cost:
        glass = request.glass
        peak = 8.0 * min(ROWS, glass.count) * glass.language.config.vocab_size
        return reckon(self.name, glass, tower=1, tokens=glass.count, seen=glass.count, rows=glass.count, peak=peak)


def behind_layer(glass: Glass, scan: int, layer: int) -> "torch.Tensor":
    """(image tokens, hidden): the states of a scan's tokens behind a layer, before the last norm."""
    import torch

    place, caught = glass.places(scan), []

    def catch(module, args, output):
        caught.append(output[0] if isinstance(output, tuple) else output)

    hook = glass.language.layers[layer].register_forward_hook(catch)
    try:
        with torch.no_grad():
            row = glass.embedded(Strand((), ()))[:, place]
            allowed = {kind: mask[:, place] for kind, mask in glass.allowed(place.stop).items()}
            state = glass.opening(place.start) if place.start else None
            caught.clear()  # the opening may just have been read
            glass.run(row, allowed, torch.arange(place.start, place.stop)[None], [-1], state)
    finally:
        hook.remove()
    return caught[0][0]


def _above_mean(glass: Glass, states: "torch.Tensor", strands: Sequence[Strand]) -> "torch.Tensor":
    """(rows,) float32: logits of the strands' tokens less the mean over the vocabulary, summed with their signs.

    Logits mean nothing but their differences: over the mean, they have a sign.
    """
    logits = glass.module.lm_head(states).float()
    logits = logits - logits.mean(-1, keepdim=True)
    return sum(s.sign * logits[:, [s.reply[place] for place in s.places]].sum(-1) for s in strands)
