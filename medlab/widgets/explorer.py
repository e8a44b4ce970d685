"""`medlab.explore`: an answer's words and its scan, linked both ways, in a notebook; and the records of what was done.

Whatever the mouse does is a method that one could have called, and what comes of it is a record. A second question of
the same scan may stand beside the first. It draws no map itself and decides nothing about models.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.core.answer import Answer
from medlab.core.attribution import Attribution
from medlab.core.case import Case
from medlab.core.errors import MedlabError, SpecError, shown
from medlab.core.geometry import BoxPx
from medlab.core.record import check_choice, check_text, check_whole
from medlab.core.scan import Scan
from medlab.explainers.masking import Counterfactual
from medlab.explainers.methods import make_method
from medlab.explainers.region_words import RegionWords
from medlab.widgets.labels import LANGUAGES, QUESTIONS
from medlab.widgets.layers import options_of
from medlab.widgets.links import METHOD, Region, Word
from medlab.widgets.messages import act
from medlab.widgets.page import VIEW, float_bytes, page_class, picture_bytes
from medlab.widgets.side import Look, Side
from medlab.widgets.sight import Sight, drops_for, state_for, values_for
from medlab.widgets.source import source_of
from medlab.widgets.still import still_of

if TYPE_CHECKING:
    from medlab.models.base import Model

LOG = logging.getLogger(__name__)


def explore(
    model: "Model",
    scan: Scan | Case | Sequence[Scan],
    question: str | None = None,
    *,
    beside: str | None = None,
    language: str = "en",
    method: str = METHOD,
) -> "Explorer":
    """A panel on which words and regions lead to one another: click a word, drag a region, mask it and ask again.

    scan      a Scan; or a Case or several Scans, of which the first is looked at until another is chosen. The question
              is about all of them where the model takes so many, else about the one that is looked at
    question  None for "describe this film" in `language`
    beside    a second question of the same, answered beside the first, such as the opposite of it
    language  "en" or "zh": of the panel's own words
    method    whose maps are shown first: a name that `medlab.explain` takes

    The questions are asked before this returns. Raises SpecError or CapabilityError where the model cannot answer.
    """
    panel = Explorer(model, scan, question, language=language, method=method)
    if beside is not None:
        panel.ask_beside(beside)
    return panel


class Explorer:
    """What `explore` returns: shows itself at the end of a cell, and holds what was done as records.

    answer, attribution, region, counterfactual  of the question, as `Side` tells
    beside                                       the second question as a Side, with the same; None where there is none
    scans, scan, scan_number                     what may be looked at, what is, and which of them that is, from 0
    """

    def __init__(
        self,
        model: "Model",
        scan: Scan | Case | Sequence[Scan],
        question: str | None = None,
        *,
        language: str = "en",
        method: str = METHOD,
    ):
        check_choice("language", language, LANGUAGES)
        make_method(method)
        self.model, self.language, self.method = model, language, method
        self.options = ()
        self.scans = _scans_in(scan)
        self.scan_number = 0
        most = model.capabilities.images
        self.together = len(self.scans) == 1 or most is None or most >= len(self.scans)
        """whether a question is about all scans; else it is about the one that is looked at"""
        self.beside: Side | None = None
        self._widget, self._shape, self._sent = None, (0, 0, 0), None
        self._done = self._error = ""
        self.ask(question)

    # what the mouse does, and what one may call

    def ask(self, question: str | None = None, language: str | None = None) -> Answer:
        """Ask another question of the same scan; what was looked at in the first answer is gone."""
        if language is not None:
            check_choice("language", language, LANGUAGES)
        wanted = QUESTIONS[language or self.language] if question is None else question
        self._first = Side(self.model, self._subject, wanted)
        self.language = language or self.language
        if self.beside is not None:
            self.beside.forget_region()
        self._show()
        return self.answer

    def ask_beside(self, question: str | None) -> Answer | None:
        """Ask a second question of the same scan, to be looked at beside the first; None takes it away again."""
        self.beside = None if question is None else Side(self.model, self._subject, question)
        if self.beside is not None and self.region is not None:
            self.beside.brush(self.region.box_px, self._index)
        self._show()
        return None if self.beside is None else self.beside.answer

    def look(
        self,
        words: str | tuple[int, int],
        *,
        occurrence: int = 0,
        method: str | None = None,
        against: str = "",
        layer: str | int | None = None,
        head: str | int | None = None,
        beside: bool = False,
    ) -> Attribution:
        """Show the map of some words: text of the answer, or (first, last) of its words.

        method   a name that `medlab.explain` takes; None for the one used last, with the layer and head used last
        against  the other side of a contrast: what speaks for `words` and against this
        layer    of a method that has layers: its number from 0, or "all", "full" (global ones), "sliding" (local ones)
        head     of a method that has heads: its number from 0, or "mean"
        beside   True for words of the second answer
        """
        check_text("against", against, empty=True)
        side = self._side(beside)
        target, occurrence = side.place(words, occurrence)
        name = method or self.method
        options = dict(self.options if method is None else ()) | dict(options_of(name, layer, head))
        look = Look(target, occurrence, name, against.strip(), tuple(options.items()), self._index)
        found = side.show(look)
        self.method, self.options = look.method, look.options
        self._show()
        return found

    def brush(self, box_px: BoxPx) -> Region:
        """Choose a region, (top, left, bottom, right) in pixels of the scan: which words does it feed?"""
        for side in self.sides:
            side.brush(box_px, self._index)
        self._show()
        return self.region

    def mask(self) -> Counterfactual:
        """Paint the region over and ask again; a second question too."""
        for side in self.sides:
            side.mask(self._index)
        self._show()
        return self.counterfactual

    def clear(self) -> None:
        """Let go of words and region; the answers stay."""
        for side in self.sides:
            side.clear()
        self._show()

    def choose_scan(self, number: int) -> None:
        """Look at another of the scans; the words that are looked at stay, where the question is about all scans."""
        check_whole("number of the scan", number, 0, len(self.scans) - 1)
        self.scan_number = number
        for side in self.sides:
            side.forget_region()
        if not self.together:
            first, beside = self.question, self.beside and self.beside.question
            self.ask(first)
            self.ask_beside(beside)
            return
        looks = [(side, side.look) for side in self.sides if side.look]
        for side, look in looks:
            side.show(Look(look.target, look.occurrence, look.method, look.against, look.options, number))
        self._show()

    def link(self) -> None:
        """Find the maps of all words on this scan: hovering then costs nothing. Where it fails, the panel says why."""
        for side in self.sides:
            side.link(self._index)
        self._show()

    # what can be read back

    @property
    def sides(self) -> tuple[Side, ...]:
        """The question, and the one beside it where there is one."""
        return (self._first,) if self.beside is None else (self._first, self.beside)

    @property
    def scan(self) -> Scan:
        return self.scans[self.scan_number]

    @property
    def question(self) -> str:
        return self._first.question

    @property
    def answer(self) -> Answer:
        return self._first.answer

    @property
    def words(self) -> tuple[Word, ...]:
        return self._first.words

    @property
    def attribution(self) -> Attribution | None:
        return self._first.attribution

    @property
    def region(self) -> Region | None:
        return self._first.region

    @property
    def counterfactual(self) -> Counterfactual | None:
        return self._first.counterfactual

    @property
    def links(self) -> RegionWords:
        """Every word's map and every cell's words, found when first wanted. Raises where the model cannot tell."""
        return self._first.links(self._index)

    @property
    def view(self) -> dict:
        """How the picture is shown: centre and width of the grey levels, opacity, heat or contour, cells."""
        return VIEW | (self._widget.view if self._widget is not None else {})

    def replay(self) -> str:
        """Python source of the calls that made what is here; it takes `model`, and `scan` or `scans` as given."""
        return source_of(self)

    @property
    def widget(self):
        """The anywidget itself, to put into a box beside others."""
        if self._widget is None:
            self._widget = page_class()()
            self._widget.on_msg(self._heard)
            self._show()
        return self._widget

    def png(self) -> bytes:
        """What is shown, as a still picture: where there is no kernel, and in a file."""
        return still_of(self).png()

    def _repr_mimebundle_(self, **options):
        bundle = self.widget._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        # HTML, for it has words for those who cannot see it
        picture = {"text/html": still_of(self).html, "text/plain": repr(self)}
        return {**data, **picture}, metadata

    def __repr__(self) -> str:
        look = self._first.look
        looking = f", looking at {shown(look.target, 60)} by {look.method}" if look else ""
        beside = f", beside {shown(self.beside.question, 60)}" if self.beside else ""
        return f"Explorer({self.model.name}, {shown(self.question, 60)}, {len(self.words)} words{looking}{beside})"

    # between the page and this

    @property
    def _subject(self) -> Scan | tuple[Scan, ...]:
        """What a question is about."""
        return self.scans if self.together and len(self.scans) > 1 else self.scan

    @property
    def _index(self) -> int:
        """Which of an answer's scans is looked at."""
        return self.scan_number if self.together else 0

    def _side(self, beside: bool) -> Side:
        if beside and self.beside is None:
            raise SpecError("no answer beside", accepted="one", fix='panel.ask_beside("Is this film normal?")')
        return self.beside if beside else self._first

    def _heard(self, widget, content: object, buffers: Sequence) -> None:
        """One message of the page: do it, show what came of it; what goes wrong is shown there and logged."""
        content = content if isinstance(content, dict) else {}
        kind, self._error = str(content.get("kind")), ""
        widget.busy = True
        try:
            act(self, kind, content)
        except MedlabError as error:
            LOG.warning("%s: %s", kind, error)
            self._error = str(error)
        except Exception as error:
            LOG.exception("%s failed", kind)
            self._error = f"{type(error).__name__}: {error}"
        self._done = str(content.get("id", ""))
        with widget.hold_sync():
            widget.busy = False
            self._show()

    def _show(self) -> None:
        """Bring the page up to what is here; within a message of the page, once, when all of it is done."""
        if self._widget is None or self._widget.busy:
            return
        sight = Sight(
            self.model, self.language, self.sides, self.scans, self.scan_number, self.together, self.method,
            self.options, self._error, self._done,
        )  # fmt: skip
        with self._widget.hold_sync():
            if self._sent is not self.scan:
                self._widget.pixels, self._shape = picture_bytes(self.scan)
                self._sent = self.scan
            self._widget.drops = float_bytes(drops_for(sight))
            self._widget.values = float_bytes(values_for(sight))
            self._widget.state = state_for(sight, self._shape)


def _scans_in(subject: object) -> tuple[Scan, ...]:
    scans = subject.scans if isinstance(subject, Case) else (subject,) if isinstance(subject, Scan) else subject
    if not isinstance(scans, (list, tuple)) or not scans or not all(isinstance(scan, Scan) for scan in scans):
        raise SpecError(
            f"a {type(subject).__name__} to explore", accepted="a Scan, several in a list, or a Case that has one"
        )
    return tuple(scans)
