"""Text that came from anywhere, made safe to draw, measured, and broken into lines in English and Chinese.

Matplotlib wraps at spaces only and reads `$` as mathematics; Chinese has no spaces and a report may hold anything.
So every string that medlab draws goes through `visible` and `wrap`, and is written with `parse_math=False`.
"""

import functools
import unicodedata

from medlab.core.errors import shown
from medlab.plots.style import FAMILIES, register_font

MISSING = "□"
LONGEST = 4000
"""characters of one text that are drawn; the rest is cut with an ellipsis"""
NEVER_FIRST = "，。、；：？！”’）》】」』…,.;:?!)%％℃"
"""may not begin a line (the core of GB/T 15834 and JIS X 4051)"""
NEVER_LAST = "“‘（《【「『("


def visible(text: str) -> str:
    """`text` on one line: controls and direction marks spelt out, glyphs that no font here has as a box."""
    one_line = " ".join(text.split())
    safe = shown(one_line, LONGEST)[1:-1]
    return "".join(character if ord(character) in _drawable() else MISSING for character in safe)


def width_pt(text: str, size_pt: float) -> float:
    """Drawn width of `text` in points, without kerning."""
    return sum(_advance(character) for character in text) * size_pt


def wrap(text: str, size_pt: float, limit_pt: float, most: int | None = None) -> list[str]:
    """Lines of visible `text` no wider than `limit_pt`; at most `most` lines, the last then ending in "…"."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if width_pt(line + piece.rstrip(), size_pt) <= limit_pt:
            line += piece
            continue
        if line.strip():
            lines.append(line.rstrip())
        *full, line = _cut(piece.lstrip(), size_pt, limit_pt)
        lines.extend(full)
    if line.strip():
        lines.append(line.rstrip())
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], _with_ellipsis(lines[most - 1], size_pt, limit_pt)]
    return lines


def shorten(text: str, size_pt: float, limit_pt: float) -> str:
    """`text`, or as much of it as fits with an ellipsis."""
    return text if width_pt(text, size_pt) <= limit_pt else _with_ellipsis(text, size_pt, limit_pt)


def _with_ellipsis(text: str, size_pt: float, limit_pt: float) -> str:
    while text and width_pt(text + "…", size_pt) > limit_pt:
        text = text[:-1]
    return text.rstrip() + "…"


def _pieces(text: str) -> list[str]:
    """`text` cut wherever a line may break: after a space, and around a Chinese character."""
    pieces = [""]
    for before, character in zip(" " + text, text, strict=False):
        may_break = before == " " or _is_wide(before) or _is_wide(character)
        forbidden = character in NEVER_FIRST or before in NEVER_LAST or character == " "
        if may_break and not forbidden:
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


def _cut(piece: str, size_pt: float, limit_pt: float) -> list[str]:
    """A piece that may be wider than a line by itself, cut into lines; never empty."""
    lines = [""]
    for character in piece:
        if lines[-1] and width_pt(lines[-1] + character.rstrip(), size_pt) > limit_pt:
            lines.append("")
        lines[-1] += character
    return lines


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


@functools.cache
def _advance(character: str) -> float:
    """Width of one character at one point."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    register_font()
    size = 100.0
    font = FontProperties(family=list(FAMILIES), size=size)
    # Measured between two letters, because the width of a lone space or a slanted glyph is that of its ink.
    framed, frame = (text_to_path.get_text_width_height_descent(t, font, False)[0] for t in (f"x{character}x", "xx"))
    return (framed - frame) / size


@functools.cache
def _drawable() -> frozenset[int]:
    """Code points that the packaged font or its fallback can draw."""
    from matplotlib import font_manager

    register_font()
    fonts = [font_manager.get_font(font_manager.findfont(family)) for family in FAMILIES]
    return frozenset().union(*(font.get_charmap() for font in fonts))
