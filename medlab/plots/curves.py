"""Deletion and insertion curves: what a score does while places are taken away, or put back, in a map's order.

A map that knows makes the first fall early and the second rise early; a random order is what to compare it with. It
knows numbers; the study that made them is not its business.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.errors import SpecError
from medlab.core.provenance import collect
from medlab.core.record import check_choice, check_text, frozen_array
from medlab.plots.plate import Plate
from medlab.plots.style import BODY_PT, LEADING, SMALL_PT, THEMES, TITLE_PT, Theme, drawing, mark_style
from medlab.plots.typeset import shorten, visible
from medlab.plots.words import LANGUAGES, words_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CURVES = 12
WIDTH, HEIGHT = 3.9, 2.6
MARGIN, KEYS = 0.62, 2.5


@dataclasses.dataclass(frozen=True)
class Curve:
    """One method's order, tried."""

    name: str
    share: np.ndarray
    """(steps,) of the places that were changed, 0 to 1, rising"""
    score: np.ndarray
    """(steps,) what the model then gives, nats or as `curves` is told"""
    control: bool = False
    """True for an order that knows nothing, such as random: drawn thin and grey"""

    def __post_init__(self):
        check_text("name", self.name)
        for name in ("share", "score"):
            object.__setattr__(self, name, frozen_array(name, np.asarray(getattr(self, name)), np.float64, (1,)))
        if len(self.share) != len(self.score) or np.any(np.diff(self.share) < 0):
            raise SpecError(
                f"a curve of {len(self.share)} shares and {len(self.score)} scores", accepted="as many, shares rising"
            )

    @property
    def area(self) -> float:
        """Under the curve, over the range of its shares: the mean score on the way."""
        span = float(self.share[-1] - self.share[0])
        middle = (self.score[1:] + self.score[:-1]) / 2
        return float(np.sum(np.diff(self.share) * middle) / span) if span else float(self.score.mean())


def curves(
    deletion: Sequence[Curve],
    insertion: Sequence[Curve] = (),
    *,
    score: str = "",
    language: str = "en",
    theme: str = "dark",
    alt: str | None = None,
) -> Plate:
    """Deletion curves, and insertion curves beside them.

    score  what the vertical axis counts; the score of the words in nats where it is not said
    """
    check_choice("theme", theme, tuple(THEMES))
    check_choice("language", language, LANGUAGES)
    words, colours = words_in(language), THEMES[theme]
    groups = [(words["deletion"], deletion), (words["insertion"], insertion)]
    groups = [(title, list(group)) for title, group in groups if group]
    names = list(dict.fromkeys(one.name for _, group in groups for one in group))
    if not 1 <= len(names) <= MOST_CURVES:
        raise SpecError(f"curves of {len(names)} methods", accepted=f"1 to {MOST_CURVES}")
    looks = {name: mark_style(index) for index, name in enumerate(names)}
    with drawing():
        figure = _draw(groups, looks, visible(score) or words["score_nats"], colours, words)
    told = [f"{title}: " + ", ".join(f"{visible(c.name)} {c.area:.3g}" for c in group) for title, group in groups]
    return Plate(figure, alt or words["stop"].join([words["area"], *told]), collect())


def _draw(groups, looks: dict, score: str, colours: Theme, words: dict[str, str]):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = len(groups) * (MARGIN + WIDTH) + KEYS + 0.2, HEIGHT + 1.0
    figure = Figure(figsize=(width, height), facecolor=colours.paper)
    FigureCanvasAgg(figure)
    for index, (title, group) in enumerate(groups):
        left = MARGIN + index * (MARGIN + WIDTH)
        axes = figure.add_axes((left / width, 0.55 / height, WIDTH / width, HEIGHT / height))
        _fill(axes, title, group, looks, colours)
        axes.set_xlabel(words["share_changed"], color=colours.quiet, size=SMALL_PT)
        if index == 0:
            axes.set_ylabel(score, color=colours.quiet, size=SMALL_PT, parse_math=False)
    _write_keys(figure, groups, looks, colours, words)
    return figure


def _fill(axes: "Axes", title: str, group: Sequence[Curve], looks: dict, colours: Theme) -> None:
    axes.set_facecolor(colours.paper)
    for one in group:
        colour, line = looks[one.name]
        style = {"color": colours.quiet, "lw": 0.9} if one.control else {"color": colour, "lw": 1.6}
        axes.plot(one.share, one.score, linestyle=line, **style)
    axes.set_title(title, color=colours.ink, size=TITLE_PT, loc="left")
    axes.tick_params(colors=colours.quiet, labelsize=SMALL_PT)
    axes.grid(color=colours.quiet, alpha=0.2, linewidth=0.5)
    axes.set_xlim(0, 1)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(colours.quiet)


def _write_keys(figure, groups, looks: dict, colours: Theme, words: dict[str, str]) -> None:
    """Name, line and areas of each curve, in a column at the right."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    left, top, step = width - KEYS, 0.42, BODY_PT * LEADING / 72
    place = {"va": "baseline", "parse_math": False}
    figure.text(left / width, 1 - top / height, words["area"], color=colours.quiet, size=SMALL_PT, **place)
    for name, (colour, line) in looks.items():
        found = [[one for one in group if one.name == name] for _, group in groups]
        control = any(one.control for group in found for one in group)
        areas = " / ".join(f"{group[0].area:.2f}" if group else "–" for group in found)
        top += 1.35 * step
        y = 1 - (top - 0.04) / height
        ends = [left / width, (left + 0.26) / width]
        colour = colours.quiet if control else colour
        figure.add_artist(Line2D(ends, [y, y], color=colour, lw=0.9 if control else 1.6, linestyle=line))
        text = f"{shorten(visible(name), BODY_PT, 72 * (KEYS - 1.05))}  {areas}"
        figure.text((left + 0.34) / width, 1 - top / height, text, color=colours.ink, size=BODY_PT, **place)
    figure.text(1 - 0.18 / width, 0.09 / height, words["research"], color=colours.quiet, size=6.5, ha="right", **place)
