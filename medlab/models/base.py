"""Model: the contract of everything that can be asked. It knows how a question becomes a Query, and no checkpoint.

A family implements `answer` (several Queries at once) and says what it is capable of; asking, batches, many turns and
the store on disk are the same for all.
"""

import abc
import dataclasses
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from medlab.core.answer import Answer, Choices
from medlab.core.case import Case
from medlab.core.errors import CapabilityError, SpecError, shown
from medlab.core.geometry import SquareFit
from medlab.core.query import Decoding, Message, Part, Prompt, Query
from medlab.core.record import Record, record
from medlab.core.scan import Scan
from medlab.models.catalog import Entry, entry_of_name
from medlab.prompts.linter import lint

if TYPE_CHECKING:
    import numpy as np

    from medlab.models.batches import Failure
    from medlab.models.dialogue import Dialogue

Subject = Scan | Case | Sequence[Scan] | None
"""what a question is about; None for a question of text alone"""
EXAMPLE = "Is there a pleural effusion?"
_DECODING = frozenset(field.name for field in dataclasses.fields(Decoding))


@record
class Capabilities(Record):
    """What a model can do, known before the work starts."""

    images: int | None = 0
    """the most scans of one Query; None where nobody published a limit"""
    logprobs: str = "none"
    """"full" scores any continuation, "top" tells those of the likeliest tokens as it answers, or "none" """
    streams: bool = False
    gradients: bool = False
    """whether `module` can be differentiated: what gradient explanations need"""
    order: str = "image_first"
    """where scans stand in a plain question: one of core.query.ORDERS"""
    languages: tuple[str, ...] = ()
    """that it was published for; () where nobody said"""
    context: int | None = None
    """the most tokens of prompt and reply together; None where not known"""
    reply_tokens: int = 256
    """the longest reply where nobody says: more of a model that thinks before it answers"""


class Model(abc.ABC):
    """One loaded model."""

    name: str
    """catalog name, hub id, folder or address"""
    fingerprint: str
    """of weights, processor and settings: two models of one fingerprint answer alike"""
    weights_fingerprint: str = ""
    """the same less the releases of torch and transformers: verdicts on maps are kept by it; empty where not known"""
    capabilities: Capabilities
    reads_questions = True
    """False where the text is a caption, which may be empty"""

    @property
    def module(self):
        """The torch module. Raises CapabilityError where there is none on this machine."""
        raise CapabilityError(f"{self.name} has no torch module here", accepted="a model that is loaded locally")

    @abc.abstractmethod
    def answer(self, queries: Sequence[Query]) -> list[Answer]:
        """One Answer a Query, in order. The greedy answers do not depend on how queries are put together."""

    def score(self, query: Query, options: Sequence[str]) -> Choices:
        """How likely each of `options` is as the model's whole reply to `query`. Nothing is generated."""
        raise CapabilityError(f"{self.name} scores no given continuation", accepted="a local model")

    def score_many(self, queries: Sequence[Query], options: Sequence[str]) -> list[Choices]:
        """`score` of each query with the same options, in order: a closed question over a cohort."""
        return [self.score(query, options) for query in queries]

    def stream(self, query: Query) -> Generator[str, None, Answer]:
        """The reply in pieces as they come; their sum is `answer([query])[0].text`, with the thought before it.

        What the generator returns at its end (`answer = yield from model.stream(query)`) is the Answer.
        """
        raise CapabilityError(f"{self.name} does not stream", fix="use ask")

    def embed_scans(self, scans: Subject, **options: object) -> "np.ndarray":
        """Vectors of scans. Raises CapabilityError but for an EmbeddingModel."""
        raise CapabilityError(
            f"{self.name} writes text and gives no embeddings",
            accepted="a model that compares pictures with captions",
            fix='medlab.load_model("medsiglip-448")',
        )

    embed_texts = zero_shot = embed_scans

    @property
    def published(self) -> Entry | None:
        """What the catalog keeps of this checkpoint; None where it does not know it."""
        return entry_of_name(self.name)

    def prompt_tokens(self, query: Query) -> int | None:
        """How many tokens `query` takes before a word is said, scans included; None where that is not known here."""
        return None

    def fit_of(self, scan: Scan) -> SquareFit | None:
        """How a scan is laid on the square that the model sees; None where that is not known.

        Of a model that tells nothing of its square it is the scan itself, drawn out to a square: the map of a method
        that changes the scan's own pixels needs no more.
        """
        return SquareFit(scan.rows, scan.cols, max(scan.rows, scan.cols), "stretch")

    def query(self, subject: Subject, question: "str | Prompt", *, decoding: Decoding | None = None, **values: str):
        """The Query that `ask` would send: scans and text in the order this model was trained with."""
        _check_values(question, values)
        scans = scans_of(subject)
        if isinstance(question, Prompt):
            decoding = decoding or self.decoding_for(question)
            return question.fill(subject if isinstance(subject, Case) else scans, decoding=decoding, **values)
        if self.reads_questions:
            check_question(question)
        pictures = tuple(Part(scan=i) for i in range(len(scans)))
        text = (Part(text=question),)
        parts = pictures + text if self.capabilities.order == "image_first" else text + pictures
        return Query((Message("user", parts),), scans, decoding or self.decoding_for(question))

    def decoding_for(self, question: "str | Prompt") -> Decoding:
        """Greedy, and as long as a Prompt says that its answer is, else as this model's replies are."""
        length = question.max_new_tokens if isinstance(question, Prompt) else None
        return Decoding(max_new_tokens=length or self.capabilities.reply_tokens)

    def ask(
        self, subject: Subject, question: "str | Prompt", *, decoding: Decoding | None = None, **values: str
    ) -> Answer:
        """What the model says of a Scan, several Scans, a Case, or None (text alone).

        question  plain text, or a Prompt with `values` for its variables
        decoding  `decoding_for(question)` unless told otherwise: greedy
        """
        query = self.query(subject, question, decoding=decoding, **values)
        return self._advised(self.answer([query])[0], question).to(query)

    def ask_many(
        self,
        subject: Subject,
        questions: Iterable["str | Prompt"],
        *,
        decoding: Decoding | None = None,
        **values: str,
    ) -> list[Answer]:
        """Several questions of one subject, each on its own: the scans are encoded once.

        values  of the variables of those questions that are Prompts; each takes what it has a place for
        """
        if isinstance(questions, (str, Prompt)):
            raise SpecError(
                f"{shown(getattr(questions, 'name', questions), 80)} where several questions were expected",
                accepted="a list of questions",
                fix=f'model.ask_many(scan, ["{EXAMPLE}"]), or model.ask(scan, question) for one',
            )
        questions = list(questions)
        places = {name for question in questions if isinstance(question, Prompt) for name in question.variables}
        _check_values("", {name: value for name, value in values.items() if name not in places})
        queries = [
            self.query(subject, question, decoding=decoding, **_values_for(question, values)) for question in questions
        ]
        return [
            self._advised(answer, question).to(query)
            for answer, question, query in zip(self.answer(queries), questions, queries, strict=True)
        ]

    def ask_batch(
        self,
        queries: Iterable[Query],
        *,
        batch_size: int = 8,
        store: str | os.PathLike | None = None,
        errors: str = "raise",
        progress: bool = True,
    ) -> "Iterator[Answer | Failure]":
        """One Answer a Query, in order, lazily, kept in `store`: see `medlab.models.batches.ask_batch`."""
        from medlab.models.batches import ask_batch

        return ask_batch(self, queries, batch_size=batch_size, store=store, errors=errors, progress=progress)

    def chat(
        self, subject: Subject = None, *, system: str | None = None, decoding: Decoding | None = None
    ) -> "Dialogue":
        """A Dialogue about `subject`: questions that follow from one another."""
        from medlab.models.dialogue import Dialogue

        return Dialogue(self, subject, system=system, decoding=decoding)

    def _advised(self, answer: Answer, question: "str | Prompt") -> Answer:
        """The answer, with a warning where a Prompt speaks of what the model was not published for."""
        advice = lint(question, self) if isinstance(question, Prompt) else ()
        told = tuple(f"prompt {question.name}: {one.told}; {one.fix}" for one in advice if one.code == "modality")
        return answer.replace(warnings=(*answer.warnings, *told)) if told else answer


def scans_of(subject: Subject) -> tuple[Scan, ...]:
    """The scans that a question is about, in their order."""
    if subject is None:
        return ()
    if isinstance(subject, Scan):
        return (subject,)
    if isinstance(subject, Case):
        return subject.scans
    path = isinstance(subject, (str, os.PathLike))
    scans = tuple(subject) if isinstance(subject, Iterable) and not path else (subject,)
    for scan in scans:
        if not isinstance(scan, Scan):
            path = shown(str(scan)) if isinstance(scan, (str, os.PathLike)) else "path"
            raise SpecError(
                f"a {type(scan).__name__} where a Scan was expected",
                accepted="a Scan, a Case, a list of Scans, or None",
                fix=f"medlab.load_scan({path})",
            )
    return scans


def check_question(question: object) -> None:
    """Raises SpecError for what is no question: nothing, blanks, or something else than text."""
    if not isinstance(question, str) or not question.strip():
        raise SpecError(
            f"the question is {shown(question, 60)}",
            accepted="text that is not empty, or a Prompt",
            fix=f'model.ask(scan, "{EXAMPLE}")',
        )


def check_queries(queries: object) -> None:
    """Raises SpecError where `queries` is something else than a list of Query."""
    several = isinstance(queries, Sequence) and not isinstance(queries, (str, Query))
    wrong = [one for one in queries if not isinstance(one, Query)] if several else [queries]
    if wrong:
        wanted = "a list of them" if isinstance(queries, Query) else "a Query"
        raise SpecError(
            f"a {type(wrong[0]).__name__} where {wanted} was expected",
            accepted="what model.query makes; answer and score_many take a list of them",
            fix=f'model.query(scan, "{EXAMPLE}")',
        )


def check_options(options: object) -> None:
    """Raises SpecError where `options` is something else than a list of different texts, or empty."""
    texts = isinstance(options, Sequence) and not isinstance(options, str) and all(isinstance(o, str) for o in options)
    if not texts or not options or len(set(options)) != len(options):
        raise SpecError(
            f"options are {shown(options, 80)}",
            accepted="one or more different texts, in a list",
            fix='model.score(query, ["Yes", "No"])',
        )


def _check_values(question: object, values: dict[str, str]) -> None:
    """Raises SpecError for values of a plain question, and where a setting of Decoding was given as a value."""
    unused = {name: value for name, value in values.items() if name not in getattr(question, "variables", ())}
    settings = ", ".join(f"{name}={value!r}" for name, value in unused.items() if name in _DECODING)
    if settings:
        raise SpecError(
            f"{settings} given to the question",
            accepted="settings of drawing in a Decoding",
            fix=f"decoding=Decoding({settings})   (from medlab.core.query import Decoding)",
        )
    if unused and not isinstance(question, Prompt):
        raise SpecError(f"values {sorted(unused)} for a plain question", accepted="values with a Prompt")


def _values_for(question: object, values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if name in getattr(question, "variables", ())}
