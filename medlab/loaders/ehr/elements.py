"""The elements that FHIR's resources are made of, read without trust: what is not of its type is as if not there.

Whatever a stranger nests, no function here walks deeper than the element it reads. It knows no kind of resource.
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

MAX_LINE = 300
"""characters of a name, a value, a status"""
MAX_NOTE = 20_000
"""characters of the free text of one entry"""
_LISTED = 50
_BETWEEN = re.compile(r"[\s_\-]+")


class Concept(NamedTuple):
    """A thing named by code, by word, or both."""

    system: str | None
    code: str | None
    text: str


def clean(text: str, limit: int = MAX_LINE, *, lines: bool = False) -> str:
    """`text` without control, format and unassigned characters, cut at `limit`; line breaks stay with `lines`."""
    kept = cut = text[: 4 * limit]
    if not cut.isprintable():
        kept = "".join(map(_kept, cut.replace("\r\n", "\n")))
    rows = [" ".join(row.split()) for row in kept.split("\n")]
    plain = "\n".join(rows).strip("\n") if lines else " ".join(" ".join(rows).split())
    shortened = len(plain) > limit or len(text) > len(cut)
    return plain[: limit - 1] + "…" if shortened else plain


def _kept(c: str) -> str:
    if c == "\n" or c.isprintable():
        return c
    if c.isspace():
        return " "
    return "\ufffd" if unicodedata.category(c) == "Cs" else ""


def word(value: Any) -> str:
    """A text as one clean line; empty where it is no text."""
    return clean(value) if isinstance(value, str) else ""


def listed(value: Any) -> Iterator[dict]:
    """The objects of a list, or the one object where no list stands; at most 50."""
    items = value if isinstance(value, list) else [value]
    return (item for item in items[:_LISTED] if isinstance(item, dict))


def concept(value: Any) -> Concept | None:
    """A CodeableConcept, the first of several, a CodeableReference's, or a bare Coding; None where it says nothing."""
    for one in listed(value):
        one = one["concept"] if isinstance(one.get("concept"), dict) else one
        codings = list(listed(one.get("coding", one)))
        coded = [coding for coding in codings if word(coding.get("code"))]
        first = coded[0] if coded else {}
        names = [word(one.get("text")), *(word(coding.get("display")) for coding in codings)]
        text = next(filter(None, names), "") or word(first.get("code"))
        if text:
            return Concept(word(first.get("system")) or None, word(first.get("code")) or None, text)
    return None


def concepts(value: Any) -> str:
    """The names of several CodeableConcepts in one line: "fever; cough"."""
    named = (concept(one) for one in listed(value))
    return "; ".join(dict.fromkeys(one.text for one in named if one))


def code_of(value: Any) -> str:
    """The bare code of a CodeableConcept such as a clinical status; empty where there is none."""
    found = concept(value)
    return (found.code or found.text) if found else ""


def codes_of(value: Any) -> tuple[str, ...]:
    """Every code of a CodeableConcept or a bare code, then its words, as FHIR spells them: "Entered in Error" is
    "entered-in-error". A status may stand in any of several codings, or only in words.
    """
    told = [word(value)]
    for one in listed(value):
        codings = list(listed(one.get("coding", one)))
        names = [word(coding.get("display")) for coding in codings]
        told += [*(word(coding.get("code")) for coding in codings), word(one.get("text")), *names]
    spelled = ("-".join(_BETWEEN.split(text.casefold())).strip("-") for text in told)
    return tuple(dict.fromkeys(filter(None, spelled)))


def number(value: Any) -> float | None:
    """A finite number; None for anything else, true and false included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        plain = float(value)
    except OverflowError:
        return None
    return plain if math.isfinite(plain) else None


def number_text(value: float) -> str:
    """A number as a person would write it: whole ones in full, others to six figures."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def quantity_text(value: Any) -> str:
    """A Quantity in words: "< 5 mg/dL"; empty where there is no number."""
    if not isinstance(value, dict) or (amount := number(value.get("value"))) is None:
        return ""
    unit = word(value.get("unit")) or word(value.get("code"))
    return " ".join(filter(None, (word(value.get("comparator")), number_text(amount), unit)))


def period(value: Any) -> tuple[str, str]:
    """(start, end) of a Period as written; empty where not said."""
    if not isinstance(value, dict):
        return "", ""
    return word(value.get("start")), word(value.get("end"))


def reference(value: Any) -> str:
    """The address in a Reference, or in a CodeableReference; empty where there is none."""
    if not isinstance(value, dict):
        return ""
    inner = value.get("reference")
    return reference(inner) if isinstance(inner, dict) and isinstance(inner.get("reference"), str) else word(inner)
