"""Guard: says when a scan is unlike anything that a model was trained on.

A distance (Mahalanobis) in the feature space of the vision tower, with a threshold that was chosen on films the model
never saw. A scan within it may still be answered wrongly; one beyond it is answered from nothing.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.errors import DataError
from medlab.core.record import Record, check_number, check_text, frozen_array, record

if TYPE_CHECKING:
    import torch

FILE = "guard.safetensors"


@record
class Guard(Record):
    """What the features of familiar scans look like."""

    mean: np.ndarray
    """(features,) float32"""
    whiten: np.ndarray
    """(features, features) float32: differences from the mean, times this, have about unit length in each direction"""
    threshold: float
    """distances above it are unfamiliar; in standard deviations per feature, so that familiar scans are near 1"""
    trained_on: str
    """what is familiar, in the plural, such as "synthetic chest films" """

    def __post_init__(self):
        object.__setattr__(self, "mean", frozen_array("mean", self.mean, np.float32, (1,)))
        object.__setattr__(self, "whiten", frozen_array("whiten", self.whiten, np.float32, (2,)))
        check_number("threshold", self.threshold, low=0)
        check_text("trained_on", self.trained_on)

    @classmethod
    def fit(cls, described: np.ndarray, held_out: np.ndarray, *, quantile: float, trained_on: str) -> "Guard":
        """A guard for scans like those described.

        described  (n, features) from `describe`: gives mean and covariance (shrunk as by Ledoit and Wolf, 2004)
        held_out   (m, features) of other scans of the same kind: the threshold is the `quantile` of their distances
        """
        from sklearn.covariance import LedoitWolf

        fitted = LedoitWolf().fit(described.astype(np.float64))
        values, vectors = np.linalg.eigh(fitted.covariance_)
        whiten = vectors / np.sqrt(values) / np.sqrt(len(values))
        guard = cls(fitted.location_.astype(np.float32), whiten.astype(np.float32), 0.0, trained_on)
        distances = [guard._distance(row) for row in held_out]
        return guard.replace(threshold=float(np.quantile(distances, quantile)))

    def distance(self, features: "torch.Tensor") -> float:
        """How far one scan is; familiar ones are near 1.

        features  (patches, hidden): the last hidden state of the vision tower
        """
        return self._distance(describe(features))

    def _distance(self, described: np.ndarray) -> float:
        return float(np.linalg.norm((described.astype(np.float32) - self.mean) @ self.whiten))

    def warning(self, distance: float) -> str | None:
        """What to tell the reader of an answer; None for a familiar scan."""
        if distance <= self.threshold:
            return None
        return (
            f"this scan is unlike the {self.trained_on} that the model was trained on "
            f"(distance {distance:.1f}, usual up to {self.threshold:.1f}): the answer means nothing"
        )

    def save(self, folder: Path) -> Path:
        from safetensors.numpy import save_file

        told = {"threshold": json.dumps(self.threshold), "trained_on": self.trained_on}
        save_file({"mean": np.array(self.mean), "whiten": np.array(self.whiten)}, folder / FILE, metadata=told)
        return folder / FILE

    @classmethod
    def load(cls, folder: Path) -> "Guard | None":
        """The guard of a checkpoint folder; None where it has none. Raises DataError for a file that is no guard."""
        from safetensors import SafetensorError, safe_open

        file = Path(folder) / FILE
        if not file.exists():
            return None
        try:
            with safe_open(file, framework="numpy") as opened:
                told = opened.metadata() or {}
                return cls(
                    opened.get_tensor("mean"), opened.get_tensor("whiten"),
                    float(json.loads(told["threshold"])), told["trained_on"],
                )  # fmt: skip
        except (SafetensorError, KeyError, ValueError, OSError) as error:
            raise DataError(
                "schema", f"{FILE} of the checkpoint: {error}", accepted="a guard that medlab saved",
                fix=f"remove {FILE} to go without a guard",
            ) from error  # fmt: skip


def describe(features: "torch.Tensor") -> np.ndarray:
    """(2 * hidden,) float32: the mean and the spread of the patches' features."""
    patches = features.float()
    import torch

    return torch.cat([patches.mean(0), patches.std(0)]).cpu().numpy()
