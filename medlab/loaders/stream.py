"""Many files to prepared pictures, in order and at the speed of the decoders.

Threads, not processes: decoding, look-up and resizing release Python's lock, so nothing is copied between workers. At
most a few files are read ahead, whatever the consumer's speed. Every picture equals `prepare(load_scan(path))` bit by
bit; what is left out is the Scan in between, its notes, and the sha256 of the file. It trusts the files that it is
given: uploads go through `load_scan(..., untrusted=True)`.
"""

import collections
import concurrent.futures
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from medlab.core.errors import MedlabError
from medlab.core.record import check_choice, check_whole
from medlab.imaging.preparing import Preparation, Prepared, normalise, to_square
from medlab.loaders.decode import decode
from medlab.loaders.decoded import ReadOptions

ON_ERROR = ("raise", "skip")
AHEAD_PER_WORKER = 2


class Failure(NamedTuple):
    """A file that was passed over."""

    index: int
    """its place among the files given, from 0"""
    error: MedlabError


class Stream:
    """Iterate it to get one Prepared a file, in the order of the files; `failures` tells which were passed over."""

    def __init__(
        self, work: Callable[[Any], Any], sources: Iterable[Any], *, workers: int, on_error: str, progress: bool
    ):
        check_whole("workers", workers, 0, 64)
        check_choice("on_error", on_error, ON_ERROR)
        self._work, self._sources = work, sources
        self._workers, self._on_error, self._progress = workers, on_error, progress
        self.failures: list[Failure] = []

    def __iter__(self) -> Iterator[Any]:
        return (result for _, result in self.numbered())

    def numbered(self) -> Iterator[tuple[int, Any]]:
        """(place among the files, what was made of it), without the files that were passed over."""
        self.failures.clear()
        with contextlib.ExitStack() as stack:
            bar = stack.enter_context(_bar(self._sources)) if self._progress else None
            results = stack.enter_context(contextlib.closing(_in_order(self._work, self._sources, self._workers)))
            for index, result in enumerate(results):
                if bar is not None:
                    bar.update()
                if not isinstance(result, MedlabError):
                    yield index, result
                elif self._on_error == "raise":
                    raise result
                else:
                    self.failures.append(Failure(index, result))


def prepare_file(source: Any, preparation: Preparation | None = None, options: ReadOptions | None = None) -> Prepared:
    """`medlab.prepare(medlab.load_scan(source))` without the float image in between. Raises as the two do."""
    preparation = preparation or Preparation()
    picture = decode(source, options).to_uint8()
    return Prepared(normalise(to_square(picture, preparation), preparation), preparation.fit_of(*picture.shape[:2]))


def stream(
    sources: Iterable[Any],
    preparation: Preparation | None = None,
    *,
    options: ReadOptions | None = None,
    workers: int = 2,
    on_error: str = "raise",
    progress: bool = False,
) -> Stream:
    """Prepared pictures of many files, one after another, made ahead of their use by threads.

    sources   whatever `load_scan` accepts, one a picture; taken as they are needed, so a generator will do
    workers   threads; 0 works in the caller's own
    on_error  "raise" stops at the first file that is no picture; "skip" goes on and tells in `stream.failures`
    progress  a bar

    Closing the iterator, or an interrupt, stops after the files that are in work.
    """
    return Stream(
        lambda source: prepare_file(source, preparation, options),
        sources,
        workers=workers,
        on_error=on_error,
        progress=progress,
    )


def _in_order(work: Callable[[Any], Any], sources: Iterable[Any], workers: int) -> Iterator[Any]:
    """What `work` makes of each source, in order; a MedlabError comes as a value. Other errors are raised."""
    if workers == 0:
        for source in sources:
            yield _caught(work, source)
        return
    pool = concurrent.futures.ThreadPoolExecutor(workers, "medlab-stream")
    ahead: collections.deque[concurrent.futures.Future] = collections.deque()
    try:
        for source in sources:
            ahead.append(pool.submit(_caught, work, source))
            if len(ahead) > workers * AHEAD_PER_WORKER:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _caught(work: Callable[[Any], Any], source: Any) -> Any:
    try:
        return work(source)
    except MedlabError as error:
        return error


def _bar(sources: Iterable[Any]) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=len(sources) if hasattr(sources, "__len__") else None, unit="picture")
