"""How a Scan becomes what an image tower takes. It reads the checkpoint's processor, and knows no checkpoint by name.

Two ways lead there. Where the processor only resizes to a square by the bilinear filter and normalises,
`medlab.prepare` does the same, bit by bit, and quicker. Where it does anything else (a bicubic filter: CLIP, SigLIP,
MedSigLIP; patches of any aspect: SigLIP 2 NaFlex), the picture, padded, goes through the processor itself.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medlab.core.errors import CapabilityError
from medlab.core.record import check_choice
from medlab.core.scan import Scan
from medlab.imaging.preparing import Preparation, normalise, to_square
from medlab.imaging.processors import preparation_of

if TYPE_CHECKING:
    import torch

FITS = ("pad", "own")


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
        self.preparation = preparation_of(processor, "pad" if self.fit == "pad" else "stretch", channels)
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
