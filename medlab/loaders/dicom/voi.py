"""From modality units to grey from 0 to 1 (PS3.3, C.11.2): the VOI LUT or window that the file or a person chose.

Windows that make no sense are ignored with a note, never an error: half of the archives of the world hold some.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from medlab.core.errors import SpecError
from medlab.loaders.decoded import Account, ReadOptions
from medlab.loaders.dicom.frame_header import FrameHeader
from medlab.loaders.dicom.notes import note
from medlab.loaders.dicom.tables import Table, read_table

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
LIMIT = 1e12
"""a centre or width beyond this is no measurement"""
MAX_TABLES = 64
"""VOI LUTs of one file that are looked at"""


@dataclasses.dataclass(frozen=True)
class Window:
    centre: float
    width: float
    function: str = "LINEAR"
    """one of FUNCTIONS"""

    @property
    def edges(self) -> tuple[float, float]:
        """Where black ends and white begins; for SIGMOID, which has no edges, where a line would have them."""
        if self.function == "LINEAR":
            half = (self.width - 1) / 2
            return self.centre - 0.5 - half, self.centre - 0.5 + half
        return self.centre - self.width / 2, self.centre + self.width / 2

    def misses(self, low: float, high: float) -> bool:
        """Whether values from `low` to `high` would all be black or all be white."""
        black, white = self.edges
        return low < high and (high <= black or low > white or low == white)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        if self.function == "SIGMOID":
            return 1 / (1 + np.exp(np.clip(-4 * (values - self.centre) / self.width, -700, 700)))
        black, white = self.edges
        if black == white:
            return (values > black).astype(np.float64)
        return np.clip((values - black) / (white - black), 0, 1)


@dataclasses.dataclass(frozen=True)
class Voi:
    show: Callable[[np.ndarray], np.ndarray]
    """modality units to grey"""
    step: str
    window: tuple[float, float] | None
    windows: tuple[tuple[float, float], ...]


def choose_voi(
    header: FrameHeader,
    options: ReadOptions,
    account: Account,
    *,
    span: tuple[float, float],
    whole: tuple[float, float] | None,
    signed: bool,
) -> Voi:
    """The one that is to be shown.

    span    the range of the data in modality units, padding left out
    whole   what is shown where the file has no window; None for the range of the data, with a doubt
    signed  whether stored values may be negative, which decides how the LUT's first entry is read

    Raises SpecError where `options.window_index` names none of the file's.
    """
    windows = _read_windows(header, account)
    pairs = tuple((window.centre, window.width) for window in windows)
    if options.window is not None:
        window = _asked(options.window, windows)
        if window.misses(*span):
            note(account, "window_outside_data", f"data from {span[0]:g} to {span[1]:g}")
        return Voi(window, _named(window), (window.centre, window.width), pairs)
    if options.full_range:
        return _full_range(span, pairs)
    tables = _read_tables(header, signed or span[0] < 0, account)
    choices: list[Table | Window] = [*tables, *windows]
    if options.window_index and options.window_index >= len(choices):
        raise SpecError(
            f"window {options.window_index} was asked for",
            accepted=f"0 to {len(choices) - 1}" if choices else "no number: the file has no window",
            fix="window=(centre, width) for one of your own" + (", window=0 for the file's first" if choices else ""),
        )
    if not choices and whole is not None:
        return _full_range(whole, pairs, "all that is storable, ")
    if not choices:
        note(account, "no_window", f"{span[0]:g} to {span[1]:g}")
        return _full_range(span, pairs)
    if len(choices) > 1:
        note(account, "several_windows", f"number {options.window_index} of {len(choices)} is shown")
    chosen = choices[options.window_index]
    if isinstance(chosen, Table):
        return Voi(lambda values: chosen(values) / chosen.peak, "VOI LUT", None, pairs)
    if chosen.misses(*span) and not options.window_index:
        note(account, "window_ignored", f"{chosen.centre:g}/{chosen.width:g}, data {span[0]:g} to {span[1]:g}")
        return _full_range(span, pairs)
    return Voi(chosen, _named(chosen), (chosen.centre, chosen.width), pairs)


def _named(window: Window) -> str:
    return f"window {window.centre:g}/{window.width:g} {window.function}"


def _asked(window: tuple[float, float], windows: list[Window]) -> Window:
    """A person's window, with the file's function; LINEAR, which is not defined below a width of 1, is then exact."""
    centre, width = float(window[0]), float(window[1])
    function = windows[0].function if windows else "LINEAR"
    return Window(centre, width, "LINEAR_EXACT" if function == "LINEAR" and width < 1 else function)


def _full_range(span: tuple[float, float], pairs: tuple[tuple[float, float], ...], what: str = "data range ") -> Voi:
    low, high = span
    scale = (high - low) or 1.0
    return Voi(lambda values: np.clip((values - low) / scale, 0, 1), f"{what}{low:g} to {high:g}", None, pairs)


def _read_windows(header: FrameHeader, account: Account) -> list[Window]:
    holder = header.holder("FrameVOILUTSequence", "WindowCenter", "WindowWidth")
    centres, widths = holder.numbers("WindowCenter"), holder.numbers("WindowWidth")
    function = holder.code("VOILUTFunction") or "LINEAR"
    if function not in FUNCTIONS:
        note(account, "voi_function_unknown")
        function = "LINEAR"
    smallest = 1.0 if function == "LINEAR" else 1e-9
    good = [
        Window(centre, width, function)
        for centre, width in zip(centres, widths, strict=False)
        if math.isfinite(centre) and abs(centre) < LIMIT and smallest <= width < LIMIT
    ]
    stated = max(len(centres), len(widths))
    if len(good) < stated:
        note(account, "window_invalid", f"{stated - len(good)} of {stated}")
    return good


def _read_tables(header: FrameHeader, signed: bool, account: Account) -> list[Table]:
    holder = header.holder("FrameVOILUTSequence", "VOILUTSequence")
    items = holder.items("VOILUTSequence", count=MAX_TABLES)
    tables = [table for item in items if (table := read_table(item, account, signed_input=signed)) is not None]
    if len(tables) < len(items):
        note(account, "voi_lut_unusable", f"{len(items) - len(tables)} of {len(items)}")
    return tables
