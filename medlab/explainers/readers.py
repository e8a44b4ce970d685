"""Which words read the scan, and in which layer: each word behind it is blinded in turn, in one layer at a time.

A map of attention shows where the place looks from which an answer is foretold. What moves the answer may have been
read by another word, in a lower layer, and passed on; blinding that word shows it. It knows no pixels, and does not
say which of two words that repeat each other was the first.
"""

from typing import TYPE_CHECKING

import numpy as np

from medlab.core.answer import Answer
from medlab.core.errors import CapabilityError
from medlab.core.layers import Readers
from medlab.core.query import Query
from medlab.explainers.aims import Strand, Target, aim_at
from medlab.explainers.attention import spelled
from medlab.explainers.base import Request
from medlab.explainers.explain import request_for
from medlab.explainers.layered import about, kinds_of, run_unseeing, scores_under

if TYPE_CHECKING:
    import torch


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
    tokens = tuple(spelled(request.glass, request.glass.places(scan).stop))
    if not any(tokens):
        raise CapabilityError("no text stands behind the scan", accepted="a question that comes after its scan")
    kinds = kinds_of(request.glass)
    # the layer and the token of each run: as masks, all of a long prompt's would not fit into memory
    cells = np.indices((len(kinds), len(tokens))).reshape(2, -1).T
    scores = scores_under(request, np.concatenate([[(-1, -1)], cells]), _run_blinded, progress)
    lost = (scores[0] - scores[1:]).reshape(len(kinds), len(tokens)).astype(np.float32)
    return Readers(lost, tokens, kinds, float(scores[0]), scan=scan, **about(request))


def _run_blinded(request: Request, strand: Strand, cells: "torch.Tensor") -> "torch.Tensor":
    """(batch, places, vocabulary) logits; `cells` (batch, 2) is the layer and the blind token of each row, or -1."""
    import torch

    glass = request.glass
    behind = len(glass.ids) - glass.places(request.scan).stop
    blind = torch.zeros(len(cells), len(kinds_of(glass)), behind, dtype=torch.bool, device=cells.device)
    rows = (cells[:, 0] >= 0).nonzero()[:, 0]
    blind[rows, cells[rows, 0], cells[rows, 1]] = True
    return run_unseeing(request, strand, blind)
