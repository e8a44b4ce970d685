"""What an answer cites, and whether it is there: a source that nobody showed the model is an invention.

That a cited entry exists does not mean that it says what the answer claims. That has to be read.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from medlab.core.record import Record, record
from medlab.loaders.ehr.digest import Digest
from medlab.loaders.ehr.elements import clean
from medlab.loaders.ehr.kinds import KINDS
from medlab.loaders.ehr.patient_record import PatientRecord
from medlab.loaders.ehr.statements import SUPPORTING

_BRACKETED = re.compile(r"[\[【［]([^\[\]【】［］\n]{1,2000})[\]】］]")
_UNIT = re.compile(r"[A-Za-z][A-Za-z0-9_']{0,7}", re.ASCII)
"""in brackets right behind a letter: "mm[Hg]" """
_NAMED = re.compile(r"\b([A-Za-z]{3,41})/([A-Za-z0-9.\-]{1,64})", re.ASCII)
_APART = re.compile(r"\b([A-Za-z]{3,41})(?:\s*:\s*|\s+)([A-Za-z0-9.\-]{1,64})", re.ASCII)
_BETWEEN = re.compile(r"[,;，、；]")
_JOINING = re.compile(
    r"\b(?:and|or|see|also|sources?|refs?|cf)\b\s*:?|[&和及或见]|来源[:：]?|出处[:：]?", re.IGNORECASE
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_EDITORIAL = ("", "sic", "removed", "x", "…", "...")
_FHIR = {kind.lower(): kind for kind in (*KINDS, *SUPPORTING)}
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


class _Source(NamedTuple):
    told: str
    """as it is written"""
    name: str
    """the "Type/id" that it means; empty where it can mean none"""


@record
class Citations(Record):
    """What one answer cites."""

    cited: tuple[str, ...]
    """ids of entries that are there, each once, in order"""
    unknown: tuple[str, ...]
    """what stands as a source and is none: untrusted text"""
    uncited: tuple[str, ...]
    """sentences without any source: untrusted text"""

    @property
    def sound(self) -> bool:
        """Whether something is cited and nothing is invented."""
        return bool(self.cited) and not self.unknown


def citations(answer: str, shown: PatientRecord | Digest) -> Citations:
    """The sources that `answer` names: "[Condition/3568cb]", several in one pair of brackets, or bare.

    shown  what the model was given. With a Digest, an entry that exists but was not shown is unknown too
    Whatever stands in brackets of its own claims to be a source: "[1]" is one that nobody showed.
    """
    short = dict(shown.shown)
    cited: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for source in _sources(answer):
        found = _resolved(source.name, short)
        if found:
            cited.setdefault(found)
        else:
            unknown.setdefault(clean(source.told).rstrip(".-"))
    return Citations(tuple(cited), tuple(unknown), tuple(_uncited(answer)))


def _sources(text: str) -> list[_Source]:
    """Whatever stands in brackets, and elsewhere what begins with a FHIR type, in order."""
    told, done = [], 0
    for bracket in _BRACKETED.finditer(text):
        told += _in_prose(text[done : bracket.start()])
        done = bracket.end()
        attached = text[max(0, bracket.start() - 1) : bracket.start()].isalpha()
        if not (attached and _UNIT.fullmatch(bracket[1])):
            told += _in_brackets(bracket[1])
    return [*told, *_in_prose(text[done:])]


def _in_prose(text: str) -> Iterator[_Source]:
    for found in _NAMED.finditer(text):
        # "condition/disease" is prose, "condition/356" is meant as a source
        if _FHIR.get(found[1].lower()) == found[1] or (found[1].lower() in _FHIR and re.search(r"\d", found[2])):
            yield _named(found)


def _in_brackets(text: str) -> Iterator[_Source]:
    """Piece by piece; an id alone is of the type of the piece before."""
    kind = ""
    for piece in map(str.strip, _BETWEEN.split(text)):
        named = [_named(found) for found in _NAMED.finditer(piece)]
        yield from named
        if named:
            kind = named[-1].name.partition("/")[0]
            piece = _JOINING.sub(" ", _NAMED.sub(" ", piece)).strip(" :.-()")
            if not re.search(r"\d", piece):
                continue
        if piece.lower() in _EDITORIAL or _DAY.fullmatch(piece):
            continue
        apart = _APART.fullmatch(piece)
        if apart and apart[1].lower() in _FHIR:
            yield _named(apart)
            kind = _FHIR[apart[1].lower()]
        else:
            yield _Source(piece, f"{kind}/{piece}" if kind else "")


def _named(found: re.Match) -> _Source:
    return _Source(found[0], f"{_FHIR.get(found[1].lower(), found[1])}/{found[2]}")


def _resolved(name: str, short: dict[str, str]) -> str | None:
    """The id of an entry by its short form, its whole id, or anything between the two; its last stop is no part of it
    unless the id ends so.
    """
    while name:
        if name in short:
            return short[name]
        between = (whole for cite, whole in short.items() if name.startswith(cite) and whole.startswith(name))
        if found := next(between, None):
            return found
        if name[-1] not in ".-":
            return None
        name = name[:-1]
    return None


def _uncited(text: str) -> list[str]:
    """Sentences without a source; a source alone belongs to the sentence before it."""
    bare: list[str] = []
    for piece in _SENTENCE_ENDS.split(text):
        words = _NAMED.sub("", _BRACKETED.sub("", piece)).strip(" \t[]【】()（）,;.，；。-*")
        if _sources(piece):
            if not words and bare:
                bare.pop()
        elif words:
            bare.append(clean(piece))
    return bare
