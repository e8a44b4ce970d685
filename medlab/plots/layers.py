"""`medlab.show` of what layers, heads and words inside a language model do: curves over layers, and tables of cells.

Layers run downwards or to the right from 0, the one next to the embeddings. It draws what the records say, on one
scale of nats that starts at 0, and tells that a sum over cells means nothing.
"""

from typing import TYPE_CHECKING

import numpy as np

from medlab.core.layers import HeadAblation, LayerFlow, Readers
from medlab.core.provenance import collect
from medlab.core.record import check_choice
from medlab.plots.overlay import coloured
from medlab.plots.plate import Plate
from medlab.plots.sheet import Sheet
from medlab.plots.style import BODY_PT, LEADING, SMALL_PT, THEMES, TITLE_PT, Theme, drawing, mark_style
from medlab.plots.typeset import shorten, visible, width_pt, wrap
from medlab.plots.words import LANGUAGES, words_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Layered = LayerFlow | HeadAblation | Readers
WIDEST, NARROWEST = 14.0, 6.4
"""inches of a figure"""
CELL, ROW = (0.16, 0.46), (0.17, 0.27)
"""inches, least and most: of a cell's width, of a row's height"""
MARGIN, ROW_NAME, LONGEST_NAME = 0.2, 1.0, 1.3
WRITTEN = 0.36
"""inches of a cell's width from which its number is written into it"""
OPACITY = 0.85


def layered(x: Layered, *, language: str = "en", theme: str = "dark", alt: str | None = None) -> Plate:
    """A LayerFlow as three curves; HeadAblation and Readers as a table, layers down, orange where score is lost."""
    check_choice("theme", theme, tuple(THEMES))
    check_choice("language", language, LANGUAGES)
    words, colours = words_in(language), THEMES[theme]
    said = [visible(word) for word in x.words]
    about = words["against"].format(*said) if x.contrast else " ".join(said)
    with drawing():
        figure = (_curves if isinstance(x, LayerFlow) else _table)(x, about, words, colours)
    return Plate(figure, alt or f"{_title(x, words)}. {visible(repr(x))}", collect())


def _title(x: Layered, words: dict[str, str]) -> str:
    return words[{LayerFlow: "flow", HeadAblation: "heads", Readers: "readers"}[type(x)]]


def _table(x: HeadAblation | Readers, about: str, words: dict[str, str], colours: Theme) -> "Figure":
    cells = x.lost_nats
    if isinstance(x, Readers):
        columns, layers = [_spelled(token) for token in x.tokens], range(len(x.kinds))
    else:
        columns, layers = [f"{words['head']} {head}" for head in range(cells.shape[1])], x.layers
    room = WIDEST - 2 * MARGIN - ROW_NAME
    wide = float(np.clip(room / cells.shape[1], *CELL))
    high = float(np.clip(9 / len(cells), *ROW))
    names = [shorten(name, SMALL_PT, 72 * LONGEST_NAME) for name in columns]
    upright = max(width_pt(name, SMALL_PT) for name in names) / 72 > wide - 0.05
    head = max(width_pt(name, SMALL_PT) for name in names) / 72 + 0.12 if upright else 0.22
    page = _Page(
        x, about, words, colours, MARGIN + ROW_NAME + wide * cells.shape[1] + MARGIN, head + high * len(cells)
    )
    axes = page.axes(MARGIN + ROW_NAME, page.top + head, wide * cells.shape[1], high * len(cells))
    most = float(np.abs(cells).max()) or 1.0
    axes.imshow(coloured(cells / most, OPACITY), aspect="auto")
    anchor = "bottom" if upright else "baseline"
    axes.set_xticks(range(cells.shape[1]), names, rotation=90 if upright else 0, parse_math=False, va=anchor)
    kinds = [words[kind] for kind in x.kinds]
    axes.set_yticks(range(len(cells)), [f"{number}  {kind}" for number, kind in zip(layers, kinds, strict=True)])
    axes.tick_params(colors=colours.quiet, labelsize=SMALL_PT, length=0, top=True, labeltop=True, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_color(colours.quiet)
        spine.set_linewidth(0.4)
    if wide >= WRITTEN and high >= 0.2:
        _write_numbers(axes, cells, most, colours)
    return page.figure


def _spelled(token: str) -> str:
    """What a column is called: "·" for a token that is not shown, a token of blanks by its escapes."""
    return visible(token) or (repr(token)[1:-1] if token.strip(" ") else "␣" if token else "·")


def _write_numbers(axes: "Axes", cells: np.ndarray, most: float, colours: Theme) -> None:
    """Into each cell, to the same decimals in all; one that would read as 0 stays empty."""
    decimals = 1 if most >= 2 else 2
    for (row, column), value in np.ndenumerate(cells):
        text = f"{value:.{decimals}f}"
        if float(text):
            # half of full colour on the page's own ground still carries its ink, and beyond that black does
            ink = "#000000" if abs(value) > most / 2 else colours.ink
            axes.text(column, row, text, color=ink, size=SMALL_PT, ha="center", va="center")


def _curves(x: LayerFlow, about: str, words: dict[str, str], colours: Theme) -> "Figure":
    alone = words["flow_alone"] if x.window == 1 else words["flow_window"].format(x.window)
    lines = ((alone, x.alone), (words["flow_bottom"], x.from_bottom), (words["flow_top"], x.from_top))
    keys = max(width_pt(name, BODY_PT) for name, _ in lines) / 72 + 0.6
    wide = float(np.clip(0.3 * len(x.kinds), 3.4, WIDEST - keys - ROW_NAME))
    page = _Page(x, about, words, colours, MARGIN + 0.6 + wide + keys + MARGIN, 2.9)
    axes = page.axes(MARGIN + 0.6, page.top + 0.1, wide, 2.3)
    numbers = np.arange(len(x.kinds))
    for number in numbers[[kind == "full" for kind in x.kinds]]:
        axes.axvspan(number - 0.5, number + 0.5, color=colours.quiet, alpha=0.18, lw=0)
    for index, (name, values) in enumerate(lines):
        colour, dashes = mark_style((0, 1, 3)[index])  # without the yellow that is lost on paper
        axes.plot(numbers, values, color=colour, linestyle=dashes, lw=1.6, marker="o", markersize=3)
        down = page.top + 0.3 + index * 1.6 * BODY_PT * LEADING / 72
        page.key(MARGIN + 0.75 + wide, down, name, colour, dashes)
    axes.axhline(0, color=colours.quiet, lw=0.5)
    axes.set_xlim(-0.5, len(numbers) - 0.5)
    axes.set_xticks(numbers[:: max(1, len(numbers) // 20)])
    axes.tick_params(colors=colours.quiet, labelsize=SMALL_PT)
    axes.set_xlabel(words["layer"], color=colours.quiet, size=SMALL_PT)
    axes.set_ylabel(words["lost"], color=colours.quiet, size=SMALL_PT)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(colours.quiet)
    return page.figure


class _Page(Sheet):
    """A sheet with a title over it and small print under it."""

    def __init__(self, x: Layered, about: str, words: dict[str, str], colours: Theme, width: float, body: float):
        width = max(width, NARROWEST)
        room, step = 72 * (width - 2 * MARGIN), SMALL_PT * LEADING / 72
        told = words["score_layers"].format(x.score_nats)
        heads = [(TITLE_PT, line) for line in wrap(about, TITLE_PT, room, 2)]
        heads += [(SMALL_PT, line) for line in wrap(f"{_title(x, words)} {told}", SMALL_PT, room)]
        feet = wrap(words["flow_note"] if isinstance(x, LayerFlow) else words["table_note"], SMALL_PT, room)
        self.top = 0.16 + sum(size * LEADING / 72 for size, _ in heads) + 0.08
        """inches above the body"""
        super().__init__(width, self.top + body + 0.12 + step * (len(feet) + 1) + 0.12, colours)
        down = 0.12
        for size, line in heads:
            down += size * LEADING / 72
            self.write(MARGIN, down, line, size, colours.ink if size == TITLE_PT else colours.quiet)
        for number, line in enumerate(feet):
            self.write(MARGIN, self.top + body + 0.12 + step * (number + 1), line, SMALL_PT, colours.quiet)
        self.write(self.width - MARGIN, self.height - 0.08, words["research"], 6.5, colours.quiet, ha="right")

    def key(self, left: float, down: float, name: str, colour: str, dashes: object) -> None:
        self.line((left, left + 0.28), down - 0.04, colour, 1.6, linestyle=dashes)
        self.write(left + 0.36, down, name, BODY_PT, self.colours.ink)
