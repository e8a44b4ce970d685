"""Inside the language model: in which layers the words read the scan, and which heads matter.

Both change one layer or one head and watch the score, so what they find is cause; and both give curves and tables over
layers, not maps of the scan. It knows no pixels.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.answer import Answer
from medlab.core.errors import SpecError
from medlab.core.query import Query
from medlab.core.record import Record, check_whole, frozen_array, record
from medlab.explainers.aims import Strand, Target, aim_at
from medlab.explainers.attention import check_layers, chosen_layers
from medlab.explainers.base import Request
from medlab.explainers.explain import request_for
from medlab.explainers.glass import Glass, foretelling
from medlab.explainers.layered import about, check_shared, kinds_of, run_unseeing, scores_under

if TYPE_CHECKING:
    import torch


@record
class LayerFlow(Record):
    """In which layers the words read the scan: nats that the score loses when no text may look at it there.

    Tokens of the scan go on seeing each other. A loss in one layer alone may be small because others repeat it; what
    is lost from one end on is not, but says where enough was read, not where it was read first.
    """

    alone: np.ndarray
    """(layers,) float32: blocked in a window of layers about each"""
    from_bottom: np.ndarray
    """(layers,) float32: blocked from layer 0 up to each, itself included"""
    from_top: np.ndarray
    """(layers,) float32: blocked from each up to the last"""
    kinds: tuple[str, ...]
    """of each layer, one of layered.KINDS"""
    score_nats: float
    """of the words with nothing blocked"""
    words: tuple[str, ...]
    """two with `contrast`: for, against"""
    window: int = 1
    """layers that `alone` blocks at once, cut off at both ends of the model"""
    contrast: bool = False
    scan: int = 0
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    answer_fingerprint: str = ""

    def __post_init__(self):
        for name in ("alone", "from_bottom", "from_top"):
            array = frozen_array(name, getattr(self, name), np.float32, (1,))
            if len(array) != len(self.kinds):
                raise SpecError(f"{name} of {len(array)} layers", accepted=f"{len(self.kinds)}, as kinds has")
            object.__setattr__(self, name, array)
        check_whole("window", self.window, 1)
        check_whole("scan", self.scan)
        check_shared(self)

    def __repr__(self) -> str:
        most = int(self.alone.argmax())
        told = f"most in layer {most}, {self.alone[most]:.2f} nats"
        return f"LayerFlow({' against '.join(self.words)!r}, {len(self.kinds)} layers, {told})"


@record
class HeadAblation(Record):
    """What the score loses when one head's output is zero for every token. A sum over heads means nothing."""

    lost_nats: np.ndarray
    """(layers, heads) float32; below 0 where the head spoke against the words"""
    layers: tuple[int, ...]
    """their numbers in the model"""
    kinds: tuple[str, ...]
    """of each of `layers`, one of layered.KINDS"""
    score_nats: float
    """of the words with every head at work"""
    words: tuple[str, ...]
    """two with `contrast`: for, against"""
    contrast: bool = False
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    answer_fingerprint: str = ""

    def __post_init__(self):
        array = frozen_array("lost_nats", self.lost_nats, np.float32, (2,))
        if not len(array) == len(self.layers) == len(self.kinds):
            raise SpecError(f"lost_nats has shape {array.shape}", accepted=f"({len(self.layers)} layers, heads)")
        object.__setattr__(self, "lost_nats", array)
        check_shared(self)

    def __repr__(self) -> str:
        row, head = np.unravel_index(self.lost_nats.argmax(), self.lost_nats.shape)
        told = f"most for head {head} of layer {self.layers[row]}, {self.lost_nats[row, head]:.2f} nats"
        return f"HeadAblation({' against '.join(self.words)!r}, {told})"


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
    scores = scores_under(request, _sets_of_layers(len(kinds), window)[..., None], run_unseeing, progress)
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
