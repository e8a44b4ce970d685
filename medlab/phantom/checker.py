"""Measures a phantom's masks and reads its reports, and says where they disagree with its labels.

It trusts nothing that the painters say: sides, zones and severities are measured from the masks against the masks of
the organs, and the reports are read back by `parser`. It cannot tell whether a film looks real.
"""

import json

import numpy as np

from medlab.core.case import Box, Case, Finding
from medlab.phantom.artefacts import EXTRA_LABELS
from medlab.phantom.parser import parse_report
from medlab.phantom.questions import box_json
from medlab.phantom.vocabulary import FINDINGS, KINDS

ORGANS = ("lung", "heart", "mediastinum")
CUTS = {
    "cardiomegaly": (0.507, 0.574, 0.660),
    "effusion": (0.0, 0.05, 0.20),
    "pneumothorax": (0.0, 0.24, 0.395),
}
"""lower bound of each severity: cardiothoracic ratio, or share of the lung's area"""
IN_LUNG = ("effusion", "consolidation", "nodule", "pneumothorax", "atelectasis")
UNEXPOSED = 0.01
"""grey level at or below which nothing was in the way of the ray"""


def check_case(case: Case) -> list[str]:
    """Every disagreement in one phantom as a sentence; an empty list where there is none."""
    present = [finding for finding in case.findings if finding.state == "present"]
    problems = _check_masks(case, present)
    if not problems:
        for finding in present:
            problems += _check_place(case, finding)
        problems += _check_heart(case, present)
    problems += _check_boxes(case, present)
    problems += _check_reports(case, present)
    problems += _check_questions(case, present)
    return [f"{case.id}: {problem}" for problem in problems]


def measured_severity(case: Case, finding: Finding) -> float:
    """Cardiothoracic ratio for cardiomegaly, else the finding's share of its lung.

    Fluid behind the heart is not seen, so for effusion that part of the lung is left out.
    """
    if finding.name == "cardiomegaly":
        chest = _organ(case, "lung", "right") | _organ(case, "lung", "left")
        return _width(_organ(case, "heart")) / _width(chest)
    lung = _organ(case, "lung", finding.side)
    if finding.name == "effusion":
        lung = lung & ~_organ(case, "heart")
    return float(_mask(case, finding).sum() / lung.sum())


def _check_masks(case: Case, present: list[Finding]) -> list[str]:
    problems = []
    wanted = {(finding.name, finding.side) for finding in present}
    drawn = [(mask.label, mask.side) for mask in case.masks if mask.label in FINDINGS]
    problems += [f"no mask of {name} {side}" for name, side in wanted - set(drawn)]
    problems += [f"a mask of {name} {side} without a finding" for name, side in set(drawn) - wanted]
    if len(drawn) != len(set(drawn)):
        problems.append("two masks of one finding")
    known = {*FINDINGS, *ORGANS, *EXTRA_LABELS}
    for mask in case.masks:
        if mask.label not in known:
            problems.append(f"a mask of {mask.label!r}, which is no finding, organ or artefact")
        if not mask.pixels.any():
            problems.append(f"the mask of {mask.label} {mask.side} is empty")
    return problems


def _check_place(case: Case, finding: Finding) -> list[str]:
    problems = []
    kind, mask = KINDS[finding.name], _mask(case, finding)
    if kind.sided and (side := _measured_side(case, finding)) != finding.side:
        problems.append(f"{finding.name} said to be {finding.side} lies {side}")
    if finding.zone is not None and (zone := _measured_zone(case, finding)) != finding.zone:
        problems.append(f"{finding.name} said to be in the {finding.zone} zone lies in the {zone} zone")
    if finding.severity is not None:
        value = measured_severity(case, finding)
        measured = kind.severities[max(np.searchsorted(CUTS[finding.name], value, "right") - 1, 0)]
        if measured != finding.severity or value < CUTS[finding.name][0]:
            problems.append(f"{finding.severity} {finding.name} measures {value:.3f}: {measured}")
    if finding.name in IN_LUNG:
        inside = (mask & _organ(case, "lung", finding.side)).sum() / mask.sum()
        if inside < 0.97:
            problems.append(f"only {inside:.0%} of {finding.name} lies in the {finding.side} lung")
    # A film's collimated edge may cut a line that enters from the neck.
    exposed = (case.scans[0].pixels[mask] > UNEXPOSED).mean()
    if exposed < 0.8:
        problems.append(f"only {exposed:.0%} of {finding.name} lies in the exposed body")
    return problems


def _check_heart(case: Case, present: list[Finding]) -> list[str]:
    ratio = measured_severity(case, Finding("cardiomegaly", "present"))
    large = any(finding.name == "cardiomegaly" for finding in present)
    if not large and ratio >= CUTS["cardiomegaly"][0]:
        return [f"no cardiomegaly, but the cardiothoracic ratio is {ratio:.3f}"]
    return []


def _check_boxes(case: Case, present: list[Finding]) -> list[str]:
    truth = {(m.label, m.side): m.box_px for m in case.masks if m.label in FINDINGS}
    given = {(b.label, b.side): b.box_px for b in case.boxes}
    return [] if truth == given else [f"boxes {given} are not those of the masks {truth}"]


def _check_reports(case: Case, present: list[Finding]) -> list[str]:
    problems = []
    truth = {_key(finding) for finding in present}
    names = {finding.name for finding in present}
    for report in case.reports:
        for part, wanted in (
            (report.findings, truth),
            (report.impression, {k for k in truth if not KINDS[k[0]].device}),
        ):
            read = parse_report(part or "")
            claimed = {_key(finding) for finding in read if finding.state == "present"}
            if claimed != wanted:
                problems.append(f"the {report.language} report differs in {sorted(map(str, claimed ^ wanted))}")
            denied = {finding.name for finding in read if finding.state == "absent"} & names
            if denied:
                problems.append(f"the {report.language} report denies {sorted(denied)}")
    return problems


def _check_questions(case: Case, present: list[Finding]) -> list[str]:
    problems = []
    names = {finding.name for finding in present}
    for question in case.questions:
        here = question.about in names
        if question.kind == "yes_no" and (question.answer == question.options[0]) != here:
            problems.append(f"{question.question!r} is answered {question.answer!r}")
        if question.kind == "box":
            boxes = tuple(box for box in case.boxes if box.label == question.about)
            if _coordinates(question.answer) != _coordinates(_boxes_as_json(boxes, case)):
                problems.append(f"{question.question!r} gives other boxes than the case")
    return problems


def _boxes_as_json(boxes: tuple[Box, ...], case: Case) -> str:
    return box_json(boxes, [box.label for box in boxes], case.scans[0].rows)


def _coordinates(text: str) -> list[list[int]]:
    return [entry["box_2d"] for entry in json.loads(text)]


def _measured_side(case: Case, finding: Finding) -> str:
    """Which side of the midline between the lungs; of a device, where its outermost or uppermost part lies."""
    mask = _mask(case, finding)
    lungs = np.flatnonzero((_organ(case, "lung", "right") | _organ(case, "lung", "left")).any(0))
    middle = (lungs[0] + lungs[-1]) / 2
    cols = np.nonzero(mask)[1]
    if finding.name == "central_line":
        rows = np.flatnonzero(mask.any(1))
        cols = np.nonzero(mask[rows[0] : rows[0] + max(1, len(rows) // 8)])[1]
    centre = cols.mean()
    if finding.name == "pacemaker":
        centre = max(cols.min(), cols.max(), key=lambda col: abs(col - middle))
    return "right" if centre < middle else "left"


def _measured_zone(case: Case, finding: Finding) -> str:
    """Which third of the lung's height holds the middle of the mask."""
    lung = np.flatnonzero(_organ(case, "lung", finding.side).any(1))
    middle = np.nonzero(_mask(case, finding))[0].mean()
    return ("upper", "mid", "lower")[int(np.clip(3 * (middle - lung[0]) / (lung[-1] - lung[0]), 0, 2.99))]


def _key(finding: Finding) -> tuple:
    return finding.name, finding.side, finding.zone, finding.severity


def _mask(case: Case, finding: Finding) -> np.ndarray:
    return next(m.pixels for m in case.masks if (m.label, m.side) == (finding.name, finding.side))


def _organ(case: Case, label: str, side: str | None = None) -> np.ndarray:
    return next(mask.pixels for mask in case.masks if (mask.label, mask.side) == (label, side))


def _width(mask: np.ndarray) -> int:
    cols = np.flatnonzero(mask.any(0))
    return int(cols[-1] - cols[0] + 1)
