"""Which words read the scan, and in which layer: each word behind it is blinded in turn, in one layer at a time.

A map of attention shows where the place looks from which an answer is foretold. What moves the answer may have been
read by another word, in a lower layer, and passed on; blinding that word shows it. It knows no pixels, and does not
say which of two words that repeat each other was the first.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.answer import Answer
from medlab.core.errors import CapabilityError, SpecError
from medlab.core.query import Query
from medlab.core.record import Record, check_number, check_whole, frozen_array, record
from medlab.explainers.aims import Strand, Target, aim_at
from medlab.explainers.attention import readings, spelled
from medlab.explainers.base import Request
from medlab.explainers.explain import request_for
from medlab.explainers.glass import TOKENS, Glass, chosen_logprobs, foretelling

if TYPE_CHECKING:
    import torch


@record
class Readers(Record):
    """What the score loses when one word may not look at the scan in one layer, and all others may."""

    lost_nats: np.ndarray
    """(layers, tokens) float32; a sum over words or layers means nothing, for they repeat each other"""
    tokens: tuple[str, ...]
    """of the prompt behind the scan, as text; "" for those that are not shown, such as the end of a turn"""
    kinds: tuple[str, ...]
    """of each layer, "full" or "sliding" """
    score_nats: float
    """of the words explained, with nothing blinded"""
    words: tuple[str, ...]
    """two with `contrast`: for, against"""
    contrast: bool = False
    scan: int = 0
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    answer_fingerprint: str = ""

    def __post_init__(self):
        array = frozen_array("lost_nats", self.lost_nats, np.float32, (2,))
        if array.shape != (len(self.kinds), len(self.tokens)):
            raise SpecError(f"lost_nats has shape {array.shape}", accepted=f"({len(self.kinds)}, {len(self.tokens)})")
        object.__setattr__(self, "lost_nats", array)
        check_number("score_nats", self.score_nats)
        check_whole("scan", self.scan)

    def __repr__(self) -> str:
        layer, token = np.unravel_index(self.lost_nats.argmax(), self.lost_nats.shape)
        told = f"most for {self.tokens[token]!r} in layer {layer}, {self.lost_nats[layer, token]:.2f} nats"
        return f"Readers({' against '.join(self.words)!r}, {told})"


def readers(
    model,
    said: Answer | Query,
    target: Target = None,
    *,
    occurrence: int = 0,
    scan: int = 0,
    query: Query | None = None,
    progress: bool = False,
) -> Readers:
    """Which words of the prompt read the scan, in which layer.

    In one layer one token behind the scan is kept from looking at it. Tokens of the scan, of the reply and of other
    scans are not blinded. One short run for each token and layer; the arguments are as in `medlab.explain`.

    Raises what `medlab.explain` raises, and CapabilityError where no text stands behind the scan, before any work.
    """
    request = request_for(model, aim_at(model, said, target, occurrence=occurrence, query=query), scan=scan)
    glass, aim = request.glass, request.aim
    stop = glass.places(scan).stop
    tokens = tuple(spelled(glass, stop))
    if not any(tokens):
        raise CapabilityError("no text stands behind the scan", accepted="a question that comes after its scan")
    kinds = tuple(kind.removesuffix("_attention") for kind in glass.language.config.layer_types)
    scores = _scores(request, len(kinds), len(tokens), progress)
    lost = (scores[0] - scores[1:]).reshape(len(kinds), len(tokens)).astype(np.float32)
    prints = (model.fingerprint, aim.query.fingerprint, aim.answer_fingerprint)
    return Readers(lost, tokens, kinds, float(scores[0]), aim.words, aim.contrast, scan, *prints)


def _scores(request: Request, layers: int, tokens: int, progress: bool) -> np.ndarray:
    """(1 + layers x tokens,) float64: the aim's score with nothing blinded, then layer by layer each token."""
    import torch
    from tqdm.auto import tqdm

    glass = request.glass
    blinded = torch.full((1 + layers * tokens, 2), -1)
    blinded[1:] = torch.cartesian_prod(torch.arange(layers), torch.arange(tokens))
    longest = len(glass.ids) + max(len(strand.reply) for strand in request.aim.strands)
    scores = []
    with torch.no_grad():
        for part in tqdm(blinded.split(max(1, TOKENS // longest)), "passes", disable=not progress, unit="batch"):
            total = torch.zeros(len(part), dtype=torch.float64)
            for _, strands in readings(request.aim):
                logits = _run(request, strands[0], part)
                total += sum(strand.sign * chosen_logprobs(logits, strand).sum(-1) for strand in strands).cpu()
            scores.append(total)
    return torch.cat(scores).numpy()


def _run(request: Request, strand: Strand, blinded: "torch.Tensor") -> "torch.Tensor":
    """(batch, places, vocabulary) logits; `blinded` (batch, 2) is the layer and token of each row, -1 for none."""
    import torch

    glass = request.glass
    place, row = glass.places(request.scan), glass.embedded(strand)
    stop, length = place.stop, row.shape[1] - 1
    state = glass.opening(stop)
    allowed = {kind: mask[:, stop:] for kind, mask in glass.allowed(length).items()}
    rows = row[:, stop:length].expand(len(blinded), -1, -1)
    said = [at - stop for at in foretelling(glass, strand)]
    with _blind(glass, blinded, place):
        return glass.run(rows, allowed, torch.arange(stop, length)[None], said, state)


@contextlib.contextmanager
def _blind(glass: Glass, blinded: "torch.Tensor", place: slice) -> Iterator[None]:
    """Each layer takes the keys of `place` out of the mask of the tokens that are blinded in it."""
    import torch

    def hook_of(rows: torch.Tensor, tokens: torch.Tensor):
        def hook(module, args, kwargs):
            mask = kwargs["attention_mask"].clone()
            # eager layers add their mask, the others multiply by it
            mask[rows, :, tokens, place] = False if mask.dtype == torch.bool else torch.finfo(mask.dtype).min
            return args, kwargs | {"attention_mask": mask}

        return hook

    with contextlib.ExitStack() as hooks:
        for number, layer in enumerate(glass.language.layers):
            rows = (blinded[:, 0] == number).nonzero()[:, 0]
            handle = layer.self_attn.register_forward_pre_hook(hook_of(rows, blinded[rows, 1]), with_kwargs=True)
            hooks.callback(handle.remove)
        yield
