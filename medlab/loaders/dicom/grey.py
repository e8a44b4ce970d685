"""The one table from a stored pattern to grey: stored, modality, VOI, inversion, in the order of PS3.4, N.2.

A grey pixel of up to 16 bits has at most 65,536 patterns, so the whole chain is computed once for each pattern and the
picture is looked up: exact, and thirty times cheaper than floating-point pictures. It does not touch the pixels but
to learn their range.
"""

import numpy as np

from medlab.loaders.decoded import Account, Decoded, ReadOptions, three_windows
from medlab.loaders.dicom.colour import as_colour
from medlab.loaders.dicom.elements import Elements
from medlab.loaders.dicom.frame_header import FrameHeader
from medlab.loaders.dicom.layout import Layout
from medlab.loaders.dicom.modality import Modality, read_modality
from medlab.loaders.dicom.notes import note
from medlab.loaders.dicom.voi import choose_voi

SAMPLE_SIDE = 256
"""about how many rows and columns are looked at where a share of the pixels is estimated"""
CLIPPED_SHARE = 0.25
BODY_HU = -300.0
"""CT values above this are body; lung and air lie below"""


def show_grey(
    stored: np.ndarray, layout: Layout, header: FrameHeader, options: ReadOptions, account: Account
) -> Decoded:
    """A Decoded for (rows, cols) patterns. Raises SpecError for a window that the file does not have."""
    padding = _padding(header.top, layout)
    low, high = _range(stored, layout, padding, account)
    modality = read_modality(header, layout.signed, account)
    units = modality(_meanings(layout))
    if options.three_windows:
        return _three(stored, layout, units, header, modality, account)
    # 8 bits or fewer are display values where nobody says otherwise, as in a PNG; deeper data is not
    whole = modality.span(0, (1 << layout.bits_stored) - 1) if layout.bits_stored <= 8 and not layout.signed else None
    voi = choose_voi(header, options, account, span=modality.span(low, high), whole=whole, signed=layout.signed)
    account.steps.append(voi.step)
    grey = voi.show(units)
    if _is_inverted(header.top, layout, account):
        grey = 1 - grey
        account.steps.append("inverted")
    lut = _spread(grey.astype(np.float32), layout)
    _look_for_clipping(stored, layout, (low, high), units, lut, header.top.code("Modality") == "CT", account)
    fields = {"window": voi.window, "windows": voi.windows}
    return Decoded(stored, lut, fields, steps=account.steps, notes=account.notes)


def _meanings(layout: Layout) -> np.ndarray:
    """What each pattern of the stored bits means as a number, float64."""
    values = np.arange(1 << layout.bits_stored, dtype=np.float64)
    if layout.signed:
        values[len(values) // 2 :] -= len(values)
    return values


def _spread(table: np.ndarray, layout: Layout) -> np.ndarray:
    """A table over the stored bits as one over every pattern of a whole pixel: other bits make no difference."""
    patterns = 1 << (8 * layout.dtype.itemsize)
    below = np.repeat(table, 1 << layout.shift, axis=0)
    return np.tile(below, (patterns // len(below),) + (1,) * (table.ndim - 1))


def _range(stored: np.ndarray, layout: Layout, padding: tuple[int, int] | None, account: Account) -> tuple[int, int]:
    """(least, greatest) number stored, without padding; all of it where there is nothing else."""
    values = stored.view(layout.dtype)
    low, high = int(values.min()), int(values.max())
    least = -(1 << layout.bits_stored - 1) if layout.signed else 0
    if layout.shift or low < least or high >= least + (1 << layout.bits_stored):
        note(account, "high_bits")
        spread = layout.dtype.itemsize * 8 - layout.bits_stored
        # up to the top drops what is above, and down again extends the sign and drops what is below
        values = values << (spread - layout.shift) >> spread
        low, high = int(values.min()), int(values.max())
    # padding is at an end of the data where it matters, and looking for it costs a pass
    if padding is None or not (padding[0] <= low <= padding[1] or padding[0] <= high <= padding[1]):
        return low, high
    rest = values[(values < padding[0]) | (values > padding[1])]
    if rest.size == 0:
        return low, high
    note(account, "padding", f"{values.size - rest.size} pixels")
    return int(rest.min()), int(rest.max())


def _padding(elements: Elements, layout: Layout) -> tuple[int, int] | None:
    """The range of values that mean "no pixel here" (PS3.3, C.7.5.1.1.2); None where none is stated."""
    kind = "SS" if layout.signed else "US"
    ends = [
        numbers[0]
        for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")
        if (numbers := elements.numbers(name, kind))
    ]
    return (int(min(ends)), int(max(ends))) if "PixelPaddingValue" in elements and ends else None


def _is_inverted(elements: Elements, layout: Layout, account: Account) -> bool:
    """MONOCHROME1 and PresentationLUTShape INVERSE say the same thing: one inversion, never two (C.11.6.1.2)."""
    shape = elements.code("PresentationLUTShape")
    if layout.photometric == "MONOCHROME1":
        note(account, "inverted", "MONOCHROME1")
        return True
    if shape == "INVERSE":
        note(account, "inverted", "Presentation LUT Shape INVERSE on MONOCHROME2")
        return True
    return False


def _three(
    stored: np.ndarray,
    layout: Layout,
    units: np.ndarray,
    header: FrameHeader,
    modality: Modality,
    account: Account,
) -> Decoded:
    """The RGB of three CT windows as a colour picture of 8 bits."""
    if header.top.code("Modality") != "CT" or not modality.stated:
        note(account, "not_hounsfield")
    account.steps.append("three CT windows as red, green, blue")
    table = _spread(np.round(three_windows(units) * 255).astype(np.uint8), layout)
    return as_colour(np.take(table, stored, axis=0), 8, account)


def _look_for_clipping(
    stored: np.ndarray,
    layout: Layout,
    extent: tuple[int, int],
    units: np.ndarray,
    lut: np.ndarray,
    is_ct: bool,
    account: Account,
) -> None:
    """Doubt a picture whose body is largely pure black or white, estimated on a grid of its pixels.

    Body is what is neither the least nor the greatest value (in CT: what is above BODY_HU): air beside the patient and
    the shadow of a collimator lie at an end of the range and may well be clipped.
    """
    steps = tuple(max(1, side // SAMPLE_SIDE) for side in stored.shape)
    sample = stored[:: steps[0], :: steps[1]]
    stored_bits = sample >> layout.shift & ((1 << layout.bits_stored) - 1)
    meanings = (units if is_ct else _meanings(layout))[stored_bits]
    body = meanings > BODY_HU if is_ct else (meanings > extent[0]) & (meanings < extent[1])
    shades = lut[sample[body]]
    share = np.count_nonzero((shades == 0) | (shades == 1)) / max(1, shades.size)
    if shades.size >= 64 and share > CLIPPED_SHARE:
        note(account, "clipped", f"about {100 * share:.0f} %")
