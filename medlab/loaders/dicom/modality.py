"""From stored values to modality units, such as HU (PS3.3, C.11.1): a LUT, or slope and intercept, or nothing."""

import dataclasses

import numpy as np

from medlab.loaders.decoded import Account
from medlab.loaders.dicom.frame_header import FrameHeader
from medlab.loaders.dicom.notes import note
from medlab.loaders.dicom.tables import Table, read_table

LIMIT = 1e12
"""a slope or intercept beyond this is no measurement, and would lose every digit"""


@dataclasses.dataclass(frozen=True)
class Modality:
    slope: float = 1.0
    intercept: float = 0.0
    table: Table | None = None
    stated: bool = False
    """False where the file says nothing: units are then those of the detector"""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Stored values (any shape) in modality units, float64."""
        return self.table(values) if self.table else values * self.slope + self.intercept

    def span(self, low: int, high: int) -> tuple[float, float]:
        """The range of units that stored values from `low` to `high` make."""
        if self.table:
            units = self.table(np.arange(low, high + 1))
            return float(units.min()), float(units.max())
        return tuple(sorted((low * self.slope + self.intercept, high * self.slope + self.intercept)))


def read_modality(header: FrameHeader, signed: bool, account: Account) -> Modality:
    """What the file states; a LUT wins over a slope, as only one of them may stand there."""
    for item in header.top.items("ModalityLUTSequence"):
        table = read_table(item, account, signed_input=signed)
        if table is not None:
            account.steps.append("modality LUT")
            return Modality(table=table, stated=True)
        note(account, "modality_lut_unusable")
    holder = header.holder("PixelValueTransformationSequence", "RescaleSlope", "RescaleIntercept")
    slopes, intercepts = holder.numbers("RescaleSlope"), holder.numbers("RescaleIntercept")
    if not slopes and not intercepts:
        return Modality()
    slope, intercept = (slopes or (1.0,))[0], (intercepts or (0.0,))[0]
    if not 0 < abs(slope) < LIMIT or not abs(intercept) < LIMIT:
        note(account, "slope_zero")
        return Modality()
    account.steps.append(f"rescale {slope:g} x + {intercept:g}")
    return Modality(slope, intercept, stated=True)
