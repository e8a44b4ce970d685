"""A Model without weights that keeps the contract: it answers with what it was asked, and counts how often."""

from collections.abc import Generator, Sequence

import numpy as np

from medlab.core.answer import Answer, Token
from medlab.core.errors import CapabilityError
from medlab.core.query import Message, Part, Query
from medlab.core.scan import Scan
from medlab.models.base import Capabilities, Model

REFUSED = "refuse this"
"""a question that holds these words is refused"""


def film(shade: float = 0.5, **facts) -> Scan:
    """A grey scan of 4 x 6 pixels."""
    return Scan(np.full((4, 6), shade, np.float32), **facts)


def question(text: str, *scans: Scan) -> Query:
    parts = (*(Part(scan=i) for i in range(len(scans))), Part(text=text))
    return Query((Message("user", parts),), scans)


class Parrot(Model):
    """Says "2 scan(s): <all texts, user and model, joined>"; a token a character, a scan is ten tokens."""

    def __init__(self, fingerprint: str = "parrot-1", *, order: str = "image_first", context: int | None = 10_000):
        self.name, self.fingerprint = "parrot", fingerprint
        self.capabilities = Capabilities(images=None, streams=True, order=order, context=context)
        self.batches: list[list[str]] = []
        """the last text of each query, one list a call"""

    def answer(self, queries: Sequence[Query]) -> list[Answer]:
        self.batches.append([query.messages[-1].parts[-1].text or "" for query in queries])
        if any(REFUSED in text for text in self.batches[-1]):
            raise CapabilityError("the parrot refuses", fix="ask politely")
        return [self._answer(query) for query in queries]

    def stream(self, query: Query) -> Generator[str, None, Answer]:
        answer = self._answer(query)
        yield "<thought>hm</thought>"
        yield from answer.text.splitlines(keepends=True)
        return answer

    def prompt_tokens(self, query: Query) -> int:
        return len(self._said(query)) + 10 * len(query.scans)

    @property
    def asked(self) -> list[str]:
        return [text for batch in self.batches for text in batch]

    def _said(self, query: Query) -> str:
        texts = [part.text for message in query.messages for part in message.parts if part.text is not None]
        return " | ".join(texts)

    def _answer(self, query: Query) -> Answer:
        text = f"{len(query.scans)} scan(s): {self._said(query)}"
        return Answer(
            text,
            (Token(None, text, -0.1),),
            thought="hm",
            prompt_tokens=self.prompt_tokens(query),
            model=self.name,
            model_fingerprint=self.fingerprint,
            query_fingerprint=query.fingerprint,
        )
