"""`medlab.explore`: an answer's words and its scan, linked both ways, in a notebook; and the records of what was done.

Whatever the mouse does is a method that one could have called, and what comes of it is a record: `answer`,
`attribution`, `region`, `counterfactual`. It draws no map itself and decides nothing about models.
"""

import base64
import dataclasses
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.core.attribution import Attribution
from medlab.core.case import Case
from medlab.core.errors import MedlabError, SpecError, shown
from medlab.core.geometry import BoxPx
from medlab.core.record import check_choice, check_text
from medlab.core.scan import Scan
from medlab.explainers.explain import explain
from medlab.explainers.masking import Counterfactual, ask_again
from medlab.explainers.methods import METHODS, SHORT
from medlab.explainers.region_words import RegionWords, region_words
from medlab.widgets.labels import LANGUAGES, QUESTIONS
from medlab.widgets.links import METHOD, Region, Word, phrase_of, region_of, span_of, words_of
from medlab.widgets.page import VIEW, float_bytes, page_class, picture_bytes
from medlab.widgets.sight import Sight, drops_for, state_for
from medlab.widgets.source import source_of

if TYPE_CHECKING:
    from medlab.models.base import Model

LOG = logging.getLogger(__name__)
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


def explore(
    model: "Model", scan: Scan | Case, question: str | None = None, *, language: str = "en", method: str = METHOD
) -> "Explorer":
    """A panel on which words and regions lead to one another: click a word, drag a region, mask it and ask again.

    scan      a Scan; or a Case, of which the first scan is shown
    question  None for "describe this film" in `language`
    language  "en" or "zh": of the panel's own words
    method    whose maps are shown first: a name that `medlab.explain` takes

    The question is asked before this returns. Raises SpecError or CapabilityError where the model cannot answer it.
    """
    return Explorer(model, scan, question, language=language, method=method)


class Explorer:
    """What `explore` returns: shows itself at the end of a cell, and holds what was done as records.

    answer          to the question, whole
    attribution     the map that is shown, or None
    region          the box that was dragged and what each word loses without it, or None
    counterfactual  what became of the answer when the region was masked, or None
    """

    def __init__(
        self,
        model: "Model",
        scan: Scan | Case,
        question: str | None = None,
        *,
        language: str = "en",
        method: str = METHOD,
    ):
        check_choice("language", language, LANGUAGES)
        METHODS.get(SHORT.get(method, method))
        if isinstance(scan, Case) and scan.scans:
            scan = scan.scans[0]
        if not isinstance(scan, Scan):
            raise SpecError(f"a {type(scan).__name__} to explore", accepted="a Scan, or a Case that has one")
        self.model, self.scan, self.language, self.method = model, scan, language, method
        self.attribution: Attribution | None = None
        self.region: Region | None = None
        self.counterfactual: Counterfactual | None = None
        self._look: Look | None = None
        self._span = (0, 0)
        self._maps: dict[Look, Attribution] = {}
        self._links: RegionWords | None = None
        self._no_links = ""
        self._widget, self._shape = None, (0, 0, 0)
        self._done = self._error = ""
        self.ask(question)

    # what the mouse does, and what one may call

    def ask(self, question: str | None = None, language: str | None = None) -> None:
        """Ask another question of the same scan; what was looked at before is gone."""
        if language is not None:
            check_choice("language", language, LANGUAGES)
            self.language = language
        self.question = QUESTIONS[self.language] if question is None else question
        check_text("question", self.question)
        self.answer = self.model.ask(self.scan, self.question)
        self._links, self._no_links = None, ""
        self._maps.clear()
        try:
            self.words: tuple[Word, ...] = words_of(self.model, self.answer)
        except MedlabError as error:  # an answer is worth showing, whatever can be said about its words
            self.words, self._no_links = (), error.given
        self.clear()

    def look(
        self, words: str | tuple[int, int], *, occurrence: int = 0, method: str | None = None, against: str = ""
    ) -> Attribution:
        """Show the map of some words: text of the answer, or (first, last) of `panel.words`.

        method   a name that `medlab.explain` takes; None for the one used last
        against  the other side of a contrast: what speaks for `words` and against this
        """
        if not isinstance(words, str):
            first, last = words
            if not 0 <= first <= last < len(self.words):
                raise SpecError(f"words {first} to {last}", accepted=f"0 to {len(self.words) - 1}, first before last")
            start, stop = self.words[first].start, self.words[last].stop
            words, occurrence = phrase_of(self.model, self.answer, start, stop)
        else:
            start, stop = span_of(self.model, self.answer, words, occurrence)
        look = Look(words, occurrence, method or self.method, against.strip())
        if look not in self._maps:
            target = (look.target, look.against) if look.against else look.target
            found = explain(self.model, self.answer, target, method=look.method, occurrence=look.occurrence)
            while len(self._maps) >= KEPT:
                del self._maps[next(iter(self._maps))]
            self._maps[look] = found
        self.method, self._look, self.attribution = look.method, look, self._maps[look]
        self._span = (start, stop)
        self._show()
        return self.attribution

    def brush(self, box_px: BoxPx) -> Region:
        """Choose a region, (top, left, bottom, right) in pixels of the scan: which words does it feed?"""
        self.region = region_of(self.model, self.answer, tuple(box_px))
        self.counterfactual = None
        self._show()
        return self.region

    def mask(self) -> Counterfactual:
        """Paint the region over and ask again."""
        if self.region is None:
            raise SpecError("no region to mask", accepted="a region", fix="panel.brush((top, left, bottom, right))")
        self.counterfactual = ask_again(self.model, self.answer, self.region.box_px)
        self._show()
        return self.counterfactual

    def clear(self) -> None:
        """Let go of words and region; the answer stays."""
        self.attribution = self.region = self.counterfactual = self._look = None
        self._show()

    # what can be read back

    @property
    def links(self) -> RegionWords:
        """Every word's map and every cell's words, found when first wanted. Raises where the model cannot tell."""
        if self._links is None:
            self._links = region_words(self.model, self.answer)
        return self._links

    @property
    def view(self) -> dict:
        """How the picture is shown: centre and width of the grey levels, opacity, heat or contour, cells."""
        return VIEW | (self._widget.view if self._widget is not None else {})

    def replay(self) -> str:
        """Python source of the calls that made what is here; it takes `model` and `scan` as they were given."""
        return source_of(self, self._look)

    @property
    def widget(self):
        """The anywidget itself, to put into a box beside others."""
        if self._widget is None:
            pixels, self._shape = picture_bytes(self.scan)
            self._widget = page_class()(pixels=pixels)
            self._widget.on_msg(self._heard)
            self._show()
        return self._widget

    def png(self) -> bytes:
        """What is shown, as a still picture: where there is no kernel, and in a file."""
        from medlab.plots.show import show

        view = self.view
        low, high = view["centre"] - view["width"] / 2, view["centre"] + view["width"] / 2
        low, high = min(max(low, 0.0), 0.99), min(max(high, low + 0.01, 0.01), 1.0)
        page = {"stretch": (low, high), "language": self.language}
        if self.attribution is None:
            return show(self.scan, titles=[self.answer.text.strip() or self.question], audit=False, **page).png()
        heat = {"opacity": view["opacity"], "cells": view["cells"], "contour": view["draw"] == "contour"}
        return show(self.attribution, self.scan, **page, **heat).png()

    def _repr_mimebundle_(self, **options):
        bundle = self.widget._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        picture = {"image/png": base64.b64encode(self.png()).decode("ascii"), "text/plain": repr(self)}
        return {**data, **picture}, metadata

    def __repr__(self) -> str:
        looking = f", looking at {shown(self._look.target, 60)} by {self._look.method}" if self._look else ""
        return f"Explorer({self.model.name}, {shown(self.question, 60)}, {len(self.words)} words{looking})"

    # between the page and this

    def _heard(self, widget, content: object, buffers: Sequence) -> None:
        """One message of the page: do it, show what came of it; what goes wrong is shown there and logged."""
        content = content if isinstance(content, dict) else {}
        kind, self._error = str(content.get("kind")), ""
        widget.state = {**widget.state, "busy": True}
        try:
            self._act(kind, content)
        except MedlabError as error:
            LOG.warning("%s: %s", kind, error)
            self._error = str(error)
        except Exception as error:
            LOG.exception("%s failed", kind)
            self._error = f"{type(error).__name__}: {error}"
        self._done = str(content.get("id", ""))
        self._show()

    def _act(self, kind: str, content: dict) -> None:
        if kind == "ready":
            self._link()
        elif kind == "ask":
            self.ask(str(content["question"]).strip() or None, content["language"])
            self._link()
        elif kind == "look":
            place = (int(content["first"]), int(content["last"]))
            self.look(place, method=str(content["method"]), against=str(content["against"]))
        elif kind == "brush":
            self.brush(tuple(float(edge) for edge in content["box"]))
        elif kind == "mask":
            self.mask()
        elif kind == "clear":
            self.clear()
        else:
            raise SpecError(f"a message {shown(kind)}", accepted="ready, ask, look, brush, mask, clear")

    def _link(self) -> None:
        """Find every word's map, so that hovering costs nothing; a model that cannot tell says why, once."""
        if self._links is None and not self._no_links:
            try:
                _ = self.links
            except MedlabError as error:
                self._no_links = error.given

    @property
    def _against(self) -> str:
        return self._look.against if self._look else ""

    def _show(self) -> None:
        """Bring the page up to what is here."""
        if self._widget is None:
            return
        sight = Sight(
            self.language, self.question, self.answer, self.words, self.method, self._against, self._links,
            self._no_links, self.attribution, self._span, self.region, self.counterfactual, self._error, self._done,
        )  # fmt: skip
        with self._widget.hold_sync():
            self._widget.drops = float_bytes(drops_for(sight))
            self._widget.values = float_bytes(None if self.attribution is None else self.attribution.values)
            self._widget.state = state_for(sight, self.model, self.scan, self._shape)
