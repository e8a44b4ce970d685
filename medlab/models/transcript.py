"""Transcript: a Dialogue as it is saved. Records alone; it neither asks nor reads a file."""

from medlab.core.answer import Answer
from medlab.core.errors import SpecError
from medlab.core.query import Decoding
from medlab.core.record import Record, check_text, check_whole, record
from medlab.core.scan import Scan

VERSION = 1


@record
class Turn(Record):
    """One question and its answer."""

    question: str
    answer: Answer

    def __post_init__(self):
        check_text("question", self.question)
        check_text("answer.text", self.answer.text)


@record
class ScanMark(Record):
    """Which scan it was, without its pixels or its name."""

    scan_fingerprint: str
    """of the Scan: pixels and how they were made"""
    sha256: str
    """of the file; empty where there was none"""
    rows: int
    cols: int


@record
class Transcript(Record):
    model: str
    """name of the model that was asked last; each Answer names its own"""
    model_fingerprint: str
    turns: tuple[Turn, ...]
    system: str | None
    decoding: Decoding
    marks: tuple[ScanMark, ...]
    """one for each scan, in the order in which they were shown"""
    scans: tuple[Scan, ...] = ()
    """the same, where they were saved too"""
    version: int = VERSION

    def __post_init__(self):
        check_whole("version", self.version)
        if self.version != VERSION:
            raise SpecError(f"version is {self.version}", accepted=f"{VERSION}", fix="a newer medlab wrote this")
        if self.scans and [scan.fingerprint for scan in self.scans] != [mark.scan_fingerprint for mark in self.marks]:
            raise SpecError("the scans are not those of the marks", accepted="the same in the same order")
