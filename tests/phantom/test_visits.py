"""Two visits: the same person, findings that change, and reports that say how."""

import numpy as np

from medlab.phantom import Phantom, PhantomStyle, check_case, present
from medlab.phantom.visits import PROGRESS, plan_visits, progress_between


def test_both_visits_show_the_same_patient_in_another_position():
    first, second = Phantom(64).visits(12)
    assert first.patient_id == second.patient_id
    assert first.id != second.id
    assert not np.array_equal(first.scans[0].pixels, second.scans[0].pixels)
    assert check_case(first) == []
    assert check_case(second) == []


def test_the_first_visit_is_the_patient_that_draw_gives():
    phantom = Phantom(64)
    assert phantom.visits(12)[0].scans[0] == phantom.draw(12).scans[0].replace(name="phantom-12-visit-1")


def test_every_kind_of_progress_occurs():
    seen = set()
    for seed in range(120):
        seen |= {word for _, word in progress_between(*plan_visits(seed, PhantomStyle()))}
    assert seen == set(PROGRESS)


def test_progress_is_read_from_presence_and_severity():
    small, large = (present("effusion", "left", severity=word) for word in ("small", "large"))
    pacemaker = present("pacemaker", "left")
    before = (small, present("nodule", "right", "mid"), pacemaker)
    after = (large, pacemaker, present("endotracheal_tube"))
    words = {finding.name: word for finding, word in progress_between(before, after)}
    assert words == {
        "effusion": "worse",
        "nodule": "resolved",
        "pacemaker": "unchanged",
        "endotracheal_tube": "new",
    }
    assert {f.name: w for f, w in progress_between(after, before)}["effusion"] == "improved"


def test_the_second_report_compares_and_its_questions_ask_what_changed():
    phantom = Phantom(64)
    for seed in range(30):
        changes = progress_between(*plan_visits(seed, phantom.style))
        names = [finding.name for finding, _ in changes]
        if names and len(names) == len(set(names)):
            break
    second = phantom.visits(seed)[1]
    asked = {q.about: q for q in second.questions if q.kind == "choice" and q.language == "en"}
    assert {name: question.answer for name, question in asked.items()} == {f.name: w for f, w in changes}
    assert all(question.answer in question.options for question in asked.values())
    assert second.report("en").comparison != "None."
    assert second.report("zh").comparison != "无。"
