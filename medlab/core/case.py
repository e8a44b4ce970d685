"""Case: one thing one may ask about, and all that is known of it. `None` and "not_mentioned" never mean "no"."""

import numpy as np

from medlab.core.errors import SpecError, shown
from medlab.core.geometry import BoxPx
from medlab.core.record import (
    Record,
    check_choice,
    check_number,
    check_text,
    check_whole,
    frozen_array,
    record,
)
from medlab.core.scan import Scan
from medlab.core.vocabulary import SIDE_TERMS, ZONE_TERMS

STATES = ("present", "absent", "uncertain", "not_mentioned")
SIDES = tuple(SIDE_TERMS)
ZONES = tuple(ZONE_TERMS)
LANGUAGES = ("en", "zh", "es")
SPLITS = ("train", "validation", "test")
SPLIT_SOURCES = ("official", "hash", "none")
QUESTION_KINDS = ("yes_no", "where", "severity", "box", "choice", "open")


@record
class Finding(Record):
    """One statement about one finding. Sides are the patient's."""

    name: str
    """such as "effusion"; the source's own term where it is not one of medlab's"""
    state: str
    """one of STATES: "uncertain" and "not_mentioned" are states of their own"""
    side: str | None = None
    """one of SIDES, None where not said or not meaningful"""
    zone: str | None = None
    """one of ZONES"""
    severity: str | None = None
    """the source's own word, such as "small" """
    raw: str | None = None
    """what stood in the source, before it was read"""
    source: str | None = None
    """who said so: "phantom", "mesh", "chexpert-labeler", "radiologist" """

    def __post_init__(self):
        check_text("name", self.name)
        check_choice("state", self.state, STATES)
        for field, choices in (("side", SIDES), ("zone", ZONES)):
            if getattr(self, field) is not None:
                check_choice(field, getattr(self, field), choices)


@record
class Box(Record):
    """A rectangle on one scan, in pixels of the original."""

    label: str
    box_px: BoxPx
    """(top, left, bottom, right), half-open"""
    side: str | None = None
    """one of SIDES"""
    scan: int = 0
    """which of the case's scans, from 0"""
    rater: str | None = None
    """who drew it; several readers' boxes are kept apart"""

    def __post_init__(self):
        check_text("label", self.label)
        check_whole("scan", self.scan)
        for value in self.box_px:
            check_number("box_px", value)
        top, left, bottom, right = self.box_px
        if bottom <= top or right <= left:
            raise SpecError(f"box_px is {self.box_px}", accepted="top < bottom and left < right, in that order")


@record
class Mask(Record):
    """The pixels of one thing on one scan."""

    label: str
    pixels: np.ndarray
    """(rows, cols) bool, the size of its scan"""
    side: str | None = None
    """one of SIDES"""
    scan: int = 0
    """which of the case's scans, from 0"""
    rater: str | None = None

    def __post_init__(self):
        check_text("label", self.label)
        check_whole("scan", self.scan)
        object.__setattr__(self, "pixels", frozen_array("pixels", self.pixels, bool, (2,)))

    @property
    def box_px(self) -> BoxPx | None:
        """The tight (top, left, bottom, right), half-open; None for an empty mask."""
        rows, cols = np.flatnonzero(self.pixels.any(1)), np.flatnonzero(self.pixels.any(0))
        if rows.size == 0:
            return None
        return (float(rows[0]), float(cols[0]), float(rows[-1] + 1), float(cols[-1] + 1))


@record
class Question(Record):
    """Something one may ask of the case, with its true answer."""

    question: str
    answer: str
    kind: str = "open"
    """one of QUESTION_KINDS"""
    language: str = "en"
    options: tuple[str, ...] = ()
    about: str | None = None
    """the finding that it asks about"""

    def __post_init__(self):
        check_text("question", self.question)
        check_text("answer", self.answer, empty=True)
        check_choice("kind", self.kind, QUESTION_KINDS)
        check_choice("language", self.language, LANGUAGES)


@record
class Report(Record):
    """What was written about the case, by section; None where the source has no such section."""

    language: str = "en"
    findings: str | None = None
    impression: str | None = None
    indication: str | None = None
    comparison: str | None = None
    technique: str | None = None
    full: str | None = None
    """the whole text, where the source does not divide it"""

    def __post_init__(self):
        check_choice("language", self.language, LANGUAGES)

    @property
    def text(self) -> str:
        """Findings and impression as one text, or `full`; empty where there is neither."""
        parts = [part for part in (self.findings, self.impression) if part]
        return "\n".join(parts) or self.full or ""


@record
class Case(Record):
    """One thing one may ask about: scans and their reference."""

    id: str
    scans: tuple[Scan, ...] = ()
    """in the order a reader would hang them; may be empty for text-only cases"""
    patient_id: str | None = None
    """None where the source names no patient: such a case can be in no split"""
    findings: tuple[Finding, ...] = ()
    reports: tuple[Report, ...] = ()
    """one per language"""
    boxes: tuple[Box, ...] = ()
    masks: tuple[Mask, ...] = ()
    """lesions first, then organs (labels "lung", "heart", …)"""
    questions: tuple[Question, ...] = ()
    language: str = "en"
    """of the source"""
    source: str = "unknown"
    """dataset or generator, such as "openi" or "phantom" """
    licence: str | None = None
    split: str | None = None
    """one of SPLITS, None where not assigned"""
    split_source: str = "none"
    """one of SPLIT_SOURCES"""

    def __post_init__(self):
        check_text("id", self.id)
        check_choice("language", self.language, LANGUAGES)
        check_choice("split_source", self.split_source, SPLIT_SOURCES)
        if self.split is not None:
            check_choice("split", self.split, SPLITS)
            if self.patient_id is None:
                raise SpecError(
                    f"case {shown(self.id)} has split {self.split!r} but no patient_id",
                    accepted="a split only where the patient is known",
                    fix="split=None",
                )
        for thing in (*self.boxes, *self.masks):
            if self.scans and thing.scan >= len(self.scans):
                raise SpecError(f"{thing.label} is on scan {thing.scan}", accepted=f"0 to {len(self.scans) - 1}")
        for mask in self.masks:
            if self.scans and mask.pixels.shape != self.scans[mask.scan].pixels.shape[:2]:
                raise SpecError(
                    f"mask {mask.label} is {mask.pixels.shape}",
                    accepted=f"the scan's {self.scans[mask.scan].pixels.shape[:2]}",
                )

    def state_of(self, finding: str) -> str:
        """One of STATES for a finding by name; "not_mentioned" where nothing says."""
        states = [f.state for f in self.findings if f.name == finding]
        return next((s for s in STATES if s in states), "not_mentioned")

    def report(self, language: str = "en") -> Report | None:
        return next((r for r in self.reports if r.language == language), None)

    def __repr__(self) -> str:
        found = [shown(f.name, 60)[1:-1] for f in self.findings if f.state == "present"]
        return (
            f"Case({shown(self.id, 60)}, {len(self.scans)} scan(s), {self.source}, "
            f"present: {', '.join(found) or 'none'})"
        )
