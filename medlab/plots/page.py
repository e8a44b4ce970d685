"""Where everything stands on a figure: pictures in rows, words beside one picture or below several.

All in inches from the top left. It knows films and lines, not cases; heights are measured before the figure is made,
so nothing overlaps and nothing is cut.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.plots.film import Film, Mark, bar_text, draw_film
from medlab.plots.overlay import Overlay, draw_bar
from medlab.plots.story import Line
from medlab.plots.style import BODY_PT, LEADING, SMALL_PT, THEMES, TITLE_PT, Theme, drawing
from medlab.plots.typeset import width_pt, wrap
from medlab.plots.words import words_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARGIN = 0.18
GUTTER = 0.28
WIDTH = 9.4
BESIDE = 3.5
"""width of the words beside a single picture"""
TALLEST, TALLEST_OF_SEVERAL = 5.2, 3.6
ABOVE, BELOW = 0.17, 0.26
"""room around a picture for its sides and scale bar"""
MOST_COLUMNS, NARROWEST = 4, 2.0
CAPTION = 0.16
SIZES = {"title": TITLE_PT, "heading": BODY_PT, "body": BODY_PT, "small": SMALL_PT, "doubt": SMALL_PT}
GAPS_PT = {"title": 0.0, "heading": 7.0, "body": 1.5, "small": 1.0, "doubt": 1.5}
"""space before a paragraph"""
KEY_PT = 18.0
"""indent of a line that is the key to a mark"""
BAR_WIDTH, BAR_HEIGHT = 2.3, 0.1
"""of the colours of a map"""


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
    shape, (above, below) = panel.film.height_to_width, _room([panel])
    picture_width = min(WIDTH - BESIDE - GUTTER - 2 * MARGIN, TALLEST / shape)
    picture_height = picture_width * shape
    height = max(above + picture_height + below, _height(panel.lines, BESIDE)) + 2 * MARGIN + CAPTION
    right = MARGIN + max(picture_width, _bar_words(panel.film, language))
    figure = _blank(right + GUTTER + BESIDE + MARGIN, height, theme, language)
    place = (right - picture_width, MARGIN + above, picture_width, picture_height)
    _picture(figure, panel, place, marks, theme, language)
    _write(figure, panel.lines, right + GUTTER, MARGIN, BESIDE, theme)
    return figure


def _several(panels: list[Panel], foot: list[Line], marks: dict[str, Mark], language: str, theme: Theme) -> "Figure":
    columns = min(len(panels), MOST_COLUMNS)
    widest = max(TALLEST_OF_SEVERAL / panel.film.height_to_width for panel in panels)
    width = max(NARROWEST, min((WIDTH - 2 * MARGIN - (columns - 1) * GUTTER) / columns, widest))
    across = columns * width + (columns - 1) * GUTTER
    rows = [_Row(panels[start : start + columns], width) for start in range(0, len(panels), columns)]
    total = sum(row.height + MARGIN for row in rows) + _height(foot, across)
    figure = _blank(across + 2 * MARGIN, total + MARGIN + CAPTION, theme, language)
    top = MARGIN
    for row in rows:
        for column, panel in enumerate(row.panels):
            left = MARGIN + column * (width + GUTTER)
            shape = panel.film.height_to_width
            own_width = min(width, row.pictures / shape)
            inset = max(0.0, _bar_words(panel.film, language) - own_width)
            place = (left + inset, top + row.above, own_width, own_width * shape)
            _picture(figure, panel, place, marks, theme, language)
            _write(figure, panel.lines, left, top + row.above + row.pictures + row.below, width, theme)
        top += row.height + MARGIN
    _write(figure, foot, MARGIN, top, across, theme)
    return figure


class _Row:
    """Panels that stand side by side, and the inches that they need."""

    def __init__(self, panels: list[Panel], width: float):
        self.panels = panels
        self.above, self.below = _room(panels)
        self.pictures = min(TALLEST_OF_SEVERAL, max(width * panel.film.height_to_width for panel in panels))
        words = max(_height(panel.lines, width) for panel in panels)
        self.height = self.above + self.pictures + self.below + words


def _room(panels: list[Panel]) -> tuple[float, float]:
    """Inches (above, below) a picture for its sides and its scale bar, where any panel of a row has them."""
    above = ABOVE if any(panel.film.has_sides for panel in panels) else 0.0
    return above, BELOW if any(panel.film.bar_mm is not None for panel in panels) else 0.06


def _bar_words(film: Film, language: str) -> float:
    """Inches that the words under the scale bar take; a narrower picture moves right to keep them on the page."""
    return 0.0 if film.bar_mm is None else width_pt(bar_text(film, language), SMALL_PT) / 72


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
    bars = sum(BAR_HEIGHT + 0.08 + SMALL_PT * LEADING / 72 for line in lines if line.scale)
    return bars + sum(GAPS_PT[x.role] + len(_broken(x, width)) * SIZES[x.role] * LEADING for x in lines) / 72


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
        if line.scale:
            top = _scale(figure, line.scale, (left, top + 0.04, min(width, BAR_WIDTH)), theme)


def _scale(figure: "Figure", overlay: Overlay, place: tuple[float, float, float], theme: Theme) -> float:
    """Draw a map's colours at (left, top, width) in inches, their values below; returns where they end."""
    page_width, page_height = figure.get_size_inches()
    left, top, width = place
    bounds = (left / page_width, 1 - (top + BAR_HEIGHT) / page_height, width / page_width, BAR_HEIGHT / page_height)
    draw_bar(figure.add_axes(bounds))
    below = top + BAR_HEIGHT + 0.04 + SMALL_PT * LEADING / 72
    ends = (f"-{overlay.limit:.2g}", "0", f"+{overlay.limit:.2g}")
    for share, text, side in zip((0, 0.5, 1), ends, ("left", "center", "right"), strict=True):
        figure.text(
            (left + share * width) / page_width,
            1 - (below - 0.04) / page_height,
            text,
            color=theme.quiet,
            size=SMALL_PT,
            ha=side,
            parse_math=False,
        )
    return below


def _key(figure: "Figure", mark: Mark, left: float, middle: float) -> None:
    from matplotlib.lines import Line2D

    page_width, page_height = figure.get_size_inches()
    y = 1 - middle / page_height
    ends = [left / page_width, (left + (KEY_PT - 5) / 72) / page_width]
    width = 2.0 if mark.filled else 1.0
    figure.add_artist(Line2D(ends, [y, y], color=mark.colour, lw=width, linestyle=mark.line))
