"""Masks as data sets write them, to boolean pictures and back. It opens no file and trusts no number in one."""

import io
import json
import struct

import numpy as np

from medlab.core.errors import DataError, UnknownName, shown

MAX_PIXELS = 80_000_000


def decode_mask(format: str, data: bytes, rows: int | None, cols: int | None) -> np.ndarray:
    """(rows, cols) bool.

    coco-rle  counts of 0s and 1s in turn, down the columns: the compressed ASCII of COCO, or numbers with spaces
    siim-rle  (gap, length) pairs down the columns, each gap counted from the end of the run before
    polygon   JSON [[[x, y], …], …] in pixels; a pixel belongs where its centre lies inside any of them
    png       a picture; what is not 0 belongs
    Raises DataError mask for anything that does not fit (rows, cols); those may be None for png alone.
    """
    decoders = {"coco-rle": _coco, "siim-rle": _siim, "polygon": _polygon, "png": _png}
    if format not in decoders:
        raise UnknownName("mask format", format, sorted(decoders))
    if format == "png":
        return _png(data, rows, cols)
    if not rows or not cols or rows < 0 or cols < 0 or rows * cols > MAX_PIXELS:
        raise DataError("mask", f"a {format} mask of {rows} x {cols} pixels", accepted=f"1 to {MAX_PIXELS} pixels")
    return decoders[format](data, rows, cols)


def png_of_mask(pixels: np.ndarray) -> bytes:
    """(rows, cols) bool as a one-bit PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def coco_of_mask(pixels: np.ndarray) -> bytes:
    """(rows, cols) bool as two or more counts with spaces, starting with a count of 0s."""
    flat = np.concatenate([[False], pixels.ravel(order="F"), [not pixels[-1, -1]]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(edges, prepend=0).tolist()
    return " ".join(map(str, counts if len(counts) > 1 else [*counts, 0])).encode("ascii")


def _numbers(data: bytes, what: str) -> np.ndarray:
    try:
        return np.array([int(word) for word in data.split()], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise DataError(
            "mask", f"{what}: {shown(data[:60].decode('ascii', 'replace'))} is not whole numbers"
        ) from error


def _coco(data: bytes, rows: int, cols: int) -> np.ndarray:
    plain = all(byte in b"0123456789 \n" for byte in data) and b" " in data.strip()
    counts = _numbers(data, "coco-rle") if plain else _coco_counts(data)
    if counts.size == 0 or counts.min() < 0 or counts.max() > rows * cols or counts.sum() != rows * cols:
        raise DataError(
            "mask", f"coco-rle counts do not add up to {rows} x {cols}", accepted="runs that fill the mask"
        )
    values = np.arange(counts.size) % 2 == 1
    return np.repeat(values, counts).reshape(cols, rows).T.copy()


def _coco_counts(data: bytes) -> np.ndarray:
    """COCO's ASCII: 5 bits a character from '0' on, the sixth for "more follows"; differences from the fourth on."""
    counts: list[int] = []
    value = shift = 0
    for byte in data.strip():
        bits = byte - 48
        if not 0 <= bits < 64 or shift > 60:
            raise DataError("mask", f"coco-rle: {shown(data[:40].decode('latin-1'))} is not COCO's run lengths")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (1 << shift) if bits & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift or any(abs(count) > 1 << 40 for count in counts):
        raise DataError("mask", "coco-rle: the last run is cut off, or a run is absurd")
    return np.array(counts, np.int64)


def _siim(data: bytes, rows: int, cols: int) -> np.ndarray:
    pairs = _numbers(data, "siim-rle")
    if pairs.size % 2 or pairs.size == 0 or pairs.min() < 0 or pairs.max() > rows * cols:
        raise DataError("mask", f"siim-rle: {pairs.size} numbers", accepted="pairs of gap and length, none negative")
    gaps, lengths = pairs[::2], pairs[1::2]
    ends = np.cumsum(gaps + lengths)
    if ends[-1] > rows * cols:
        raise DataError("mask", f"siim-rle: a run ends at pixel {ends[-1]}", accepted=f"up to {rows * cols}")
    change = np.zeros(rows * cols + 1, np.int8)
    np.add.at(change, ends - lengths, 1)
    np.add.at(change, ends, -1)
    return (np.cumsum(change[:-1], dtype=np.int8) > 0).reshape(cols, rows).T.copy()


def _polygon(data: bytes, rows: int, cols: int) -> np.ndarray:
    try:
        outlines = [np.array(outline, dtype=np.float64) for outline in json.loads(data)]
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError("mask", f"polygon: {shown(str(error))}", accepted="[[[x, y], …], …]") from error
    pixels = np.zeros((rows, cols), bool)
    for outline in outlines:
        if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3 or not np.isfinite(outline).all():
            raise DataError("mask", f"polygon of shape {outline.shape}", accepted="at least three finite [x, y]")
        if outline.min() < -1 or outline[:, 0].max() > cols + 1 or outline[:, 1].max() > rows + 1:
            raise DataError("mask", "polygon outside the picture", accepted=f"0 to {cols} across, 0 to {rows} down")
        left, top = np.floor(outline.min(0)).astype(int).clip(0, (cols, rows))
        right, bottom = np.ceil(outline.max(0)).astype(int).clip(0, (cols, rows))
        pixels[top:bottom, left:right] |= _filled(outline - (left, top), bottom - top, right - left)
    return pixels


def _filled(outline: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """(rows, cols) bool: pixels from whose centre a line to the left crosses the outline an odd number of times.

    outline     (n, 2) x and y, closed by itself
    """
    crossed = np.zeros((rows, cols + 1), bool)
    for (x, y), (next_x, next_y) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        first, last = np.ceil(np.sort([y, next_y]) - 0.5).clip(0, rows).astype(int)
        if first < last:
            down = np.arange(first, last)
            across = x + (down + 0.5 - y) * (next_x - x) / (next_y - y)
            # the first pixel whose centre does not lie left of the edge
            crossed[down, np.ceil(across - 0.5).clip(0, cols).astype(int)] ^= True
    return np.logical_xor.accumulate(crossed[:, :cols], axis=1)


def _png(data: bytes, rows: int | None, cols: int | None) -> np.ndarray:
    from PIL import Image

    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) < 33:
        raise DataError("mask", "png: not a PNG", accepted="a grey PNG")
    width, height = struct.unpack(">II", data[16:24])
    if width * height > MAX_PIXELS:
        raise DataError("mask", f"png of {height} x {width}", accepted=f"up to {MAX_PIXELS} pixels")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            pixels = np.asarray(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError("mask", f"png: {shown(str(error))}") from error
    if pixels.ndim != 2 or (rows is not None and cols is not None and pixels.shape != (rows, cols)):
        raise DataError("mask", f"png of shape {pixels.shape}", accepted=f"grey, {rows} x {cols}")
    return pixels > 0
