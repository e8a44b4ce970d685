"""Boxes that a model wrote as text, in MedGemma 1.5's format, read without trusting a character of it.

The format: a JSON list of {"box_2d": [y0, x0, y1, x1], "label": "…"}, whole numbers 0 to 1000 of the square that the
model saw, fenced by ```json or bare, often after reasoning and "Final Answer:". Whatever cannot be read is left out
and told in a warning; nothing here raises. It knows no model: the square's map is given to it.
"""

import ast
import json
import re
from typing import Any

from medlab.core.case import Box
from medlab.core.errors import shown
from medlab.core.geometry import SquareFit

MAX_TEXT = 100_000
"""characters that are searched: a full reply of 8,192 tokens has about a third"""
MAX_BOXES = 200
MAX_UNREADABLE = 200
"""boxes that cannot be read, after which the rest is left: hostile text makes the search for each one long"""
MAX_LABEL = 120
_KEY = re.compile(r"""["']box_2d["']""")
_FINAL = re.compile(r"final answer\s*:?", re.IGNORECASE)
_FLAT = re.compile(r"\{[^{}]*\}")
_IMAGE = re.compile(r"\b(?:image|scan|film)[ _#-]*(\d{1,3})\b", re.IGNORECASE)
_SIDE_WORDS = {
    "left": re.compile(r"\bleft\b|左", re.IGNORECASE),
    "right": re.compile(r"\bright\b|右", re.IGNORECASE),
    "both": re.compile(r"\b(?:both|bilateral)\b|双|两侧", re.IGNORECASE),
}
_DECODER = json.JSONDecoder()


def read_boxes(text: str, fits: tuple[SquareFit, ...]) -> tuple[tuple[Box, ...], tuple[str, ...]]:
    """(boxes in pixels of the scans, warnings).

    text  the reply, its thought split off
    fits  how each of the query's scans was laid on the square; a label that says "image 2" means the second

    After the last "Final Answer" only what follows it counts, if it names a box; a box said twice counts once. Corners
    in the wrong order are put right and values beyond 0..1000 cut, both with a warning. Sides are the patient's, read
    from the label. With several scans, a box whose label names none of them is left out: its scan would be a guess.
    """
    warnings: list[str] = []
    if len(text) > MAX_TEXT:
        warnings.append(f"only the first {MAX_TEXT} of {len(text)} characters were searched for boxes")
        text = text[:MAX_TEXT]
    found, unreadable = _objects(_final(text))
    if unreadable == MAX_UNREADABLE:
        warnings.append(f"{unreadable} boxes could not be read, and no more were searched for")
    elif unreadable:
        warnings.append(f"{unreadable} box(es) could not be read: not the JSON that was asked for, or broken off")
    if len(found) > MAX_BOXES:
        warnings.append(f"only the first {MAX_BOXES} of {len(found)} boxes were kept")
    boxes: dict[Box, None] = {}
    for entry in found[:MAX_BOXES]:
        box = _box(entry, fits, warnings)
        if box is not None:
            boxes[box] = None
    return tuple(boxes), tuple(dict.fromkeys(warnings))


def _final(text: str) -> str:
    """What follows the last "Final Answer" where that names a box, else all."""
    last = None
    for last in _FINAL.finditer(text):  # noqa: B007 - the last match is what is wanted
        pass
    tail = text[last.end() :] if last else ""
    return tail if _KEY.search(tail) else text


def _objects(text: str) -> tuple[list[dict[str, Any]], int]:
    """(the objects with a "box_2d", how many more could not be read)."""
    found, unreadable, end = [], 0, 0
    known: dict[int, tuple[dict[str, Any] | None, int]] = {}
    for key in _KEY.finditer(text):
        if key.start() < end:
            continue  # a second "box_2d" within the object that was just read
        entry, end = _object_around(text, key.start(), end, known)
        if entry is None:
            unreadable += 1
            if unreadable == MAX_UNREADABLE:
                break
        else:
            found.append(entry)
    return found, unreadable


def _object_around(
    text: str, key: int, start: int, known: dict[int, tuple[dict[str, Any] | None, int]]
) -> tuple[dict[str, Any] | None, int]:
    """(the object that holds the key at `key`, where it ends), looking back to `start`; (None, start) for none.

    known  what was read at a brace before: each is read once
    """
    brace = text.rfind("{", start, key)
    for _ in range(3):  # a label before the key may hold a brace of its own
        if brace < 0:
            break
        if brace not in known:
            known[brace] = _decoded(text, brace)
        entry, end = known[brace]
        if entry is not None and end > key and "box_2d" in entry:
            return entry, end
        brace = text.rfind("{", start, brace)
    return None, start


def _decoded(text: str, start: int) -> tuple[dict[str, Any] | None, int]:
    """The object that begins at `start`, as JSON or, where that fails, as a Python literal (single quotes)."""
    try:
        entry, end = _DECODER.raw_decode(text, start)
        return (entry, end) if isinstance(entry, dict) else (None, start)
    except (ValueError, RecursionError):
        flat = _FLAT.match(text, start)
    if flat is None:
        return None, start
    try:
        entry = ast.literal_eval(flat.group())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None, start
    return (entry, flat.end()) if isinstance(entry, dict) else (None, start)


def _box(entry: dict[str, Any], fits: tuple[SquareFit, ...], warnings: list[str]) -> Box | None:
    label = _label(entry.get("label"), warnings)
    corners = _corners(entry["box_2d"], label, warnings)
    scan = _scan(label, len(fits), warnings)
    if corners is None or scan is None:
        return None
    top, left, bottom, right = fits[scan].box_from_1000(corners)
    if bottom <= top or right <= left:
        warnings.append(f"the box of {shown(label)} lies in the padding, outside the scan: left out")
        return None
    sides = [side for side, word in _SIDE_WORDS.items() if word.search(label)]
    side = sides[0] if len(sides) == 1 else "both" if {"left", "right"} <= set(sides) else None
    return Box(label, (top, left, bottom, right), side, scan, rater=None)


def _label(given: object, warnings: list[str]) -> str:
    """A short printable text of one line; "unlabelled" where there is none."""
    text = " ".join("".join(c if c.isprintable() else " " for c in given).split()) if isinstance(given, str) else ""
    if not text:
        warnings.append("a box has no label")
        return "unlabelled"
    if len(text) > MAX_LABEL:
        warnings.append(f"a label of {len(text)} characters was cut")
    return text[:MAX_LABEL]


def _corners(given: object, label: str, warnings: list[str]) -> tuple[float, float, float, float] | None:
    """(y0, x0, y1, x1) within 0..1000 and in order, or None with a warning."""
    numbers = isinstance(given, (list, tuple)) and len(given) == 4
    numbers = numbers and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in given)
    if not numbers or not all(-1e9 < v < 1e9 for v in given):  # False for NaN too
        warnings.append(f"the box of {shown(label)} is {shown(given, 60)}, not four numbers: left out")
        return None
    if 0 < max(given) <= 1:
        warnings.append(f"the box of {shown(label)} is in shares of the image, not in 0 to 1000 as asked: left out")
        return None
    cut = [min(max(float(v), 0.0), 1000.0) for v in given]
    if cut != [float(v) for v in given]:
        warnings.append(f"the box of {shown(label)} goes beyond 0 to 1000: cut")
    y0, x0, y1, x1 = cut
    if y0 > y1 or x0 > x1:
        warnings.append(f"the box of {shown(label)} names its corners in the wrong order: put right")
        (y0, y1), (x0, x1) = sorted((y0, y1)), sorted((x0, x1))
    if y0 == y1 or x0 == x1:
        warnings.append(f"the box of {shown(label)} has no area: left out")
        return None
    return y0, x0, y1, x1


def _scan(label: str, scans: int, warnings: list[str]) -> int | None:
    """The index of the scan that a label means; None with a warning where that cannot be told."""
    if scans == 1:
        return 0
    named = _IMAGE.search(label)
    if named and 1 <= int(named.group(1)) <= scans:
        return int(named.group(1)) - 1
    if scans == 0:
        warnings.append("the reply names a box, but the question showed no scan: left out")
    else:
        warnings.append(
            f"the reply does not say on which of {scans} scans {shown(label)} lies: left out; ask about one scan alone"
        )
    return None
