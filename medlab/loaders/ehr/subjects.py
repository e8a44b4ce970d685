"""Whom a resource is about: a patient by reference, by number ("mrn|1"), or one that it carries within itself.

What names somebody is never taken for naming nobody. It decides which persons there are, not whose record is made.
"""

import hashlib
import urllib.parse
from collections.abc import Iterable
from typing import NamedTuple

from medlab.core.errors import DataError, shown
from medlab.loaders.ehr.elements import listed, reference, word
from medlab.loaders.ehr.references import Index, Key, key_of

NUMBERED, CARRIED = "by number", "contained"
"""kinds of keys of persons of whom the source holds no Patient"""
UNTOLD = Key("untold", "")
"""somebody or something is named, and nobody can tell whom"""
_PATIENT = ("", "Patient")
_PERSONS = (*_PATIENT, NUMBERED, CARRIED)
_EMPTY = (None, "", [], {})
_LIST_THEM = (
    "from medlab.loaders.ehr import patients_in; patients_in(source) lists them; load_record(source, patient=…)"
)


class Claim(NamedTuple):
    """How a resource names its subject; all empty where it names one that cannot be told."""

    address: str = ""
    base: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    """(system, value)"""
    carried: str = ""
    """a digest of the names and birth date of a contained Patient without a number"""


def claim_of(resource: dict, base: str) -> Claim | None:
    """None where no subject is named at all. `base` is the server that the resource comes from."""
    value = next((resource[e] for e in ("subject", "patient") if resource.get(e) not in _EMPTY), None)
    if value is None:
        return None
    named = list(listed(value))
    if len(named) != 1:
        return Claim()
    address = reference(named[0])
    if address.startswith("#"):
        return _claim_of_contained(Index().find(address, resource))
    if address and "?" not in address:
        return Claim(address, base, _numbers(named[0]))
    if word(named[0].get("type")) not in _PATIENT:
        return Claim()
    return Claim(numbers=_searched(address) or _numbers(named[0]))


def _claim_of_contained(person: dict | None) -> Claim:
    if person is None or person.get("resourceType") != "Patient":
        return Claim()
    names = [
        [word(name.get("text")), word(name.get("family")), *map(word, given if isinstance(given, list) else [])]
        for name in listed(person.get("name"))
        for given in [name.get("given")]
    ]
    told = f"{names} {word(person.get('birthDate'))}".casefold()
    carried = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:12] if names else ""
    return Claim(numbers=_numbers(person), carried=carried)


def _numbers(holder: dict) -> tuple[tuple[str, str], ...]:
    found = ((word(one.get("system")), word(one.get("value"))) for one in listed(holder.get("identifier")))
    return tuple(sorted(number for number in found if number[1]))


def _searched(address: str) -> tuple[tuple[str, str], ...]:
    """Of "Patient?identifier=mrn|1"."""
    path, _, asked = address.partition("?")
    if path.rpartition("/")[2] != "Patient":
        return ()
    values = [value for name, value in urllib.parse.parse_qsl(asked) if name == "identifier"]
    return tuple((v.rpartition("|")[0], v.rpartition("|")[2]) for v in values if v.rpartition("|")[2])


class Subjects:
    """Persons by claim, once all Patients of a source are known."""

    def __init__(self, patients: Iterable[tuple[Key, dict]], index: Index):
        self._index = index
        self._numbered: dict[tuple[str, str], set[Key]] = {}
        for key, resource in patients:
            for system, value in _numbers(resource):
                for number in {(system, value), ("", value)}:  # one without a system is looked for in all
                    self._numbered.setdefault(number, set()).add(key)

    def key(self, claim: Claim | None) -> Key | None:
        """None where nobody is named; UNTOLD where somebody is who cannot be told."""
        if claim is None:
            return None
        if claim.address and (key := self._index.key(claim.address, claim.base)):
            return key if key.kind in _PATIENT else UNTOLD
        matched = set().union(*(self._numbered.get(number, ()) for number in claim.numbers))
        if matched:
            return matched.pop() if len(matched) == 1 else UNTOLD
        if claim.numbers:
            return Key(NUMBERED, "|".join(claim.numbers[0]))
        return Key(CARRIED, claim.carried) if claim.carried else UNTOLD


class Owner(NamedTuple):
    """Whose record is made."""

    key: Key | None
    """None where nothing names anybody"""
    bases: frozenset[str] = frozenset({""})
    """servers on which the id means this person; the empty one where it can mean nobody else"""

    def owns(self, subject: Key) -> bool:
        if self.key is None or subject.id != self.key.id:
            return False
        same = subject.kind == self.key.kind or {subject.kind, self.key.kind} <= {*_PATIENT}
        return same and subject.base in self.bases


class Persons:
    """Who there is in a source."""

    def __init__(self, keys: Iterable[Key | None]):
        self._bases: dict[str, set[str]] = {}
        self._others: set[Key] = set()
        for key in keys:
            if key and key.kind in _PATIENT:
                self._bases.setdefault(key.id, set()).update(filter(None, [key.base]))
            elif key and key.kind in _PERSONS:
                self._others.add(key)

    def labels(self) -> list[str]:
        """What `patient=` takes: an id, with its server where there are several, or a number such as "mrn|1"."""
        told = [key.id for key in self._others]
        for identity, bases in self._bases.items():
            told += [f"{base}/Patient/{identity}" for base in bases] if len(bases) > 1 else [identity]
        return sorted(told)

    def only(self) -> Owner:
        """The one person; nobody where nobody is named. Raises ambiguous_patient."""
        patients = sum(max(1, len(bases)) for bases in self._bases.values())
        if patients > 1 or len(self._others) > 1:
            raise ambiguous(f"{max(patients, len(self._others))} patients")
        if patients:
            return self._patient(next(iter(self._bases)), "")
        return Owner(next(iter(self._others), None))

    def asked(self, patient: str, index: Index) -> Owner:
        """The one that `patient` means. Raises schema where there is none, ambiguous_patient where two have its id."""
        for key in self._others:
            if key.id == patient:
                return Owner(key)
        wanted = key_of(patient) or Key("Patient", patient)
        aliased = index.key(patient)
        wanted = aliased if aliased and wanted.id not in self._bases else wanted
        bases = self._bases.get(wanted.id)
        if bases is None or (wanted.base and bases and wanted.base not in bases):
            raise DataError("schema", f"no patient {shown(patient)} in the source", fix=_LIST_THEM)
        return self._patient(wanted.id, wanted.base)

    def _patient(self, identity: str, base: str) -> Owner:
        bases = self._bases[identity]
        if len(bases) < 2:
            return Owner(Key("Patient", identity, next(iter(bases), "")), frozenset({"", *bases}))
        if not base:
            raise ambiguous(f"patient {shown(identity)} of {len(bases)} servers")
        return Owner(Key("Patient", identity, base), frozenset({base}))


def ambiguous(told: str) -> DataError:
    return DataError("ambiguous_patient", f"the source holds {told}", accepted="the record of one", fix=_LIST_THEM)
