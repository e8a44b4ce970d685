"""ZeroShot: what a contrastive model made of pairs of captions. It knows similarities, and runs no model."""

import numpy as np

from medlab.core.errors import CapabilityError, SpecError, UnknownName
from medlab.core.record import Record, frozen_array, record
from medlab.models.embedding.captions import CaptionPair


@record
class ZeroShot(Record):
    """How n scans lie to the captions of k findings. Nothing was learnt from cases, and nothing is calibrated."""

    pairs: tuple[CaptionPair, ...]
    """k of them"""
    logits: np.ndarray
    """(n, k, 2) float32: the model's logit of each scan with the positive and the negative caption, which is
    scale · cosine + bias with the scale and bias that it learnt (bias 0 for CLIP)"""
    sigmoid: bool = False
    """True where the model was trained to say of each caption alone whether it belongs (SigLIP)"""
    model: str = "unknown"
    model_fingerprint: str = ""

    def __post_init__(self):
        logits = frozen_array("logits", self.logits, np.float32, (3,))
        if logits.shape[1:] != (len(self.pairs), 2):
            raise SpecError(f"logits has shape {logits.shape}", accepted=f"(n, {len(self.pairs)}, 2)")
        object.__setattr__(self, "logits", logits)

    @property
    def findings(self) -> tuple[str, ...]:
        return tuple(pair.finding for pair in self.pairs)

    @property
    def probabilities(self) -> np.ndarray:
        """(n, k) float32 in 0..1: of the positive caption against the negative one, by softmax over the two logits.

        The reading of ELIXR and MedSigLIP's evaluation. It ranks as the difference of the two cosines does, so an AUC
        is the same by both. 0.5 is not a threshold: where to cut is to be learnt from cases.
        """
        return _logistic(self.logits[..., 0] - self.logits[..., 1])

    @property
    def sigmoids(self) -> np.ndarray:
        """(n, k, 2) float32 in 0..1: of each caption alone, as SigLIP was trained to say it.

        It answers "is this the caption that came with this picture, among tens of thousands?", which for a short
        caption is hardly ever so: values near 0 for both captions are usual, and do not mean that a finding is absent.
        Raises CapabilityError for a model without it.
        """
        if not self.sigmoid:
            raise CapabilityError(
                f"{self.model} was not trained with a sigmoid", accepted="a SigLIP model", fix=".probabilities"
            )
        return _logistic(self.logits)

    def of(self, finding: str) -> np.ndarray:
        """(n,) probabilities of one finding. Raises UnknownName."""
        if finding not in self.findings:
            raise UnknownName("finding", finding, list(self.findings))
        return self.probabilities[:, self.findings.index(finding)]

    def __repr__(self) -> str:
        means = zip(self.findings, self.probabilities.mean(0), strict=True)
        told = ", ".join(f"{finding} {share:.3f}" for finding, share in means)
        return f"ZeroShot({len(self.logits)} scan(s), mean {told}; {self.model})"


def _logistic(values: np.ndarray) -> np.ndarray:
    # through tanh: exp of a large number would overflow
    return (0.5 * (1 + np.tanh(0.5 * values.astype(np.float64)))).astype(np.float32)
