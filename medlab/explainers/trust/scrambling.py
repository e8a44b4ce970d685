"""A model's weights shuffled, part by part from the answer's end to the picture's, and put back exactly.

The sanity check of Adebayo 2018: a map that stays what it was when the model has forgotten everything does not show
what the model knows. Weights are shuffled within each tensor, so that their sizes stay what training made them.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from medlab.core.errors import CapabilityError

if TYPE_CHECKING:
    import torch

STAGES = ("upper language layers", "all language layers", "projector", "tower")
"""in the order in which they are shuffled; what was shuffled stays so"""


@contextlib.contextmanager
def scrambling(model, seed: int = 0) -> Iterator[Callable[[str], None]]:
    """Gives `scramble(stage)`; at the end of the block, however it ends, every weight is bit for bit what it was.

    The model forgets what it keeps of scans and texts each time. In between it is not the model of its fingerprint:
    nothing that it says may be kept under it. Needs memory for a copy of the weights.

    Raises CapabilityError before anything is changed for a model whose parts are not known, or quantized.
    """
    import torch

    parts = parts_of(model)
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []
    draw = torch.Generator().manual_seed(seed)

    def scramble(stage: str) -> None:
        model.forget()
        with torch.no_grad():
            for weight in parts[stage]:
                kept.append((weight, weight.detach().to("cpu", copy=True)))
                places = torch.randperm(weight.numel(), generator=draw)
                weight.copy_(kept[-1][1].flatten()[places].view_as(weight))

    try:
        yield scramble
    finally:
        with torch.no_grad():
            for weight, was in reversed(kept):
                weight.copy_(was)
        model.forget()


def parts_of(model) -> "dict[str, list[torch.nn.Parameter]]":
    """The weights of each of STAGES. The embedding is the head's too, and the question's: it stays."""
    module = getattr(model, "module", None)
    if getattr(getattr(module, "config", None), "model_type", None) != "gemma3" or not hasattr(model, "forget"):
        raise CapabilityError(
            f"{model.name}: which weights come first is not known", accepted="a local Gemma 3 with a vision tower"
        )
    inner = module.model
    layers = list(inner.language_model.layers)
    half = len(layers) // 2
    modules = ([*layers[half:], inner.language_model.norm], layers[:half], [inner.multi_modal_projector])
    parts = {
        stage: [weight for part in group for weight in part.parameters()]
        for stage, group in zip(STAGES, (*modules, [inner.vision_tower]), strict=True)
    }
    if any(not weight.is_floating_point() for group in parts.values() for weight in group):
        raise CapabilityError(f"{model.name} is quantized: its weights cannot be shuffled", fix="load it as it is")
    return parts
