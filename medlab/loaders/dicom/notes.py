"""What the DICOM reader may correct or doubt, in one table: docs/dicom.md is tested against it."""

from medlab.loaders.decoded import Account

NOTES: dict[str, tuple[str, str]] = {
    # the file
    "polyglot_preamble": ("doubt", "the 128 free bytes before DICM begin like another kind of file"),
    "charset": ("doubt", "the character set is none of DICOM's; no text of the file is used"),
    "transfer_syntax_missing": ("correction", "no transfer syntax is stated; it was told from the first element"),
    "transfer_syntax_wrong": ("correction", "the header is not written as its transfer syntax says; read as it is"),
    "extra_pixel_data": ("doubt", "more pixel data than rows, columns and frames account for"),
    "no_end_marker": ("doubt", "the encapsulated pixel data lacks its end marker"),
    # what the picture is
    "burned_in_text": ("doubt", "the pixels may hold text about the patient"),
    "view_unknown": ("doubt", "a projection whose view is not stated; it is not guessed"),
    "laterality_unknown": ("doubt", "one of a pair of organs whose side is not stated; it is not guessed"),
    "modality_unknown": ("doubt", "the modality is missing or none of DICOM's"),
    "lossy": ("doubt", "the pixels went through lossy compression"),
    "spacing_at_detector": ("doubt", "millimetres at the detector: anatomy is smaller by the magnification"),
    "spacing_unusable": ("doubt", "the stated pixel spacing is not two positive numbers; dropped"),
    "not_square": ("doubt", "pixels are not square; shown pixel by pixel the picture is stretched"),
    # stored values
    "photometric_missing": ("correction", "no photometric interpretation; taken as MONOCHROME2"),
    "photometric_mismatch": ("correction", "colour is stored otherwise than the header says; shown as it is stored"),
    "high_bits": ("correction", "bits outside the stored ones (an overlay, or a sign not extended) were ignored"),
    "sign_mismatch": ("correction", "header and compressed stream disagree on the sign; the header was followed"),
    "padding": ("correction", "padding pixels do not count in the range of the data"),
    "supplemental_palette": ("doubt", "a colour map for part of the range is not shown"),
    # grey
    "slope_zero": ("correction", "a rescale slope of 0 or no number was ignored"),
    "modality_lut_unusable": ("correction", "the modality LUT is malformed and was ignored"),
    "lut_length": ("correction", "a LUT is longer or shorter than its descriptor says; the data counts"),
    "voi_lut_unusable": ("correction", "the VOI LUT is malformed and was ignored"),
    "voi_function_unknown": ("correction", "an unknown VOI LUT function was taken as LINEAR"),
    "window_invalid": ("correction", "a window without a finite centre and a positive width was ignored"),
    "window_ignored": ("correction", "the file's window lies wholly outside the data; the data range was used"),
    "window_outside_data": ("doubt", "the window that was asked for lies wholly outside the data"),
    "several_windows": ("doubt", "the file offers several windows or VOI LUTs, hence several pictures"),
    "no_window": ("doubt", "no window in the file: black is the least value and white the greatest"),
    "window_on_colour": ("doubt", "a window means nothing for a colour picture; it was not applied"),
    "not_hounsfield": ("doubt", "CT windows on values that are not known to be Hounsfield units"),
    "inverted": ("correction", "stored with white as the least value; turned so that bright is dense"),
    "clipped": ("doubt", "more than a quarter of the body is pure black or pure white"),
    # a series
    "localizer_dropped": ("correction", "localizers of the folder were left out"),
    "slices_chosen": ("correction", "not every slice was taken, as asked"),
    "duplicate_position": ("doubt", "two slices lie at one position"),
    "uneven_spacing": ("doubt", "the distance between slices is not the same throughout"),
}
"""code: (kind, what it means)"""


def note(account: Account, code: str, detail: str = "") -> None:
    """Write down `code`, with what is particular to this file (numbers, never its text). KeyError: unknown code."""
    kind, meaning = NOTES[code]
    write = account.correct if kind == "correction" else account.doubt
    write(code, f"{meaning} ({detail})" if detail else meaning)
