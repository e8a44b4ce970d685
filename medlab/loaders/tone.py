"""Which number is black and which is white, where no header says: PNG, TIFF, NIfTI, arrays.

Whole numbers get a lookup table and real numbers are scaled at once. It guesses one thing only, the bits in use of a
16-bit picture, and says so; for anything else that nobody stated it asks the person.
"""

import numpy as np

from medlab.core.errors import DataError, SpecError, shown
from medlab.loaders.decoded import WINDOW_PRESETS, Account, Decoded, ReadOptions, three_windows

BITS = (8, 10, 12, 14, 16)
LIMIT = 1e30
"""real values beyond this are no measurement"""


def show_values(
    values: np.ndarray,
    options: ReadOptions,
    account: Account,
    name: str,
    *,
    extent: tuple[float, float] | None = None,
) -> Decoded:
    """A picture from numbers.

    values      (rows, cols) or (rows, cols, 3), bool, whole or real. uint8 means 0..255; uint16 means 0 to the
                greatest value that the bits in use can hold; reals mean 0..1. For other ranges `options` must say
                `window` (linear from centre - width / 2 to centre + width / 2), `full_range` or `three_windows`
    extent      (black, white) where the options say nothing, from a source that knows more than these values

    Raises DataError "needs_window", "decode" for NaN or infinity; SpecError for a window that cannot be.
    """
    _check_options(values, options)
    if values.dtype.kind == "u" and options.window in WINDOW_PRESETS.values():
        account.doubt("window_in_hu", "the window is meant for CT in HU; numbers without a sign are no HU")
    mask = values.dtype == bool
    values = _narrow(values, name)
    fields: dict[str, object] = {"bits": 1 if mask else 8 * values.itemsize}
    if options.three_windows:
        account.steps.append("three CT windows as red, green, blue")
        return Decoded(three_windows(values), None, fields, steps=account.steps, notes=account.notes)
    black, white = _range(values, options, account, name, fields, extent)
    if values.dtype.kind == "f":
        stored, lut = _spread(values, black, white), None
    else:
        steps = np.arange(1 << (8 * values.itemsize), dtype=f"u{values.itemsize}").view(values.dtype)
        stored, lut = values, _spread(steps, black, white)
    return Decoded(stored, lut, fields, steps=account.steps, notes=account.notes)


def _check_options(values: np.ndarray, options: ReadOptions) -> None:
    if options.window_index:
        raise SpecError(
            f"window {options.window_index} of a file that has none of its own",
            accepted="(centre, width), a preset, or nothing",
        )
    if values.ndim == 3 and (options.window or options.three_windows):
        raise SpecError("a window was asked for a colour picture", accepted="a window on grey values only")
    if options.three_windows and values.dtype.kind == "u":
        raise SpecError(
            f"three_windows was asked for {values.dtype} values", accepted="CT values in HU: signed or real numbers"
        )


def _narrow(values: np.ndarray, name: str) -> np.ndarray:
    """`values` as uint8, uint16, int16 or a finite real dtype of native byte order."""
    if values.dtype.kind == "f":
        if not float(np.abs(values).max()) < LIMIT:
            raise DataError(
                "decode",
                f"{shown(name)} holds NaN, infinity or values beyond {LIMIT:g}",
                fix="np.nan_to_num(array) if zero is meant",
            )
        return values
    if values.dtype == bool:
        # by truth, not by bits: the True of a 1-bit Pillow image is stored as 255
        return np.where(values, np.uint8(255), np.uint8(0))
    if values.dtype.kind not in "iu":
        raise DataError("decode", f"{shown(name)} holds {values.dtype}", accepted="whole or real numbers")
    low, high = int(values.min()), int(values.max())
    for kind in (np.uint8, np.uint16, np.int16):
        fits = np.iinfo(kind).min <= low and high <= np.iinfo(kind).max
        # 8 bits are kept only where the source had them: the range of 0..200 in 16 bits is not 0..255 by itself
        if fits and (values.dtype == kind or kind is not np.uint8):
            return values.astype(kind, copy=False)
    return values.astype(np.float64)


def _range(
    values: np.ndarray,
    options: ReadOptions,
    account: Account,
    name: str,
    fields: dict[str, object],
    extent: tuple[float, float] | None,
) -> tuple[float, float]:
    """The numbers that are black and white; writes down why."""
    if options.window is not None:
        return _window(values, options.window, account, fields)
    if options.full_range:
        extent = float(values.min()), float(values.max())
    if extent is not None:
        account.steps.append(f"{extent[0]:g}..{extent[1]:g} to 0..1")
        return extent
    if values.dtype == np.uint8:
        account.steps.append("0..255 to 0..1")
        return 0.0, 255.0
    low, high = float(values.min()), float(values.max())
    if values.dtype == np.uint16:
        return 0.0, _greatest(int(high), account, fields)
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        account.steps.append("taken as 0..1")
        return 0.0, 1.0
    raise DataError(
        "needs_window",
        f"{shown(name)} runs from {low:g} to {high:g}: which value is black and which is white?",
        accepted="uint8, uint16, or real numbers from 0 to 1; other ranges with a window",
        fix='full_range=True, or window=(centre, width), or for CT in HU window="lung"',
    )


def _window(
    values: np.ndarray, window: tuple[float, float], account: Account, fields: dict[str, object]
) -> tuple[float, float]:
    centre, width = window
    black, white = centre - width / 2, centre + width / 2
    fields["window"] = window
    account.steps.append(f"window {centre:g}/{width:g}")
    low, high = float(values.min()), float(values.max())
    if high <= black or low >= white:
        account.doubt(
            "window_outside_data", f"the window shows {black:g} to {white:g}, the values run {low:g} to {high:g}"
        )
    return black, white


def _greatest(high: int, account: Account, fields: dict[str, object]) -> float:
    """White of a 16-bit picture: the greatest number that its bits in use can hold."""
    bits = next(bits for bits in BITS if high < 1 << bits)
    fields["bits"] = bits
    account.steps.append(f"0..{(1 << bits) - 1} to 0..1")
    if bits < 16:
        account.doubt(
            "bits_guessed", f"16 bits are stored but the greatest value is {high}: taken as {bits} bits of grey"
        )
    return float((1 << bits) - 1)


def _spread(values: np.ndarray, black: float, white: float) -> np.ndarray:
    """`values` with black at 0 and white at 1, clipped, float32; all 0 where black is white."""
    share = (values.astype(np.float64) - black) / (white - black or 1.0)
    return np.clip(share, 0, 1).astype(np.float32)
