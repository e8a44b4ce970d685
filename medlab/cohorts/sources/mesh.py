"""MeSH terms as OpenI's curators wrote them, to findings: "Pulmonary Atelectasis/base/left/mild" is one of them.

A term says that something is there. "normal" says that nothing was found, which is kept as that; "No Indexing" says
nothing.
"""

from typing import Any

from medlab.cohorts.terms import finding_name

SIDES = {"left": "left", "right": "right", "bilateral": "both"}
ZONES = {
    "apex": "upper",
    "base": "lower",
    "lingula": "mid",
    "lower lobe": "lower",
    "middle lobe": "mid",
    "upper lobe": "upper",
}
SEVERITIES = ("borderline", "mild", "small", "moderate", "large", "severe")
SILENT = ("", "no indexing")
ANATOMY = (
    "aorta",
    "aorta, thoracic",
    "cardiac shadow",
    "costophrenic angle",
    "diaphragm",
    "lung",
    "mediastinum",
    "pulmonary artery",
    "shoulder",
    "spine",
    "thoracic vertebrae",
)
"""terms that name a place; what is wrong there stands behind the slash"""


def findings_from_mesh(terms: list[str]) -> list[dict[str, Any]]:
    """One finding a term, in order."""
    return [_finding(term.strip()) for term in terms if term.strip().lower() not in SILENT]


def _finding(term: str) -> dict[str, Any]:
    head, *qualifiers = [part.strip() for part in term.split("/")]
    sides = {SIDES[word] for word in qualifiers if word in SIDES}
    zones = {ZONES[word] for word in qualifiers if word in ZONES}
    severity = next((word for word in qualifiers if word in SEVERITIES), None)
    rest = [word for word in qualifiers if word not in SIDES and word not in ZONES and word not in SEVERITIES]
    name = f"{head}/{rest[0]}" if head.lower() in ANATOMY and rest else head
    return {
        "name": finding_name(name),
        "state": "present",
        "side": "both" if len(sides) > 1 else next(iter(sides), None),
        "zone": next(iter(zones)) if len(zones) == 1 else None,
        "severity": severity,
        "raw": term,
        "source": "mesh",
    }
