"""Answers on disk: one JSON line each, added as they come, found again by what was asked of which model.

A kill in the middle of a line costs that line alone: it is dropped when the file is next opened, and its question
asked again. A damaged line anywhere else is an error that names it, and nothing is changed. One process writes at a
time. It knows answers and keys; it asks nothing. What it holds is not encrypted: answers may tell of patients.
"""

import json
import os
import pathlib
import sqlite3
import weakref
import zlib
from collections.abc import Iterable
from typing import Self

from medlab.core.answer import Answer
from medlab.core.errors import CapabilityError, DataError, shown

Key = tuple[str, str]
"""(model fingerprint, query fingerprint)"""
FILE = "answers.jsonl"
_HEAD = b'{"medlab": "answers", "version": 1}\n'
_ANSWER = b', "answer": '
"""what stands before the answer in a line: a JSON text cannot hold it, since its quotes would be escaped"""
_MAX_LINE = 64 << 20
"""bytes; an honest answer of 8,192 tokens has about half a megabyte"""
_open: "weakref.WeakValueDictionary[pathlib.Path, AnswerStore]" = weakref.WeakValueDictionary()
"""of this process: a cell that was interrupted and run again takes over from what it left open"""


class AnswerStore:
    """The answers of one file, for one process. Use it in a `with` block, or `close` it.

    path  a file called *.jsonl, or a folder, in which the file is answers.jsonl; made where it is not there

    Raises DataError "schema" for a file that is no store of answers or has a damaged line, CapabilityError where
    another process has it open or the place cannot be written.
    """

    def __init__(self, path: str | os.PathLike):
        path = pathlib.Path(path).expanduser().absolute()
        self.path = path if path.suffix == ".jsonl" else path / FILE
        self._places: dict[Key, tuple[int, int]] = {}
        """(first byte, length) of each line"""
        self._end: int | None = None
        """where the next line goes; None when closed"""
        if self.path in _open:
            _open[self.path].close()
        self._lock = _locked(self.path)
        try:
            self._end = self._read_places()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise _unusable(self.path, error) from error
            raise
        _open[self.path] = self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process have it. Nothing can be added any more."""
        self._lock.close()
        self._end = None

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __getitem__(self, key: Key) -> Answer:
        """The answer of a key. Raises KeyError where there is none."""
        start, length = self._places[key]
        with self.path.open("rb") as file:
            file.seek(start)
            return Answer.from_dict(json.loads(file.read(length))["answer"])

    def add(self, answers: Iterable[tuple[Key, Answer]]) -> None:
        """Write answers at the end of the file, and wait until the disk has them all.

        Raises CapabilityError where the disk takes no more, or the store was closed or opened anew meanwhile.
        """
        if self._end is None:
            raise CapabilityError(f"{shown(self.path.name)} was closed, or opened anew, meanwhile", fix="ask again")
        lines, places, end = [], {}, self._end
        for key, answer in answers:
            lines.append(_line(key, answer))
            places[key] = (end, len(lines[-1]))
            end += len(lines[-1])
        try:
            _write(self.path, self._end, b"".join(lines))
        except OSError as error:
            raise _unusable(self.path, error) from error
        self._end = end
        self._places |= places

    def _read_places(self) -> int:
        """Note where each answer stands; where the file ends, less what a kill tore off."""
        if not self.path.exists():
            _write(self.path, 0, _HEAD)
        with self.path.open("rb") as file:
            head = file.readline(len(_HEAD))
            if head != _HEAD:
                if not _HEAD.startswith(head):
                    raise self._broken(1, "is not the head of a store of answers")
                _write(self.path, 0, _HEAD)
                return len(_HEAD)
            end = len(_HEAD)
            for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), 2):
                if not line.endswith(b"\n"):
                    if len(line) == _MAX_LINE:
                        raise self._broken(number, f"is longer than {_MAX_LINE} bytes")
                    break
                self._places[self._key(number, line)] = (end, len(line))
                end += len(line)
        return end

    def _key(self, number: int, line: bytes) -> Key:
        """The key of a line, whose bytes must be as they were written."""
        facts, _, answer = line.partition(_ANSWER)
        try:
            held = json.loads(facts + b"}")
            key = (held["model"], held["query"])
            sound = held["crc32"] == _crc32(key, answer[:-2])
        except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
            raise self._broken(number, f"cannot be read ({type(error).__name__})") from error
        if not sound:
            raise self._broken(number, "is not as it was written")
        return key

    def _broken(self, number: int, what: str) -> DataError:
        return DataError(
            "schema",
            f"line {number} of {shown(self.path.name)} {what}",
            accepted="a file that medlab's ask_batch wrote; nothing was changed in this one",
            fix="give another path" if number == 1 else f"take line {number} out: its question is then asked again",
        )


def _line(key: Key, answer: Answer) -> bytes:
    body = answer.to_json().encode("utf-8", "surrogatepass")
    facts = json.dumps({"model": key[0], "query": key[1], "crc32": _crc32(key, body)})
    return facts[:-1].encode() + _ANSWER + body + b"}\n"


def _crc32(key: Key, answer: bytes) -> int:
    return zlib.crc32(answer, zlib.crc32("/".join(key).encode("utf-8", "surrogatepass")))


def _write(path: pathlib.Path, start: int, data: bytes) -> None:
    """Put `data` at `start`, as the end of the file, on the disk; where that fails the file ends at `start`."""
    with open(path, "r+b" if path.exists() else "xb", buffering=0, opener=_owners) as file:
        file.truncate(start)
        file.seek(start)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(start)
            raise


def _owners(path: str, flags: int) -> int:
    """Opens a file that its owner alone may read, where it is made."""
    return os.open(path, flags, 0o600)


def _locked(path: pathlib.Path) -> sqlite3.Connection:
    """The lock of a store, held until it is closed or this process ends, however that comes.

    An empty database beside the file: SQLite knows how to lock a file on every system.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(_owners(f"{path}.lock", os.O_RDWR | os.O_CREAT))
        lock = sqlite3.connect(f"{path}.lock", timeout=0, isolation_level=None, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
        return lock
    except (sqlite3.Error, OSError) as error:
        if "locked" not in str(error):
            raise _unusable(path, error) from error
        raise CapabilityError(
            f"another process is writing answers to {shown(path.name)}",
            accepted="one process a store",
            fix="wait until it ends, or give each process a store of its own",
        ) from error


def _unusable(path: pathlib.Path, error: Exception) -> CapabilityError:
    reason = getattr(error, "strerror", None) or str(error)
    return CapabilityError(
        f"answers cannot be kept in {shown(path.name)}: {shown(reason)[1:-1]}",
        accepted="a folder, or a *.jsonl file, on a disk that may be written and has room",
        fix="give another path; what was written before is kept",
    )
