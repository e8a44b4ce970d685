"""The demo model's table, measured on a model that reads the truth, and on one that always says yes."""

import pytest

from medlab.core.answer import Answer, Choices, Token
from medlab.demo.lessons import report_text
from medlab.demo.measure import FIRST_SEED, as_text, measure, overlap
from medlab.models.base import Capabilities, Model
from medlab.phantom import Phantom
from medlab.phantom.worker import VIEWS

N = 6


class Oracle(Model):
    """Knows every case that is measured, by its scan."""

    name, fingerprint, capabilities = "oracle", "", Capabilities(images=1, logprobs="full", languages=("en", "zh"))

    def __init__(self, honest: bool = True):
        self.honest = honest
        phantom = Phantom(64)
        cases = [phantom.draw(seed, view=VIEWS[seed % 2]) for seed in range(FIRST_SEED, FIRST_SEED + N)]
        self.cases = {case.scans[0].name: case for case in cases}

    def known(self, query):
        case = self.cases[query.scans[0].name]
        text = query.messages[-1].parts[-1].text
        return case, text, next((q for q in case.questions if q.question == text), None)

    def answer(self, queries):
        return [self.one(query) for query in queries]

    def one(self, query):
        case, text, question = self.known(query)
        if question is None:
            language = "zh" if "。" in text else "en"
            findings = tuple(f for f in case.findings if f.state == "present")
            return Answer(report_text(findings, language, 0))
        boxes = tuple(box for box in case.boxes if box.label == question.about) if question.kind == "box" else ()
        return Answer(question.answer, boxes=boxes)

    def score(self, query, options):
        _, _, question = self.known(query)
        right = [option == (question.answer if self.honest else options[0]) for option in options]
        rows = tuple((Token(0, o, -0.1 if r else -3.0),) for o, r in zip(options, right, strict=True))
        return Choices(tuple(options), rows)


@pytest.fixture(scope="module")
def truth():
    return measure(Oracle(), N, size=64, progress=False)


def test_a_model_that_tells_the_truth_scores_one_everywhere(truth):
    assert {row.value for row in truth if row.task != "report: present"} == {1.0}
    there = [row for row in truth if row.task == "report: present"]
    assert {row.value for row in there} <= {0.0, 1.0}, "no film shows it, or every one is found"
    assert {row.language for row in truth} == {"en", "zh"}


def test_a_model_that_always_says_yes_is_right_half_the_time():
    rows = [row for row in measure(Oracle(honest=False), N, size=64, progress=False) if row.task == "yes_no"]
    assert {row.value for row in rows} <= {0.0, 0.5}
    assert 0.5 in {row.value for row in rows}


def test_overlap_of_two_boxes_is_worked_out_by_hand():
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert overlap((0, 0, 2, 2), (0, 1, 2, 3)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (5, 5, 6, 6)) == 0


def test_the_text_has_a_line_for_each_task_and_finding(truth):
    told = as_text(truth)
    assert len(told.splitlines()) == 1 + len({(row.task, row.finding) for row in truth})
