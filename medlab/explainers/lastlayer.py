"""The last layer of a Gemma 3's text stack, run for the tokens whose outcome is read and for no others.

What other tokens become in the last layer nobody reads: of them it needs keys and values alone. The layer's own code
runs, on fewer queries. It knows nothing of scans, words or methods, and is not for whoever watches the layers.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@contextlib.contextmanager
def only(language, rows: "torch.Tensor") -> Iterator[None]:
    """Meanwhile `language`, a Gemma3TextModel, gives (batch, rows, hidden): the tokens `rows` of what is new.

    Other threads get all tokens from the same model.
    """
    mine = threading.get_ident()

    def fewer(layer, args, kwargs):
        if threading.get_ident() != mine:
            return None
        (states,), (cos, sin) = args, kwargs["position_embeddings"]
        keys, values = _keys_and_values(layer, states, cos, sin)
        if (cache := kwargs.get("past_key_values")) is not None:
            keys, values = cache.update(keys, values, layer.self_attn.layer_idx)
        changed = {
            "position_embeddings": (cos[:, rows], sin[:, rows]),
            "attention_mask": kwargs["attention_mask"][:, :, rows],
            "past_key_values": _Kept(keys, values),
        }
        return (states[:, rows],), kwargs | changed

    hook = language.layers[language.config.num_hidden_layers - 1].register_forward_pre_hook(fewer, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


class _Kept:
    """A cache that has all keys and values already."""

    def __init__(self, keys: "torch.Tensor", values: "torch.Tensor"):
        self._kept = keys, values

    def update(self, *given) -> "tuple[torch.Tensor, torch.Tensor]":
        """What was kept, whatever is given: the queries' own are among it."""
        return self._kept


def _keys_and_values(layer, states: "torch.Tensor", cos: "torch.Tensor", sin: "torch.Tensor"):
    """Both (batch, heads, tokens, dim), as the layer's attention would make them of all tokens."""
    from transformers.models.gemma3.modeling_gemma3 import apply_rotary_pos_emb

    attention, read = layer.self_attn, layer.input_layernorm(states)
    keys, values = (
        made(read).unflatten(-1, (-1, attention.head_dim)).transpose(1, 2)
        for made in (attention.k_proj, attention.v_proj)
    )
    keys = attention.k_norm(keys)
    return apply_rotary_pos_emb(keys[:, :0], keys, cos, sin)[1], values
