"""Two visits: the same person, findings that change, and reports that say how."""

import numpy as np

from medlab.core.case import Case
from medlab.core.scan import Scan
from medlab.phantom import Phantom, PhantomStyle, check_case, parse_report, present
from medlab.phantom.phrases_en import PROGRESS_WORDS
from medlab.phantom.reports import write_report
from medlab.phantom.visits import PROGRESS, plan_visits, progress_between, with_comparison
from medlab.phantom.vocabulary import KINDS

BLANK = Scan(np.zeros((64, 64), np.float32))


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
    said = {f.name: PROGRESS_WORDS[KINDS[f.name].course][word] for f, word in changes}
    assert {name: question.answer for name, question in asked.items()} == said
    assert all(question.answer in question.options for question in asked.values())
    assert second.report("en").comparison != "None."
    assert second.report("zh").comparison != "无。"


def test_a_device_is_removed_and_fluid_shrinks_in_the_words_of_both_languages():
    before = (present("effusion", "left", severity="large"), present("pacemaker", "right"))
    after = (present("effusion", "left", severity="small"), present("endotracheal_tube"))
    reports = tuple(write_report(after, language, 0) for language in ("en", "zh"))
    case = with_comparison(Case("one", (BLANK,), reports=reports), before, after, seed=0)
    assert case.report("en").comparison == (
        "Small left pleural effusion, smaller than on the previous film. "
        "The previous right pacemaker has been removed. New endotracheal tube since the previous film."
    )
    assert case.report("zh").comparison == (
        "左侧少量胸腔积液，较前减少。原右侧起搏器已移除。与前片相比，新置入气管插管。"
    )
    answers = {(q.about, q.language): (q.answer, q.options) for q in case.questions}
    assert answers["pacemaker", "en"] == ("removed", ("new", "removed", "unchanged"))
    assert answers["effusion", "zh"][0] == "减少"


def test_comparisons_read_back_as_the_findings_of_the_second_visit():
    for seed in range(100):
        before, after = plan_visits(seed, PhantomStyle())
        reports = tuple(write_report(after, language, seed) for language in ("en", "zh"))
        case = with_comparison(Case("one", (BLANK,), reports=reports), before, after, seed)
        gone = {f.name for f, word in progress_between(before, after) if word == "resolved"}
        there = {f.name for f in after}
        for report in case.reports:
            read = parse_report(report.comparison)
            told = {(f.name, f.side, f.zone, f.severity) for f in read if f.state == "present"}
            assert told == {(f.name, f.side, f.zone, f.severity) for f in after}, report.comparison
            assert {f.name for f in read if f.state == "absent"} >= gone - there, report.comparison
