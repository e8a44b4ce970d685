"""Model: the contract of everything that can be asked. It knows how a question becomes a Query, and no checkpoint.

A family implements `answer` (several Queries at once) and says what it is capable of; asking, batches, many turns and
the store on disk are the same for all.
"""

import abc
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from medlab.core.answer import Answer, Choices
from medlab.core.case import Case
from medlab.core.errors import CapabilityError, SpecError
from medlab.core.query import Decoding, Message, Part, Prompt, Query
from medlab.core.record import Record, record
from medlab.core.scan import Scan

if TYPE_CHECKING:
    from medlab.models.batches import Failure
    from medlab.models.dialogue import Dialogue

Subject = Scan | Case | Sequence[Scan] | None
"""what a question is about; None for a question of text alone"""


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
    languages: tuple[str, ...] = ("en",)
    """that it was published for"""
    context: int | None = None
    """the most tokens of prompt and reply together; None where not known"""


class Model(abc.ABC):
    """One loaded model."""

    name: str
    """catalog name, hub id, folder or address"""
    fingerprint: str
    """of weights, processor and settings: two models of one fingerprint answer alike"""
    capabilities: Capabilities

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

    def prompt_tokens(self, query: Query) -> int | None:
        """How many tokens `query` takes before a word is said, scans included; None where that is not known here."""
        return None

    def query(self, subject: Subject, question: "str | Prompt", *, decoding: Decoding | None = None, **values: str):
        """The Query that `ask` would send: scans and text in the order this model was trained with."""
        if isinstance(question, Prompt):
            return question.fill(() if subject is None else subject, decoding=decoding, **values)
        if values:
            raise SpecError(f"values {sorted(values)} for a plain question", accepted="values with a Prompt")
        scans = scans_of(subject)
        pictures = tuple(Part(scan=i) for i in range(len(scans)))
        text = (Part(text=question),)
        parts = pictures + text if self.capabilities.order == "image_first" else text + pictures
        return Query((Message("user", parts),), scans, decoding or Decoding())

    def ask(
        self, subject: Subject, question: "str | Prompt", *, decoding: Decoding | None = None, **values: str
    ) -> Answer:
        """What the model says of a Scan, several Scans, a Case, or None (text alone).

        question  plain text, or a Prompt with `values` for its variables
        decoding  greedy unless told otherwise
        """
        query = self.query(subject, question, decoding=decoding, **values)
        return self.answer([query])[0].to(query)

    def ask_many(
        self, subject: Subject, questions: Iterable["str | Prompt"], *, decoding: Decoding | None = None
    ) -> list[Answer]:
        """Several questions of one subject, each on its own: the scans are encoded once."""
        queries = [self.query(subject, question, decoding=decoding) for question in questions]
        return [answer.to(query) for answer, query in zip(self.answer(queries), queries, strict=True)]

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


def scans_of(subject: Subject) -> tuple[Scan, ...]:
    """The scans that a question is about, in their order."""
    if subject is None:
        return ()
    if isinstance(subject, Scan):
        return (subject,)
    scans = tuple(subject.scans if isinstance(subject, Case) else subject)
    for scan in scans:
        if not isinstance(scan, Scan):
            raise SpecError(
                f"a {type(scan).__name__} where a Scan was expected",
                accepted="a Scan, a Case, a list of Scans, or None",
                fix="medlab.load_scan(path)",
            )
    return scans
