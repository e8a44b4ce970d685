"""Stored values of one frame: bytes of the file in, an array of bit patterns out.

Greys come back as unsigned patterns just as they are stored, native data without a copy: sign, mask and meaning are
the table's business (`grey`). Colour comes back as RGB. It does not know windows.
"""

import dataclasses

import numpy as np

from medlab.core.errors import DataError
from medlab.loaders.decoded import Account, ReadOptions
from medlab.loaders.dicom import codecs
from medlab.loaders.dicom.codestream import Codestream, inspect
from medlab.loaders.dicom.container import BIG_ENDIAN, Container
from medlab.loaders.dicom.elements import Element
from medlab.loaders.dicom.frames import encapsulated_frame, native_span
from medlab.loaders.dicom.layout import Layout
from medlab.loaders.dicom.notes import note


def read_stored(
    container: Container, layout: Layout, frame: int, options: ReadOptions, account: Account
) -> tuple[np.ndarray, Layout]:
    """(rows, cols) uint8/uint16 patterns, or (rows, cols, 3) RGB; and the layout as it turned out to be.

    Raises DataError: see `frames`, `codestream` and `codecs`, each of which checks before it works.
    """
    elements = container.elements
    if "FloatPixelData" in elements or "DoubleFloatPixelData" in elements:
        raise DataError("unsupported", "floating-point pixel data", accepted="whole numbers of 1, 8 or 16 bits")
    pixels = elements.element("PixelData")
    if pixels is None or pixels.length == 0:
        raise DataError("no_pixels", "the file holds no pixel data", fix="choose an image object of the study")
    syntax = codecs.syntax_of(container.syntax_uid)
    if syntax.family == codecs.NATIVE:
        layout.check_size(options)
        values = _native(container, pixels, layout, frame, account)
        found = None
    else:
        stream = encapsulated_frame(container.data, elements, pixels, layout, frame, account)
        found = inspect(stream, syntax.family, layout, options)
        values = codecs.decode(stream, found, syntax.family, layout)
        layout = _as_decoded(layout, found, syntax.family, account)
    if syntax.lossy or elements.code("LossyImageCompression") == "01":
        note(account, "lossy")
    if layout.samples == 3:
        return _rgb(values, layout, found, syntax.family, account), layout
    return _patterns(values, layout), layout


def _native(container: Container, pixels: Element, layout: Layout, frame: int, account: Account) -> np.ndarray:
    first_bit, bits = native_span(pixels, layout, frame, account)
    data = container.data
    if container.syntax_uid == BIG_ENDIAN and (layout.bits_allocated == 16 or pixels.vr == "OW"):
        data, first_bit = _little_endian(data, pixels, first_bit, bits)
    if layout.bits_allocated == 1:
        packed = np.frombuffer(data, np.uint8, -(-(first_bit % 8 + bits) // 8), first_bit // 8)
        values = np.unpackbits(packed, bitorder="little")[first_bit % 8 :][:bits]
        return values.reshape(layout.shape)
    values = np.frombuffer(data, f"<u{layout.bits_allocated // 8}", bits // layout.bits_allocated, first_bit // 8)
    if layout.photometric == "YBR_FULL_422":
        return _from_422(values, layout)
    if layout.planar:
        return values.reshape(3, layout.rows, layout.cols).transpose(1, 2, 0)
    return values.reshape(layout.shape)


def _little_endian(data: bytes, pixels: Element, first_bit: int, bits: int) -> tuple[bytes, int]:
    """(the 16-bit words that hold a frame, turned; where in them it begins): smaller pixels lie in words as well."""
    start = pixels.start + (first_bit // 8 - pixels.start) // 2 * 2
    count = -(-(first_bit + bits - 8 * start) // 16)
    if start + 2 * count > len(data):
        raise DataError("truncated", "the pixel data ends inside its last word", fix="copy or download it again")
    return np.frombuffer(data, ">u2", count, start).astype("<u2").tobytes(), first_bit - 8 * start


def _from_422(values: np.ndarray, layout: Layout) -> np.ndarray:
    """Two pixels as Y Y B R (PS3.3, C.7.6.3.1.2) to two pixels as YBR YBR."""
    if layout.cols % 2:
        raise DataError("geometry", "YBR_FULL_422 with an odd number of columns", accepted="an even one")
    pairs = values.reshape(layout.rows, layout.cols // 2, 4)
    out = np.empty((layout.rows, layout.cols, 3), values.dtype)
    out[:, 0::2, 0], out[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
    for channel in (1, 2):
        out[..., channel] = np.repeat(pairs[..., channel + 1], 2, axis=1)
    return out


def _as_decoded(layout: Layout, found: Codestream | None, family: str, account: Account) -> Layout:
    """The layout of decoded values: they start at bit 0, and only JPEG 2000 knows their sign."""
    bits = layout.bits_stored
    if found is not None and layout.signed and not found.signed:
        bits = min(bits, found.bits)
    if family == "j2k" and layout.samples == 1 and found.signed != layout.signed:
        note(account, "sign_mismatch")
    return dataclasses.replace(layout, shift=0, bits_stored=bits)


def _patterns(values: np.ndarray, layout: Layout) -> np.ndarray:
    """Whole numbers of any size as unsigned patterns of the size that the header allocates."""
    size = max(1, layout.bits_allocated // 8)
    if values.dtype.itemsize != size:
        values = values.astype(f"i{size}" if values.dtype.kind == "i" else f"u{size}")
    return np.ascontiguousarray(values).view(f"u{size}")


def _rgb(values: np.ndarray, layout: Layout, found: Codestream | None, family: str, account: Account) -> np.ndarray:
    """Samples as decoded to RGB: by what the stream says of itself, else by the header."""
    values = _patterns(values, layout)
    stated_rgb = layout.photometric in ("RGB", "YBR_RCT", "YBR_ICT")
    named = found.colour if found is not None else ""
    if named and (named == "RGB") != stated_rgb:
        note(account, "photometric_mismatch", f"header {layout.photometric}, stream {named}")
    converted = bool(named) and family == "jpeg" and not found.lossless_jpeg and found.bits == 8
    if converted or named == "RGB" or (not named and stated_rgb):
        return values
    if values.dtype != np.uint8:
        raise DataError("unsupported", "YBR colour of 16 bits", accepted="8 bits")
    from PIL import Image

    account.steps.append("YBR to RGB")
    return np.asarray(Image.fromarray(np.ascontiguousarray(values), "YCbCr").convert("RGB"))
