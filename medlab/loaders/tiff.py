"""The frame of a TIFF file: where its directory and its blocks of pixels lie, and two habits. It decodes no pixel.

A decoder that is handed a block which ends early may fill the rest; here that is an error before it is called
(TIFF 6.0, section 2; BigTIFF differs only in the width of its offsets).
"""

import struct
from typing import TYPE_CHECKING

from medlab.core.errors import DataError, shown

if TYPE_CHECKING:
    from PIL.TiffImagePlugin import TiffImageFile

_BITS_PER_SAMPLE, _PHOTOMETRIC, _ORIENTATION = 258, 262, 274
_BLOCKS = ((273, 279), (324, 325))  # tags: where strips or tiles begin, how many bytes they have


def check_directory(data: bytes, name: str) -> None:
    """That the first directory lies within the file. Raises DataError "truncated"."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    layout, at = (f"{order}Q", 8) if big else (f"{order}I", 4)
    (start,) = struct.unpack_from(layout, data.ljust(16, b"\0"), at)
    if len(data) < at + 4 or start + 2 > len(data):
        raise DataError("truncated", f"{shown(name)}: the directory of the TIFF is beyond its end", fix=_FIX)


def check_blocks(image: "TiffImageFile", size: int, name: str) -> None:
    """That every strip and tile of the current picture lies within `size` bytes. Raises DataError "truncated"."""
    for start_tag, length_tag in _BLOCKS:
        starts, lengths = image.tag_v2.get(start_tag, ()), image.tag_v2.get(length_tag, ())
        if any(start + length > size for start, length in zip(starts, lengths, strict=False)):
            raise DataError("truncated", f"{shown(name)}: pixels lie beyond the end of the file", fix=_FIX)


def check_warnings(texts: list[str], name: str) -> None:
    """That Pillow, which only warns of a directory cut off, did not. Raises DataError "truncated"."""
    if any("Expecting to read" in text or "truncated" in text.lower() for text in texts):
        raise DataError("truncated", f"{shown(name)}: the directory of the TIFF is cut off", fix=_FIX)


def white_is_zero(image: "TiffImageFile") -> bool:
    """Whether black is the greatest value and Pillow leaves it so, as it does for 16 bits and for reals."""
    return image.tag_v2.get(_PHOTOMETRIC) == 0 and image.mode.startswith(("I", "F"))


def orientation(image: "TiffImageFile") -> int:
    """The orientation tag of a TIFF that is not loaded yet: loading removes it. 1 where there is none."""
    value = image.tag_v2.get(_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def is_deep_colour(image: "TiffImageFile") -> bool:
    """Whether there are several channels of more than 8 bits."""
    depths = image.tag_v2.get(_BITS_PER_SAMPLE, (1,))
    return len(depths) > 1 and max(depths) > 8


_FIX = "copy or download the file again"
