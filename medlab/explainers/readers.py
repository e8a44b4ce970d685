"""Which words read the scan, and in which layer: each word behind it is blinded in turn, in one layer at a time.

A map of attention shows where the place looks from which an answer is foretold. What moves the answer may have been
read by another word, in a lower layer, and passed on; blinding that word shows it. It knows no pixels, and does not
say which of two words that repeat each other was the first.
"""

import numpy as np

from medlab.core.answer import Answer
from medlab.core.errors import CapabilityError
from medlab.core.layers import Readers
from medlab.core.query import Query
from medlab.explainers.aims import Target, aim_at
from medlab.explainers.attention import spelled
from medlab.explainers.explain import request_for
from medlab.explainers.layered import about, kinds_of, run_unseeing, scores_under


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
    cells = len(kinds) * len(tokens)
    blind = np.concatenate([np.zeros((1, cells), bool), np.eye(cells, dtype=bool)])
    scores = scores_under(request, blind.reshape(-1, len(kinds), len(tokens)), run_unseeing, progress)
    lost = (scores[0] - scores[1:]).reshape(len(kinds), len(tokens)).astype(np.float32)
    return Readers(lost, tokens, kinds, float(scores[0]), scan=scan, **about(request))
