"""Aim: which words an explanation is about, as tokens that are forced on the model and log-probabilities to add up.

A score is a sum of natural log-probabilities of chosen tokens, each given everything before it; a contrast is one such
sum less another. It knows words, tokens and spelling; neither scans nor methods.
"""

import dataclasses
from collections.abc import Sequence

from medlab.core.answer import Answer
from medlab.core.errors import CapabilityError, SpecError, near_names, shown
from medlab.core.query import Query

Target = str | tuple[str, str] | None
"""words of the answer; (for, against); None for the whole answer"""


@dataclasses.dataclass(frozen=True)
class Strand:
    """One reply that is forced on the model, and which of its tokens count."""

    reply: tuple[int, ...]
    """token ids after the prompt, up to the last that counts"""
    places: tuple[int, ...]
    """of the tokens that count, in `reply`, rising"""
    sign: int = 1
    """-1 for the reply that is spoken against"""


@dataclasses.dataclass(frozen=True)
class Aim:
    """What an explanation is about."""

    query: Query
    strands: tuple[Strand, ...]
    """one, or two for a contrast: for, against; none where the model tells no tokens of its own"""
    words: tuple[str, ...]
    """as people read them"""
    spans: tuple[tuple[int, int], ...] = ()
    """of each of `words`, its first token in the answer and one past its last; () where it was forced"""
    answer_fingerprint: str = ""
    replies: tuple[str, ...] = ()
    """in place of `strands`: whole replies, the end of the turn included, as `Model.score` takes them; for, against"""

    @property
    def contrast(self) -> bool:
        return len(self.strands or self.replies) == 2


def aim_at(
    model, said: Answer | Query, target: Target = None, *, occurrence: int = 0, query: Query | None = None
) -> Aim:
    """The aim of explaining `target`.

    said        an Answer, whose own tokens are explained; or a Query, to which `target` is forced as the reply
    target      words that stand in the answer; None for all of it; (for, against) compares two replies, which take the
                place of the first where it stands in the answer, and else are the beginning of the reply
    occurrence  which of several equal words, from 0
    query       of an answer that does not hold it (one read from a file)

    Of a model that only scores given texts, such as a classifier in a coat, a query's target is the whole reply.

    Raises SpecError for words that the answer does not hold, listing near ones; for an empty answer; and for a query
    without a scan. Raises CapabilityError for an answer of a model whose tokens cannot be forced on it.
    """
    spoken = hasattr(model, "speech")
    if isinstance(said, Query):
        if target is None:
            raise SpecError("a query, and no reply to explain", accepted='target="some reply", or (for, against)')
        texts = target if isinstance(target, tuple) else (target,)
        if not spoken:
            return Aim(_with_scan(said), (), texts, replies=_replies(texts))
        return Aim(_with_scan(said), _forced(model, (), texts), texts)
    if not isinstance(said, Answer):
        raise SpecError(f"a {type(said).__name__} to explain", accepted="an Answer, or a Query")
    query = _with_scan(query or said.query)
    if not spoken:
        raise CapabilityError(
            f"words of an answer of {model.name}, which tells no tokens of its own",
            accepted="a query, and whole replies that are forced on it",
            fix='explain(model, answer.query, ("yes", "no"), method="occlusion")',
        )
    words = Words(model, said)
    if target is None:
        return Aim(query, (_strand(said, *words.all),), (said.text.strip(),), (words.all,), said.fingerprint)
    if isinstance(target, tuple):
        return _contrast(model, said, words, query, target, occurrence)
    span = words.find(target, occurrence)
    return Aim(query, (_strand(said, *span),), (target,), (span,), said.fingerprint)


class Words:
    """An answer's text beside its tokens."""

    def __init__(self, model, answer: Answer):
        if not answer.tokens:
            raise SpecError("this answer carries no tokens", accepted="an answer of a local model, or with logprobs")
        if any(token.id is None for token in answer.tokens):
            raise SpecError("this answer's tokens have no ids", accepted="an answer of a local model")
        if not answer.text.strip():
            raise SpecError(
                "this answer is empty", accepted="an answer with text", fix="force one: target=... of a query"
            )
        self.answer = answer
        self.pieces = _pieces(model, answer)
        """text of each token; together the reply, its thought included"""
        self._text = "".join(self.pieces)
        start = self._text.rfind(answer.text.strip())
        if start < 0:
            raise SpecError(
                "the tokens of this answer do not spell its text", accepted="an answer as the model gave it"
            )
        self._from, self._to = start, start + len(answer.text.strip())

    @property
    def all(self) -> tuple[int, int]:
        """(first token, one past the last) of the text without thought and end of turn."""
        return self._tokens(self._from, self._to)

    def find(self, words: str, occurrence: int = 0) -> tuple[int, int]:
        """(first token, one past the last) of `words`; case counts only where it has to."""
        if not isinstance(words, str) or not words.strip():
            raise SpecError(f"target is {shown(words)}", accepted="words of the answer")
        wanted, text = words.strip(), self._text[self._from : self._to]
        places = _places(text, wanted) or _places(text.lower(), wanted.lower())
        if not places:
            near = near_names(wanted, _phrases(text, len(wanted.split())))
            raise SpecError(
                f"target {shown(wanted)} is not in the answer {shown(text, 200)}",
                accepted=f"its words, such as {', '.join(map(repr, near))}" if near else "its words",
                fix="for words that it did not say: explain(model, answer.query, words), or --force in the shell",
            )
        if not isinstance(occurrence, int) or not -len(places) <= occurrence < len(places):
            raise SpecError(
                f"occurrence {occurrence} of {shown(wanted)}",
                accepted=f"0 to {len(places) - 1}: it stands there {len(places)} time(s)",
            )
        start = self._from + places[occurrence]
        return self._tokens(start, start + len(wanted))

    def _tokens(self, start: int, stop: int) -> tuple[int, int]:
        """The tokens that hold any of the characters from `start` to `stop`."""
        at, held = 0, []
        for index, piece in enumerate(self.pieces):
            if at < stop and at + len(piece) > start:
                held.append(index)
            at += len(piece)
        return held[0], held[-1] + 1


def _pieces(model, answer: Answer) -> list[str]:
    """The text that each token adds; a character of several bytes counts for its last, what is not shown for none."""
    ids = [token.id for token in answer.tokens]
    whole, pieces, told = model.speech.text(ids), [], 0
    for count in range(1, len(ids) + 1):
        upto = max(told, _alike(model.speech.text(ids[:count]), whole))
        pieces.append(whole[told:upto])
        told = upto
    return pieces


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _strand(answer: Answer, start: int, stop: int, sign: int = 1) -> Strand:
    return Strand(tuple(token.id for token in answer.tokens[:stop]), tuple(range(start, stop)), sign)


def _contrast(model, said: Answer, words: Words, query: Query, target: tuple[str, str], occurrence: int) -> Aim:
    try:
        start, stop = words.find(target[0], occurrence)
    except SpecError:
        return Aim(query, _forced(model, (), target), target, (), said.fingerprint)
    if not isinstance(target[1], str) or not target[1].strip():
        raise SpecError(f"target is {shown(target[1])}", accepted="text that is not empty")
    before = tuple(token.id for token in said.tokens[:start])
    leading = words.pieces[start][: len(words.pieces[start]) - len(words.pieces[start].lstrip())]
    against = _ids(model, leading + target[1])
    other = Strand((*before, *against), tuple(range(start, start + len(against))), -1)
    own = _strand(said, start, stop)
    if own.reply == other.reply or target[0].strip() == target[1].strip():
        raise SpecError(f"a contrast of {shown(target[0])} with itself", accepted="two different replies")
    return Aim(query, (own, other), target, (), said.fingerprint)


def _forced(model, before: Sequence[int], texts: Sequence[str]) -> tuple[Strand, ...]:
    strands = []
    for sign, text in zip((1, -1), texts, strict=False):
        if not isinstance(text, str) or not text.strip():
            raise SpecError(f"target is {shown(text)}", accepted="text that is not empty")
        ids = _ids(model, text)
        strands.append(Strand((*before, *ids), tuple(range(len(before), len(before) + len(ids))), sign))
    if len(strands) == 2 and strands[0].reply == strands[1].reply:
        raise SpecError(f"a contrast of {shown(texts[0])} with itself", accepted="two different replies")
    return tuple(strands)


def _replies(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not isinstance(text, str) or not text.strip():
            raise SpecError(f"target is {shown(text)}", accepted="text that is not empty")
    if len(set(texts)) < len(texts):
        raise SpecError(f"a contrast of {shown(texts[0])} with itself", accepted="two different replies")
    return texts


def _ids(model, text: str) -> tuple[int, ...]:
    return tuple(model.speech.ids(text))


def _with_scan(query: Query) -> Query:
    if not query.scans:
        raise SpecError("a question about text alone", accepted="a question about a scan: a map is drawn on one")
    return query


def _places(text: str, wanted: str) -> list[int]:
    """Where `wanted` begins in `text`, whole words first; part of a word only where there is nothing else."""
    found, at = [], text.find(wanted)
    while at >= 0:
        found.append(at)
        at = text.find(wanted, at + 1)

    def whole(at: int) -> bool:
        before, after = text[at - 1 : at], text[at + len(wanted) : at + len(wanted) + 1]
        return not (_joins(before) and _joins(wanted[0])) and not (_joins(after) and _joins(wanted[-1]))

    return [at for at in found if whole(at)] or found


def _joins(letter: str) -> bool:
    """Whether a letter may be part of a longer word: those of scripts with spaces."""
    return letter.isalnum() and letter.isascii()


def _phrases(text: str, words: int) -> list[str]:
    """Runs of `words` words of a text, to be compared with what was not found."""
    parts = [part.strip(".,;:!?\"'()") for part in text.split()]
    return list(dict.fromkeys(" ".join(parts[i : i + words]) for i in range(len(parts) - words + 1)))
