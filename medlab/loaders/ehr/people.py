"""The person of a record: age and sex, and whatever names them, which is dropped unless asked for.

Taking names out of notes is a search for the words that the source itself lists as somebody's name, number or address.
It is no de-identification: what a note tells of a person in other words stays.
"""

import re
from collections.abc import Iterable

from medlab.core.record import Record, check_choice, check_whole, record
from medlab.loaders.ehr.dates import precision_of, whole_years
from medlab.loaders.ehr.elements import listed, word

SEXES = ("female", "male", "other", "unknown")
MAX_AGE_YEARS = 90
"""older people are told as 90: their age would name them"""
NAMED_KINDS = ("Patient", "Practitioner", "RelatedPerson")
REMOVED = "[removed]"
_SHORTEST_NUMBER = 5
_HEAD = 3
"""letters by which names are looked up"""
_STARTS = re.compile(r"(?<![0-9A-Za-z])[!-~]|[^\x00-\x7f]")
_GOES_ON = re.compile("[0-9A-Za-z]")
_TITLE = re.compile(r"^(?:(?:Dr|Prof|Mr|Mrs|Ms|Miss)\.? +)+")


@record
class Identity(Record):
    """What names a person. Only on request."""

    names: tuple[str, ...] = ()
    birth_date: str | None = None
    addresses: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()


@record
class Person(Record):
    """What a model is told of the patient."""

    sex: str = "unknown"
    """one of SEXES: FHIR's administrative gender"""
    age_years: int | None = None
    """whole years at the record's newest entry; 90 for everyone older; None where it cannot be told"""
    deceased: bool = False
    identity: Identity | None = None

    def __post_init__(self):
        check_choice("sex", self.sex, SEXES)
        if self.age_years is not None:
            check_whole("age_years", self.age_years, 0, MAX_AGE_YEARS)


def person_of(patient: dict, newest: str | None, *, identity: bool) -> Person:
    """From a Patient resource, or from nothing. `newest` is the date of the newest entry."""
    birth = word(patient.get("birthDate"))
    birth = birth if precision_of(birth) in ("year", "month", "day") else ""
    years = whole_years(birth, newest) if birth and newest else None
    sex = word(patient.get("gender")).lower()
    died = patient.get("deceasedBoolean") is True or bool(word(patient.get("deceasedDateTime")))
    named = None
    if identity:
        named = Identity(
            tuple(_whole_names(patient)), birth or None, tuple(_addresses(patient)), *map(tuple, _numbers(patient))
        )
    return Person(
        sex if sex in SEXES else "unknown", None if years is None else min(years, MAX_AGE_YEARS), died, named
    )


class NamesRemover:
    """Takes given names, numbers and address lines out of a text, as written and in capitals, the longest first."""

    def __init__(self, words: Iterable[str]):
        found = {one for one in words if len(one) > 1}
        self._starting: dict[str, list[str]] = {}
        for one in sorted(found | {one.upper() for one in found}, key=lambda one: (-len(one), one)):
            self._starting.setdefault(one[:_HEAD], []).append(one)

    def __call__(self, text: str) -> str:
        """`text` with REMOVED for each. Words of Latin letters are found whole, others wherever they stand."""
        pieces, done = [], 0
        for place in _STARTS.finditer(text) if self._starting else ():
            end = self._end_of_name(text, place.start())
            if end and place.start() >= done:
                pieces += [text[done : place.start()], REMOVED]
                done = end
        return "".join([*pieces, text[done:]])

    def _end_of_name(self, text: str, start: int) -> int | None:
        for length in range(_HEAD, 1, -1):
            for one in self._starting.get(text[start : start + length], ()):
                end = start + len(one)
                if text.startswith(one, start) and not (one[-1].isascii() and _GOES_ON.match(text, end)):
                    return end
        return None


def names_in(people: Iterable[dict]) -> set[str]:
    """Every name, number and address line of some Patients, Practitioners and RelatedPersons."""
    words: set[str] = set()
    for person in people:
        words.update(_whole_names(person), _addresses(person))
        for name in listed(person.get("name")):
            words.update(filter(None, (word(name.get("family")), *map(word, _texts(name.get("given"))))))
        for group in _numbers(person):
            words.update(number for number in group if len(number) >= _SHORTEST_NUMBER)
    return words


def displayed_names(resource: dict) -> set[str]:
    """How a resource calls the persons that it refers to, with and without their title."""
    words: set[str] = set()
    for element in ("subject", "patient", "author", "requester", "performer", "recorder", "asserter"):
        for one in listed(resource.get(element)):
            one = one["actor"] if isinstance(one.get("actor"), dict) else one
            display = word(one.get("display"))
            if display and (word(one.get("type")) or word(one.get("reference"))).startswith(NAMED_KINDS):
                words |= {display, _TITLE.sub("", display)}
    return words


def _whole_names(person: dict) -> list[str]:
    told = []
    for name in listed(person.get("name")):
        given = [word(one) for one in _texts(name.get("given"))]
        whole = word(name.get("text")) or " ".join(filter(None, (*given, word(name.get("family")))))
        told.append(whole)
    return [one for one in told if one]


def _addresses(person: dict) -> list[str]:
    return [
        line for address in listed(person.get("address")) for line in map(word, _texts(address.get("line"))) if line
    ]


def _numbers(person: dict) -> tuple[list[str], list[str]]:
    """(contacts, identifiers)"""
    contacts = [word(one.get("value")) for one in listed(person.get("telecom"))]
    identifiers = [word(one.get("value")) for one in listed(person.get("identifier"))]
    return [one for one in contacts if one], [one for one in identifiers if one]


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
