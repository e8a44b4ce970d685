"""Colour: palette indices to RGB (PS3.3, C.7.6.3.1.5), and RGB to a Decoded. Windows mean nothing here."""

import numpy as np

from medlab.core.errors import DataError, SpecError
from medlab.loaders.decoded import Account, Decoded, ReadOptions
from medlab.loaders.dicom.elements import Elements
from medlab.loaders.dicom.layout import Layout
from medlab.loaders.dicom.notes import note
from medlab.loaders.dicom.tables import read_table

PALETTES = ("Red", "Green", "Blue")


def show_colour(
    stored: np.ndarray, layout: Layout, elements: Elements, options: ReadOptions, account: Account
) -> Decoded:
    """A Decoded for RGB samples or palette indices.

    Raises SpecError for CT windows on colour, DataError "decode" for a palette that makes no sense.
    """
    if options.three_windows:
        raise SpecError("three_windows was asked for a colour picture", accepted="CT values in HU")
    if options.window is not None or options.window_index or options.full_range:
        note(account, "window_on_colour")
    if layout.photometric != "PALETTE COLOR":
        account.steps.append(f"RGB of {layout.bits_stored} bits")
        return as_colour(stored >> layout.shift if layout.shift else stored, layout.bits_stored, account)
    indices = stored >> layout.shift & ((1 << layout.bits_stored) - 1)
    palette, bits = _palette(elements, layout, account)
    account.steps.append(f"palette of {bits} bits")
    return as_colour(np.take(palette, indices, axis=0), bits, account)


def as_colour(values: np.ndarray, bits: int, account: Account) -> Decoded:
    """A Decoded for (rows, cols, 3) RGB, uint8 or uint16, whose white is 2**bits - 1."""
    white = (1 << bits) - 1
    patterns = np.arange(1 << (8 * values.dtype.itemsize)) & white
    return Decoded(values, (patterns / white).astype(np.float32), {}, steps=account.steps, notes=account.notes)


def _palette(elements: Elements, layout: Layout, account: Account) -> tuple[np.ndarray, int]:
    """((2**bits_stored, 3) colours, bits of a colour)."""
    tables = [
        read_table(
            elements,
            account,
            descriptor=f"{name}PaletteDescriptor",
            data=f"{name}PaletteData",
            segments=f"Segmented{name}PaletteData",
        )
        for name in PALETTES
    ]
    if any(table is None for table in tables):
        raise DataError("decode", "a palette is missing or malformed", accepted="red, green and blue")
    # some writers state 8 bits and write 16: the greatest entry tells
    bits = 8 if max(table.peak for table in tables) <= 255 else 16
    indices = np.arange(1 << layout.bits_stored)
    colours = np.stack([table(indices) for table in tables], axis=1)
    return colours.astype(f"u{bits // 8}"), bits
