"""What a compressed frame says about itself, read from its first bytes and checked before any decoder runs.

A decoder allocates what the stream asks for and some abort when it lies; so size, samples and depth are compared with
the header here, and a stream without its end marker is refused. Nothing is decoded.
"""

import struct
from typing import NamedTuple

from medlab.core.errors import DataError
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.dicom.layout import Layout

MAX_TILES = 65535
"""ISO/IEC 15444-1, A.4.2"""
_JP2_BOX = b"\0\0\0\x0cjP  "
_END = b"\xff\xd9"
# SOFn: every C0..CF but DHT (C4), JPG (C8) and DAC (CC); F7 begins a JPEG-LS frame
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_ALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
_LOSSLESS = frozenset((0xC3, 0xC7, 0xCB, 0xCF))


class Codestream(NamedTuple):
    rows: int
    cols: int
    samples: int
    bits: int
    signed: bool
    """always False but for JPEG 2000, the only one that knows"""
    lossless_jpeg: bool
    """process 14 of JPEG, which few decoders know"""
    colour: str
    """what the stream itself says of three samples: "RGB", "YBR" or "" """


def inspect(stream: bytes, family: str, layout: Layout, options: ReadOptions) -> Codestream | None:
    """Read and check a stream. `family` is "jpeg", "jpegls", "j2k" or "rle"; RLE says no size, and gives None.

    Raises DataError "decode" for what is no such stream, "mismatch" where the header disagrees, "too_large",
    "truncated" where the end marker is missing.
    """
    if family == "rle":
        _check_rle(stream, layout, options)
        return None
    try:
        found = _read_j2k(stream) if family == "j2k" else _read_jpeg(stream, family)
    except (struct.error, IndexError) as error:
        raise DataError("truncated", "the compressed stream ends inside its own header") from error
    if (found.rows, found.cols, found.samples) != (layout.rows, layout.cols, layout.samples):
        raise DataError(
            "mismatch",
            f"the compressed stream holds {found.rows} x {found.cols} x {found.samples}",
            accepted=f"the header's {layout.rows} x {layout.cols} x {layout.samples}",
        )
    layout.check_size(options)
    if found.bits > layout.bits_allocated:
        raise DataError(
            "mismatch",
            f"{found.bits} bits per sample in the compressed stream",
            accepted=f"at most the {layout.bits_allocated} that the header allocates",
        )
    if _END not in stream[-64:]:
        raise DataError("truncated", "the compressed stream has no end marker", fix="copy or download it again")
    return found


def _check_rle(stream: bytes, layout: Layout, options: ReadOptions) -> None:
    """PS3.5, annex G: 16 numbers, then one PackBits segment per byte of a pixel."""
    layout.check_size(options)
    segments = layout.samples * layout.bits_allocated // 8
    if len(stream) < 64:
        raise DataError("truncated", "the RLE stream ends inside its header")
    count, *offsets = struct.unpack_from("<16I", stream)
    if count > 15 or offsets[:1] != [64]:
        raise DataError("decode", "the pixel data does not begin like an RLE stream: the transfer syntax is wrong")
    if count != segments:
        raise DataError("mismatch", f"{count} RLE segments", accepted=f"{segments} for the header's samples and bits")
    ends = [*offsets[1:count], len(stream)]
    for start, end in zip(offsets, ends, strict=False):
        if not start < end <= len(stream):
            raise DataError("truncated", "an RLE segment lies outside the stream")
        # two bytes make at most 128
        if (end - start) * 64 < layout.rows * layout.cols:
            raise DataError("mismatch", "an RLE segment is too short for the header's rows and columns")


def _read_jpeg(stream: bytes, family: str) -> Codestream:
    if stream[:2] != b"\xff\xd8":
        raise DataError("decode", "the pixel data does not begin like a JPEG stream: the transfer syntax is wrong")
    position, adobe, jfif = 2, None, False
    while True:
        if stream[position] != 0xFF:
            raise DataError("decode", "the JPEG stream has no frame header")
        marker = stream[position + 1]
        position += 1 if marker == 0xFF else 2
        if marker in _ALONE or marker == 0xFF:
            continue
        length = struct.unpack_from(">H", stream, position)[0]
        if marker in (0xD9, 0xDA):
            raise DataError("decode", "the JPEG stream has no frame header")
        if marker in _FRAME_MARKERS:
            break
        # a shorter one ends before the byte that names the transform
        if marker == 0xEE and length >= 14 and stream[position + 2 : position + 7] == b"Adobe":
            adobe = stream[position + 13]
        jfif = jfif or (marker == 0xE0 and stream[position + 2 : position + 7] == b"JFIF\0")
        position += length
    if (marker == 0xF7) != (family == "jpegls"):
        raise DataError("decode", "JPEG-LS where JPEG was expected, or the other way round: wrong transfer syntax")
    bits, rows, cols, samples = struct.unpack_from(">BHHB", stream, position + 2)
    ids = stream[position + 8 : position + 8 + 3 * samples : 3]
    return Codestream(rows, cols, samples, bits, False, marker in _LOSSLESS, _jpeg_colour(adobe, jfif, ids))


def _jpeg_colour(adobe: int | None, jfif: bool, ids: bytes) -> str:
    """What the markers say: Adobe's is explicit, JFIF means YBR, letters for component ids mean RGB."""
    if adobe is not None:
        return "YBR" if adobe == 1 else "RGB"
    if ids in (b"RGB", b"rgb"):
        return "RGB"
    return "YBR" if jfif else ""


def _read_j2k(stream: bytes) -> Codestream:
    """SIZ, the segment that must come first (ISO/IEC 15444-1, A.5.1), inside a JP2 box or bare."""
    start = stream.find(b"\xff\x4f\xff\x51", 0, 4096) if stream.startswith(_JP2_BOX) else 0
    if start < 0 or stream[start : start + 4] != b"\xff\x4f\xff\x51":
        raise DataError("decode", "the pixel data does not begin like JPEG 2000: the transfer syntax is wrong")
    right, bottom, left, top, tile_cols, tile_rows, tile_left, tile_top, samples = struct.unpack_from(
        ">8IH", stream, start + 8
    )
    parts = [struct.unpack_from(">3B", stream, start + 42 + 3 * part) for part in range(min(samples, 4))]
    if right <= left or bottom <= top or not tile_cols or not tile_rows or not parts:
        raise DataError("decode", "the JPEG 2000 stream states an empty picture")
    tiles = -(-(right - tile_left) // tile_cols) * -(-(bottom - tile_top) // tile_rows)
    if not 0 < tiles <= MAX_TILES:
        raise DataError("decode", f"the JPEG 2000 stream states {tiles} tiles", accepted=f"1 to {MAX_TILES}")
    if len(set(parts)) > 1 or parts[0][1:] != (1, 1):
        raise DataError("unsupported", "JPEG 2000 with samples of different size or depth")
    depth = parts[0][0]
    colour = "RGB" if samples == 3 and _has_component_transform(stream, start) else ""
    return Codestream(bottom - top, right - left, samples, (depth & 0x7F) + 1, depth > 0x7F, False, colour)


def _has_component_transform(stream: bytes, start: int) -> bool:
    """Whether COD, a segment of the main header (A.6.1), says so: the decoder then gives RGB, whatever DICOM says."""
    position = start + 2
    while stream[position] == 0xFF and stream[position + 1] != 0x90:  # SOT ends the main header
        if stream[position + 1] == 0x52:
            return stream[position + 8] == 1
        position += 2 + struct.unpack_from(">H", stream, position + 2)[0]
    return False
