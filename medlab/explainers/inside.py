"""Inside the language model: in which layers the words read the scan, and which heads matter.

Both change one layer or one head and watch the score, so what they find is cause; and both give curves and tables over
layers, not maps of the scan. It knows no pixels.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.answer import Answer
from medlab.core.layers import HeadAblation, LayerFlow
from medlab.core.query import Query
from medlab.core.record import check_whole
from medlab.explainers.aims import Strand, Target, aim_at
from medlab.explainers.attention import check_layers, chosen_layers
from medlab.explainers.base import Request
from medlab.explainers.explain import request_for
from medlab.explainers.glass import Glass, foretelling
from medlab.explainers.layered import about, kinds_of, run_unseeing, scores_under

if TYPE_CHECKING:
    import torch


def layer_flow(
    model,
    said: Answer | Query,
    target: Target = None,
    *,
    window: int = 1,
    occurrence: int = 0,
    scan: int = 0,
    query: Query | None = None,
    progress: bool = False,
) -> LayerFlow:
    """In which layers the words read the scan (attention knock-out: Geva et al. 2023, arXiv 2304.14767).

    In chosen layers nothing but the scan's own tokens may look at the scan. Only what stands behind the scan is run
    again, once for each set of layers.

    window  layers that are blocked at once for `alone`; the others are as in `medlab.explain`

    Raises what `medlab.explain` raises, before any work.
    """
    check_whole("window", window, 1)
    aim = aim_at(model, said, target, occurrence=occurrence, query=query)
    request = request_for(model, aim, scan=scan)
    kinds = kinds_of(request.glass)
    scores = scores_under(request, _sets_of_layers(len(kinds), window), _run_blocked, progress)
    lost = (scores[0] - scores[1:]).astype(np.float32).reshape(3, len(kinds))
    return LayerFlow(*lost, kinds, float(scores[0]), window=window, scan=scan, **about(request))


def head_ablation(
    model,
    said: Answer | Query,
    target: Target = None,
    *,
    layers: str = "all",
    occurrence: int = 0,
    query: Query | None = None,
    progress: bool = False,
) -> HeadAblation:
    """What the score loses when one head's output is zero, for each head of `layers` in turn.

    The head is silent for every token, of text and of scans; each head costs a pass over the whole sequence.

    layers  "all", "full", "sliding", "3" or "0-3"; the others are as in `medlab.explain`

    Raises what `medlab.explain` raises, before any work.
    """
    check_layers(layers)
    request = request_for(model, aim_at(model, said, target, occurrence=occurrence, query=query))
    glass, kinds = request.glass, kinds_of(request.glass)
    chosen = chosen_layers(layers, glass.language.config.layer_types)
    heads = glass.language.config.num_attention_heads
    silent = np.zeros((len(chosen) * heads + 1, len(kinds), heads), bool)
    for number, layer in enumerate(chosen):
        silent[1 + number * heads + np.arange(heads), layer, np.arange(heads)] = True
    scores = scores_under(request, silent, _run_whole, progress)
    return HeadAblation(
        (scores[0] - scores[1:]).reshape(len(chosen), heads).astype(np.float32),
        tuple(chosen),
        tuple(kinds[number] for number in chosen),
        float(scores[0]),
        **about(request),
    )


def _sets_of_layers(number: int, window: int) -> np.ndarray:
    """(1 + 3 x layers, layers) bool: no layer; a window about each; all up to each; all from each on."""
    layer, other = np.arange(number)[:, None], np.arange(number)[None]
    start = layer - (window - 1) // 2
    about = (other >= start) & (other < start + window)
    return np.concatenate([np.zeros((1, number), bool), about, other <= layer, other >= layer])


def _run_blocked(request: Request, strand: Strand, blocked: "torch.Tensor") -> "torch.Tensor":
    """(batch, places, vocabulary) logits where, in layers `blocked` (batch, layers), no text looks at the scan."""
    behind = len(request.glass.ids) + len(strand.reply) - request.glass.places(request.scan).stop
    return run_unseeing(request, strand, blocked[..., None].expand(-1, -1, behind))


def _run_whole(request: Request, strand: Strand, silent: "torch.Tensor") -> "torch.Tensor":
    """(batch, places, vocabulary) logits where heads `silent` (batch, layers, heads) give zeros."""
    import torch

    glass = request.glass
    row = glass.embedded(strand)[:, :-1]
    length = row.shape[1]
    rows, allowed = row.expand(len(silent), -1, -1), glass.allowed(length)
    with _silenced(glass, silent):
        return glass.run(rows, allowed, torch.arange(length)[None], foretelling(glass, strand))


@contextlib.contextmanager
def _silenced(glass: Glass, silent: "torch.Tensor") -> Iterator[None]:
    """Heads that are silent give zeros to their layer's output matrix."""

    def hook_of(rows):
        def hook(module, args):
            heads = args[0].unflatten(-1, (rows.shape[1], -1))
            return (heads.masked_fill(rows[:, None, :, None], 0).flatten(-2),)

        return hook

    with contextlib.ExitStack() as hooks:
        for layer, rows in zip(glass.language.layers, silent.unbind(1), strict=True):
            hooks.callback(layer.self_attn.o_proj.register_forward_pre_hook(hook_of(rows)).remove)
        yield
