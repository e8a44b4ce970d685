"""Many questions: asked in batches, given back one by one in their order, kept on disk where a store is named.

It reads no more questions ahead than it needs, so a generator of a hundred thousand never stands in memory. Which
model is asked, it does not know.
"""

import collections
import os
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

from medlab.core.answer import Answer
from medlab.core.errors import MedlabError, SpecError, shown
from medlab.core.query import Query
from medlab.core.record import Record, check_choice, check_whole, record
from medlab.models.store import AnswerStore, Key

if TYPE_CHECKING:
    from medlab.models.base import Model

ERRORS = ("raise", "keep")
_AHEAD = 16
"""batches of questions that may wait for their turn behind one that is not asked yet"""
_REMEMBERED = 10_000
"""answers kept in memory for doubled questions where there is no store"""


@record
class Failure(Record):
    """A question that a model could not answer, in the place of its Answer; without `text`, so that none is scored."""

    kind: str
    """the name of the error's class, such as "CapabilityError" """
    message: str
    """what it said; untrusted text"""
    model_fingerprint: str = ""
    query_fingerprint: str = ""

    def __repr__(self) -> str:
        return f"Failure({self.kind}: {shown(self.message, 200)})"


def ask_batch(
    model: "Model",
    queries: Iterable[Query],
    *,
    batch_size: int = 8,
    store: str | os.PathLike | None = None,
    errors: str = "raise",
    progress: bool = True,
) -> Iterator[Answer | Failure]:
    """One Answer a Query, in order, as they come.

    queries     any iterable; a generator is read as it is needed
    batch_size  how many the model is asked at once; the greedy answers do not depend on it
    store       a folder or a *.jsonl file: each batch is on the disk before its first answer is given out, and what
                is there already, of a model with the same fingerprint, is not asked again. None writes nothing
    errors      what becomes of a question that the model refuses (a MedlabError), once the rest of its batch has been
                asked without it. "raise": the error, in its place; what was answered is in the store. "keep": a
                Failure in its place. Failures are not stored: the next run asks them again
    progress    True shows a bar

    A question that comes twice is asked once (without a store: where fewer than 10,000 others lie between). Where
    `queries` itself raises, the questions before are answered and given out first.

    Raises SpecError for a wrong option, and what AnswerStore raises, before anything is asked.
    """
    check_whole("batch_size", batch_size, 1)
    check_choice("errors", errors, ERRORS)
    kept = _Memory(batch_size) if store is None else AnswerStore(store)
    desk = _Desk(model, kept, batch_size, keep_failures=errors == "keep")
    return _given_out(desk, queries, progress)


def _given_out(desk: "_Desk", queries: Iterable[Query], progress: bool) -> Generator[Answer | Failure, None, None]:
    from tqdm.auto import tqdm

    total = len(queries) if hasattr(queries, "__len__") else None
    with desk.kept, tqdm(total=total, unit="answer", disable=not progress) as bar:
        for query in _until_broken(queries):
            if query is None or isinstance(query, Exception):
                desk.ask()
            else:
                desk.take(query)
            for result in desk.ready():
                if isinstance(result, MedlabError):
                    raise result
                bar.update()
                yield result
            if isinstance(query, Exception):
                raise query


def _until_broken(queries: Iterable[Query]) -> Iterator[Query | Exception | None]:
    """The queries, and then the error with which they ended, or None."""
    try:
        for number, query in enumerate(queries):
            if not isinstance(query, Query):
                raise SpecError(
                    f"question {number} is a {type(query).__name__}",
                    accepted="a Query",
                    fix="model.query(scan, question)",
                )
            yield query
    except Exception as error:
        yield error
    else:
        yield None


class _Desk:
    """Questions in the order in which they came: those that wait, those answered, those refused."""

    def __init__(self, model: "Model", kept: "AnswerStore | _Memory", batch_size: int, *, keep_failures: bool):
        self.kept = kept
        self._model, self._batch_size, self._keep_failures = model, batch_size, keep_failures
        self._waiting: collections.deque[Key] = collections.deque()
        self._unasked: dict[Key, Query] = {}
        self._refused: dict[Key, Failure | MedlabError] = {}

    def take(self, query: Query) -> None:
        """Put a question at the end of the queue, and ask where a batch is full."""
        key = (self._model.fingerprint, query.fingerprint)
        self._waiting.append(key)
        if key not in self.kept and key not in self._refused:
            self._unasked.setdefault(key, query)
        if len(self._unasked) == self._batch_size or len(self._waiting) >= _AHEAD * self._batch_size:
            self.ask()

    def ask(self) -> None:
        """Ask what is not asked yet."""
        results = dict(zip(self._unasked, self._answers(list(self._unasked.values())), strict=True))
        self.kept.add((key, result) for key, result in results.items() if isinstance(result, Answer))
        self._refused |= {key: result for key, result in results.items() if not isinstance(result, Answer)}
        self._unasked.clear()

    def ready(self) -> Iterator[Answer | Failure | MedlabError]:
        """What can be given out now, in order."""
        while self._waiting and self._waiting[0] not in self._unasked:
            key = self._waiting.popleft()
            yield self._refused[key] if key in self._refused else self.kept[key]

    def _answers(self, queries: list[Query]) -> list[Answer | Failure | MedlabError]:
        """One result each. A batch that is refused is asked one by one, to find the question that is to blame."""
        if not queries:
            return []
        try:
            return self._model.answer(queries)
        except MedlabError as error:
            if len(queries) == 1:
                return [self._failure(queries[0], error)]
        return [self._answers([query])[0] for query in queries]

    def _failure(self, query: Query, error: MedlabError) -> Failure | MedlabError:
        if not self._keep_failures:
            return error
        return Failure(type(error).__name__, str(error), self._model.fingerprint, query.fingerprint)


class _Memory:
    """What AnswerStore does, for as long as one run lasts, and for its latest answers alone."""

    def __init__(self, batch_size: int):
        self._answers: dict[Key, Answer] = {}
        self._most = max(_REMEMBERED, 2 * _AHEAD * batch_size)

    def __enter__(self) -> "_Memory":
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.clear()

    def __contains__(self, key: object) -> bool:
        if key not in self._answers:
            return False
        self._answers[key] = self._answers.pop(key)  # whoever looks will want it: now it is the latest
        return True

    def __getitem__(self, key: Key) -> Answer:
        return self._answers[key]

    def add(self, answers: Iterable[tuple[Key, Answer]]) -> None:
        self._answers |= dict(answers)
        while len(self._answers) > self._most:
            del self._answers[next(iter(self._answers))]  # the oldest
