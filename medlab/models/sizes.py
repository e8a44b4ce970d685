"""How many parameters a shape has, by arithmetic: no torch, no weight. It knows Gemma 3 and SigLIP, and nothing else.

A shape is the content of a config.json with every number written out, as catalog.yaml keeps it.
"""

from collections.abc import Mapping
from typing import Any

from medlab.core.errors import SpecError, shown
from medlab.core.record import Record, check_whole, record

Shape = Mapping[str, Any]


@record
class Sizes(Record):
    """Parameters of one checkpoint, part by part."""

    text: int
    """the language model or text tower, its embedding included (once: Gemma 3 ties it to the output)"""
    vision: int = 0
    """the image tower"""
    projector: int = 0
    """what turns the tower's patches into tokens; in SigLIP the two numbers of its loss"""
    quantizable: int = 0
    """of `text`: weights of linear layers, the only ones that are kept in 4 or 8 bits here"""

    def __post_init__(self):
        for name in ("text", "vision", "projector", "quantizable"):
            check_whole(name, getattr(self, name))

    @property
    def total(self) -> int:
        return self.text + self.vision + self.projector


def sizes_of(shape: Shape) -> Sizes:
    """The parameters of a shape. Raises SpecError for an architecture that is not known here."""
    kind = shape["model_type"]
    if kind == "gemma3_text":
        text, linear = _gemma_text(shape)
        return Sizes(text, quantizable=linear)
    if kind == "gemma3":
        (text, linear), vision = _gemma_text(shape["text_config"]), shape["vision_config"]
        projector = vision["hidden_size"] * (shape["text_config"]["hidden_size"] + 1)
        return Sizes(text, _siglip_vision(vision), projector, linear)
    if kind == "siglip":
        return Sizes(_siglip_text(shape["text_config"]), _siglip_vision(shape["vision_config"]), 2)
    raise SpecError(f"a shape of {shown(str(kind))}", accepted="gemma3, gemma3_text, siglip")


def _gemma_text(text: Shape) -> tuple[int, int]:
    """(all parameters, those in linear layers) of a Gemma 3 language model: RMS norms, no biases, tied embedding."""
    hidden, head = text["hidden_size"], text["head_dim"]
    queries, keys = text["num_attention_heads"] * head, text["num_key_value_heads"] * head
    linear = hidden * (2 * queries + 2 * keys + 3 * text["intermediate_size"])
    norms = 4 * hidden + 2 * head  # before and after attention and MLP; of queries and keys
    layers = text["num_hidden_layers"]
    return text["vocab_size"] * hidden + layers * (linear + norms) + hidden, layers * linear


def _siglip_layers(tower: Shape) -> int:
    hidden, inner = tower["hidden_size"], tower["intermediate_size"]
    attention = 4 * (hidden * hidden + hidden)
    return tower["num_hidden_layers"] * (attention + 2 * hidden * inner + inner + hidden + 4 * hidden)


def _siglip_vision(vision: Shape) -> int:
    hidden, inner, patch = vision["hidden_size"], vision["intermediate_size"], vision["patch_size"]
    embedding = hidden * (vision["num_channels"] * patch * patch + 1) + patches_of(vision) * hidden
    head = 0
    if vision["vision_use_head"]:  # a learnt question, attention, a norm and an MLP
        head = hidden + 4 * (hidden * hidden + hidden) + 2 * hidden + 2 * hidden * inner + inner + hidden
    return embedding + _siglip_layers(vision) + 2 * hidden + head


def _siglip_text(text: Shape) -> int:
    hidden = text["hidden_size"]
    embedding = (text["vocab_size"] + text["max_position_embeddings"]) * hidden
    return embedding + _siglip_layers(text) + 2 * hidden + (hidden + 1) * text["projection_size"]


def patches_of(vision: Shape) -> int:
    """How many patches the image tower cuts a scan into."""
    return (vision["image_size"] // vision["patch_size"]) ** 2
