"""The demo model's tongue: projector and language model, taught on what the finished tower sees.

The tower's features are computed once. One sequence holds a film and many exchanges that all see the film but not one
another, so the film is paid for once; positions restart after it, as if each exchange stood there alone.
"""

import dataclasses
import math

import numpy as np

from medlab.demo import world
from medlab.demo.lessons import LANGUAGES, Lesson, Tutor

WEIGHT = {"yes_no": 3.0, "yes_no_side": 3.0, "where": 2.0, "severity": 3.0, "box": 2.0}
"""of a token in the loss, by kind of lesson; 1 otherwise: a word of yes or no weighs as a clause of a report"""
USER, MODEL, END = "<start_of_turn>user\n", "<start_of_turn>model\n", "<end_of_turn>"


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes of the whole model."""

    size: int = 224
    patch: int = 16
    vision_hidden: int = 160
    vision_inner: int = 480
    vision_layers: int = 4
    hidden: int = 160
    inner: int = 448
    layers: int = 4
    heads: int = 5
    key_heads: int = 1
    head_width: int = 32
    window: int = 512

    @property
    def tokens(self) -> int:
        """Image tokens: one a patch, none pooled away."""
        return (self.size // self.patch) ** 2


def build_model(shape: Shape, tokenizer, tower):
    """An untrained Gemma3ForConditionalGeneration around a tower that may be trained."""
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    number = tokenizer.convert_tokens_to_ids
    stops = [number("<eos>"), number("<end_of_turn>")]
    # transformers would make every layer of so short a stack a sliding one, and far words would lose the film.
    kinds = ["full_attention" if index % 2 else "sliding_attention" for index in range(shape.layers)]
    config = Gemma3Config(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": shape.hidden, "intermediate_size": shape.inner,
            "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.key_heads, "head_dim": shape.head_width,
            "query_pre_attn_scalar": shape.head_width, "max_position_embeddings": 4096,
            "sliding_window": shape.window, "layer_types": kinds, "pad_token_id": number("<pad>"),
            "eos_token_id": number("<eos>"), "bos_token_id": number("<bos>"), "tie_word_embeddings": True,
        },
        vision_config=tower.config.to_dict(), mm_tokens_per_image=shape.tokens,
        boi_token_index=number("<start_of_image>"), eoi_token_index=number("<end_of_image>"),
        image_token_index=number("<image_soft_token>"), image_token_id=number("<image_soft_token>"),
        eos_token_id=stops, pad_token_id=number("<pad>"), bos_token_id=number("<bos>"), tie_word_embeddings=True,
    )  # fmt: skip
    model = Gemma3ForConditionalGeneration(config)
    model.model.vision_tower.load_state_dict(tower.state_dict())
    with torch.no_grad():
        # transformers starts this one at zero.
        model.model.multi_modal_projector.mm_input_projection_weight.normal_(0, 0.3 / math.sqrt(shape.vision_hidden))
    settings = model.generation_config
    settings.eos_token_id, settings.pad_token_id, settings.bos_token_id = stops, number("<pad>"), number("<bos>")
    settings.do_sample, settings.cache_implementation = False, None
    return model


def features_of(tower, films: np.ndarray, batch: int = 64) -> np.ndarray:
    """(n, patches, hidden) float16: what the tower makes of (n, size, size) uint8."""
    import torch

    from medlab.demo.vision import as_pixels

    tower.eval()
    with torch.inference_mode():
        pieces = [
            tower(pixel_values=as_pixels(films[i : i + batch])).last_hidden_state.half().numpy()
            for i in range(0, len(films), batch)
        ]
    return np.concatenate(pieces)


@dataclasses.dataclass
class Row:
    """One sequence: what all exchanges see, then chains of exchanges; a chain sees itself and the opening."""

    films: list[int]
    opening: list[int]
    chains: list[list[tuple[list[int], list[int], float]]]
    """(question tokens, answer tokens, weight of the answer) of each exchange"""


class Binder:
    """Makes rows of lessons, laid out to the token as the chat template and processor do."""

    def __init__(self, tokenizer, tokens: int):
        self.encode = lambda text: tokenizer(text, add_special_tokens=False).input_ids
        self.picture = "\n\n<start_of_image>" + "<image_soft_token>" * tokens + "<end_of_image>\n\n"
        self.known: dict[str, list[int]] = {}

    def row(self, films: list[int], chains: list[list[Lesson]], system: str = "") -> Row:
        """The exchanges of several chains about the same films; `system` opens the turn."""
        opening = "<bos>" + USER + (f"{system}\n\n" if system else "") + self.picture * len(films)
        return Row(films, self._kept(opening), [self._chain(chain) for chain in chains])

    def _kept(self, text: str) -> list[int]:
        if text not in self.known:
            self.known[text] = self.encode(text)
        return self.known[text]

    def _chain(self, lessons: list[Lesson]) -> list[tuple[list[int], list[int], float]]:
        exchanges = []
        for index, lesson in enumerate(lessons):
            question = ("\n" + USER if index else "") + f"{lesson.question}{END}\n{MODEL}"
            exchanges.append((self.encode(question), self.encode(lesson.answer + END), WEIGHT.get(lesson.kind, 1.0)))
        return exchanges


def collate(rows: list[Row], features: np.ndarray, image_token: int, pad: int) -> dict:
    """Tensors of a batch: ids, labels (-100: not learnt), weights, positions, mask (n, 1, length, length)."""
    import torch

    lengths = [len(r.opening) + sum(len(q) + len(a) for chain in r.chains for q, a, _ in chain) for r in rows]
    n, length = len(rows), max(lengths)
    ids = np.full((n, length), pad)
    labels, positions = np.full((n, length), -100), np.zeros((n, length), np.int64)
    weights = np.ones((n, length), np.float32)
    mask = np.zeros((n, 1, length, length), bool)
    for index, row in enumerate(rows):
        start = len(row.opening)
        ids[index, :start], positions[index, :start] = row.opening, np.arange(start)
        mask[index, 0, :start, :start] = np.tri(start, dtype=bool) | same_picture(ids[index, :start] == image_token)
        at = start
        for chain in row.chains:
            tokens = [token for question, answer, _ in chain for token in question + answer]
            learnt = [label for question, answer, _ in chain for label in [-100] * len(question) + answer]
            end = at + len(tokens)
            weights[index, at:end] = [w for question, answer, w in chain for _ in question + answer]
            ids[index, at:end], labels[index, at:end] = tokens, learnt
            positions[index, at:end] = np.arange(start, start + len(tokens))
            mask[index, 0, at:end, :start] = True
            mask[index, 0, at:end, at:end] = np.tri(len(tokens), dtype=bool)
            at = end
        mask[index, 0, at:, 0] = True
    chosen = [film for row in rows for film in row.films]
    seen = torch.from_numpy(features[chosen]).float() if chosen else None
    tensors = {"ids": ids, "labels": labels, "weights": weights, "positions": positions, "mask": mask}
    return {name: torch.from_numpy(array) for name, array in tensors.items()} | {"seen": seen}


def same_picture(image: np.ndarray) -> np.ndarray:
    """(n, n) bool: both places are in the same run of image tokens, where attention goes both ways."""
    run = np.cumsum(np.diff(image.astype(int), prepend=0) == 1) * image
    return (run[:, None] == run[None]) & image[:, None] & image[None]


def build_speech(model, image_token: int):
    """The model without its tower, as a module from collated tensors to the loss."""
    from torch import nn
    from torch.nn import functional

    class Speech(nn.Module):
        def __init__(self):
            super().__init__()
            self.projector = model.model.multi_modal_projector
            self.language = model.model.language_model

        def forward(self, ids, labels, weights, positions, mask, seen) -> dict:
            words = self.language.get_input_embeddings()
            embedded = words(ids)
            if seen is not None:
                soft = self.projector.mm_soft_emb_norm(seen) @ self.projector.mm_input_projection_weight
                place = (ids == image_token)[..., None].expand_as(embedded)
                embedded = embedded.masked_scatter(place, soft.to(embedded.dtype))
            masks = {"full_attention": mask, "sliding_attention": mask}
            hidden = self.language(
                inputs_embeds=embedded, attention_mask=masks, position_ids=positions, use_cache=False
            ).last_hidden_state[:, :-1]
            learnt = labels[:, 1:] >= 0
            # The head is the embedding, tied.
            logits = hidden[learnt] @ words.weight.T
            each = functional.cross_entropy(logits, labels[:, 1:][learnt], reduction="none")
            weight = weights[:, 1:][learnt]
            return {"words": (each * weight).sum() / weight.sum()}

    return Speech()


class Teacher:
    """Draws rows for the language model from a pool's labels."""

    def __init__(self, pool, binder: Binder, case, questions: int):
        self.pool, self.binder, self.case, self.questions = pool, binder, case, questions
        self.pairs = np.flatnonzero(pool.paired)

    def row(self, rng: np.random.Generator) -> Row:
        tutor, draw = Tutor(rng), rng.random()
        if draw < 0.12:
            first = int(self.pairs[rng.integers(len(self.pairs))])
            before, after = self.pool.findings[first], self.pool.findings[first + 1]
            lessons = [lesson for language in LANGUAGES for lesson in tutor.visits(before, after, language, self.case)]
            return self.binder.row([first, first + 1], [[lesson] for lesson in lessons])
        if draw < 0.15:
            chains = [[tutor.text_only(LANGUAGES[i % 2])] for i in range(self.questions)]
            return self.binder.row([], chains)
        film = int(rng.integers(len(self.pool.findings)))
        findings, boxes = self.pool.findings[film], self.pool.boxes[film]
        chains = [[lesson] for lesson in tutor.film(findings, boxes, self.questions)]
        if rng.random() < 0.3:
            chains[-3:] = [tutor.talk(findings, boxes, tutor.pick(LANGUAGES))]
        system = tutor.pick(world.SYSTEM) if rng.random() < 0.1 else ""
        return self.binder.row([film], chains, system)
