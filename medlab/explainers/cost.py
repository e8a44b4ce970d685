"""Floating-point operations of a Gemma 3's steps, the seconds they take on this machine, and the memory they hold.

It draws nothing.
"""

import functools
import time

from medlab.explainers.base import Cost, Request
from medlab.explainers.glass import SCANS, Glass
from medlab.models.memory import activation_bytes

TRIAL = 0.05
"""seconds of the trial that tells how fast this machine multiplies"""
SHARE = 0.5
"""of the speed of one large product that a whole model is likely to reach"""


def tower_flop(glass: Glass) -> float:
    """Of one picture through tower and projector."""
    config = glass.module.config.vision_config
    patches = glass.patches[0] * glass.patches[1]
    weights = sum(p.numel() for p in glass.tower.parameters())
    return 2.0 * weights * patches + 4.0 * patches**2 * config.hidden_size * config.num_hidden_layers


def language_flop(glass: Glass, tokens: float, seen: float) -> float:
    """Of `tokens` tokens that each look at about `seen` others, the vocabulary's logits not counted."""
    config = glass.language.config
    weights = sum(p.numel() for p in glass.language.layers.parameters())
    width = config.num_attention_heads * config.head_dim
    return tokens * (2.0 * weights + 4.0 * seen * width * config.num_hidden_layers)


def logits_flop(glass: Glass, rows: float) -> float:
    """Of the vocabulary's logits at so many places."""
    config = glass.language.config
    return 2.0 * rows * config.vocab_size * config.hidden_size


def tower_bytes(glass: Glass, pictures: int) -> float:
    """That so many pictures hold in one batch through tower and projector, nothing kept for a way back."""
    of_four = activation_bytes(glass.module.config.to_dict(), 0, 1, "float32")
    return pictures * of_four * glass.module.dtype.itemsize / 4


def language_bytes(glass: Glass, rows: int, new: int, seen: int, said: int) -> float:
    """That `rows` of `new` tokens hold, each looking at up to `seen`, with logits at `said` places of each row.

    One layer's attention or its inner state, whichever is more, or the logits; nothing kept for a way back.
    """
    config, number = glass.language.config, glass.module.dtype.itemsize
    queries, keys = (n * config.head_dim for n in (config.num_attention_heads, config.num_key_value_heads))
    # keys and values as they are and repeated for every head
    attention = new * (2 * config.hidden_size + 2 * queries) + seen * 2 * (keys + queries)
    inner = new * (4 * config.hidden_size + 3 * config.intermediate_size)
    logits = new * 2 * config.hidden_size + said * config.vocab_size * 12 / number
    return float(number * rows * max(attention, inner, logits))


def reckon(
    name: str, glass: Glass, *, tower: float = 0, tokens: float = 0, seen: float = 0, rows: float = 0, peak: float = 0
) -> Cost:
    """The Cost of `tower` pictures through the tower, `tokens` tokens through the language model and `rows` logits.

    peak  bytes held besides the weights, where that is more than the query's own scans need in the tower
    """
    flop = tower * tower_flop(glass) + language_flop(glass, tokens, seen) + logits_flop(glass, rows)
    kind = str(glass.module.dtype).removeprefix("torch.")
    seconds = flop / (SHARE * speed(str(glass.module.device), kind))
    peak = max(peak, tower_bytes(glass, min(len(glass.query.scans), SCANS)))
    return Cost(name, float(tower), float(tokens), flop, seconds, float(peak))


def reckon_rows(name: str, request: Request, rows: int, *, tower: int = 1, at_once: int | None = None) -> Cost:
    """The Cost of `rows` scans, each with tokens of its own, through the language model.

    tower    how many pictures go through the tower; more than one, SCANS at a time
    at_once  rows whose tokens are made together; all if None
    """
    glass = request.glass
    laid = glass.laid(request.aim.strands)
    start = glass.places(request.scan).start
    length, said = len(laid) - start, len(laid.rows)
    made = min(rows, at_once or rows)
    peak = language_bytes(glass, min(made, glass.at_once(length)), length, len(laid), said)
    peak += 4.0 * made * glass.count * glass.language.config.hidden_size
    if tower > 1:
        peak = max(peak, tower_bytes(glass, min(tower, SCANS)))
    return reckon(name, glass, tower=tower, tokens=rows * length, seen=length / 2, rows=rows * said, peak=peak)


@functools.cache
def speed(device: str, kind: str) -> float:
    """Floating-point operations a second of a large product of matrices, measured here once.

    The fastest of many counts: what else the machine happened to do meanwhile would stay in every estimate.
    """
    import torch

    one = torch.randn(512, 512, device=device).to(getattr(torch, kind))
    least, done, began = float("inf"), 0, time.perf_counter()
    with torch.inference_mode():
        while time.perf_counter() - began < TRIAL or done < 2:
            start = time.perf_counter()
            one @ one
            if device.startswith("cuda"):
                torch.cuda.synchronize()
            least, done = min(least, time.perf_counter() - start), done + 1
    return 2.0 * 512**3 / least
