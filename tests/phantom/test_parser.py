"""The parser on sentences that the generator does not write, such as a model's."""

import pytest

from medlab.phantom import parse_report


def read(text):
    return [(f.name, f.side, f.zone, f.severity) for f in parse_report(text) if f.state == "present"]


def denied(text):
    return [f.name for f in parse_report(text) if f.state == "absent"]


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("Small left effusion and moderate right pneumothorax.",
         [("effusion", "left", None, "small"), ("pneumothorax", "right", None, "moderate")]),
        ("The heart is severely enlarged.", [("cardiomegaly", None, None, "severe")]),
        ("Pleural effusion.", [("effusion", None, None, None)]),
        ("Nodule in the right middle zone", [("nodule", "right", "mid", None)]),
        ("左侧少量胸腔积液，右侧中等量气胸。",
         [("effusion", "left", None, "small"), ("pneumothorax", "right", None, "moderate")]),
        ("心影重度增大；右肺下野实变", 
         [("cardiomegaly", None, None, "severe"), ("consolidation", "right", "lower", None)]),
        ("Unchanged small right effusion; no interval change.", [("effusion", "right", None, "small")]),
        ("右侧大量胸腔积液，较前无变化。", [("effusion", "right", None, "large")]),
        ("", []),
        ("Normal chest radiograph.", []),
    ],
)  # fmt: skip
def test_present_findings_are_read_with_their_own_side_and_severity(text, findings):
    assert read(text) == findings


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("No pleural effusion or pneumothorax.", ["effusion", "pneumothorax"]),
        ("The lungs are clear.", ["consolidation", "nodule", "atelectasis"]),
        ("未见气胸。", ["pneumothorax"]),
        ("心影不大，双肺清晰。", ["cardiomegaly", "consolidation", "nodule", "atelectasis"]),
        ("The previous small right pleural effusion has resolved.", ["effusion"]),
        ("原右侧气胸已消失。", ["pneumothorax"]),
        ("The previous left pacemaker has been removed.", ["pacemaker"]),
        ("原左侧起搏器已移除。", ["pacemaker"]),
    ],
)
def test_denials_are_absent_findings_not_present_ones(text, names):
    assert denied(text) == names
    assert read(text) == []


def test_what_is_not_mentioned_is_neither_present_nor_absent():
    assert [f.name for f in parse_report("No pneumothorax.")] == ["pneumothorax"]
