"""How a Scan becomes what an image tower takes. It reads the checkpoint's processor, and knows no checkpoint by name.

Two ways lead there. Where the processor only resizes to a square by the bilinear filter and normalises,
`medlab.prepare` does the same, bit by bit, and quicker. Where it does anything else (a bicubic filter: CLIP, SigLIP,
MedSigLIP; patches of any aspect: SigLIP 2 NaFlex), the picture, padded, goes through the processor itself.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medlab.core.errors import CapabilityError
from medlab.core.record import check_choice
from medlab.core.scan import Scan
from medlab.imaging.preparing import Preparation, normalise, to_square

if TYPE_CHECKING:
    import torch

FITS = ("pad", "own")
BILINEAR = 2
"""Pillow's number for the filter"""


class Pictures:
    """Scans into the inputs of one image tower.

    processor  the checkpoint's image processor
    channels   that the tower takes
    fit        "pad" lays a scan on a black square first, so that nothing is cropped or squashed: how MedSigLIP was
               trained. "own" leaves it to the processor, which squashes (SigLIP), crops the middle (CLIP) or keeps the
               aspect (NaFlex). None: "own" for NaFlex, else "pad".
    """

    def __init__(self, processor: Any, channels: int = 3, fit: str | None = None):
        self.fit = fit or ("own" if hasattr(processor, "max_num_patches") else "pad")
        check_choice("fit", self.fit, FITS)
        self.processor, self.channels = processor, channels
        self.preparation = preparation_of(processor, channels, self.fit)
        if self.preparation is None and channels != 3:
            raise CapabilityError(
                f"an image tower of {channels} channel(s) whose processor is a {type(processor).__name__}",
                accepted="3 channels, or a processor that resizes to a square by the bilinear filter",
            )

    def inputs(self, scans: Sequence[Scan]) -> "dict[str, torch.Tensor]":
        """What the tower's `get_image_features` takes; float32 on the CPU."""
        import torch

        if self.preparation is not None:
            squares = (to_square(scan.to_uint8(), self.preparation) for scan in scans)
            return {"pixel_values": torch.from_numpy(np.stack([normalise(s, self.preparation) for s in squares]))}
        return dict(self.processor(images=[self._image(scan) for scan in scans], return_tensors="pt"))

    def _image(self, scan: Scan):
        from PIL import Image

        picture = scan.to_uint8()
        if self.fit == "pad" and scan.rows != scan.cols:
            picture = to_square(picture, Preparation(size=max(scan.rows, scan.cols)))  # padded, not resized
        return Image.fromarray(picture).convert("RGB")


def preparation_of(processor: Any, channels: int, fit: str) -> Preparation | None:
    """What `medlab.prepare` has to be told to give the processor's numbers; None where it cannot."""
    wanted = {"do_resize": True, "do_rescale": True, "do_normalize": True, "resample": BILINEAR}
    if any(getattr(processor, name, None) != value for name, value in wanted.items()):
        return None
    if any(getattr(processor, name, None) for name in ("do_center_crop", "do_pad", "max_num_patches")):
        return None
    size = dict(processor.size or {})
    height, width = size.get("height"), size.get("width")
    if not height or height != width or not math.isclose(processor.rescale_factor, 1 / 255, rel_tol=1e-6):
        return None
    mean, std = (_numbers(getattr(processor, name), channels) for name in ("image_mean", "image_std"))
    return Preparation(int(height), "pad" if fit == "pad" else "stretch", channels, mean, std)


def _numbers(values: float | Sequence[float], channels: int) -> tuple[float, ...]:
    """One number where all are equal, so that a grey picture stays one channel to the end."""
    listed = tuple(float(v) for v in (values if isinstance(values, (list, tuple)) else [values]))
    return listed[:1] if len(set(listed)) == 1 else listed
