"""What a phantom can show: names, severities, places, and which findings exclude each other.

The one list that drawing, reports, the parser and the checker share. It knows words, not pictures.
"""

import dataclasses
from collections.abc import Iterable

from medlab.core.case import SIDES, ZONES, Finding
from medlab.core.errors import SpecError, UnknownName
from medlab.core.record import check_choice
from medlab.core.vocabulary import AMOUNT_TERMS, DEGREE_TERMS

LUNG_SIDES = ("right", "left")
AMOUNTS, DEGREES = tuple(AMOUNT_TERMS), tuple(DEGREE_TERMS)


@dataclasses.dataclass(frozen=True)
class Kind:
    """What one finding may say."""

    sided: bool = False
    zones: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    device: bool = False

    @property
    def course(self) -> str:
        """How it changes: a "device" is put in and removed, an "amount" grows and shrinks, other "disease" worsens."""
        return "device" if self.device else "amount" if self.severities == AMOUNTS else "disease"


KINDS: dict[str, Kind] = {
    "cardiomegaly": Kind(severities=DEGREES),
    "effusion": Kind(sided=True, severities=AMOUNTS),
    "consolidation": Kind(sided=True, zones=ZONES),
    "nodule": Kind(sided=True, zones=ZONES),
    "pneumothorax": Kind(sided=True, severities=AMOUNTS),
    "atelectasis": Kind(sided=True, zones=("upper", "lower")),
    "pacemaker": Kind(sided=True, device=True),
    "central_line": Kind(sided=True, device=True),
    "endotracheal_tube": Kind(device=True),
}
FINDINGS = tuple(KINDS)
OPACITIES = ("consolidation", "nodule", "atelectasis")
"""findings of the lung itself: at most one in each lung"""


def present(name: str, side: str | None = None, zone: str | None = None, severity: str | None = None) -> Finding:
    """A finding that a phantom shows."""
    return Finding(name, "present", side=side, zone=zone, severity=severity, source="phantom")


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By vocabulary, then right before left."""
    return tuple(sorted(findings, key=lambda f: (FINDINGS.index(f.name), SIDES.index(f.side or "both"))))


def with_absent(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings, then every other name of the vocabulary as absent."""
    shown = {finding.name for finding in findings}
    return findings + tuple(Finding(n, "absent", source="phantom") for n in FINDINGS if n not in shown)


def check_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in order, if they can be drawn together on one film and all be seen.

    Absent ones are dropped. Raises UnknownName or SpecError that says which field or pair is wrong.
    """
    wanted = [finding for finding in findings if finding.state != "absent"]
    for finding in wanted:
        _check_one(finding)
    for index, one in enumerate(wanted):
        for other in wanted[index + 1 :]:
            if reason := conflict(one, other):
                raise SpecError(
                    f"{_say(one)} together with {_say(other)}", accepted=reason, fix="leave one of the two out"
                )
    return in_order(present(f.name, f.side, f.zone, f.severity) for f in wanted)


def _check_one(finding: Finding) -> None:
    if finding.name not in KINDS:
        raise UnknownName("finding of the phantom", finding.name, list(FINDINGS))
    kind = KINDS[finding.name]
    check_choice(f"state of {finding.name}", finding.state, ("present", "absent"))
    for field, choices in (
        ("side", LUNG_SIDES if kind.sided else ()),
        ("zone", kind.zones),
        ("severity", kind.severities),
    ):
        value = getattr(finding, field)
        if choices:
            check_choice(f"{field} of {finding.name}", value, choices)
        elif value is not None:
            raise SpecError(f"{field} of {finding.name} is {value!r}", accepted=f"None: {finding.name} has no {field}")


def conflict(one: Finding, other: Finding) -> str | None:
    """Why the two cannot both be seen on one film; None where they can."""
    names = {one.name: one, other.name: other}
    if len(names) == 1:
        if one.side == other.side:
            return "each finding once for each side"
        return None if one.name in ("effusion", *OPACITIES) else f"one {one.name}"
    if "cardiomegaly" in names:
        opacity = next((names[name] for name in OPACITIES if name in names), None)
        hidden = opacity is not None and opacity.zone == "lower" and opacity.side == "left"
        return "nothing in the left lower zone behind a large heart" if hidden else None
    if one.side != other.side:
        return None
    if "pacemaker" in names and "nodule" in names and names["nodule"].zone == "upper":
        return "no nodule behind a pacemaker"
    if "pneumothorax" in names and names.keys() & {"effusion", *OPACITIES}:
        return "pneumothorax alone on its side"
    if one.name in OPACITIES and other.name in OPACITIES:
        return "one of " + ", ".join(OPACITIES) + " in each lung"
    opacity = next((names[name] for name in OPACITIES if name in names), None)
    if "effusion" in names and opacity is not None:
        covered = {"small": ("lower",), "moderate": ("mid", "lower"), "large": ZONES}
        if opacity.zone in covered[names["effusion"].severity]:
            return "opacities above the effusion"
    return None


def _say(finding: Finding) -> str:
    return " ".join(filter(None, (finding.severity, finding.side, finding.zone, finding.name)))
