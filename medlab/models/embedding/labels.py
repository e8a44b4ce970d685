"""What is known of cases, as the table of numbers that a probe learns from. It learns nothing itself."""

from collections.abc import Iterable, Sequence

import numpy as np

from medlab.core.case import Case
from medlab.core.errors import SpecError

VALUES = {"present": 1.0, "absent": 0.0}
"""by state of a Finding; "uncertain" and "not_mentioned" are not known, and so NaN"""


def label_matrix(cases: Iterable[Case], findings: Sequence[str]) -> np.ndarray:
    """(cases, findings) float32: 1 present, 0 absent, NaN not known, which includes "uncertain" and "not mentioned".

    One row a case: for embeddings of one scan of each. Raises SpecError for no case or no finding.
    """
    rows = [[VALUES.get(case.state_of(finding), np.nan) for finding in findings] for case in cases]
    if not rows or not findings:
        raise SpecError(f"{len(rows)} case(s) and {len(findings)} finding(s)", accepted="at least one of each")
    return np.array(rows, np.float32)
