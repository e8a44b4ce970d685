"""Where everything stands on a figure: pictures in rows, words beside one picture or below several.

All in inches from the top left. It knows films and lines, not cases; heights are measured before the figure is made,
so nothing overlaps and nothing is cut.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.plots.film import Film, Mark, draw_film
from medlab.plots.story import Line
from medlab.plots.style import BODY_PT, LEADING, SMALL_PT, THEMES, TITLE_PT, Theme, drawing
from medlab.plots.typeset import wrap
from medlab.plots.words import words_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARGIN = 0.18
GUTTER = 0.28
WIDTH = 9.4
BESIDE = 3.5
"""width of the words beside a single picture"""
TALLEST = 5.2
ABOVE, BELOW = 0.17, 0.26
"""room around a picture for its sides and scale bar"""
MOST_COLUMNS = 4
SIZES = {"title": TITLE_PT, "heading": BODY_PT, "body": BODY_PT, "small": SMALL_PT, "doubt": SMALL_PT}
GAPS_PT = {"title": 0.0, "heading": 7.0, "body": 1.5, "small": 1.0, "doubt": 1.5}
"""space before a paragraph"""
KEY_PT = 18.0
"""indent of a line that is the key to a mark"""


@dataclasses.dataclass(frozen=True)
class Panel:
    film: Film
    lines: tuple[Line, ...]


def lay_out(panels: list[Panel], foot: list[Line], marks: dict[str, Mark], language: str, theme_name: str) -> "Figure":
    """A figure of all panels and the one line that every figure carries; `foot` stands below several panels."""
    with drawing():
        if len(panels) == 1:
            return _one(panels[0], marks, language, THEMES[theme_name])
        return _several(panels, foot, marks, language, THEMES[theme_name])


def _one(panel: Panel, marks: dict[str, Mark], language: str, theme: Theme) -> "Figure":
    shape = panel.film.height_to_width
    picture_width = min(WIDTH - BESIDE - GUTTER - 2 * MARGIN, TALLEST / shape)
    picture_height = picture_width * shape
    height = max(ABOVE + picture_height + BELOW, _height(panel.lines, BESIDE)) + 2 * MARGIN + 0.12
    figure = _blank(picture_width + GUTTER + BESIDE + 2 * MARGIN, height, theme, language)
    _picture(figure, panel, (MARGIN, MARGIN + ABOVE, picture_width, picture_height), marks, theme, language)
    _write(figure, panel.lines, MARGIN + picture_width + GUTTER, MARGIN, BESIDE, theme)
    return figure


def _several(panels: list[Panel], foot: list[Line], marks: dict[str, Mark], language: str, theme: Theme):
    columns = min(len(panels), MOST_COLUMNS)
    width = (WIDTH - 2 * MARGIN - (columns - 1) * GUTTER) / columns
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    tall = [min(TALLEST, max(width * panel.film.height_to_width for panel in row)) for row in rows]
    deep = [max(_height(panel.lines, width) for panel in row) for row in rows]
    total = sum(tall) + sum(deep) + len(rows) * (ABOVE + BELOW + MARGIN) + _height(foot, WIDTH - 2 * MARGIN)
    figure = _blank(WIDTH, total + MARGIN + 0.2, theme, language)
    top = MARGIN
    for row, height, depth in zip(rows, tall, deep, strict=True):
        for column, panel in enumerate(row):
            left = MARGIN + column * (width + GUTTER)
            own_width = min(width, height / panel.film.height_to_width)
            own_height = own_width * panel.film.height_to_width
            _picture(figure, panel, (left, top + ABOVE, own_width, own_height), marks, theme, language)
            _write(figure, panel.lines, left, top + ABOVE + height + BELOW, width, theme)
        top += ABOVE + height + BELOW + depth + MARGIN
    _write(figure, foot, MARGIN, top, WIDTH - 2 * MARGIN, theme)
    return figure


def _blank(width: float, height: float, theme: Theme, language: str) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=theme.paper)
    FigureCanvasAgg(figure)
    figure.text(
        1 - MARGIN / width,
        0.09 / height,
        words_in(language)["research"],
        color=theme.quiet,
        size=6.5,
        ha="right",
        parse_math=False,
    )
    return figure


def _picture(
    figure: "Figure",
    panel: Panel,
    place: tuple[float, float, float, float],
    marks: dict[str, Mark],
    theme: Theme,
    language: str,
) -> None:
    """Draw a panel's film at (left, top, width, height) in inches from the top left."""
    page_width, page_height = figure.get_size_inches()
    left, top, width, height = place
    bounds = (left / page_width, 1 - (top + height) / page_height, width / page_width, height / page_height)
    draw_film(figure.add_axes(bounds), panel.film, marks, theme, language)


def _broken(line: Line, width: float) -> list[str]:
    limit_pt = width * 72 - (KEY_PT if line.mark else 0)
    return wrap(line.text, SIZES[line.role], limit_pt, line.most)


def _height(lines: Sequence[Line], width: float) -> float:
    """Inches that the lines need."""
    return sum(GAPS_PT[x.role] + len(_broken(x, width)) * SIZES[x.role] * LEADING for x in lines) / 72


def _write(figure: "Figure", lines: Sequence[Line], left: float, top: float, width: float, theme: Theme) -> None:
    """Set lines in a column whose top left corner is given in inches."""
    page_width, page_height = figure.get_size_inches()
    colours = {"small": theme.quiet, "heading": theme.quiet, "doubt": theme.doubt}
    for line in lines:
        top += GAPS_PT[line.role] / 72
        step = SIZES[line.role] * LEADING / 72
        indent = KEY_PT / 72 if line.mark else 0
        if line.mark:
            _key(figure, line.mark, left, top + step * 0.5)
        for text in _broken(line, width):
            figure.text(
                (left + indent) / page_width,
                1 - (top + step * 0.75) / page_height,
                text,
                color=colours.get(line.role, theme.ink),
                size=SIZES[line.role],
                va="baseline",
                parse_math=False,
            )
            top += step


def _key(figure: "Figure", mark: Mark, left: float, middle: float) -> None:
    from matplotlib.lines import Line2D

    page_width, page_height = figure.get_size_inches()
    y = 1 - middle / page_height
    ends = [left / page_width, (left + (KEY_PT - 5) / 72) / page_width]
    width = 2.0 if mark.filled else 1.0
    figure.add_artist(Line2D(ends, [y, y], color=mark.colour, lw=width, linestyle=mark.line))
