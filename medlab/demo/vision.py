"""The demo model's eye: a SigLIP tower that is taught, patch by patch, what a phantom shows.

The heads used for teaching are thrown away; what stays is the tower. It starts from filters that see edges (a cosine
basis), positions as sines, and heads that look at their neighbours: a transformer that had to find those out by itself
would need many times the films.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.vocabulary import SCALES
from medlab.demo.targets import CHANNELS, STEPS, Targets
from medlab.phantom.vocabulary import ZONES

if TYPE_CHECKING:
    import torch

NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0))
"""(rows, cols) that the first heads of a layer look at to begin with; the others start as they like"""
LEVELS = max(len(scale) for scale in SCALES.values())
WEIGHT = {"nodule": 3.0}
"""of a finding's mask in the loss of the first round; others count 1"""
WEIGHT_AGAIN = {"endotracheal_tube": 8.0, "nodule": 3.0, "consolidation": 3.0}
"""of a finding's mask and presence in the second round: what the first learnt last"""


def build_tower(hidden: int, inner: int, layers: int, patch: int, size: int):
    """An untrained SiglipVisionModel."""
    from transformers import SiglipVisionConfig, SiglipVisionModel

    heads = hidden // 32
    tower = SiglipVisionModel(
        SiglipVisionConfig(
            hidden_size=hidden, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=heads,
            image_size=size, patch_size=patch, vision_use_head=False,
        )
    )  # fmt: skip
    start_tower(tower)
    return tower


def parts_of(tower):
    """The module that holds embeddings and encoder: transformers moved it by a level between versions."""
    return getattr(tower, "vision_model", tower)


def start_tower(tower) -> None:
    """Sets cosine filters, positions and neighbourly heads in place."""
    import torch

    inside, config = parts_of(tower), tower.config
    grid = config.image_size // config.patch_size
    with torch.no_grad():
        embedding = inside.embeddings.patch_embedding
        filters = cosine_filters(config.patch_size, config.hidden_size)
        embedding.weight.zero_()
        embedding.weight[: len(filters)] = torch.from_numpy(filters)[:, None] / 3
        embedding.bias.zero_()
        inside.embeddings.position_embedding.weight.copy_(torch.from_numpy(0.5 * sines(grid, config.hidden_size)))
        for layer in inside.encoder.layers:
            look_at_neighbours(layer.self_attn, config.hidden_size, config.num_attention_heads)


def cosine_filters(patch: int, count: int) -> np.ndarray:
    """(at most count, patch, patch) float32: the smoothest cosines of a square, scaled so that fine ones are heard."""
    steps = np.arange(patch) + 0.5
    order = sorted(((u, v) for u in range(patch) for v in range(patch)), key=lambda pair: (sum(pair), pair))
    waves = [np.outer(np.cos(np.pi * steps * u / patch), np.cos(np.pi * steps * v / patch)) for u, v in order[:count]]
    scaled = [w / np.linalg.norm(w) * (0.35 + 0.06 * (u + v)) for w, (u, v) in zip(waves, order[:count], strict=True)]
    return np.stack(scaled).astype(np.float32)


def frequencies(hidden: int) -> np.ndarray:
    count = hidden // 4
    return 1 / 100 ** (np.arange(count) / count)


def sines(grid: int, hidden: int) -> np.ndarray:
    """(grid * grid, hidden) float32: sine and cosine of column, then of row, at falling frequencies."""
    rows, cols = np.meshgrid(np.arange(grid), np.arange(grid), indexing="ij")
    waves = [turn(place.reshape(-1, 1) * frequencies(hidden)) for place in (cols, rows) for turn in (np.sin, np.cos)]
    return np.concatenate(waves, 1).astype(np.float32)


def look_at_neighbours(attention, hidden: int, heads: int, sharpness: float = 3.3) -> None:
    """Sets queries and keys so that head i looks NEIGHBOURS[i] away, wherever it stands.

    A shift turns each sine and cosine pair by its frequency times the distance; the query is turned, the key is not.
    """
    import torch

    count, width = hidden // 4, hidden // heads
    pick = np.linspace(0, 0.45 * count, width // 4).astype(int)
    turns = frequencies(hidden)[pick]
    for head, (down, right) in zip(range(heads - 1), NEIGHBOURS, strict=False):
        query, key = np.zeros((width, hidden), np.float32), np.zeros((width, hidden), np.float32)
        at = 0
        for start, distance in ((0, right), (2 * count, down)):
            for frequency, index in zip(turns, pick, strict=True):
                sine, cosine = start + index, start + count + index
                angle = frequency * distance
                key[at, sine] = key[at + 1, cosine] = sharpness
                query[at, sine], query[at, cosine] = sharpness * math.cos(angle), sharpness * math.sin(angle)
                query[at + 1, cosine], query[at + 1, sine] = query[at, sine], -query[at, cosine]
                at += 2
        rows = slice(head * width, (head + 1) * width)
        attention.q_proj.weight[rows] = torch.from_numpy(query)
        attention.k_proj.weight[rows] = torch.from_numpy(key)


def build_lesson(tower, *, again: bool = False):
    """The tower with its teaching heads: a module from targets to the loss of each task.

    again  the second round, with WEIGHT_AGAIN
    """
    import torch
    from torch import nn
    from torch.nn import functional

    hidden, channels = tower.config.hidden_size, len(CHANNELS)

    class Lesson(nn.Module):
        def __init__(self):
            super().__init__()
            self.tower = tower
            self.share = nn.Linear(hidden, channels)
            self.look = nn.Linear(hidden, channels)
            self.present = nn.Parameter(torch.zeros(channels, hidden))
            self.present_bias = nn.Parameter(torch.full((channels,), -2.0))
            self.name = nn.Parameter(0.02 * torch.randn(channels, hidden))
            self.zone = nn.Linear(hidden, len(ZONES))
            self.severity = nn.Linear(hidden, LEVELS)
            self.edge = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, 4 * 2 * 11))
            weights = WEIGHT_AGAIN if again else WEIGHT
            weight = torch.tensor([weights.get(name, 1.0) for name, _ in CHANNELS])
            self.register_buffer("weight", weight, persistent=False)
            self.register_buffer("weight_present", weight if again else torch.ones(channels), persistent=False)

        def predict(self, pixels):
            patches = self.tower(pixel_values=pixels).last_hidden_state
            shares = self.share(patches)
            pooled = torch.einsum("npc,nph->nch", self.look(patches).softmax(1), patches)
            present = (pooled * self.present).sum(-1) + self.present_bias
            named = pooled + self.name
            return patches, shares, present, self.zone(named), self.severity(named)

        def forward(self, pixels, share, present, zone, severity, edges) -> dict:
            patches, shares, presents, zones, severities = self.predict(pixels)
            target = share.flatten(2).transpose(1, 2)
            five = torch.full((channels,), 5.0)
            per_channel = functional.binary_cross_entropy_with_logits(
                shares, target, reduction="none", pos_weight=five
            ).mean((0, 1))
            return {
                "present": functional.binary_cross_entropy_with_logits(presents, present, self.weight_present),
                "share": (per_channel * self.weight).mean(),
                "zone": self._told(zones, zone),
                "severity": self._told(severities, severity),
                "edges": self._edges(patches, target, edges),
            }

        def _told(self, logits, target):
            """Cross entropy where there is something to tell; 0 of a batch without."""
            loss = functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=-1, reduction="sum")
            return loss / (target >= 0).sum().clamp(min=1)

        def _edges(self, patches, target, edges):
            """Every patch of a finding tells the finding's box: tens, then units, as the language model will write.

            A finding counts once, however many patches it fills: a nodule weighs as much as a heart.
            """
            film, patch, channel = torch.nonzero(target > 0.5, as_tuple=True)
            weight = 1 / (target > 0.5).sum(1)[film, channel]
            box = edges[film, channel]
            digits = self.edge(patches[film, patch] + self.name[channel]).reshape(-1, 11)
            wanted = torch.stack([box.clamp(min=0) // 10, box.clamp(min=0) % 10], -1)
            wanted = wanted.masked_fill((box < 0)[..., None], -1).flatten(1)
            each = functional.cross_entropy(digits, wanted.flatten(), ignore_index=-1, reduction="none")
            told = (wanted >= 0) * weight[:, None]
            return (each.reshape(told.shape) * told).sum() / told.sum().clamp(min=1e-6)

    return Lesson()


def as_tensors(targets: Targets) -> dict:
    import torch

    return {
        name: torch.from_numpy(np.ascontiguousarray(getattr(targets, name)))
        for name in ("share", "present", "zone", "severity", "edges")
    }


def as_pixels(films: np.ndarray, noise: "torch.Generator | None" = None):
    """(n, 3, 224, 224) float32 in -1..1; with a generator, exposure and noise differ a little each time."""
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(films)).float().div_(127.5).sub_(1)
    if noise is not None:
        draw = torch.rand(3, len(films), 1, 1, generator=noise)
        pixels = pixels * (1 + 0.15 * (2 * draw[0] - 1)) + 0.12 * (2 * draw[1] - 1)
        pixels = (pixels + 0.03 * draw[2] * torch.randn(pixels.shape, generator=noise)).clamp_(-1, 1)
    return pixels[:, None].expand(-1, 3, -1, -1)


assert STEPS == 100, "an edge is told as tens and units"
