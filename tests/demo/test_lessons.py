"""What the demo model is taught must be true of the film, in both languages."""

import json

import numpy as np
import pytest

from medlab.core.case import Box
from medlab.demo.lessons import LANGUAGES, Tutor, box_text, in_plain_words, report_text
from medlab.demo.pool import FIRST_SEED, STYLE
from medlab.phantom import Phantom, parse_report, present
from medlab.phantom.sampling import choose_findings
from medlab.phantom.visits import plan_visits

FLUID = (present("effusion", "left", severity="small"),)


def patients(n: int):
    return [choose_findings(FIRST_SEED + number, STYLE) for number in range(n)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_under_its_headings_is_read_back_as_the_findings(language):
    for seed, findings in enumerate(patients(60)):
        read = [f for f in parse_report(report_text(findings, language, seed)) if f.state == "present"]
        assert [(f.name, f.side, f.zone, f.severity) for f in read] == [
            (f.name, f.side, f.zone, f.severity) for f in findings
        ]


def test_boxes_are_told_in_steps_of_ten_thousandths_of_the_square():
    told = json.loads(box_text([Box("effusion", (112.0, 0.0, 224.0, 57.0), side="left")], "en"))
    assert told == [{"box_2d": [500, 0, 1000, 250], "label": "left pleural effusion"}]
    assert box_text([], "en") == "[]"


@pytest.mark.parametrize("language", LANGUAGES)
def test_yes_is_answered_exactly_where_the_finding_is(language):
    tutor = Tutor(np.random.default_rng(0))
    answers = [tutor.is_there(FLUID, language) for _ in range(80)]
    yes = {"en": "Yes", "zh": "是"}[language]
    named = {"en": "effusion", "zh": "积液"}[language]
    for lesson in answers:
        assert (lesson.answer == yes) == (named in lesson.question), lesson
    assert 20 < sum(lesson.answer == yes for lesson in answers) < 60


def test_a_question_about_one_side_is_answered_for_that_side():
    tutor = Tutor(np.random.default_rng(1))
    lessons = [tutor.is_there_on_side(FLUID, "en") for _ in range(80)]
    for lesson in lessons:
        fluid_left = "effusion" in lesson.question and "left" in lesson.question
        assert (lesson.answer == "Yes") == fluid_left, lesson


def test_where_is_what_is_not_there_is_answered_by_saying_so():
    lesson = Tutor(np.random.default_rng(2)).not_there(FLUID, "en")
    assert lesson.answer.startswith("No ")
    assert lesson.answer.endswith(" is seen.")


def test_a_talk_says_it_only_of_one_finding():
    tutor = Tutor(np.random.default_rng(3))
    both = (present("effusion", "left", severity="small"), present("effusion", "right", severity="large"))
    for _ in range(20):
        for lesson in tutor.talk(both, (), "en"):
            assert " it" not in lesson.question


def test_two_films_are_compared_as_the_phantom_compares_them():
    case = Phantom(64).draw(0)
    before, after = FLUID, (FLUID[0].replace(severity="large"),)
    lessons = Tutor(np.random.default_rng(4)).visits(before, after, "en", case)
    assert lessons[0].answer == "Large left pleural effusion, larger than before."
    assert [lesson.answer for lesson in lessons if "effusion" in lesson.question] == ["larger"]
    assert lessons[-1].answer.endswith("is seen.")
    assert plan_visits(0, STYLE)


def test_plain_words_end_with_the_advice_to_ask_a_doctor():
    assert in_plain_words(FLUID, "en") == (
        "There is some fluid around the left lung. Please ask a doctor what this means for you."
    )
    assert in_plain_words((), "zh").startswith("没有看到异常。")


def test_the_same_generator_gives_the_same_lessons():
    one, two = (Tutor(np.random.default_rng(9)).film(FLUID, (), 12) for _ in range(2))
    assert one == two
