"""Floating-point operations of a Gemma 3's steps, and the seconds they take on this machine. It draws nothing."""

import functools
import time

from medlab.explainers.base import Cost
from medlab.explainers.glass import Glass

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


def reckon(
    name: str, glass: Glass, *, tower: float = 0, tokens: float = 0, seen: float = 0, rows: float = 0, peak: float = 0
) -> Cost:
    """The Cost of `tower` pictures through the tower, `tokens` tokens through the language model and `rows` logits."""
    flop = tower * tower_flop(glass) + language_flop(glass, tokens, seen) + logits_flop(glass, rows)
    kind = str(glass.module.dtype).removeprefix("torch.")
    seconds = flop / (SHARE * speed(str(glass.module.device), kind))
    return Cost(name, float(tower), float(tokens), flop, seconds, float(peak))


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
