"""Streamed attention: an attention function for transformers beside which somebody may look at the attention.

Forwards it is transformers' own SDPA, to the bit. A Watcher is handed each layer's queries and keys and takes the rows
it wants of the map; on the way back the rows are computed again, a few at a time, with the exact gradient of the score
with respect to each (dA = dO V^T), shown to the watcher and dropped. So no more than a piece of one layer's map exists
at a time, where output_attentions=True would keep (heads, tokens, tokens) of every layer. It knows layers, neither
scans nor words.
"""

import contextlib
import contextvars
import dataclasses
import functools
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from medlab.core.errors import CapabilityError

if TYPE_CHECKING:
    import torch

NAME = "medlab_streamed"
"""under which transformers knows the attention function and its mask"""
PIECE = 1 << 22
"""numbers of a map, all heads counted, that exist at a time: 16 MB in float32, and about five such are in use"""


@dataclasses.dataclass(frozen=True)
class Layer:
    """What one attention layer was given. Several query heads share a head of keys and values, in order."""

    module: "torch.nn.Module"
    query: "torch.Tensor"
    """(batch, heads, new, width)"""
    key: "torch.Tensor"
    """(batch, key heads, seen + new, width)"""
    mask: "torch.Tensor | None"
    """(1 or batch, 1, new, seen + new) bool, True where a query may look; None for everywhere"""
    scaling: float

    @property
    def seen(self) -> int:
        """keys that stand before the first query"""
        return self.key.shape[2] - self.query.shape[2]

    def attention(self, rows: "slice | torch.Tensor") -> "torch.Tensor":
        """(batch, heads, rows, seen + new) float32, computed anew: how the queries `rows` divide their attention."""
        import torch

        key = _per_head(self.key, self.query.shape[1])
        scores = self.query[:, :, rows].float() @ key.transpose(-1, -2) * self.scaling
        if self.mask is not None:
            # as SDPA and eager do: a query that may look nowhere looks everywhere, rather than giving NaN
            scores = scores.masked_fill(~self.mask[:, :, rows], torch.finfo(scores.dtype).min)
        return scores.softmax(-1)

    def unpacked(self) -> "Layer":
        """The same with float32 keys for each head, so that many runs of rows do not each make them."""
        return dataclasses.replace(self, key=_per_head(self.key, self.query.shape[1]))

    def pieces(self) -> Iterator[slice]:
        """Runs of queries whose maps are of at most PIECE numbers; at least one query each."""
        new = self.query.shape[2]
        step = max(1, PIECE // (self.query.shape[0] * self.query.shape[1] * self.key.shape[2]))
        for start in range(0, new, step):
            yield slice(start, min(start + step, new))


def piece_bytes(queries: int, heads: int, keys: int) -> float:
    """Of the largest piece of a map of so many queries, float32."""
    return 4.0 * min(queries * heads * keys, max(PIECE, heads * keys))


class Watcher:
    """Looks on while a model runs under `streamed`. This one does nothing; subclasses take what they need."""

    def saw(self, layer: Layer) -> None:
        """Forwards, once for each layer, the lowest first."""

    def shown(self, layer: Layer, rows: slice, flow: "torch.Tensor") -> None:
        """Backwards, the highest layer first, once for each run of queries.

        flow  (batch, heads, rows, seen + new) float32: attention times the score's gradient with respect to it
        """

    def left(self, layer: Layer) -> None:
        """Backwards, when all queries of the layer were shown."""


_ONE_AT_A_TIME = threading.RLock()
"""or of two threads with one model, the later would give back the other's attention instead of the model's own"""
_WATCHER: contextvars.ContextVar[Watcher | None] = contextvars.ContextVar("watcher", default=None)


@contextlib.contextmanager
def streamed(module, watcher: Watcher | None = None) -> Iterator[None]:
    """A Gemma 3's layers, both of its tower and of its language model, run the streamed function meanwhile.

    module   a Gemma3ForConditionalGeneration, which is given back its own attention afterwards, come what may
    watcher  sees the layers that run in this thread, and of the scores computed here the way back on any thread
    """
    _register()
    with _ONE_AT_A_TIME:
        own = {name: getattr(module.config, name)._attn_implementation for name in ("text_config", "vision_config")}
        before = _WATCHER.set(watcher)
        try:
            module.set_attn_implementation(dict.fromkeys(own, NAME))
            yield
        finally:
            _WATCHER.reset(before)
            module.set_attn_implementation(own)


@functools.cache
def _register() -> None:
    """Makes the function known. Without its mask's own entry transformers would hand it None, and nobody would say."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def _attend(module, query, key, value, attention_mask, scaling=None, **more):
    """What transformers calls in each layer: (batch, new, heads, width) and None, for there are no maps to give."""
    import torch

    watcher = _WATCHER.get()
    if watcher is None:
        return _sdpa(module, query, key, value, attention_mask, scaling=scaling, **more)
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    layer = Layer(module, query, key, attention_mask, scaling)
    _check(layer)
    watcher.saw(layer)
    if torch.is_grad_enabled() and any(one.requires_grad for one in (query, key, value)):
        # the watcher travels with the layer: on a GPU, the way back runs in another thread
        return _streamed_function().apply(query, key, value, layer, watcher), None
    return _sdpa(module, query, key, value, attention_mask, scaling=scaling, **more)


def _sdpa(module, query, key, value, mask, **more):
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    return sdpa_attention_forward(module, query, key, value, mask, **more)


def _check(layer: Layer) -> None:
    """That what this layer may look at is told. Raises CapabilityError for a causal layer without a mask."""
    told = layer.mask
    if told is None and getattr(layer.module, "is_causal", True):
        raise CapabilityError(
            f"{type(layer.module).__name__} was given no mask to attend by",
            accepted="a mask for each kind of layer, as Glass.run gives it",
            fix="pip install transformers==5.23.0",
        )
    if told is not None and str(told.dtype) != "torch.bool":
        raise CapabilityError(
            f"{type(layer.module).__name__} was given a mask of {told.dtype}", accepted="one of bool: True may look"
        )


@functools.cache
def _streamed_function():
    """The autograd function, made when torch is there."""
    import torch

    class Streamed(torch.autograd.Function):
        @staticmethod
        def forward(ctx, query, key, value, layer, watcher):
            ctx.save_for_backward(query, key, value, layer.mask)
            ctx.module, ctx.scaling, ctx.watcher = layer.module, layer.scaling, watcher
            return _sdpa(layer.module, query, key, value, layer.mask, scaling=layer.scaling)[0]

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, slope):
            query, key, value, mask = ctx.saved_tensors
            layer = Layer(ctx.module, query, key, mask, ctx.scaling)
            slopes = _slopes(layer, value, slope.transpose(1, 2), ctx.watcher)
            return *slopes, None, None

    return Streamed


def _per_head(one: "torch.Tensor", heads: int) -> "torch.Tensor":
    """(batch, heads, keys, width) float32 of keys or values that several query heads share."""
    one = one.float()
    return one if one.shape[1] == heads else one.repeat_interleave(heads // one.shape[1], 1)


def _slopes(
    layer: Layer, value: "torch.Tensor", slope: "torch.Tensor", watcher: Watcher
) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """Gradients of query, key and value from that of what attention gave, `slope` (batch, heads, new, width)."""
    import torch

    groups, kind = layer.key.shape[1], layer.key.dtype
    heads, layer = layer.query.shape[1], layer.unpacked()
    value = _per_head(value, heads)
    by_query = torch.empty_like(layer.query)
    by_key, by_value = torch.zeros_like(layer.key), torch.zeros_like(value)
    for rows in layer.pieces():
        attention, coming = layer.attention(rows), slope[:, :, rows].float()
        by_value += attention.transpose(-1, -2) @ coming
        flow = (coming @ value.transpose(-1, -2)).mul_(attention)
        watcher.shown(layer, rows, flow)
        by_score = flow.sub_(attention.mul_(flow.sum(-1, keepdim=True))).mul_(layer.scaling)
        by_query[:, :, rows] = (by_score @ layer.key).to(by_query.dtype)
        by_key += by_score.transpose(-1, -2) @ layer.query[:, :, rows].float()
    watcher.left(layer)
    by_key, by_value = (one.unflatten(1, (groups, heads // groups)).sum(2).to(kind) for one in (by_key, by_value))
    return by_query, by_key, by_value
