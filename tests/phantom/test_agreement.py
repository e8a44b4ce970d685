"""Masks, boxes, reports and questions of the phantoms agree with their labels; the checker can fail."""

import numpy as np
import pytest

from medlab.core.case import Mask, Question
from medlab.phantom import Phantom, check_case, parse_report, present
from medlab.phantom.reports import write_report
from medlab.phantom.sampling import choose_findings
from medlab.phantom.style import PhantomStyle
from medlab.phantom.vocabulary import FINDINGS, KINDS

DRAWN = 100
"""cases drawn here; benchmarks/phantom.py --check 1000 draws the thousand"""
WRITTEN = 1000


def keys(findings):
    return {(f.name, f.side, f.zone, f.severity) for f in findings if f.state == "present"}


@pytest.fixture(scope="module")
def rich_case():
    wanted = [
        present("cardiomegaly", severity="moderate"),
        present("effusion", "right", severity="small"),
        present("nodule", "left", "mid"),
        present("pacemaker", "left"),
    ]
    return Phantom(96).draw(2, wanted)


def test_drawn_phantoms_agree_with_their_labels_in_both_views():
    phantom = Phantom(80)
    problems = []
    for seed in range(DRAWN):
        problems += check_case(phantom.draw(seed, view="AP" if seed % 3 == 0 else "PA"))
    assert problems == []


def test_reports_of_a_thousand_patients_read_back_exactly_in_both_languages():
    style = PhantomStyle(normal_fraction=0.1)
    for seed in range(WRITTEN):
        findings = choose_findings(seed, style)
        names = {finding.name for finding in findings}
        for language in ("en", "zh"):
            report = write_report(findings, language, seed)
            for text in (report.findings, report.text):
                read = parse_report(text)
                assert keys(read) == keys(findings), text
                assert not names & {f.name for f in read if f.state == "absent"}, text


def test_every_finding_side_zone_and_severity_occurs_by_chance():
    seen = set()
    for seed in range(1500):
        seen |= keys(choose_findings(seed, PhantomStyle()))
    for name, kind in KINDS.items():
        sides = ("right", "left") if kind.sided else (None,)
        wanted = {(name, s, z, v) for s in sides for z in kind.zones or (None,) for v in kind.severities or (None,)}
        assert wanted <= seen


def test_a_normal_fraction_of_one_gives_only_normal_chests():
    style = PhantomStyle(normal_fraction=1.0)
    assert all(choose_findings(seed, style) == () for seed in range(50))


def test_prevalences_are_obeyed():
    style = PhantomStyle(normal_fraction=0.0, prevalence=(("nodule", 1.0),))
    assert all([f.name for f in choose_findings(seed, style)] == ["nodule"] for seed in range(50))


def changed(case, index, **changes):
    masks = list(case.masks)
    masks[index] = masks[index].replace(**changes)
    return case.replace(masks=tuple(masks))


def test_the_checker_passes_a_sound_case(rich_case):
    assert check_case(rich_case) == []


def test_the_checker_finds_a_mask_on_the_wrong_side(rich_case):
    flipped = changed(rich_case, 2, pixels=rich_case.masks[2].pixels[:, ::-1].copy())
    assert any("nodule said to be left lies right" in problem for problem in check_case(flipped))


def test_the_checker_finds_a_mask_in_the_wrong_zone(rich_case):
    raised = changed(rich_case, 2, pixels=np.roll(rich_case.masks[2].pixels, -24, 0))
    assert any("lies in the upper zone" in problem for problem in check_case(raised))


def test_the_checker_finds_an_empty_a_missing_and_a_needless_mask(rich_case):
    empty = changed(rich_case, 2, pixels=np.zeros((96, 96), bool))
    assert any("nodule left is empty" in problem for problem in check_case(empty))
    missing = rich_case.replace(masks=rich_case.masks[:2] + rich_case.masks[3:])
    assert any("no mask of nodule left" in problem for problem in check_case(missing))
    extra = Mask("pneumothorax", rich_case.masks[2].pixels, side="left")
    needless = rich_case.replace(masks=(*rich_case.masks, extra))
    assert any("pneumothorax left without a finding" in problem for problem in check_case(needless))


def test_the_checker_finds_a_severity_that_the_picture_does_not_show(rich_case):
    findings = tuple(f.replace(severity="severe") if f.name == "cardiomegaly" else f for f in rich_case.findings)
    problems = check_case(rich_case.replace(findings=findings))
    assert any("severe cardiomegaly measures" in problem for problem in problems)
    assert any("report differs" in problem for problem in problems)


def test_the_checker_finds_a_wrong_box_and_a_wrong_answer(rich_case):
    boxes = (rich_case.boxes[0].replace(box_px=(0.0, 0.0, 5.0, 5.0)), *rich_case.boxes[1:])
    assert any("not those of the masks" in problem for problem in check_case(rich_case.replace(boxes=boxes)))
    lie = Question("Is there a nodule?", "No", "yes_no", options=("Yes", "No"), about="nodule")
    lying = rich_case.replace(questions=(*rich_case.questions, lie))
    assert any("is answered 'No'" in problem for problem in check_case(lying))


def test_every_finding_is_asked_about_in_both_languages(rich_case):
    for language in ("en", "zh"):
        asked = [q.about for q in rich_case.questions if q.kind == "yes_no" and q.language == language]
        assert asked == list(FINDINGS)
    kinds = {question.kind for question in rich_case.questions}
    assert kinds == {"yes_no", "where", "severity", "box", "open"}


def test_only_what_has_a_side_is_asked_where_it_is(rich_case):
    asked = {question.about for question in rich_case.questions if question.kind == "where"}
    assert asked == {"effusion", "nodule", "pacemaker"}


@pytest.mark.parametrize("severity", ["small", "moderate", "large"])
def test_a_left_effusion_beside_a_very_large_heart_shows_its_severity(severity):
    """The heart hides fluid: once these seeds drew moderate ones that measured small and a large one that did not."""
    wanted = [present("cardiomegaly", severity="severe"), present("effusion", "left", severity=severity)]
    phantom = Phantom(80)
    assert [problem for seed in (0, 6, 10) for problem in check_case(phantom.draw(seed, wanted))] == []
