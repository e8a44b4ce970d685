"""One resource into one Entry, or the reason why it says nothing. It knows no patient and drops no name."""

from collections import Counter

from medlab.loaders.ehr.dates import precision_of
from medlab.loaders.ehr.elements import MAX_NOTE, Concept, clean, code_of, concept, listed, period, reference, word
from medlab.loaders.ehr.entry import Entry
from medlab.loaders.ehr.kinds import KINDS, Kind, named, negated, status_of, void
from medlab.loaders.ehr.measures import measures_of
from medlab.loaders.ehr.references import Index, Key

SUPPORTING = (
    "Device",
    "Group",
    "Location",
    "Medication",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "RelatedPerson",
)
"""kinds that say nothing of a patient by themselves"""


def entry_of(resource: dict, key: Key, index: Index, left_out: Counter, doubts: Counter) -> Entry | None:
    """The Entry of a resource; None, and the reason counted in `left_out`, where it states nothing."""
    kind = KINDS.get(key.kind)
    if kind is None:
        if key.kind not in SUPPORTING:
            left_out[f"{key.kind}: a kind that is not read"] += 1
        return None
    if reason := void(resource, kind):
        left_out[reason] += 1
        return None
    what = _concept(resource, kind, index, key.base)
    if what is None:
        left_out["without a name"] += 1
        return None
    when, until = _dates(resource, kind, doubts)
    return Entry(
        id=key.name,
        cite=key.name,
        kind=key.kind,
        text=what.text,
        when=when or None,
        precision=precision_of(when) if when else None,
        until=until or None,
        system=what.system,
        code=what.code,
        category=_category(resource),
        status=status_of(resource, kind) or None,
        active=False if negated(resource) else kind.active(resource, doubts),
        negated=negated(resource),
        measures=measures_of(resource, doubts) if key.kind == "Observation" else (),
        details=_details(resource, kind, doubts) or None,
        note=_note(resource, kind, doubts) or None,
        encounter=_visit(resource, index),
    )


def _concept(resource: dict, kind: Kind, index: Index, base: str) -> Concept | None:
    """What it is called: by its own words, by a resource that it refers to, or by how it calls that."""
    for element in kind.name:
        value = resource.get(element)
        if found := concept(value):
            return found
        if address := reference(value):
            meant = index.find(address, resource, base)
            if meant and (found := concept(meant.get("code"))):
                return found
            if isinstance(value, dict) and word(value.get("display")):
                return Concept(None, None, word(value["display"]))
    text = named(resource, kind)
    return Concept(None, None, text) if text else None


def _dates(resource: dict, kind: Kind, doubts: Counter) -> tuple[str, str]:
    """(when, until), the first that are dates."""
    start = until = ""
    for element in kind.dates:
        value = resource.get(element)
        start, until = period(value) if element.lower().endswith("period") else (word(value), "")
        if start or until:
            break
    until = until or next(filter(None, (word(resource.get(element)) for element in kind.ends)), "")
    for one in filter(None, (start, until)):
        if precision_of(one) is None:
            doubts["dates that are none"] += 1
    return (start if precision_of(start) else ""), (until if precision_of(until) else "")


def _category(resource: dict) -> str | None:
    value = resource.get("category")
    if isinstance(value, list) and value and isinstance(value[0], str):
        return word(value[0]) or None
    return code_of(value) or None


def _details(resource: dict, kind: Kind, doubts: Counter) -> str:
    told = kind.details(resource)
    if resource.get("modifierExtension"):
        doubts["entries with a modifier that is not read"] += 1
        told = [*told, ("caution", "an extension that may change what this means was not read")]
    return "; ".join(f"{name}: {text}" for name, text in told if text)


def _note(resource: dict, kind: Kind, doubts: Counter) -> str:
    said = [one["text"] for one in listed(resource.get("note")) if isinstance(one.get("text"), str)]
    parts = [*kind.free(resource, doubts), *(clean(text, MAX_NOTE, lines=True) for text in said)]
    return clean("\n".join(filter(None, parts)), MAX_NOTE, lines=True)


def _visit(resource: dict, index: Index) -> str | None:
    for element in ("encounter", "context"):
        key = index.key(reference(resource.get(element)))
        if key:
            return f"Encounter/{key.id}"
    return None
