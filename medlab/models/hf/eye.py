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
KEPT = 128
"""scans whose tokens are kept, or those of the latest question where they are more; one of MedGemma takes 1.3 MB"""
WARNED = 100_000
"""scans of which is kept what the guard said"""


class Eye:
    """Encodes scans for one Gemma 3."""

    def __init__(self, module, preparation: Preparation, guard=None):
        self._module, self.preparation, self._guard = module, preparation, guard
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._warned: OrderedDict[str, str | None] = OrderedDict()

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
        while len(self._kept) > max(KEPT, len(wanted)):
            self._kept.popitem(last=False)
        return [seen[scan.fingerprint] for scan in scans]

    def forget(self) -> None:
        """Nothing is kept any longer: for after the weights were changed."""
        self._kept.clear()
        self._warned.clear()

    def warnings(self, scans: Sequence[Scan]) -> tuple[str, ...]:
        """What the guard says of `scans`, each warning once; one of which that is no longer known is encoded again."""
        if self._guard is None:
            return ()
        for scan in scans:
            if scan.fingerprint not in self._warned:
                self._encode([scan])
        told = (self._warned[scan.fingerprint] for scan in scans)
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
                    if len(self._warned) > max(WARNED, len(scans)):
                        self._warned.popitem(last=False)
            return [one.clone() for one in tokens]  # or one that is kept would keep the whole pass
