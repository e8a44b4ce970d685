"""The frame of a PNG file: whether its chunks come to their end, and how deep its colour is. It decodes no pixel.

A PNG that lost only its last bytes still decodes, so its missing end is looked for here. Harmed pixels need no care:
Pillow checks the sum at the end of the data (PNG specification, third edition, clauses 5 and 11).
"""

import struct

from medlab.core.errors import DataError, shown

_FIX = "copy or download the file again"


def check(data: bytes, name: str) -> None:
    """That the first chunk is the header and that the last is there. Raises DataError "decode" or "truncated"."""
    if len(data) >= 16 and data[8:16] != b"\0\0\0\x0dIHDR":
        raise DataError("decode", f"{shown(name)}: the PNG does not begin with its header", fix=_FIX)
    at, end = 8, len(data)
    while at + 12 <= end:
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if kind == b"IEND" and at <= end:
            return
    raise DataError("truncated", f"{shown(name)}: the PNG ends after {end} bytes without its last chunk", fix=_FIX)


def is_deep_colour(data: bytes) -> bool:
    """Whether a checked PNG has several channels of 16 bits (clause 11.2.1: bit depth, then colour type)."""
    depth, colour_type = data[24:26]
    return depth == 16 and colour_type != 0
