"""Eye: a Gemma 3's vision tower and projector, which turn a scan into image tokens, each scan once.

Pixels come from `medlab.imaging.prepare`, which gives the very numbers of the checkpoint's own processor. The guard
looks at the same features. It knows no text.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.core.scan import Scan
from medlab.imaging import Preparation, prepare

if TYPE_CHECKING:
    import torch

AT_ONCE = 8
"""scans in one pass of the tower: at 896 pixels each has 4,096 patches"""
KEPT = 64
"""scans whose tokens are kept; one of MedGemma takes 1.3 MB"""
_BILINEAR = 2


class Eye:
    """Encodes scans for one Gemma 3."""

    def __init__(self, module, preparation: Preparation, guard=None):
        self._module, self.preparation, self._guard = module, preparation, guard
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._warned: dict[str, str | None] = {}

    def pixels(self, scans: Sequence[Scan]) -> "torch.Tensor":
        """(scans, 3, size, size) float32."""
        import torch

        wanted = self.preparation
        made = [prepare(s, wanted.size, wanted.fit, mean=wanted.mean, std=wanted.std).pixels for s in scans]
        return torch.stack([torch.from_numpy(pixels.copy()) for pixels in made])

    def see(self, scans: Sequence[Scan]) -> "list[torch.Tensor]":
        """The tokens of each scan, (image tokens, hidden); one that was seen lately is not encoded again."""
        wanted = {scan.fingerprint: scan for scan in scans}
        seen = {key: self._kept[key] for key in wanted if key in self._kept}
        fresh = [key for key in wanted if key not in seen]
        for start in range(0, len(fresh), AT_ONCE):
            keys = fresh[start : start + AT_ONCE]
            seen.update(zip(keys, self._encode([wanted[key] for key in keys]), strict=True))
        for key in wanted:
            self._kept[key] = seen[key]
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return [seen[scan.fingerprint] for scan in scans]

    def forget(self) -> None:
        """Nothing is kept any longer: for after the weights were changed."""
        self._kept.clear()
        self._warned.clear()

    def warnings(self, scans: Sequence[Scan]) -> tuple[str, ...]:
        """What the guard said of those of `scans` that were seen, each warning once."""
        told = (self._warned.get(scan.fingerprint) for scan in scans)
        return tuple(dict.fromkeys(warning for warning in told if warning))

    def _encode(self, scans: list[Scan]) -> "list[torch.Tensor]":
        import torch

        with torch.inference_mode():
            inner = self._module.model
            features = inner.vision_tower(pixel_values=self.pixels(scans).to(self._module.device)).last_hidden_state
            tokens = inner.multi_modal_projector(features)
            if self._guard is not None:
                for scan, patches in zip(scans, features.float(), strict=True):
                    self._warned[scan.fingerprint] = self._guard.warning(self._guard.distance(patches))
            return [one.clone() for one in tokens]  # or one that is kept would keep the whole pass


def preparation_of(processor, fit: str) -> Preparation | None:
    """What a processor of transformers does to a picture, with `fit` for how it is laid on the square.

    None where it does anything that `medlab.imaging.prepare` does not: other filters, crops, oblongs.
    """
    told = getattr(processor, "image_processor", None)
    size = getattr(told, "size", None)
    plain = size is not None and all(
        getattr(told, name, False) for name in ("do_resize", "do_rescale", "do_normalize")
    )
    if not plain or getattr(told, "do_pan_and_scan", False) or getattr(told, "do_center_crop", False):
        return None
    height, width = size.get("height"), size.get("width")
    if not height or height != width or told.resample != _BILINEAR or abs(told.rescale_factor - 1 / 255) > 1e-12:
        return None
    return Preparation(int(height), fit, 3, tuple(told.image_mean), tuple(told.image_std))
