"""An answer's words beside its regions, as the explorer turns them over: what is shown, what is asked for, in words.

It turns what `medlab.explainers` finds into what a page can show; it neither talks to a page nor keeps anything.
"""

import contextlib
import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.answer import Answer
from medlab.core.case import Mask
from medlab.core.errors import SpecError
from medlab.core.geometry import BoxPx
from medlab.core.record import Record, check_number, record
from medlab.core.scan import Scan
from medlab.explainers.aims import Words
from medlab.explainers.masking import pixels_of
from medlab.explainers.region_words import RegionWords, region_words, words_in

if TYPE_CHECKING:
    from medlab.models.base import Model

METHOD = "knockout"
"""whose maps of single words are there before anybody asks: they are the columns of RegionWords"""


@dataclasses.dataclass(frozen=True)
class Word:
    """One word as it stands in an answer."""

    text: str
    """untrusted"""
    gap: str
    """white space before it"""
    start: int
    """its first token in the answer"""
    stop: int
    """one past its last"""


@record
class Region(Record):
    """A box on the scan, and the words that it feeds."""

    box_px: BoxPx
    """(top, left, bottom, right), pixels of the scan"""
    words: tuple[str, ...]
    """of the answer, in order; untrusted text"""
    drops_nats: tuple[float, ...]
    """what each word loses when no word may look at the region: above 0, the region speaks for it"""
    cells: int
    """image tokens that were hidden together: those that the box covers by half, or most"""
    answer_fingerprint: str = ""

    def __post_init__(self):
        if len(self.words) != len(self.drops_nats):
            raise SpecError(f"{len(self.drops_nats)} drops for {len(self.words)} words", accepted="one each")
        for edge in self.box_px:
            check_number("box_px", edge)

    @property
    def ranked(self) -> list[tuple[str, float]]:
        """(word, nats), those that move most first, whichever way."""
        return sorted(zip(self.words, self.drops_nats, strict=True), key=lambda pair: -abs(pair[1]))

    def __repr__(self) -> str:
        told = ", ".join(f"{word!r} {drop:+.2f}" for word, drop in self.ranked[:5])
        return f"Region({tuple(round(edge) for edge in self.box_px)}: {told})"


def words_of(model: "Model", answer: Answer) -> tuple[Word, ...]:
    """The words of an answer, thought and end of turn left out. Raises SpecError where there is no text."""
    words = Words(model, answer)
    first, stop = words.all
    pieces = words.pieces[first:stop]
    found = []
    for text, start, end in words_in(pieces):
        whole = "".join(pieces[start:end])
        gap = whole[: len(whole) - len(whole.lstrip())]
        found.append(Word(text, gap, first + start, first + end))
    return tuple(found)


def phrase_of(model: "Model", answer: Answer, start: int, stop: int) -> tuple[str, int]:
    """(target, occurrence) by which `medlab.explain` finds the words that stand in the tokens from `start` to `stop`.

    White space before them may be a token of its own, which is then left out.
    """
    words = Words(model, answer)
    text = "".join(words.pieces[start:stop]).strip()
    with contextlib.suppress(SpecError):  # raised beyond the last occurrence
        for occurrence in range(stop):
            first, last = words.find(text, occurrence)
            if start <= first and last <= stop:
                return text, occurrence
    raise SpecError(f"{text!r} cannot be told from its neighbours", accepted="whole words of the answer")


def span_of(model: "Model", answer: Answer, target: str, occurrence: int = 0) -> tuple[int, int]:
    """(first token, one past its last) of words of the answer; (0, 0) for words that do not stand in it."""
    with contextlib.suppress(SpecError):
        return Words(model, answer).find(target, occurrence)
    return 0, 0


def region_of(model: "Model", answer: Answer, box_px: BoxPx, *, scan: int = 0) -> Region:
    """The words that a box on the scan feeds: its image tokens are hidden together, by one knockout.

    box_px  (top, left, bottom, right) in pixels of the scan. Raises SpecError for one that holds no pixel of it.
    """
    picture = answer.query.scans[scan]
    found = region_words(model, answer, (box_mask(picture, box_px, scan),), scan=scan)
    drops = [float(found.of_word(word)[0]) for word in range(len(found.words))]
    texts = tuple(text for text, _, _ in found.words)
    box = tuple(float(edge) for edge in box_px)
    return Region(box, texts, tuple(drops), int(found.cells.sum()), answer.fingerprint)


def box_mask(scan: Scan, box_px: BoxPx, index: int = 0) -> Mask:
    """The pixels of a box, those that it covers at least by half. Raises SpecError for one that holds none."""
    top, left, bottom, right = pixels_of(box_px, scan)
    pixels = np.zeros((scan.rows, scan.cols), bool)
    pixels[top:bottom, left:right] = True
    return Mask("region", pixels, scan=index)


def maps_of(found: RegionWords) -> np.ndarray:
    """(words, grid_rows, grid_cols) float32: the map of each word."""
    return np.stack([found.map_of(start, stop) for _, start, stop in found.words])
