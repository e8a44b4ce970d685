"""What studies of single layers share: the score while layers are changed, and whose words it is about.

It knows no pixels.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from medlab.explainers.aims import Strand
from medlab.explainers.attention import readings
from medlab.explainers.base import Request
from medlab.explainers.glass import TOKENS, Glass, chosen_logprobs, foretelling

if TYPE_CHECKING:
    import torch


def scores_under(request: Request, changes: np.ndarray, run: Callable, progress: bool) -> np.ndarray:
    """(changes,) float64: the aim's score under each row of `changes`, which `run` (request, strand, rows) applies."""
    import torch
    from tqdm.auto import tqdm

    glass, contexts = request.glass, readings(request.aim)
    longest = len(glass.ids) + max(len(strand.reply) for strand in request.aim.strands)
    parts = torch.from_numpy(changes).to(glass.ids.device).split(max(1, TOKENS // longest))
    scores = []
    with torch.no_grad():
        for part in tqdm(parts, "passes", disable=not progress, unit="batch"):
            total = torch.zeros(len(part), dtype=torch.float64)
            for _, strands in contexts:
                logits = run(request, strands[0], part)
                total += sum(strand.sign * chosen_logprobs(logits, strand).sum(-1) for strand in strands).cpu()
            scores.append(total)
    return torch.cat(scores).numpy()


def run_unseeing(request: Request, strand: Strand, blind: "torch.Tensor") -> "torch.Tensor":
    """(batch, places, vocabulary) logits where `blind` tokens behind the scan do not look at it.

    blind  (batch, layers, tokens) bool, from the first token behind the scan; those beyond `tokens` see. What reaches
           beyond the reply is left out. Nothing but what stands behind the scan is run again.
    """
    import torch

    glass = request.glass
    place, row = glass.places(request.scan), glass.embedded(strand)
    start, length = place.stop, row.shape[1] - 1
    state = glass.opening(start)
    allowed = {kind: mask[:, start:] for kind, mask in glass.allowed(length).items()}
    said = [at - start for at in foretelling(glass, strand)]
    rows = row[:, start:length].expand(len(blind), -1, -1)
    with _unseeing(glass, blind[:, :, : length - start], place):
        return glass.run(rows, allowed, torch.arange(start, length)[None], said, state)


@contextlib.contextmanager
def _unseeing(glass: Glass, blind: "torch.Tensor", place: slice) -> Iterator[None]:
    """Each layer takes the keys of `place` out of the mask of the tokens that are blind in it."""
    import torch

    def hook_of(blind: torch.Tensor):
        def hook(module, args, kwargs):
            mask = kwargs["attention_mask"].clone()
            # eager layers add their mask, the others multiply by it
            unseen = False if mask.dtype == torch.bool else torch.finfo(mask.dtype).min
            mask[:, :, : blind.shape[1], place].masked_fill_(blind[:, None, :, None], unseen)
            return args, kwargs | {"attention_mask": mask}

        return hook

    with contextlib.ExitStack() as hooks:
        for layer, rows in zip(glass.language.layers, blind.unbind(1), strict=True):
            hooks.callback(layer.self_attn.register_forward_pre_hook(hook_of(rows), with_kwargs=True).remove)
        yield


def kinds_of(glass: Glass) -> tuple[str, ...]:
    """Of each layer, one of `medlab.core.layers.KINDS`."""
    return tuple(kind.removesuffix("_attention") for kind in glass.language.config.layer_types)


def about(request: Request) -> dict:
    """The fields by which such a record says whose words it is about."""
    aim = request.aim
    return {
        "words": aim.words,
        "contrast": aim.contrast,
        "model_fingerprint": request.model.fingerprint,
        "query_fingerprint": aim.query.fingerprint,
        "answer_fingerprint": aim.answer_fingerprint,
    }
