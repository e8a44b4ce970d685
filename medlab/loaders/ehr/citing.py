"""What an answer cites, and whether it is there: a source that nobody showed the model is an invention.

That a cited entry exists does not mean that it says what the answer claims. That has to be read.
"""

import re

from medlab.core.record import Record, record
from medlab.loaders.ehr.digest import Digest
from medlab.loaders.ehr.elements import clean
from medlab.loaders.ehr.kinds import KINDS
from medlab.loaders.ehr.patient_record import PatientRecord
from medlab.loaders.ehr.statements import SUPPORTING

_BRACKETED = re.compile(r"[\[【]([^\[\]【】\n]{1,2000})[\]】]")
_NAMED = re.compile(r"\b([A-Z][A-Za-z]{2,40})/([A-Za-z0-9.\-]{1,64})", re.ASCII)
_FHIR = {*KINDS, *SUPPORTING}
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


@record
class Citations(Record):
    """What one answer cites."""

    cited: tuple[str, ...]
    """ids of entries that are there, each once, in order"""
    unknown: tuple[str, ...]
    """what looks like a source and is none: untrusted text"""
    uncited: tuple[str, ...]
    """sentences without any source: untrusted text"""

    @property
    def sound(self) -> bool:
        """Whether something is cited and nothing is invented."""
        return bool(self.cited) and not self.unknown


def citations(answer: str, shown: PatientRecord | Digest) -> Citations:
    """The sources that `answer` names: "[Condition/3568cb]", several in one pair of brackets, or bare.

    shown  what the model was given. With a Digest, an entry that exists but was not shown is unknown too
    """
    short = dict(shown.shown)
    cited: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for source in _sources(answer):
        found = _resolved(source, short)
        if found:
            cited.setdefault(found)
        else:
            unknown.setdefault(clean(source))
    return Citations(tuple(cited), tuple(unknown), tuple(_uncited(answer)))


def _sources(text: str) -> list[str]:
    """Everything in brackets that looks like Type/id, and elsewhere what begins with a FHIR type, in order."""
    bracketed = [(found.start(1), found.end(1)) for found in _BRACKETED.finditer(text)]
    told = []
    for found in _NAMED.finditer(text):
        inside = any(start <= found.start() < end for start, end in bracketed)
        if inside or found[1] in _FHIR:
            told.append(found[0].rstrip(".-"))
    return told


def _resolved(source: str, short: dict[str, str]) -> str | None:
    """The id of an entry by its short form, its whole id, or anything between the two."""
    if source in short:
        return short[source]
    return next((whole for cite, whole in short.items() if source.startswith(cite) and whole.startswith(source)), None)


def _uncited(text: str) -> list[str]:
    """Sentences without a source; a source alone belongs to the sentence before it."""
    bare: list[str] = []
    for piece in _SENTENCE_ENDS.split(text):
        words = _NAMED.sub("", piece).strip(" \t[]【】()（）,;.，；。-*")
        if _sources(piece):
            if not words and bare:
                bare.pop()
        elif words:
            bare.append(clean(piece))
    return bare
