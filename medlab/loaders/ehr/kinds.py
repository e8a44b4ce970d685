"""Where each kind of resource keeps what it says: name, dates, whether it holds now, details, free text.

A kind that is not in KINDS is counted and not read. It knows FHIR R4 (and where R5 is the same); no file, no patient.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable

from medlab.loaders.ehr.attachments import attached_text
from medlab.loaders.ehr.elements import (
    MAX_NOTE,
    clean,
    code_of,
    codes_of,
    concept,
    concepts,
    listed,
    quantity_text,
    word,
)

Detail = tuple[str, str]
"""(what it is called, what it says); left out where it says nothing"""


@dataclasses.dataclass(frozen=True)
class Kind:
    name: tuple[str, ...]
    """elements that may name it, best first"""
    dates: tuple[str, ...]
    """elements that may date it, best first; one that ends in Period has an end too"""
    ends: tuple[str, ...] = ()
    active: Callable[[dict, Counter], bool | None] = lambda resource, told: None
    details: Callable[[dict], list[Detail]] = lambda resource: []
    free: Callable[[dict, Counter], list[str]] = lambda resource, told: []
    dropped: tuple[str, ...] = ()
    """statuses in which it says nothing of the patient"""
    status: str = "status"


_STANDS = ("active", "recurrence", "relapse")
_OVER = ("inactive", "remission", "resolved", "entered-in-error")
_VERIFIED = ("confirmed", "unconfirmed", "provisional", "differential", "refuted", "entered-in-error")
_NOT_UNDERSTOOD = "statuses that are not understood, taken to hold"


def _holds(codes: tuple[str, ...], stands: tuple[str, ...], over: tuple[str, ...], told: Counter) -> bool | None:
    """By the first code that is known; None where nobody knows. An unknown one is taken to hold: the safer mistake."""
    for code in codes:
        if code in (*stands, *over, "unknown"):
            return None if code == "unknown" else code in stands
    if codes:
        told[_NOT_UNDERSTOOD] += 1
    return True if codes else None


def _clinical(resource: dict, told: Counter) -> bool | None:
    """Of a Condition or an AllergyIntolerance: an end says that it is over, whatever the status."""
    if any(key.startswith("abatement") and value not in (None, "") for key, value in resource.items()):
        return False
    return _holds(codes_of(resource.get("clinicalStatus")), _STANDS, _OVER, told)


def _allergy_holds(resource: dict, told: Counter) -> bool:
    """One without a status is taken to hold: that is the safer mistake."""
    return _clinical(resource, told) is not False


_FINISHED = """
    cancelled completed draft ended entered-in-error intended not-taken on-hold revoked stopped
"""


def _by_status(*holding: str) -> Callable[[dict, Counter], bool | None]:
    over = tuple(_FINISHED.split())
    return lambda resource, told: _holds(codes_of(resource.get("status")), holding, over, told)


def _condition(resource: dict) -> list[Detail]:
    return [
        ("verification", _doubt(resource)),
        ("severity", concepts(resource.get("severity"))),
        ("body site", concepts(resource.get("bodySite"))),
        ("stage", "; ".join(filter(None, (concepts(s.get("summary")) for s in listed(resource.get("stage")))))),
        ("onset", quantity_text(resource.get("onsetAge")) or word(resource.get("onsetString"))),
        ("evidence", "; ".join(filter(None, (concepts(e.get("code")) for e in listed(resource.get("evidence")))))),
    ]


def _allergy(resource: dict) -> list[Detail]:
    reactions = []
    for one in listed(resource.get("reaction")):
        severity = word(one.get("severity"))
        shown = concepts(one.get("manifestation")) or word(one.get("description"))
        reactions.append(f"{shown} ({severity})" if shown and severity else shown)
    return [
        ("verification", _doubt(resource)),
        ("criticality", word(resource.get("criticality"))),
        ("reaction", "; ".join(filter(None, reactions))),
    ]


def _doubt(resource: dict) -> str:
    """How sure the source is; empty where it is."""
    codes = codes_of(resource.get("verificationStatus"))
    verified = next((code for code in codes if code in _VERIFIED), "") or code_of(resource.get("verificationStatus"))
    return "" if verified == "confirmed" else verified


def _dose(resource: dict) -> list[Detail]:
    doses = []
    for one in [*listed(resource.get("dosageInstruction")), *listed(resource.get("dosage"))]:
        amounts = [quantity_text(rate.get("doseQuantity")) for rate in listed(one.get("doseAndRate"))]
        timing = one.get("timing") if isinstance(one.get("timing"), dict) else {}
        repeat = timing.get("repeat") if isinstance(timing.get("repeat"), dict) else {}
        often = quantity_text({"value": repeat.get("frequency")})
        every = quantity_text({"value": repeat.get("period"), "unit": repeat.get("periodUnit")})
        spelled = [*filter(None, amounts), f"{often} times every {every}" if often and every else ""]
        need = "as needed" if one.get("asNeededBoolean") is True else ""
        doses.append(word(one.get("text")) or ", ".join(filter(None, [*spelled, concepts(one.get("route")), need])))
    return [
        ("dose", "; ".join(filter(None, doses))),
        ("for", concepts(resource.get("reasonCode"))),
        ("intent", "" if word(resource.get("intent")) in ("", "order") else word(resource.get("intent"))),
    ]


def _procedure(resource: dict) -> list[Detail]:
    return [
        ("body site", concepts(resource.get("bodySite"))),
        ("outcome", concepts(resource.get("outcome"))),
        ("for", concepts(resource.get("reasonCode"))),
        *_why_not(resource),
    ]


def _why_not(resource: dict) -> list[Detail]:
    return [("reason", concepts(resource.get("statusReason")))]


def _visit(resource: dict) -> list[Detail]:
    stay = resource.get("hospitalization")
    return [
        ("class", concepts(resource.get("class"))),
        ("for", concepts(resource.get("reasonCode"))),
        ("discharge", concepts(stay.get("dischargeDisposition")) if isinstance(stay, dict) else ""),
    ]


def _study(resource: dict) -> list[Detail]:
    series = list(listed(resource.get("series")))
    return [
        ("modality", concepts([one.get("modality") for one in series])),
        ("body site", concepts([one.get("bodySite") for one in series])),
        ("series", quantity_text({"value": resource.get("numberOfSeries")})),
        ("images", quantity_text({"value": resource.get("numberOfInstances")})),
        ("for", concepts(resource.get("reasonCode"))),
    ]


def _plan(resource: dict) -> list[Detail]:
    steps = [step["detail"] for step in listed(resource.get("activity")) if isinstance(step.get("detail"), dict)]
    return [("activities", "; ".join(filter(None, (concepts(step.get("code")) for step in steps))))]


def _goal(resource: dict) -> list[Detail]:
    return [("achievement", code_of(resource.get("achievementStatus")))]


def _observation(resource: dict) -> list[Detail]:
    parts = len(list(listed(resource.get("hasMember"))))
    return [
        ("body site", concepts(resource.get("bodySite"))),
        ("method", concepts(resource.get("method"))),
        ("results", str(parts) if parts else ""),
    ]


def _report_details(resource: dict) -> list[Detail]:
    parts = len(list(listed(resource.get("result"))))
    return [("coded conclusion", concepts(resource.get("conclusionCode"))), ("results", str(parts) if parts else "")]


def _report(resource: dict, told: Counter) -> list[str]:
    conclusion = resource.get("conclusion")
    said = clean(conclusion, MAX_NOTE, lines=True) if isinstance(conclusion, str) else ""
    return [said, attached_text(resource.get("presentedForm"), told)]


def _document(resource: dict, told: Counter) -> list[str]:
    held = [content.get("attachment") for content in listed(resource.get("content"))]
    return [word(resource.get("description")), *(attached_text(one, told) for one in held)]


CANCELLED = ("cancelled",)
_STATUSES = ("status", "verificationStatus", "docStatus")
DOCUMENT = "DocumentReference"
PLANNED = ("CarePlan", "Goal")
"""kinds whose dates may lie ahead"""
MEDICATION = ("medicationCodeableConcept", "medication", "medicationReference")
KINDS: dict[str, Kind] = {
    "AllergyIntolerance": Kind(
        ("code",),
        ("onsetDateTime", "onsetPeriod", "recordedDate"),
        active=_allergy_holds,
        details=_allergy,
        status="clinicalStatus",
    ),
    "CarePlan": Kind(
        ("title", "category", "description"), ("period", "created"), active=_by_status("active"), details=_plan
    ),
    "Condition": Kind(
        ("code",),
        ("onsetDateTime", "onsetPeriod", "recordedDate"),
        ("abatementDateTime",),
        active=_clinical,
        details=_condition,
        status="clinicalStatus",
    ),
    "DiagnosticReport": Kind(
        ("code",),
        ("effectiveDateTime", "effectivePeriod", "issued"),
        details=_report_details,
        free=_report,
        dropped=CANCELLED,
    ),
    DOCUMENT: Kind(("type", "category", "description"), ("date", "created"), free=_document, dropped=CANCELLED),
    "Encounter": Kind(("type", "serviceType", "class"), ("period", "actualPeriod"), details=_visit, dropped=CANCELLED),
    "Goal": Kind(
        ("description",), ("startDate", "statusDate"), details=_goal, status="lifecycleStatus", dropped=CANCELLED
    ),
    "ImagingStudy": Kind(
        ("procedureCode", "description", "modality"), ("started",), details=_study, dropped=CANCELLED
    ),
    "Immunization": Kind(("vaccineCode",), ("occurrenceDateTime", "recorded"), details=_why_not),
    "MedicationRequest": Kind(
        MEDICATION, ("authoredOn",), active=_by_status("active"), details=_dose, dropped=CANCELLED
    ),
    "MedicationStatement": Kind(
        MEDICATION,
        ("effectiveDateTime", "effectivePeriod", "dateAsserted"),
        active=_by_status("active", "recorded"),
        details=_dose,
    ),
    "Observation": Kind(
        ("code",),
        ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"),
        details=_observation,
        dropped=CANCELLED,
    ),
    "Procedure": Kind(
        ("code",),
        ("performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod"),
        details=_procedure,
        dropped=CANCELLED,
    ),
}


def negated(resource: dict) -> bool:
    """Whether it says that something was not done, is not taken, or must not be given."""
    undone = any(code in ("not-done", "not-taken") for code in codes_of(resource.get("status")))
    return undone or resource.get("doNotPerform") is True


def status_of(resource: dict, kind: Kind) -> str:
    """The source's own word; of several that which FHIR knows best."""
    value = resource.get(kind.status)
    known = (*_STANDS, *_OVER) if kind.status == "clinicalStatus" else ()
    spelled = next((code for code in codes_of(value) if code in known), "")
    return spelled or code_of(value) or word(value)


def void(resource: dict, kind: Kind) -> str:
    """Why it states nothing; empty where it does."""
    codes = {code for element in (*_STATUSES, kind.status) for code in codes_of(resource.get(element))}
    if "entered-in-error" in codes:
        return "entered in error"
    if "refuted" in codes:
        return "refuted"
    return next((code for code in kind.dropped if code in codes), "")


def named(resource: dict, kind: Kind) -> str:
    """Its name as plain text where the element is no concept, such as the title of a plan."""
    for element in kind.name:
        value = resource.get(element)
        found = concept(value)
        if found:
            return found.text
        if word(value):
            return word(value)
    return ""
