"""Dialogue: questions that follow from one another, about the same scans, to one model.

It keeps turns and makes of them the Query that is sent: the scans with the first question, and of each answer its
text alone, never the thought (a template would show the model its own reasoning as if it had said it aloud). It knows
no family. Note what publishers say: MedGemma was not evaluated on more than one turn.
"""

import json
import os
import pathlib
import tempfile
from collections.abc import Generator
from typing import Self

from medlab.core.answer import Answer
from medlab.core.errors import CapabilityError, DataError, MedlabError, SpecError, shown
from medlab.core.query import Decoding, Message, Part, Query
from medlab.core.record import check_text, check_whole
from medlab.core.scan import Scan
from medlab.models.base import Model, Subject, scans_of
from medlab.models.transcript import ScanMark, Transcript, Turn

MAX_FILE = 1 << 30
"""bytes of a saved dialogue, with or without pixels"""


class Dialogue:
    """A conversation with `model` about `subject`.

    subject   a Scan, a Case, several Scans, or None for text alone; shown with the first question
    system    said before everything; None for nothing
    decoding  of every answer; greedy unless told otherwise
    """

    def __init__(
        self, model: Model, subject: Subject = None, *, system: str | None = None, decoding: Decoding | None = None
    ):
        if system is not None:
            check_text("system", system)
        self.model, self.scans, self.system = model, scans_of(subject), system
        self.decoding = decoding or Decoding(max_new_tokens=model.capabilities.reply_tokens)
        self._turns: list[Turn] = []

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was asked and answered, from first to last."""
        return tuple(self._turns)

    def query(self, question: str) -> Query:
        """What `ask` would send: all turns so far, and then the question."""
        return self._query(self._turns, question)

    def ask(self, question: str) -> Answer:
        """The answer to the next question. A turn counts once it is answered: where this raises, nothing is kept.

        An answer without text (cut off within the thought) is given back and not kept: the next question takes its
        place.

        Raises CapabilityError where the turns no longer fit into the model's context, naming what to drop.
        """
        query = self._fitting(question)
        return self._kept(question, self.model.answer([query])[0].to(query))

    def stream(self, question: str) -> Generator[str, None, Answer]:
        """`ask` in pieces, the thought among them. The turn is kept when the last piece was read.

        What the generator returns at its end is the Answer: `answer = yield from dialogue.stream(question)`.
        """
        query = self._fitting(question)
        answer = yield from self.model.stream(query)
        return self._kept(question, answer.to(query))

    def undo(self) -> Turn:
        """Take back the last turn."""
        if not self._turns:
            raise SpecError("nothing was asked yet", accepted="undo after a question")
        return self._turns.pop()

    def drop(self, turns: int) -> None:
        """Forget the first so many turns. The scans stay, with the first question that is left."""
        check_whole("turns", turns, 0, len(self._turns))
        del self._turns[:turns]

    def reset(self) -> None:
        """Forget every turn; the scans, the system text and the decoding stay."""
        self._turns.clear()

    def save(self, path: str | os.PathLike, *, pixels: bool = False) -> None:
        """Write the dialogue as JSON, in place of what was there.

        pixels  True writes the scans into the file, the names of their files too. Otherwise it holds fingerprints
                alone, and whoever goes on with it brings the scans again

        What was said is in it as it was said, and may tell of a patient: its owner alone may read the file.
        """
        made = Transcript(
            model=self.model.name,
            model_fingerprint=self.model.fingerprint,
            turns=self.turns,
            system=self.system,
            decoding=self.decoding,
            marks=tuple(ScanMark(scan.fingerprint, scan.sha256, scan.rows, scan.cols) for scan in self.scans),
            scans=self.scans if pixels else (),
        )
        path = pathlib.Path(path).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(made.to_dict(), ensure_ascii=True, indent=1)
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name[:80]}.", dir=path.parent)  # its owner's alone
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(beside, path)
        except BaseException:
            pathlib.Path(beside).unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: str | os.PathLike, model: Model, subject: Subject = None) -> Self:
        """Go on with a saved dialogue. Each answer says which model gave it, so another may go on with it.

        subject  the scans it was about; not needed where they were saved too

        Raises DataError: "missing_file", "too_large", "schema" for what is no dialogue, "mismatch" where the scans
        are not those it was about.
        """
        path = pathlib.Path(path).expanduser()
        held = _read(path)
        scans = scans_of(subject) or held.scans
        _check_scans(held, scans, path.name)
        made = cls(model, scans, system=held.system, decoding=held.decoding)
        made._turns = list(held.turns)
        return made

    def _query(self, turns: list[Turn], question: str) -> Query:
        check_text("question", question)
        first, *later = [*(turn.question for turn in turns), question]
        messages = [*self.model.query(self.scans, first).messages]
        for turn, following in zip(turns, later, strict=True):
            messages += [_text("model", turn.answer.text), _text("user", following)]
        system = [_text("system", self.system)] if self.system else []
        return Query((*system, *messages), self.scans, self.decoding)

    def _fitting(self, question: str) -> Query:
        """The query, if the model's context holds it and the whole answer."""
        query, context = self.query(question), self.model.capabilities.context
        needed = self.model.prompt_tokens(query)
        room = self.decoding.max_new_tokens
        if context is None or needed is None or needed + room <= context:
            return query
        for count in range(1, len(self._turns) + 1):
            if self.model.prompt_tokens(self._query(self._turns[count:], question)) + room <= context:
                fix = f"dialogue.drop({count}), which forgets the first {count} of {len(self._turns)} turns"
                break
        else:
            fix = "a shorter question, fewer scans, or a smaller Decoding(max_new_tokens=…)"
        raise CapabilityError(
            f"this question and what was said before take {needed} tokens, and the answer up to {room}",
            accepted=f"at most {context} tokens together ({self.model.name})",
            fix=fix,
        )

    def _kept(self, question: str, answer: Answer) -> Answer:
        if answer.text.strip():
            self._turns.append(Turn(question, answer))
        return answer

    def __len__(self) -> int:
        return len(self._turns)

    def __repr__(self) -> str:
        return f"Dialogue({shown(self.model.name)[1:-1]}, {len(self.scans)} scan(s), {len(self)} turn(s))"


def _text(role: str, text: str) -> Message:
    return Message(role, (Part(text=text),))


def _read(path: pathlib.Path) -> Transcript:
    if not path.is_file():
        raise DataError("missing_file", f"no file {shown(path.name)}", accepted="what dialogue.save(path) wrote")
    if path.stat().st_size > MAX_FILE:
        raise DataError(
            "too_large", f"{shown(path.name)} has {path.stat().st_size} bytes", accepted=f"at most {MAX_FILE}"
        )
    try:
        return Transcript.from_json(path.read_text("utf-8"))
    except (MedlabError, UnicodeDecodeError) as error:
        reason = error.given if isinstance(error, MedlabError) else "not UTF-8"
        raise DataError(
            "schema", f"{shown(path.name)} is no saved dialogue: {reason}", accepted="what dialogue.save(path) wrote"
        ) from error


def _check_scans(held: Transcript, scans: tuple[Scan, ...], name: str) -> None:
    """Raises DataError "mismatch" unless `scans` are those that the dialogue was about."""
    if len(scans) != len(held.marks):
        raise DataError(
            "mismatch",
            f"{shown(name)} is about {len(held.marks)} scan(s), {len(scans)} given",
            fix="Dialogue.load(path, model, scans), the scans in the order they were shown",
        )
    for number, (scan, mark) in enumerate(zip(scans, held.marks, strict=True)):
        if scan.fingerprint == mark.scan_fingerprint:
            continue
        same_file = bool(mark.sha256) and scan.sha256 == mark.sha256
        raise DataError(
            "mismatch",
            f"scan {number} of {scan.rows}x{scan.cols} is not the {mark.rows}x{mark.cols} one of {shown(name)}",
            accepted="the same file, read in the same way" if same_file else "the same scan",
            fix="it is the same file: load it with the window and frame of then" if same_file else "",
        )
