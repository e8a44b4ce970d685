"""Words burned into a picture: where they are, found by OCR (RapidOCR, an optional package; its models come with it).

It finds what a reader of printed text can read. Handwriting, words smaller than about 10 pixels, and faces are beyond
it, so that nothing found is no promise: docs/endpoints.md has the rates measured.
"""

import functools
import re

import numpy as np

from medlab.core.errors import MissingDependency
from medlab.core.geometry import BoxPx
from medlab.core.scan import Scan

MARKERS = re.compile(r".|LL|RR|LT|RT|LEFT|RIGHT|PA|AP|左侧|右侧", re.IGNORECASE)
"""what may stand on a film and identifies nobody: the side, the way the rays went, and a single letter, because a
thick L or R is at times read as two of them, or as another one"""
TILE_PX = 2000
"""longest side that is looked at in one piece: RapidOCR shrinks what is larger, and small words with it"""
OVERLAP_PX = 300


def find_words(scan: Scan) -> tuple[BoxPx, ...]:
    """Where words stand in `scan`, as (top, left, bottom, right) in its pixels; side markers alone are left out.

    What they say is not handed on. Raises MissingDependency where rapidocr is not installed.
    """
    picture = scan.to_uint8()
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    picture = np.ascontiguousarray(picture[..., ::-1])  # as OpenCV orders colours
    found = []
    for top in _starts(scan.rows):
        for left in _starts(scan.cols):
            found += _in_tile(picture[top : top + TILE_PX, left : left + TILE_PX], top, left)
    return tuple(found)


def _starts(length: int) -> list[int]:
    """Where tiles begin on an axis of `length` pixels."""
    return list(range(0, max(length - OVERLAP_PX, 1), TILE_PX - OVERLAP_PX))


def _in_tile(tile: np.ndarray, top: int, left: int) -> list[BoxPx]:
    result = _reader()(tile)
    if result.boxes is None:
        return []
    words = getattr(result, "txts", None) or ("?",) * len(result.boxes)
    found = []
    for corners, word in zip(result.boxes, words, strict=True):
        if not MARKERS.fullmatch(word.strip()):
            (x0, y0), (x1, y1) = np.min(corners, axis=0), np.max(corners, axis=0)
            found.append((float(y0) + top, float(x0) + left, float(y1) + top, float(x1) + left))
    return found


@functools.cache
def _reader():
    try:
        from rapidocr import RapidOCR
    except ImportError:
        raise MissingDependency(
            "words in a picture are looked for by rapidocr, which is not installed",
            fix='pip install "medlab-workbench[ocr]"',
        ) from None
    return RapidOCR(params={"Global.log_level": "critical"})
