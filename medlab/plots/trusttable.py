"""The table of trust: methods down, scores across, each with its interval drawn and written, the verdict under it.

Controls that need no model stand in the same table, because a number means nothing without them. It knows Scores and
Scorecards; how they were found is not its business.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from medlab.core.errors import SpecError
from medlab.core.provenance import collect
from medlab.core.record import check_choice
from medlab.core.score import Score, Scorecard
from medlab.plots.plate import Plate
from medlab.plots.sheet import Sheet
from medlab.plots.style import BODY_PT, LEADING, SMALL_PT, THEMES, Theme, drawing
from medlab.plots.typeset import shorten, visible, wrap
from medlab.plots.words import LANGUAGES, words_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTROLS = ("random", "centre", "edges")
"""methods that look at no model"""
NAMES, COLUMN, ROW, HEAD, MARGIN = 1.55, 1.35, 0.42, 0.55, 0.2
MOST_SCORES = 8


def trust_table(
    cards: Mapping[str, Scorecard],
    verdicts: Mapping[str, str] | None = None,
    *,
    scores: Sequence[str] | None = None,
    controls: Sequence[str] = CONTROLS,
    language: str = "en",
    theme: str = "dark",
    alt: str | None = None,
) -> Plate:
    """Each method's scores with their intervals.

    cards     method -> its Scorecard
    verdicts  method -> one line, written under its row
    scores    names of those shown, in order; None for all of the first card, at most MOST_SCORES
    controls  of the methods, those that look at no model: written in quiet colours, below the others
    """
    check_choice("theme", theme, tuple(THEMES))
    check_choice("language", language, LANGUAGES)
    if not cards:
        raise SpecError("a table of no method", accepted="a Scorecard for each method")
    first = next(iter(cards.values()))
    wanted = list(scores) if scores is not None else [score.name for score in first.scores][:MOST_SCORES]
    order = sorted(cards, key=lambda name: name in controls)
    rows = {name: [_found(cards[name], score) for score in wanted] for name in order}
    said = {name: visible((verdicts or {}).get(name, "")) for name in order}
    words = words_in(language)
    with drawing():
        figure = _draw(rows, wanted, said, set(controls), THEMES[theme], words["research"])
    told = [
        ". ".join(
            filter(None, (f"{visible(name)}: {', '.join(visible(str(score)) for score in row if score)}", said[name]))
        )
        for name, row in rows.items()
    ]
    return Plate(figure, alt or "\n".join(told), collect())


def _found(card: Scorecard, name: str) -> Score | None:
    return next((score for score in card.scores if score.name == name), None)


def _draw(rows: dict, wanted: list[str], said: dict, controls: set[str], colours: Theme, research: str) -> "Figure":
    width = 2 * MARGIN + NAMES + COLUMN * max(len(wanted), 2)
    verdicts = {name: wrap(text, SMALL_PT, 72 * (width - 2 * MARGIN - 0.15), 2) for name, text in said.items()}
    line = SMALL_PT * LEADING / 72
    heights = {name: ROW + line * len(verdicts[name]) for name in rows}
    height = HEAD + sum(heights.values()) + MARGIN + 0.1
    page = Sheet(width, height, colours)
    for index, name in enumerate(wanted):
        best = next((row[index] for row in rows.values() if row[index]), None)
        arrow = {"higher": " ↑", "lower": " ↓"}.get(best.direction, "") if best else ""
        text = shorten(visible(name), SMALL_PT, 72 * (COLUMN - 0.25)) + arrow
        page.write(_left(index), HEAD - 0.14, text, SMALL_PT, colours.quiet)
    top = HEAD
    for name, row in rows.items():
        ink = colours.quiet if name in controls else colours.ink
        page.line((MARGIN, width - MARGIN), top, colours.quiet, 0.3)
        page.write(MARGIN, top + 0.2, shorten(visible(name), BODY_PT, 72 * (NAMES - 0.1)), BODY_PT, ink)
        for index, score in enumerate(row):
            _cell(page, score, (_left(index), top), _range(rows, index), ink)
        for number, text in enumerate(verdicts[name]):
            page.write(MARGIN + 0.1, top + ROW + line * (number + 0.5), text, SMALL_PT, ink)
        top += heights[name]
    page.write(width - MARGIN, height - 0.09, research, 6.5, colours.quiet, ha="right")
    return page.figure


def _cell(page: Sheet, score: Score | None, place: tuple[float, float], reach: tuple[float, float], ink: str) -> None:
    left, top = place
    if score is None:
        page.write(left, top + 0.2, "–", BODY_PT, ink)
        return
    text = f"{score.value:.2f} [{score.ci_low:.2f}, {score.ci_high:.2f}]"
    page.write(left, top + 0.2, shorten(text, SMALL_PT, 72 * (COLUMN - 0.1)), SMALL_PT, ink)
    low, high = reach

    def at(value: float) -> float:
        return left + (COLUMN - 0.25) * (value - low) / (high - low)

    page.line((left, left + COLUMN - 0.25), top + 0.31, page.colours.quiet, 0.3)
    page.line((at(score.ci_low), at(score.ci_high)), top + 0.31, ink, 1.6)
    page.line((at(score.value), at(score.value)), top + 0.31, ink, 1.6, marker="o", markersize=3.5)


def _range(rows: dict, index: int) -> tuple[float, float]:
    """What a column's strip runs over: 0 to 1 where all its intervals lie in there."""
    ends = [end for row in rows.values() if row[index] for end in (row[index].ci_low, row[index].ci_high)]
    low, high = min([0.0, *ends]), max([1.0, *ends])
    return (low, high) if high > low else (low, low + 1)


def _left(index: int) -> float:
    return MARGIN + NAMES + COLUMN * index
