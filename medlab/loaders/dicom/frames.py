"""One frame's bytes out of Pixel Data: by arithmetic where it is native, by fragments where it is encapsulated.

PS3.5, section 8 and annex A.4. It copies nothing of native data and does not decode.
"""

import itertools
import struct

from medlab.core.errors import DataError
from medlab.loaders.decoded import Account
from medlab.loaders.dicom.elements import ITEM, SEQUENCE_END, UNDEFINED, Element, Elements
from medlab.loaders.dicom.layout import Layout
from medlab.loaders.dicom.notes import note

MAX_FRAGMENTS = 1 << 17
"""of one file: 32 for each of the most frames that are read by default; each costs memory, even an empty one"""
_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")
"""how a JPEG or JPEG 2000 stream begins"""


def native_span(pixels: Element, layout: Layout, frame: int, account: Account) -> tuple[int, int]:
    """(first bit, number of bits) of a frame of native data, counted from the beginning of the file.

    Raises DataError "decode" for an undefined length, "mismatch" where there is less than the header says.
    """
    if pixels.length == UNDEFINED:
        raise DataError(
            "decode",
            "native pixel data of undefined length",
            accepted="a length, or a compressed transfer syntax",
        )
    due = layout.frames * layout.frame_bits
    if 8 * pixels.length < due:
        raise DataError(
            "mismatch",
            f"{pixels.length} bytes of pixel data",
            accepted=f"{-(-due // 8)} for {layout.rows} x {layout.cols} pixels in {layout.frames} frame(s)",
        )
    if pixels.length - -(-due // 8) > 1:  # one byte makes an odd length even
        note(account, "extra_pixel_data", f"{pixels.length} bytes, {-(-due // 8)} accounted for")
    return 8 * pixels.start + frame * layout.frame_bits, layout.frame_bits


def encapsulated_frame(
    data: bytes, elements: Elements, pixels: Element, layout: Layout, frame: int, account: Account
) -> bytes:
    """The compressed stream of a frame.

    Raises DataError "decode" where the data is not in fragments or they cannot be told apart into frames,
    "truncated" where a fragment runs past the end, "no_pixels" where there is none, "too_large" beyond MAX_FRAGMENTS.
    """
    if pixels.length != UNDEFINED:
        raise DataError("decode", "compressed pixel data that is not in fragments: the transfer syntax is wrong")
    fragments = _fragments(data, pixels.start, account)
    if len(fragments) < 2:
        raise DataError("no_pixels", "the pixel data holds no fragment")
    table, fragments = fragments[0], fragments[1:]
    starts = _first_fragments(data, elements, table, fragments, layout.frames)
    first = starts[frame]
    last = starts[frame + 1] if frame + 1 < len(starts) else len(fragments)
    parts = [data[start : start + length] for start, length in fragments[first:last]]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _fragments(data: bytes, position: int, account: Account) -> list[tuple[int, int]]:
    """(start, length) of every item, the offset table first. Items are little endian in every such syntax."""
    found: list[tuple[int, int]] = []
    while len(data) - position >= 8:
        group, number, length = struct.unpack_from("<HHI", data, position)
        tag = group << 16 | number
        if tag == SEQUENCE_END:
            return found
        if tag != ITEM or length == UNDEFINED:
            raise DataError("decode", "the fragments of the pixel data are broken")
        if position + 8 + length > len(data):
            raise DataError("truncated", "the last fragment of the pixel data is cut off", fix="copy it again")
        if len(found) > MAX_FRAGMENTS:
            raise DataError("too_large", f"more than {MAX_FRAGMENTS} fragments of pixel data")
        found.append((position + 8, length))
        position += 8 + length
    note(account, "no_end_marker")
    return found


def _first_fragments(
    data: bytes, elements: Elements, table: tuple[int, int], fragments: list[tuple[int, int]], frames: int
) -> list[int]:
    """For each frame the number of its first fragment."""
    if frames == 1:
        return [0]
    for offsets in (_extended_offsets(elements), _basic_offsets(data, table, frames)):
        # counted from the first fragment's item
        places = {start - fragments[0][0]: number for number, (start, _) in enumerate(fragments)}
        numbers = [places.get(offset, -1) for offset in offsets]
        if len(numbers) == frames and numbers[0] == 0 and all(a < b for a, b in itertools.pairwise(numbers)):
            return numbers
    if len(fragments) == frames:
        return list(range(frames))
    begun = [number for number, (start, _) in enumerate(fragments) if data.startswith(_STARTS, start)]
    if len(begun) == frames and begun[0] == 0:
        return begun
    raise DataError(
        "mismatch", f"{len(fragments)} fragments that cannot be told apart into the {frames} frames of the header"
    )


def _extended_offsets(elements: Elements) -> tuple[float, ...]:
    return elements.numbers("ExtendedOffsetTable", "OV")


def _basic_offsets(data: bytes, table: tuple[int, int], frames: int) -> tuple[int, ...]:
    """() where the table is not one of an offset a frame, as where it is empty."""
    start, length = table
    return struct.unpack_from(f"<{frames}I", data, start) if length == 4 * frames else ()
