"""One question on a panel: its answer, the answer's words, and what was looked at. A panel has one side, or two.

What comes of it are records: `answer`, `attribution`, `region`, `counterfactual`. It knows no page and shows nothing.
"""

import dataclasses
import time
from typing import TYPE_CHECKING

from medlab.core.attribution import Attribution
from medlab.core.errors import MedlabError, SpecError, shown
from medlab.core.geometry import BoxPx
from medlab.core.record import check_text
from medlab.core.scan import Scan
from medlab.explainers.aims import aim_at
from medlab.explainers.base import Map
from medlab.explainers.explain import as_record, explain, request_for
from medlab.explainers.masking import Counterfactual, ask_again
from medlab.explainers.methods import make_method
from medlab.explainers.region_words import RegionWords, region_words
from medlab.widgets.layers import Options
from medlab.widgets.links import METHOD, Region, Word, phrase_of, region_of, span_of, words_of

if TYPE_CHECKING:
    from medlab.models.base import Model

KEPT = 64
"""maps that are kept, so that a word seen before comes at once"""


@dataclasses.dataclass(frozen=True)
class Look:
    """What the map that is shown is a map of."""

    target: str
    occurrence: int
    method: str
    against: str = ""
    """the other side of a contrast; empty for none"""
    options: Options = ()
    """of the method: its layer, its head"""
    scan: int = 0
    """which of the answer's scans, from 0"""


class Side:
    """A question about a scan, or about several, and what was found of its answer.

    answer          to the question, whole
    words           of the answer, in order; none where nothing can be said of them
    attribution     the map that is shown, or None
    region          the box that was dragged and what each word loses without it, or None
    counterfactual  what became of the answer when the region was masked, or None
    no_links        why words and regions are not linked; empty where they are, or are not yet
    """

    def __init__(self, model: "Model", subject: Scan | tuple[Scan, ...], question: str):
        check_text("question", question)
        self.model, self.question = model, question
        self.answer = model.ask(subject, question)
        self.words: tuple[Word, ...] = ()
        self.no_links = ""
        try:
            self.words = words_of(model, self.answer)
        except MedlabError as error:  # an answer is worth showing, whatever can be said about its words
            self.no_links = error.given
        self._links: dict[int, RegionWords] = {}
        self._maps: dict[Look, Attribution] = {}
        self.clear()

    def clear(self) -> None:
        """Let go of words and region; the answer stays."""
        self.attribution: Attribution | None = None
        self.look: Look | None = None
        self.span = (0, 0)
        self.forget_region()

    def forget_region(self) -> None:
        self.region: Region | None = None
        self.counterfactual: Counterfactual | None = None

    def place(self, words: str | tuple[int, int], occurrence: int = 0) -> tuple[str, int]:
        """(target, occurrence) of some words: text of the answer, or (first, last) of `words`."""
        if isinstance(words, str):
            return words, occurrence
        if not isinstance(words, (list, tuple)) or [type(place) for place in words] != [int, int]:
            raise SpecError(f"words are {shown(words)}", accepted="text of the answer, or (first, last) of its words")
        first, last = words
        if not 0 <= first <= last < len(self.words):
            raise SpecError(f"words {first} to {last}", accepted=f"0 to {len(self.words) - 1}, first before last")
        return phrase_of(self.model, self.answer, self.words[first].start, self.words[last].stop)

    def show(self, look: Look) -> Attribution:
        """The map of a Look, found where it is not known."""
        if look not in self._maps:
            found = self._linked(look) or self._explained(look)
            while len(self._maps) >= KEPT:
                del self._maps[next(iter(self._maps))]
            self._maps[look] = found
        self.look, self.attribution = look, self._maps[look]
        self.span = span_of(self.model, self.answer, look.target, look.occurrence)
        return self.attribution

    def _explained(self, look: Look) -> Attribution:
        target = (look.target, look.against) if look.against else look.target
        about = {"occurrence": look.occurrence, "scan": look.scan, **dict(look.options)}
        return explain(self.model, self.answer, target, method=look.method, **about)

    def _linked(self, look: Look) -> Attribution | None:
        """The map where it is known from `links`: a knockout of single cells, read off and not run again."""
        links = self.known_links(look.scan)
        if links is None or look != Look(look.target, look.occurrence, METHOD, scan=look.scan):
            return None
        began = time.perf_counter()
        aim = aim_at(self.model, self.answer, look.target, occurrence=look.occurrence)
        start, stop = (token - links.first_token for token in aim.spans[0])
        found = Map(links.map_of(start, stop))
        request = request_for(self.model, aim, scan=look.scan)
        return as_record(make_method(METHOD), request, found, time.perf_counter() - began)

    def brush(self, box_px: BoxPx, scan: int = 0) -> Region:
        """Which words a box on one of the scans feeds."""
        self.region = region_of(self.model, self.answer, box_px, scan=scan)
        self.counterfactual = None
        return self.region

    def mask(self, scan: int = 0) -> Counterfactual:
        """What becomes of the answer where the region is painted over. Raises SpecError where there is none."""
        if self.region is None:
            raise SpecError("no region to mask", accepted="a region", fix="panel.brush((top, left, bottom, right))")
        self.counterfactual = ask_again(self.model, self.answer, self.region.box_px, scan=scan)
        return self.counterfactual

    def links(self, scan: int = 0) -> RegionWords:
        """Every word's map on a scan, found when first wanted. Raises where the model cannot tell."""
        if scan not in self._links:
            self._links[scan] = region_words(self.model, self.answer, scan=scan)
        return self._links[scan]

    def known_links(self, scan: int = 0) -> RegionWords | None:
        """`links`, where they were found."""
        return self._links.get(scan)

    def link(self, scan: int = 0) -> None:
        """Find `links`, so that hovering costs nothing; a model that cannot tell says why, once."""
        if not self.no_links:
            try:
                self.links(scan)
            except MedlabError as error:
                self.no_links = error.given
