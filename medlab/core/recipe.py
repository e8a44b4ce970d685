"""Recipe and Adapter: how a model is to be tuned, and the small weights that came of it."""

from medlab.core.provenance import Provenance
from medlab.core.record import Record, check_choice, check_number, check_text, check_whole, record

METHODS = ("lora", "full", "probe")


@record
class Recipe(Record):
    """How to fine-tune; complete, so that recipe + data + base say what the result will be."""

    base: str
    """catalog name of the model to tune"""
    method: str = "lora"
    """one of METHODS"""
    rank: int = 8
    """LoRA rank"""
    alpha: float = 16.0
    """LoRA scale; the update is multiplied by alpha / rank"""
    dropout: float = 0.0
    target_modules: tuple[str, ...] = ("q_proj", "v_proj")
    learning_rate: float = 2e-4
    epochs: float = 1.0
    batch_size: int = 8
    """examples per optimiser step"""
    warmup_fraction: float = 0.03
    max_length: int = 1024
    """tokens"""
    seed: int = 0

    def __post_init__(self):
        check_text("base", self.base)
        check_choice("method", self.method, METHODS)
        check_whole("rank", self.rank, 1, 1024)
        check_number("alpha", self.alpha, 1e-9)
        check_number("dropout", self.dropout, 0, 0.99)
        check_number("learning_rate", self.learning_rate, 1e-12, 1)
        check_number("epochs", self.epochs, 1e-6)
        check_whole("batch_size", self.batch_size, 1)
        check_number("warmup_fraction", self.warmup_fraction, 0, 1)
        check_whole("max_length", self.max_length, 1)
        check_whole("seed", self.seed)


@record
class Adapter(Record):
    """What tuning gave: where the weights are and what made them."""

    path: str
    """folder with safetensors"""
    recipe: Recipe
    base_fingerprint: str
    data_fingerprint: str
    provenance: Provenance
    steps: int
    """optimiser steps taken"""
    final_loss: float | None = None

    def __post_init__(self):
        check_text("path", self.path)
        for field in ("base_fingerprint", "data_fingerprint"):
            check_text(field, getattr(self, field))
        check_whole("steps", self.steps)
        if self.final_loss is not None:
            check_number("final_loss", self.final_loss)
