"""The person of a record: age and sex, and whatever names them, which is dropped unless asked for."""

from medlab.core.record import Record, check_choice, check_whole, record
from medlab.loaders.ehr.dates import precision_of, whole_years
from medlab.loaders.ehr.elements import listed, word

SEXES = ("female", "male", "other", "unknown")
MAX_AGE_YEARS = 90
"""older people are told as 90: their age would name them"""


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
    """whole years at the newest entry that is neither planned nor after today; 90 for everyone older; None where it
    cannot be told"""
    deceased: bool = False
    identity: Identity | None = None

    def __post_init__(self):
        check_choice("sex", self.sex, SEXES)
        if self.age_years is not None:
            check_whole("age_years", self.age_years, 0, MAX_AGE_YEARS)


def person_of(patient: dict, newest: str | None, *, identity: bool) -> Person:
    """From a Patient resource, or from nothing. `newest` is the date at which the age is told."""
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
