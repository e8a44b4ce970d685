"""The frame of a PNG file: its chunks, their checksums, the size it declares. It decodes no pixel.

Pillow does not verify the checksum of image data, so that a flipped bit can pass for anatomy; and it allocates what
the header declares. Both are looked at here, before it is called (PNG specification, third edition, clauses 5 and 11).
"""

import struct
import zlib
from typing import NamedTuple

from medlab.core.errors import DataError, shown

COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"fdAT", b"IEND")


class Header(NamedTuple):
    rows: int
    cols: int
    depth: int
    """bits per sample: 1, 2, 4, 8 or 16"""
    colour_type: int
    """a key of COLOUR_TYPES"""


def check(data: bytes, name: str) -> Header:
    """The header of a PNG whose chunks are complete and unharmed.

    Raises DataError: "truncated" where the end is missing, "decode" where a checksum is wrong.
    """
    header = read_header(data, name)
    at, end = 8, len(data)
    while at + 12 <= end:
        length, kind = struct.unpack_from(">I4s", data, at)
        after = at + 12 + length
        if after > end:
            break
        if kind in _CRITICAL and zlib.crc32(memoryview(data)[at + 4 : after - 4]) != _word(data, after - 4):
            raise DataError("decode", f"{shown(name)}: the checksum of a {kind.decode()} chunk is wrong", fix=_FIX)
        if kind == b"IEND":
            return header
        at = after
    raise DataError("truncated", f"{shown(name)}: the PNG ends after {end} bytes without its last chunk", fix=_FIX)


def read_header(data: bytes, name: str) -> Header:
    """The first chunk. Raises DataError "truncated" or "decode"."""
    if len(data) < 33:
        raise DataError("truncated", f"{shown(name)}: a PNG of {len(data)} bytes has no header", fix=_FIX)
    length, kind, cols, rows, depth, colour_type = struct.unpack_from(">I4sIIBB", data, 8)
    if (length, kind) != (13, b"IHDR") or colour_type not in COLOUR_TYPES:
        raise DataError("decode", f"{shown(name)}: the PNG header is not one", fix=_FIX)
    return Header(rows, cols, depth, colour_type)


def _word(data: bytes, at: int) -> int:
    return struct.unpack_from(">I", data, at)[0]


_FIX = "copy or download the file again"
