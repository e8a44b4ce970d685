"""Small FHIR resources for the tests, written out so that every expected line can be read off them."""

import base64
from typing import Any

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"


def coded(text: str, code: str = "1", system: str = LOINC) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def resource(kind: str, identity: str, **fields: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": identity, **fields}


def patient(identity: str = "p1", **fields: Any) -> dict[str, Any]:
    return resource("Patient", identity, **{"gender": "female", "birthDate": "1950-06-15", **fields})


def about(identity: str = "p1") -> dict[str, str]:
    return {"reference": f"Patient/{identity}"}


def condition(identity: str, text: str = "Hypertension", status: str = "active", **fields: Any) -> dict[str, Any]:
    clinical = {"coding": [{"code": status}]}
    return resource(
        "Condition", identity, **{"code": coded(text, text), "clinicalStatus": clinical, "subject": about(), **fields}
    )


def glucose(identity: str, value: Any = 101, when: str = "2020-01-01", **fields: Any) -> dict[str, Any]:
    return resource(
        "Observation",
        identity,
        **{
            "status": "final",
            "code": coded("Glucose", "2345-7"),
            "subject": about(),
            "effectiveDateTime": when,
            "valueQuantity": {"value": value, "unit": "mg/dL"},
            **fields,
        },
    )


def note(identity: str, text: "str | bytes", kind: str = "text/plain", **fields: Any) -> dict[str, Any]:
    raw = text.encode() if isinstance(text, str) else text
    held = {"contentType": kind, "data": base64.b64encode(raw).decode()}
    document = {"type": coded("Progress note"), "subject": about(), "date": "2020-02-02T10:00:00Z"}
    return resource("DocumentReference", identity, **{**document, "content": [{"attachment": held}], **fields})


def bundle(*resources: dict[str, Any], sort: str = "collection", **fields: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": sort, "entry": [{"resource": one} for one in resources], **fields}
