"""The frame of a PNG file: its chunks and their checksums. It decodes no pixel.

Pillow does not verify the checksum of image data, so that a flipped bit can pass for anatomy. It is verified here,
before Pillow is called (PNG specification, third edition, clause 5).
"""

import struct
import zlib

from medlab.core.errors import DataError, shown

_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"fdAT", b"IEND")
_FIX = "copy or download the file again"


def check(data: bytes, name: str) -> None:
    """That the chunks are complete and unharmed.

    Raises DataError: "truncated" where the end is missing, "decode" where a checksum is wrong.
    """
    if data[8:16] != b"\0\0\0\x0dIHDR":
        raise DataError("decode", f"{shown(name)}: the PNG does not begin with its header", fix=_FIX)
    at, end = 8, len(data)
    while at + 12 <= end:
        length, kind = struct.unpack_from(">I4s", data, at)
        after = at + 12 + length
        if after > end:
            break
        if kind in _CRITICAL and zlib.crc32(memoryview(data)[at + 4 : after - 4]) != _word(data, after - 4):
            raise DataError("decode", f"{shown(name)}: the checksum of a {kind.decode()} chunk is wrong", fix=_FIX)
        if kind == b"IEND":
            return
        at = after
    raise DataError("truncated", f"{shown(name)}: the PNG ends after {end} bytes without its last chunk", fix=_FIX)


def is_deep_colour(data: bytes) -> bool:
    """Whether a checked PNG has several channels of 16 bits (clause 11.2.1: bit depth, then colour type)."""
    depth, colour_type = data[24:26]
    return depth == 16 and colour_type != 0


def _word(data: bytes, at: int) -> int:
    return struct.unpack_from(">I", data, at)[0]
