"""Attribution: which part of the picture a word rests on, according to one method. It is a claim, not a cause."""

import numpy as np

from medlab.core.errors import SpecError
from medlab.core.geometry import SquareFit
from medlab.core.record import Record, check_number, check_text, check_whole, frozen_array, record


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
        if self.completeness_error is not None:
            check_number("completeness_error", self.completeness_error, low=0)

    def __repr__(self) -> str:
        words = " against ".join(self.target) if self.contrast else " ".join(self.target)
        return f"Attribution({words!r} by {self.method}, {self.values.shape[0]}x{self.values.shape[1]} grid)"
