"""What an image processor of transformers does to a picture, as the Preparation that does the same.

It reads settings off an object that is given to it; transformers itself is not needed here.
"""

import math
from collections.abc import Sequence
from typing import Any

from medlab.imaging.preparing import Preparation

BILINEAR = 2
"""Pillow's number for the filter"""
_DOES = ("do_resize", "do_rescale", "do_normalize")
_DOES_NOT = ("do_center_crop", "do_pad", "do_pan_and_scan", "max_num_patches")


def preparation_of(processor: Any, fit: str, channels: int = 3) -> Preparation | None:
    """What `medlab.prepare` has to be told to give the processor's numbers, with `fit` for how the square is made.

    None where the processor does anything that `medlab.prepare` does not: other filters, crops, patches, oblongs.
    """
    if not all(getattr(processor, name, False) for name in _DOES):
        return None
    if any(getattr(processor, name, None) for name in _DOES_NOT) or getattr(processor, "resample", None) != BILINEAR:
        return None
    size = dict(processor.size or {})
    height, width = size.get("height"), size.get("width")
    if not height or height != width or not math.isclose(processor.rescale_factor, 1 / 255, rel_tol=1e-6):
        return None
    mean, std = _numbers(processor.image_mean), _numbers(processor.image_std)
    return Preparation(int(height), fit, channels, mean, std)


def _numbers(values: float | Sequence[float]) -> tuple[float, ...]:
    """One number where all are equal, so that a grey picture stays one channel to the end."""
    listed = tuple(float(v) for v in (values if isinstance(values, (list, tuple)) else [values]))
    return listed[:1] if len(set(listed)) == 1 else listed
