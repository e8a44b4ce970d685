"""FHIR in, PatientRecord out: which patient, which resources are theirs, what is left out and why.

One record is one patient. Two patients in a source are an error, never a mixture.
"""

import datetime
import os
from collections import Counter
from collections.abc import Iterable, Sequence

from medlab.core.errors import DataError, shown
from medlab.loaders.ehr.dates import seconds_of
from medlab.loaders.ehr.elements import codes_of, listed, reference, word
from medlab.loaders.ehr.entry import Entry
from medlab.loaders.ehr.kinds import DOCUMENT, KINDS, PLANNED, void
from medlab.loaders.ehr.names import names_in
from medlab.loaders.ehr.patient_record import PatientRecord
from medlab.loaders.ehr.people import person_of
from medlab.loaders.ehr.references import Index, Key, key_of, own_key
from medlab.loaders.ehr.removing import without_names
from medlab.loaders.ehr.shortening import short_ids
from medlab.loaders.ehr.source import MAX_BYTES, Item, items
from medlab.loaders.ehr.statements import entry_of
from medlab.loaders.ehr.subjects import Owner, Persons, Subjects, ambiguous, claim_of

Source = str | os.PathLike | bytes | dict
_ANOTHER = "about another patient"
_NOBODY = "entries that name no patient, taken to be this one's"


def load_record(
    source: Source, *, patient: str | None = None, identity: bool = False, max_bytes: int = MAX_BYTES
) -> PatientRecord:
    """The timeline of one patient from FHIR R4: a bundle, a resource, .ndjson lines, a folder of these, bytes, a dict.

    patient   one of patients_in(source), where the source holds several
    identity  True keeps name, birth date, address and numbers in `record.person.identity`, and names in texts and ids
    Raises DataError: ambiguous_patient, and what source.items raises; schema for one id with two contents.
    """
    left_out, doubts = Counter(), Counter()
    try:
        held = _by_key(_wanted(items(source, doubts, max_bytes), patient, left_out), doubts)
        index = Index()
        for key, item in held.items():
            index.add(item, key)
        owner, mine = _of_patient(held, index, patient, left_out, doubts)
        _drop_replaced(mine, index, left_out, doubts)
        found = [entry_of(item.resource, key, index, left_out, doubts) for key, item in mine.items()]
        names = None if identity else names_in([item.resource for item in held.values()], index)
    except RecursionError as error:
        raise DataError("decode", "the source is nested too deep to be honest") from error
    entries = [entry for entry in found if entry is not None]
    if names is not None:
        entries = without_names(entries, names, doubts)
    entries.sort(key=_order)
    cites = short_ids([entry.id for entry in entries])
    whole = tuple(entry.replace(cite=cites[entry.id]) for entry in entries)
    resource = next((item.resource for key, item in held.items() if key.kind == "Patient" and owner.owns(key)), {})
    return PatientRecord(
        entries=whole,
        person=person_of(resource, _newest(whole), identity=identity),
        left_out=tuple(sorted(left_out.items())),
        doubts=tuple(sorted(doubts.items())),
    )


def patients_in(source: Source, *, max_bytes: int = MAX_BYTES) -> tuple[str, ...]:
    """The patients that a source holds or speaks of, in order: ids, each with its server where one id is on several;
    a number such as "mrn|1" of one who is named by that alone. Lines of a bulk export are not kept.
    """
    index, claims, patients = Index(), set(), []
    for item in items(source, Counter(), max_bytes):
        key = own_key(item)
        if key and key.kind == "Patient":
            index.add(item, key)
            patients.append((key, item.resource))
        elif word(item.resource["resourceType"]) in KINDS:
            claims.add(claim_of(item.resource, key.base if key else ""))
    subjects = Subjects(patients, index)
    return tuple(Persons([*(key for key, _ in patients), *map(subjects.key, claims)]).labels())


def _wanted(found: Iterable[Item], patient: str | None, left_out: Counter) -> Iterable[Item]:
    """All items; of plain lines only those that may be the patient's: a bulk export needs little memory."""
    seen: set[str] = set()
    wanted = key_of(patient) or Key("Patient", patient) if patient is not None else None
    for item in found:
        claim = claim_of(item.resource, "") if not item.address else None
        key = key_of(claim.address) if claim else None
        if key and key.kind == "Patient" and word(item.resource["resourceType"]) in KINDS:
            seen.add(key.id)
            if wanted is None and len(seen) > 1:
                raise ambiguous("more than one patient")
            if wanted and (key.id != wanted.id or (key.base and wanted.base and key.base != wanted.base)):
                left_out[_ANOTHER] += 1
                continue
        yield item


def _by_key(found: Iterable[Item], doubts: Counter) -> dict[Key, Item]:
    """Each resource once. One whose server is not told is on the only server that has its id, where there is one."""
    told: dict[tuple[str, str], dict[str, list[Item]]] = {}
    for number, item in enumerate(found):
        key = own_key(item)
        if key is None:
            doubts["resources without an id"] += 1
            key = Key(word(item.resource["resourceType"]), f"without-id-{number}")
        told.setdefault((key.kind, key.id), {}).setdefault(key.base, []).append(item)
    held: dict[Key, Item] = {}
    for (kind, identity), bases in told.items():
        if len(bases) == 2 and "" in bases:
            (base,) = filter(None, bases)
            bases = {base: [*bases[base], *bases[""]]}
        for base, versions in bases.items():
            key = Key(kind, identity, base)
            held[key] = versions[0]
            for item in versions[1:]:
                held[key] = _one_of(held[key], item, key, doubts)
    if not held:
        raise DataError("schema", "no FHIR resource in the source", accepted="a Bundle with entries, or resources")
    return held


def _one_of(one: Item, other: Item, key: Key, doubts: Counter) -> Item:
    """That of two with one key which was updated last. Raises where neither can be told to be."""
    if one.resource == other.resource:
        doubts["resources given twice, the same each time"] += 1
        return one
    if key.kind == "Patient" and one.address and other.address and one.address != other.address:
        raise ambiguous(f"patient {shown(key.id)} at two addresses with different contents")
    times = []
    for item in (one, other):
        meta = item.resource.get("meta")
        try:
            times.append(seconds_of(word(meta.get("lastUpdated")) if isinstance(meta, dict) else ""))
        except ValueError:
            break
    if len(times) < 2 or times[0] == times[1]:
        raise _twice(key, one, other, "meta.lastUpdated that tells the newer")
    doubts["older versions of a resource, not used"] += 1
    return one if times[0] > times[1] else other


def _twice(key: Key, one: Item, other: Item, accepted: str) -> DataError:
    return DataError(
        "schema",
        f"{shown(key.name)} stands twice with different contents: {one.where} and {other.where}",
        accepted=f"each id once, or {accepted}",
    )


def _of_patient(
    held: dict[Key, Item], index: Index, patient: str | None, left_out: Counter, doubts: Counter
) -> tuple[Owner, dict[Key, Item]]:
    """The one patient, and the resources about them. One that names nobody is taken where nobody else is spoken of."""
    patients = [(key, item.resource) for key, item in held.items() if key.kind == "Patient"]
    subjects = Subjects(patients, index)
    about = {key: subjects.key(claim_of(item.resource, key.base)) for key, item in held.items() if key.kind in KINDS}
    persons = Persons([*(key for key, _ in patients), *about.values()])
    owner = persons.only() if patient is None else persons.asked(patient, index)
    alone = len(persons.labels()) <= 1 and not left_out[_ANOTHER]
    mine: dict[Key, Item] = {}
    names: dict[str, Key] = {}
    for key, item in held.items():
        subject = about.get(key)
        if subject is None and key in about and alone:
            doubts[_NOBODY] += 1
        elif key in about and not (subject and owner.owns(subject)):
            left_out[_ANOTHER if subject and _another(subject, owner) else "about no patient that can be told"] += 1
            continue
        mine[key] = item
        if key in about and names.setdefault(key.name, key) != key:
            raise _twice(key, held[names[key.name]], item, "those of one server")
    return owner, mine


def _another(subject: Key, owner: Owner) -> bool:
    """Whether it is surely somebody else: one known by a number alone, or on an untold server, may be this patient."""
    by_id = owner.key is not None and {subject.kind, owner.key.kind} <= {"", "Patient"}
    return by_id and (subject.id != owner.key.id or bool(subject.base))


def _drop_replaced(mine: dict[Key, Item], index: Index, left_out: Counter, doubts: Counter) -> None:
    """Takes out superseded documents that another one replaces. Others stay: their successor may never come.

    Of one export (Synthea's) 121 of 122 documents are superseded, and none tells by what.
    """
    documents = {key: item.resource for key, item in mine.items() if key.kind == DOCUMENT}
    replaced = {
        id(index.find(reference(link.get("target")), one, key.base))
        for key, one in documents.items()
        for link in listed(one.get("relatesTo"))
        if "replaces" in codes_of(link.get("code")) and not void(one, KINDS[DOCUMENT])
    }
    for key, one in documents.items():
        if "superseded" not in codes_of(one.get("status")):
            continue
        if id(one) in replaced:
            left_out["superseded by another document"] += 1
            del mine[key]
        else:
            doubts["superseded documents, kept as nothing replaces them here"] += 1


def _newest(entries: Sequence[Entry]) -> str | None:
    """The date of the newest entry that tells of something done: neither planned nor after today."""
    now = datetime.datetime.now(datetime.UTC).timestamp()
    done = (entry.when for entry in reversed(entries) if entry.when and entry.kind not in PLANNED)
    return next((when for when in done if seconds_of(when) <= now), None)


def _order(entry: Entry) -> tuple:
    """By time; what has no date comes first, as it may be older than everything."""
    return (entry.when is not None, seconds_of(entry.when) if entry.when else 0.0, entry.kind, entry.id)
