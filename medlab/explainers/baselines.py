"""Baselines: what stands for a picture without content, as pixels or as image tokens.

None of them is neutral: a black film, a grey one and a blurred one are pictures too, and a map says what the scan adds
to the one that was chosen. It knows no method.
"""

from typing import TYPE_CHECKING

from medlab.core.errors import SpecError
from medlab.core.record import check_choice
from medlab.explainers.base import Request

if TYPE_CHECKING:
    import torch

BASELINES = {
    "mean": "the mean of the scan: its mean grey, or its mean image token",
    "blank": "a black film, or the image tokens of one",
    "blur": "the scan out of focus, by BLUR of its side; pixels only",
    "zero": "zeros: mid-grey, or tokens that no picture gives",
}
BLUR = 0.05
"""standard deviation of the blur, as a share of the side; about that of Fong & Vedaldi 2017 (arXiv 1704.03296)"""


def check_baseline(of: str, baseline: str) -> None:
    """Raises SpecError for a name that is none, and for "blur" of what is not pixels."""
    check_choice("baseline", baseline, tuple(BASELINES))
    if baseline == "blur" and of != "pixels":
        raise SpecError(
            f"baseline 'blur' of {of}", accepted="mean, blank, zero", fix='of="pixels", or baseline="mean"'
        )


def baseline_of(request: Request, inputs: "torch.Tensor", of: str, baseline: str) -> "torch.Tensor":
    """Shaped as `inputs`, float32: (1, 3, size, size) of "pixels", (1, image tokens, hidden) of "tokens"."""
    import torch

    if baseline == "zero":
        return torch.zeros_like(inputs)
    if baseline == "mean":
        return inputs.mean((2, 3) if of == "pixels" else 1, keepdim=True).expand_as(inputs)
    glass = request.glass
    pixels = glass.pixels[request.scan][None].float()
    if baseline == "blur":
        return _blurred(pixels)
    black = _black(request, pixels)
    if of == "pixels":
        return black
    with torch.no_grad():
        return glass.project(glass.see(black)).float()


def _black(request: Request, pixels: "torch.Tensor") -> "torch.Tensor":
    """A black film as the tower takes it."""
    told = request.model.processor.image_processor
    mean, std = (pixels.new_tensor(values)[:, None, None] for values in (told.image_mean, told.image_std))
    return (-mean / std).expand_as(pixels)


def _blurred(pixels: "torch.Tensor") -> "torch.Tensor":
    from scipy.ndimage import gaussian_filter

    spread = BLUR * pixels.shape[-1]
    made = gaussian_filter(pixels.cpu().numpy(), (0, 0, spread, spread))
    return pixels.new_tensor(made)
