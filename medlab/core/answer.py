"""Answer: what a model said, token by token, and what it cost. Choices: how likely it found what it was given."""

import math
from typing import Self

from medlab.core.case import Box
from medlab.core.errors import SpecError, shown
from medlab.core.query import Query
from medlab.core.record import Record, check_number, check_text, check_whole, record


@record
class Token(Record):
    id: int | None
    """in the tokenizer; None where an endpoint tells the text alone"""
    text: str
    """as the tokenizer spells it; untrusted text"""
    logprob_nats: float
    """natural logarithm of the probability that the model gave it; at most 0"""

    def __post_init__(self):
        if self.id is not None:
            check_whole("id", self.id)
        check_number("logprob_nats", self.logprob_nats, high=1e-4)


@record
class Answer(Record):
    """What came back. `text` is untrusted: show it as text, never as markup."""

    text: str
    tokens: tuple[Token, ...] = ()
    """in order; empty where an endpoint does not tell"""
    boxes: tuple[Box, ...] = ()
    """the places that `text` names, in pixels of the query's scans; empty where none can be read"""
    thought: str | None = None
    """the model's own reasoning where it writes one, split off from `text`"""
    truncated: bool = False
    """True where the token limit cut it off"""
    seconds: float = 0.0
    """wall time of the call, shared equally by the questions of a batch"""
    prompt_tokens: int | None = None
    model: str = "unknown"
    """catalog name"""
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    warnings: tuple[str, ...] = ()
    """such as "this scan is unlike anything the model was trained on" """

    def __post_init__(self):
        check_text("text", self.text, empty=True)
        check_number("seconds", self.seconds, low=0)

    @property
    def logprob_nats(self) -> float:
        """Sum over the tokens. Raises where the model gave no log-probabilities."""
        if not self.tokens:
            raise SpecError(
                "this answer carries no log-probabilities",
                accepted="a model that gives them",
                fix='ask a local model, or an endpoint that offers "logprobs"',
            )
        return float(sum(token.logprob_nats for token in self.tokens))

    @property
    def query(self) -> Query:
        """What was asked. Not part of the record: an answer that was read from a file, or changed, has lost it.

        Raises SpecError where it is not there.
        """
        if "_query" not in self.__dict__:
            raise SpecError(
                "this answer does not hold what was asked",
                accepted="an answer fresh from ask, ask_many or a dialogue",
                fix="give the query as well: query=model.query(scan, question)",
            )
        return self.__dict__["_query"]

    def to(self, query: Query) -> Self:
        """The same answer, holding `query` and with it the scans."""
        if self.query_fingerprint and self.query_fingerprint != query.fingerprint:
            raise SpecError("this answer was given to another query", accepted="the query that was asked")
        self.__dict__["_query"] = query
        return self

    def __repr__(self) -> str:
        cut = ", truncated" if self.truncated else ""
        return f"Answer({shown(self.text, 200)}, {len(self.tokens)} tokens{cut}, {shown(self.model)[1:-1]})"


@record
class Choices(Record):
    """How likely a model finds each of some given replies to one Query."""

    options: tuple[str, ...]
    tokens: tuple[tuple[Token, ...], ...]
    """of each option, the end of the turn included"""
    model: str = "unknown"
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    warnings: tuple[str, ...] = ()

    def __post_init__(self):
        if not self.options or len(set(self.options)) != len(self.options):
            raise SpecError(f"options are {shown(self.options)}", accepted="one or more different texts")
        if len(self.tokens) != len(self.options):
            raise SpecError(f"{len(self.tokens)} rows of tokens for {len(self.options)} options")

    @property
    def logprobs_nats(self) -> tuple[float, ...]:
        """Natural logarithm of each option's probability as the whole reply."""
        return tuple(float(sum(token.logprob_nats for token in row)) for row in self.tokens)

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Of the options among themselves: they sum to 1, whatever else the model might have said."""
        logprobs = self.logprobs_nats
        top = max(logprobs)
        weights = [math.exp(value - top) for value in logprobs]
        return tuple(weight / sum(weights) for weight in weights)

    @property
    def best(self) -> str:
        """The likeliest option; the first of equals."""
        return self.options[self.logprobs_nats.index(max(self.logprobs_nats))]

    def __repr__(self) -> str:
        told = ", ".join(
            f"{shown(option, 40)} {share:.3f}" for option, share in zip(self.options, self.probabilities, strict=True)
        )
        return f"Choices({told}; {shown(self.model)[1:-1]})"
