"""The two things that are trained, as the loop wants them. Each process builds its own, from files."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from medlab.demo.language import Binder, Shape, Teacher, build_model, build_speech, collate
from medlab.demo.loop import Task
from medlab.demo.pool import read_pool
from medlab.demo.targets import make_targets
from medlab.demo.vision import as_pixels, as_tensors, build_lesson, build_tower

REACH = 8
"""pixels by which a film is moved at most while the tower learns"""


class Seeing(Task):
    """Patches to findings."""

    again: ClassVar = False
    shares: ClassVar = {"present": 1.0, "share": 4.0, "zone": 0.3, "severity": 0.3, "edges": 0.3}

    def __init__(self, pool: Path, shards: dict[str, int], shape: Shape, films: int):
        self.pool, self.shape, self.films = read_pool(pool, **shards), shape, films
        self.module = build_lesson(new_tower(shape), again=self.again)

    def batch(self, rng: np.random.Generator) -> dict:
        import torch

        chosen = rng.choice(len(self.pool), self.films, replace=False)
        moves = rng.integers(-REACH, REACH + 1, (self.films, 2))
        targets = make_targets(self.pool, chosen, self.shape.patch, moves)
        noise = torch.Generator().manual_seed(int(rng.integers(2**31)))
        return {"pixels": as_pixels(targets.films, noise), **as_tensors(targets)}


class SeeingAgain(Seeing):
    """The second round: what was learnt last, and the edges of boxes, weigh more."""

    again: ClassVar = True
    shares: ClassVar = Seeing.shares | {"edges": 1.0}

    def __init__(self, pool: Path, shards: dict[str, int], shape: Shape, films: int, first: Path):
        import torch

        super().__init__(pool, shards, shape, films)
        self.module.load_state_dict(torch.load(first, weights_only=True))


class Speaking(Task):
    """Features to words."""

    shares: ClassVar = {"words": 1.0}

    def __init__(self, pool: Path, shards: dict[str, int], shape: Shape, features: Path, tokenizer: Path, rows: int):
        from transformers import AutoTokenizer

        from medlab.phantom import Phantom

        words = AutoTokenizer.from_pretrained(tokenizer)
        self.image, self.pad = (words.convert_tokens_to_ids(name) for name in ("<image_soft_token>", "<pad>"))
        model = build_model(shape, words, new_tower(shape))
        self.module = build_speech(model, self.image)
        self.features, self.rows = np.load(features, mmap_mode="r"), rows
        labels = read_pool(pool, **shards)
        self.teacher = Teacher(labels, Binder(words, shape.tokens), Phantom(64).draw(0), questions=12)
        # Labels alone are needed from here on.
        labels.films, labels.bits = labels.films[:0], labels.bits[:0]

    def batch(self, rng: np.random.Generator) -> dict:
        rows = [self.teacher.row(rng) for _ in range(self.rows)]
        return collate(rows, self.features, self.image, self.pad)


def new_tower(shape: Shape):
    return build_tower(shape.vision_hidden, shape.vision_inner, shape.vision_layers, shape.patch, shape.size)
