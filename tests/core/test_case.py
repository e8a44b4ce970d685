"""Case and its parts: states that are never guessed, boxes and masks that fit, no split without a patient."""

import numpy as np
import pytest

from medlab.core.case import STATES, Box, Case, Finding, Mask, Question, Report
from medlab.core.errors import SpecError
from medlab.core.scan import Scan

SCAN = Scan(np.zeros((4, 6), np.float32))


def mask(rows=4, cols=6, scan=0) -> Mask:
    pixels = np.zeros((rows, cols), bool)
    pixels[1:3, 2:5] = True
    return Mask("nodule", pixels, scan=scan)


def test_a_finding_that_nobody_mentions_is_not_absent():
    case = Case("c", findings=(Finding("effusion", "absent"), Finding("nodule", "uncertain")))
    assert case.state_of("effusion") == "absent"
    assert case.state_of("nodule") == "uncertain"
    assert case.state_of("pneumothorax") == "not_mentioned"


def test_of_two_statements_the_stronger_counts():
    for weaker in STATES[1:]:
        case = Case("c", findings=(Finding("nodule", weaker, side="left"), Finding("nodule", "present", side="right")))
        assert case.state_of("nodule") == "present"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "name is ''"),
        ({"state": "yes"}, "accepted: present, absent"),
        ({"side": "L"}, "accepted: right, left, both"),
        ({"zone": "base"}, "accepted: upper, mid, lower"),
        ({"severity": 2}, "severity is 2"),
    ],
)
def test_a_finding_that_cannot_be_is_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        Finding(**{"name": "nodule", "state": "present", **fields})


@pytest.mark.parametrize("box", [(1, 1, 1, 2), (1, 1, 2, 1), (2, 0, 1, 1), (0, 0, 1, float("nan"))])
def test_a_box_has_an_area(box):
    with pytest.raises(SpecError, match="box_px is"):
        Box("nodule", box)


@pytest.mark.parametrize("box", [[0, 0, 1, 1], (0, 0, 1), "0011"])
def test_a_box_is_four_numbers(box):
    with pytest.raises(SpecError, match=r"accepted: \(a number, a number, a number, a number\)"):
        Box("nodule", box)


def test_the_box_of_a_mask_is_tight_and_half_open():
    assert mask().box_px == (1, 2, 3, 5)
    assert mask().pixels[1:3, 2:5].all()


def test_an_empty_mask_has_no_box():
    assert Mask("nodule", np.zeros((2, 2), bool)).box_px is None


@pytest.mark.parametrize("fields", [{"kind": "maybe"}, {"language": "fr"}, {"question": " "}, {"options": ["yes"]}])
def test_a_question_that_cannot_be_is_refused(fields):
    with pytest.raises(SpecError):
        Question(**{"question": "Effusion?", "answer": "no", **fields})


def test_the_text_of_a_report_is_findings_and_impression_else_the_whole():
    assert Report(findings="F.", impression="I.").text == "F.\nI."
    assert Report(impression="I.", full="All.").text == "I."
    assert Report(full="All.").text == "All."
    assert Report().text == ""


def test_a_case_gives_its_report_by_language():
    english, chinese = Report(full="Clear."), Report(language="zh", full="清晰")
    case = Case("c", reports=(english, chinese))
    assert case.report() == english
    assert case.report("zh") == chinese
    assert case.report("es") is None


def test_no_patient_no_split():
    with pytest.raises(SpecError, match="split 'train' but no patient_id"):
        Case("c", split="train")
    assert Case("c", split="train", patient_id="p").split == "train"


@pytest.mark.parametrize("part", [{"masks": (mask(scan=1),)}, {"boxes": (Box("x", (0, 0, 1, 1), scan=1),)}])
def test_a_mask_or_box_is_on_a_scan_that_is_there(part):
    with pytest.raises(SpecError, match="on scan 1\n  accepted: 0 to 0"):
        Case("c", scans=(SCAN,), **part)


def test_a_mask_has_the_size_of_its_scan():
    assert Case("c", scans=(SCAN,), masks=(mask(),)).masks
    with pytest.raises(SpecError, match=r"mask nodule is \(4, 7\)"):
        Case("c", scans=(SCAN,), masks=(mask(cols=7),))


def test_a_case_says_what_it_is():
    case = Case("c1", scans=(SCAN,), source="phantom", findings=(Finding("nodule", "present"), Finding("x", "absent")))
    assert repr(case) == "Case('c1', 1 scan(s), phantom, present: nodule)"
    assert repr(Case("c2")) == "Case('c2', 0 scan(s), unknown, present: none)"
