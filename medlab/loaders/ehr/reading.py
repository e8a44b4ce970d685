"""FHIR in, PatientRecord out: which patient, which resources are theirs, what is left out and why.

One record is one patient. Two patients in a source are an error, never a mixture.
"""

import os
from collections import Counter
from collections.abc import Iterable

from medlab.core.errors import DataError, shown
from medlab.loaders.ehr.dates import seconds_of
from medlab.loaders.ehr.elements import reference, word
from medlab.loaders.ehr.entry import Entry
from medlab.loaders.ehr.kinds import KINDS
from medlab.loaders.ehr.patient_record import PatientRecord
from medlab.loaders.ehr.people import NAMED_KINDS, NamesRemover, displayed_names, names_in, person_of
from medlab.loaders.ehr.references import Index, Key, key_of, own_key
from medlab.loaders.ehr.shortening import short_ids
from medlab.loaders.ehr.source import MAX_BYTES, Item, items
from medlab.loaders.ehr.statements import entry_of

Source = str | os.PathLike | bytes | dict
_ABOUT_ANOTHER = ("Group", "Device", "Location", "Practitioner", "Organization")
_ANOTHER = "about another patient"
_LIST_THEM = (
    "from medlab.loaders.ehr import patients_in; patients_in(source) lists them; load_record(source, patient=…)"
)


def load_record(
    source: Source, *, patient: str | None = None, identity: bool = False, max_bytes: int = MAX_BYTES
) -> PatientRecord:
    """The timeline of one patient from FHIR R4: a bundle, a resource, .ndjson lines, a folder of these, bytes, a dict.

    patient   the id of one, where the source holds several
    identity  True keeps name, birth date, address and numbers in `record.person.identity`, and names in notes
    Raises DataError: ambiguous_patient, and what source.items raises; schema for one id with two contents.
    """
    left_out, doubts = Counter(), Counter()
    try:
        held = _by_key(_wanted(items(source, doubts, max_bytes), patient, left_out), doubts)
        index = Index()
        for key, item in held.items():
            index.add(item, key)
        owner = _owner(held, index, patient)
        mine = _of_patient(held, index, owner, left_out, doubts)
        found = [entry_of(item.resource, key, index, left_out, doubts) for key, item in mine.items()]
    except RecursionError as error:
        raise DataError("decode", "the source is nested too deep to be honest") from error
    entries = [entry for entry in found if entry is not None]
    if not identity:
        people = [item.resource for key, item in held.items() if key[0] in NAMED_KINDS]
        displays = set().union(*(displayed_names(item.resource) for item in mine.values()))
        remove = NamesRemover(names_in(people) | displays)
        entries = [_without_names(entry, remove) for entry in entries]
    entries.sort(key=_order)
    cites = short_ids([entry.id for entry in entries])
    whole = tuple(entry.replace(cite=cites[entry.id]) for entry in entries)
    newest = next((entry.when for entry in reversed(whole) if entry.when), None)
    resource = held[("Patient", owner)].resource if ("Patient", owner) in held else {}
    return PatientRecord(
        entries=whole,
        person=person_of(resource, newest, identity=identity),
        left_out=tuple(sorted(left_out.items())),
        doubts=tuple(sorted(doubts.items())),
    )


def patients_in(source: Source, *, max_bytes: int = MAX_BYTES) -> tuple[str, ...]:
    """The ids of the patients that a source holds or speaks of, in order. Lines of a bulk export are not kept."""
    index, addresses, found = Index(), set(), set()
    for item in items(source, Counter(), max_bytes):
        key = own_key(item)
        if key and key[0] == "Patient":
            index.add(item, key)
            found.add(key[1])
        elif word(item.resource["resourceType"]) in KINDS:
            addresses.add(_subject(item.resource))
    keys = (index.key(address) for address in addresses)
    return tuple(sorted(found | {key[1] for key in keys if key and key[0] in ("", "Patient")}))


def _subject(resource: dict) -> str:
    return reference(resource.get("subject")) or reference(resource.get("patient"))


def _wanted(found: Iterable[Item], patient: str | None, left_out: Counter) -> Iterable[Item]:
    """All items; of plain lines only those that may be the patient's: a bulk export needs little memory."""
    seen: set[str] = set()
    wanted = _bare(patient)
    for item in found:
        key = None if item.address else key_of(_subject(item.resource))
        if key and key[0] == "Patient" and word(item.resource["resourceType"]) in KINDS:
            seen.add(key[1])
            if wanted is None and len(seen) > 1:
                raise _ambiguous("more than one patient")
            if wanted is not None and key[1] != wanted:
                left_out[_ANOTHER] += 1
                continue
        yield item


def _bare(patient: str | None) -> str | None:
    """ "1" of "Patient/1" and of "urn:uuid:1"."""
    if patient is None:
        return None
    key = key_of(patient)
    return key[1] if key else patient


def _ambiguous(told: str) -> DataError:
    return DataError("ambiguous_patient", f"the source holds {told}", accepted="the record of one", fix=_LIST_THEM)


def _by_key(found: Iterable[Item], doubts: Counter) -> dict[Key, Item]:
    held: dict[Key, Item] = {}
    for number, item in enumerate(found):
        key = own_key(item)
        if key is None:
            doubts["resources without an id"] += 1
            key = (word(item.resource["resourceType"]), f"without-id-{number}")
        if key in held and held[key].resource == item.resource:
            doubts["resources given twice, the same each time"] += 1
        elif key in held:
            held[key] = _newer(held[key], item, key)
            doubts["older versions of a resource, not used"] += 1
        else:
            held[key] = item
    if not held:
        raise DataError("schema", "no FHIR resource in the source", accepted="a Bundle with entries, or resources")
    return held


def _newer(one: Item, other: Item, key: Key) -> Item:
    """That of the two which was updated last. Raises where neither can be told to be."""
    times = []
    for item in (one, other):
        meta = item.resource.get("meta")
        try:
            times.append(seconds_of(word(meta.get("lastUpdated")) if isinstance(meta, dict) else ""))
        except ValueError:
            break
    if len(times) < 2 or times[0] == times[1]:
        raise DataError(
            "schema",
            f"{shown('/'.join(key))} stands twice with different contents: {one.where} and {other.where}",
            accepted="each id once, or meta.lastUpdated that tells the newer",
        )
    return one if times[0] > times[1] else other


def _owner(held: dict[Key, Item], index: Index, patient: str | None) -> str | None:
    """The id of the one patient; None where nothing names any."""
    known = {key[1] for key in held if key[0] == "Patient"}
    subjects = (index.key(_subject(item.resource)) for key, item in held.items() if key[0] in KINDS)
    known |= {key[1] for key in subjects if key and key[0] in ("", "Patient")}
    wanted = _bare(patient)
    if wanted is not None:
        aliased = index.key(patient)
        wanted = wanted if wanted in known or not aliased else aliased[1]
        if wanted not in known:
            raise DataError("schema", f"no patient {shown(wanted)} in the source", fix=_LIST_THEM)
        return wanted
    if len(known) > 1:
        raise _ambiguous(f"{len(known)} patients")
    return next(iter(known), None)


def _of_patient(
    held: dict[Key, Item], index: Index, owner: str | None, left_out: Counter, doubts: Counter
) -> dict[Key, Item]:
    """The resources about the owner. One that names nobody is taken where the source holds no other patient."""
    alone = sum(key[0] == "Patient" for key in held) <= 1
    mine = {}
    for key, item in held.items():
        subject = index.key(_subject(item.resource))
        if key[0] not in KINDS or (subject and subject[0] in ("", "Patient") and subject[1] == owner):
            mine[key] = item
        elif subject and subject[0] in ("", "Patient"):
            left_out[_ANOTHER] += 1
        elif (subject and subject[0] in _ABOUT_ANOTHER) or not alone:
            left_out["about no patient that can be told"] += 1
        else:
            doubts["entries that name no patient, taken to be this one's"] += 1
            mine[key] = item
    return mine


def _without_names(entry: Entry, remove: NamesRemover) -> Entry:
    changed = {name: remove(text) for name in ("text", "details", "note") if (text := getattr(entry, name))}
    measures = tuple(measure.replace(said=remove(measure.said)) for measure in entry.measures)
    return entry.replace(measures=measures, **changed)


def _order(entry: Entry) -> tuple:
    """By time; what has no date comes first, as it may be older than everything."""
    return (entry.when is not None, seconds_of(entry.when) if entry.when else 0.0, entry.kind, entry.id)
