"""Gradients: how the score answers to small changes of a picture's pixels, patches or tokens, and the maps of that.

What the whole family shares stands here: one pass forwards and back, in float32 where it starts and ends, and never
through the parameters. It runs the tower once where it can and asks for the logits of few places; captum's Saliency,
InputXGradient and NoiseTunnel, one line around the same pass, give the same numbers to 1e-5 and no standard errors
(docs/captum.md). It knows no way from one picture to another (`integrated`) and weighs no channels (`cam`).
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.errors import CapabilityError
from medlab.core.record import check_choice, check_number, check_whole
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.baselines import baseline_of, check_baseline
from medlab.explainers.cost import reckon
from medlab.explainers.glass import Glass

if TYPE_CHECKING:
    import torch

KEPT_BYTES = 1 << 30
"""that a batch may keep for its way back"""


@dataclasses.dataclass(frozen=True)
class Saliency(Method):
    """The absolute gradient of the score, added up over what lies in a cell (Simonyan et al. 2013, arXiv 1312.6034).

    of  "pixels": three channels of the pixels of each patch, on the patch grid; score per unit of normalised pixel.
        "tokens": the numbers of each image token, on the token grid
    """

    of: str = "pixels"

    name = "saliency"
    family = "gradients"
    question = "Where would a tiny change of the picture move the score most?"
    not_this = (
        "It has no sign and does not say what the model used: what is saturated has no gradient, noise has much."
    )
    passes = "1 forwards, 1 back"

    def __post_init__(self):
        check_choice("of", self.of, ("pixels", "tokens"))

    def draw(self, request: Request) -> Map:
        _, slope = gradient(request, inputs_of(request, self.of), self.of)
        return Map(on_grid(request.glass, slope.abs(), self.of)[0])

    def cost(self, request: Request) -> Cost:
        return reckon_gradients(self.name, request, self.of, 1)


@dataclasses.dataclass(frozen=True)
class InputXGradient(Method):
    """Gradient times what is there, less a baseline: the change to first order (Shrikumar et al. 2016, 1605.01713).

    of        "tokens", on the token grid, or "pixels", on the patch grid
    baseline  what counts as nothing, one of BASELINES; "zero" is the plain product, as captum's InputXGradient. A
              token of zeros is nothing that the model has ever read, and a pixel of zero is mid-grey
    """

    of: str = "tokens"
    baseline: str = "mean"

    name = "input_x_gradient"
    family = "gradients"
    question = "To first order, what does each place add to the score over a picture without content?"
    not_this = "The score is not a straight line: the values need not add up to any change that really happens."
    passes = "1 forwards, 1 back"

    def __post_init__(self):
        check_choice("of", self.of, ("tokens", "pixels"))
        check_baseline(self.of, self.baseline)

    def draw(self, request: Request) -> Map:
        inputs = inputs_of(request, self.of)
        change = inputs - baseline_of(request, inputs, self.of, self.baseline)
        _, slope = gradient(request, inputs, self.of)
        return Map(on_grid(request.glass, slope * change, self.of)[0])

    def cost(self, request: Request) -> Cost:
        return reckon_gradients(self.name, request, self.of, 1)


@dataclasses.dataclass(frozen=True)
class SmoothGrad(Method):
    """The gradient averaged over noisy copies of the picture, then its absolute value (Smilkov et al. 2017).

    Signs are averaged before the absolute value is taken, as in the paper (arXiv 1706.03825), so that the gradient's
    own noise goes out; what is left of it adds to every cell, and falls with more samples. The standard error is of
    each cell's sum with the signs of the mean held fixed.

    samples  noisy copies
    noise    standard deviation of the noise, as a share of the picture's own range of normalised pixels
    """

    samples: int = 24
    noise: float = 0.1

    name = "smoothgrad"
    family = "gradients"
    question = "Where does a tiny change move the score, whatever the noise on the picture?"
    not_this = "It has no sign, and says nothing of the picture without noise where the model takes noise amiss."
    passes = "1 forwards and 1 back for each sample"

    def __post_init__(self):
        check_whole("samples", self.samples, 2)
        check_number("noise", self.noise, 0, 1)

    def draw(self, request: Request) -> Map:
        import torch
        from tqdm.auto import tqdm

        glass = request.glass
        picture = inputs_of(request, "pixels")
        spread = self.noise * (picture.max() - picture.min())
        # drawn on the CPU, so that a seed means the same noise on any machine
        chance = torch.Generator().manual_seed(request.seed)
        noise = torch.randn((self.samples, *picture.shape[1:]), generator=chance)
        copies = (picture + spread * part.to(picture.device) for part in noise.split(at_once(request, "pixels")))
        bar = tqdm(copies, "gradients", disable=not request.progress, unit="batch")
        slopes = torch.cat([gradient(request, batch, "pixels")[1] for batch in bar])
        sign = slopes.mean(0).sign()
        rows = on_grid(glass, slopes * sign, "pixels")
        return Map(rows.mean(0), rows.std(0, ddof=1) / self.samples**0.5)

    def cost(self, request: Request) -> Cost:
        told = reckon_gradients(self.name, request, "pixels", self.samples)
        kept = 3 * 4.0 * self.samples * request.glass.pixels[0].numel()  # noise, gradients, and these with their sign
        return told.replace(peak_bytes=told.peak_bytes + kept)


def inputs_of(request: Request, of: str) -> "torch.Tensor":
    """The scan as float32 (1, 3, size, size) "pixels", (1, patches, width) "patches" or (1, image tokens, hidden)."""
    import torch

    glass = request.glass
    if of == "tokens":
        return glass.tokens()[request.scan][None].float()
    pixels = glass.pixels[request.scan][None]
    if of == "pixels":
        return pixels.float()
    with torch.no_grad():
        return glass.see(pixels).float()


def score_of(request: Request, inputs: "torch.Tensor", of: str) -> "torch.Tensor":
    """(batch,) score of what `inputs_of` gives; can be differentiated."""
    glass = request.glass
    if of == "pixels":
        inputs = glass.see(inputs)
    if of != "tokens":
        inputs = glass.project(inputs.to(glass.module.dtype))
    return glass.lean_score(request.aim, inputs, request.scan)


def gradient(request: Request, inputs: "torch.Tensor", of: str) -> "tuple[torch.Tensor, torch.Tensor]":
    """(score (batch,), its gradient, shaped as `inputs`), float32, of one batch.

    Raises CapabilityError where they are not finite.
    """
    import torch

    with torch.enable_grad(), held(request.glass.module):
        leaf = inputs.detach().clone().requires_grad_()
        score = score_of(request, leaf, of)
        (slope,) = torch.autograd.grad(score.sum(), leaf)
    if not (torch.isfinite(slope).all() and torch.isfinite(score).all()):
        kind = str(request.glass.module.dtype).removeprefix("torch.")
        raise CapabilityError(
            f"gradients of {request.model.name} with respect to {of} are not finite, computed in {kind}",
            accepted="a model whose score has a finite slope",
            fix='load_model(name, dtype="float32"), or a method without gradients: method="token_occlusion"',
        )
    return score.detach(), slope


@contextlib.contextmanager
def held(module) -> Iterator[None]:
    """No parameter asks for a gradient meanwhile, so that nothing is kept for it."""
    asking = [parameter for parameter in module.parameters() if parameter.requires_grad]
    try:
        for parameter in asking:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in asking:
            parameter.requires_grad_(True)


def on_grid(glass: Glass, values: "torch.Tensor", of: str) -> np.ndarray:
    """(batch, grid_rows, grid_cols) float32: sums over what lies in each cell; "pixels" and "patches" in patches."""
    import torch

    if of == "pixels":
        # pixels beyond the last whole patch are never read, and their gradient is 0
        size = glass.module.config.vision_config.patch_size
        values = torch.nn.functional.avg_pool2d(values.sum(1), size, divisor_override=1)
    else:
        values = values.sum(-1).unflatten(1, glass.grid if of == "tokens" else glass.patches)
    return values.cpu().numpy()


def at_once(request: Request, of: str) -> int:
    """How many rows of a batch may keep what their way back needs."""
    return max(1, int(KEPT_BYTES // kept_bytes(request, of)))


def kept_bytes(request: Request, of: str) -> float:
    """About what one row keeps for its way back, attention being sdpa: within a factor of two of what torch keeps."""
    glass = request.glass
    number = glass.module.dtype.itemsize
    text, vision = glass.language.config, glass.module.config.vision_config
    tokens, said = runs_of(request)
    heads = (text.num_attention_heads + text.num_key_value_heads) * text.head_dim
    # norms keep float32, whatever the model is computed in
    layer = 16 * text.hidden_size + 3 * number * text.intermediate_size + (8 + 3 * number) * heads
    kept = tokens * text.num_hidden_layers * layer + 12 * said * text.vocab_size
    if of == "pixels":
        layer = number * (7.5 * vision.hidden_size + vision.intermediate_size)
        kept += glass.patches[0] * glass.patches[1] * vision.num_hidden_layers * layer
        kept += 4 * 3 * vision.image_size**2
    return float(kept)


def runs_of(request: Request) -> tuple[int, int]:
    """(tokens, places that give logits) of the language model for one score."""
    laid = request.glass.laid(request.aim.strands)
    return len(laid) - request.glass.places(request.scan).start, len(laid.rows)


def reckon_gradients(name: str, request: Request, of: str, rows: int, together: int | None = None) -> Cost:
    """The Cost of `rows` scores and their gradients, `together` of them in a batch; as many as fit if None."""
    tokens, said = runs_of(request)
    return reckon(
        name,
        request.glass,
        tower=2 * rows if of == "pixels" else 1,
        tokens=2 * rows * tokens,
        seen=tokens / 2,
        rows=2 * rows * said,
        peak=min(rows, together or at_once(request, of)) * kept_bytes(request, of),
    )
