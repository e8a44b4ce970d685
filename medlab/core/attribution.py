"""Attribution: which part of the picture a word rests on, according to one method. It is a claim, not a cause."""

import numpy as np

from medlab.core.errors import SpecError
from medlab.core.geometry import SquareFit
from medlab.core.record import Record, check_number, check_text, frozen_array, record


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
    causal: bool = False
    """True where the method changed the input and watched the output"""
    completeness_error: float | None = None
    """|sum(values) - change of the output| for methods that promise their sum; None for others"""
    model_fingerprint: str = ""
    answer_fingerprint: str = ""
    verdict: str | None = None
    """one line on how far it has earned trust; None means untested"""

    def __post_init__(self):
        object.__setattr__(self, "values", frozen_array("values", self.values, np.float32, (2,)))
        check_text("method", self.method)
        if self.contrast and len(self.target) != 2:
            raise SpecError(f"contrast with {len(self.target)} target(s)", accepted="exactly two: (for, against)")
        if self.completeness_error is not None:
            check_number("completeness_error", self.completeness_error, low=0)

    def __repr__(self) -> str:
        words = " against ".join(self.target) if self.contrast else " ".join(self.target)
        return f"Attribution({words!r} by {self.method}, {self.values.shape[0]}x{self.values.shape[1]} grid)"
