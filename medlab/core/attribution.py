"""Attribution: which part of the picture a word rests on, according to one method. It is a claim, not a cause."""

import numpy as np

from medlab.core.errors import SpecError, UnknownName
from medlab.core.geometry import SquareFit
from medlab.core.record import Record, check_number, check_text, check_whole, frozen_array, record

INDEPENDENT_NATS = 0.1
"""a change of the score below this, a tenth of a natural logarithm, is called none"""
NOT_TRUSTED = "not shown to be trustworthy"
"""with what the verdict of a method begins that has not earned trust"""


@record
class Attribution(Record):
    values: np.ndarray
    """(grid_rows, grid_cols) float32, signed and un-normalised: positive speaks for the target"""
    fit: SquareFit
    """how the original scan was laid on the square that the grid divides evenly"""
    method: str
    """registry name of the explainer"""
    target: tuple[str, ...]
    """the words explained; two entries with `contrast` mean first against second"""
    contrast: bool = False
    token_spans: tuple[tuple[int, int], ...] = ()
    """for each target, its first token in the answer and one past its last: which of two equal words is meant; empty
    where the targets were forced on the model and stand in no answer"""
    scan: int = 0
    """which of the query's scans, from 0"""
    settings: tuple[tuple[str, str], ...] = ()
    """(option, value) of the method, such as ("layer", "12"): with the method's name, what repeats the map"""
    standard_error: np.ndarray | None = None
    """(grid_rows, grid_cols) float32 of `values`, for methods that sample; None for others"""
    causal: bool = False
    """True where the method changed the input and watched the output"""
    completeness_error: float | None = None
    """|sum(values) - change of the output| for methods that promise their sum; None for others"""
    score_nats: float | None = None
    """of the target: the sum of its tokens' natural log-probabilities, less those of what it is against"""
    effect_nats: float | None = None
    """what `score_nats` loses when no word may look at the scan; near 0, the words come whatever the picture"""
    seconds: float = 0.0
    """that the map took"""
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    answer_fingerprint: str = ""
    verdict: str | None = None
    """one line on how far it has earned trust; None means untested"""

    def __post_init__(self):
        object.__setattr__(self, "values", frozen_array("values", self.values, np.float32, (2,)))
        check_text("method", self.method)
        if not all(word.strip() for word in self.target) or not self.target:
            raise SpecError(f"target is {self.target!r}", accepted="the words explained, none empty")
        if self.contrast and len(self.target) != 2:
            raise SpecError(f"contrast with {len(self.target)} target(s)", accepted="exactly two: (for, against)")
        if self.token_spans and len(self.token_spans) != len(self.target):
            raise SpecError(
                f"{len(self.token_spans)} token span(s) for {len(self.target)} target(s)", accepted="one each, or none"
            )
        for start, stop in self.token_spans:
            check_whole("start of a token span", start)
            check_whole("stop of a token span", stop, low=start + 1)
        check_whole("scan", self.scan)
        if self.standard_error is not None:
            error = frozen_array("standard_error", self.standard_error, np.float32, (2,))
            if error.shape != self.values.shape or error.min() < 0:
                raise SpecError(
                    f"standard_error has shape {error.shape}, least value {error.min():g}",
                    accepted=f"shape {self.values.shape}, none below 0",
                )
            object.__setattr__(self, "standard_error", error)
        for name, low in (("completeness_error", 0), ("score_nats", -np.inf), ("effect_nats", -np.inf)):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), low=low)
        check_number("seconds", self.seconds, low=0)

    @property
    def image_independent(self) -> bool | None:
        """Whether the words come whatever the picture: hiding it changes their score by less than INDEPENDENT_NATS.

        Not where a causal map, whose values are such changes too, has found a place that changes it by more: what
        speaks for the words and what speaks against them then cancel.
        """
        if self.effect_nats is None:
            return None
        cancels = self.causal and abs(self.values).max() >= INDEPENDENT_NATS
        return bool(abs(self.effect_nats) < INDEPENDENT_NATS and not cancels)

    @property
    def trusted(self) -> bool:
        """Whether the method has earned trust on this model; False where it was never tested."""
        return self.verdict is not None and not self.verdict.startswith(NOT_TRUSTED)

    def __repr__(self) -> str:
        words = " against ".join(self.target) if self.contrast else " ".join(self.target)
        return f"Attribution({words!r} by {self.method}, {self.values.shape[0]}x{self.values.shape[1]} grid)"


@record
class Explanation(Record):
    """Several maps of one target, and how far they agree: none of them alone is the explanation."""

    attributions: tuple[Attribution, ...]
    agreement: np.ndarray
    """(maps, maps) float32: Spearman's rank correlation of each two, in -1..1; compared on the coarser grid"""
    left_out: tuple[str, ...] = ()
    """methods that were not run, with the reason"""

    def __post_init__(self):
        if not self.attributions:
            raise SpecError("an Explanation without maps", accepted="one Attribution or more")
        agreement = frozen_array("agreement", self.agreement, np.float32, (2,))
        if agreement.shape != (len(self.attributions),) * 2 or abs(agreement).max() > 1 + 1e-5:
            raise SpecError(f"agreement has shape {agreement.shape}", accepted="(maps, maps), in -1..1")
        object.__setattr__(self, "agreement", agreement)

    def __getitem__(self, method: str) -> Attribution:
        """The map of a method."""
        for one in self.attributions:
            if one.method == method:
                return one
        raise UnknownName("method", method, [one.method for one in self.attributions])

    def __repr__(self) -> str:
        names = ", ".join(one.method for one in self.attributions)
        lower = self.agreement[np.tril_indices(len(self.attributions), -1)]
        told = f", agreement {lower.min():.2f} to {lower.max():.2f}" if lower.size else ""
        return f"Explanation({' against '.join(self.attributions[0].target)!r} by {names}{told})"
