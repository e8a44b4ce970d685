"""ask_batch: order, laziness, doubled and refused questions, and the rerun after a kill that asks what is missing."""

import pathlib
import signal
import subprocess
import sys

import pytest

from medlab.core.answer import Answer
from medlab.core.errors import CapabilityError, DataError, SpecError
from medlab.models.batches import Failure
from medlab.models.store import AnswerStore
from tests.models.parrot import REFUSED, Parrot, film, question

QUERIES = [question(f"question {number}", film(number / 100)) for number in range(20)]
CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def ask(model, queries, **options):
    return list(model.ask_batch(queries, progress=False, **options))


def test_answers_come_in_order_and_are_those_of_ask_one_by_one():
    model = Parrot()
    assert ask(model, QUERIES, batch_size=8) == [Parrot().answer([query])[0] for query in QUERIES]
    assert [len(batch) for batch in model.batches] == [8, 8, 4]


def test_a_generator_is_read_no_further_than_one_batch():
    read = []
    answers = Parrot().ask_batch((read.append(query) or query for query in QUERIES), batch_size=3, progress=False)
    assert read == []
    next(answers)
    assert len(read) == 3
    next(answers), next(answers)
    assert len(read) == 3
    next(answers)
    assert len(read) == 6


def test_a_question_that_comes_twice_is_asked_once():
    model = Parrot()
    answers = ask(model, [QUERIES[0], QUERIES[1], QUERIES[0], QUERIES[2], QUERIES[1]], batch_size=2)
    assert [answer.text[-1] for answer in answers] == ["0", "1", "0", "2", "1"]
    assert model.asked == ["question 0", "question 1", "question 2"]


def test_without_a_store_no_file_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ask(Parrot(), QUERIES)
    assert list(tmp_path.iterdir()) == []


def test_what_the_store_holds_is_not_asked_again(tmp_path):
    first = ask(Parrot(), QUERIES[:7], store=tmp_path, batch_size=4)
    model = Parrot()
    again = ask(model, QUERIES, store=tmp_path, batch_size=4)
    assert model.asked == [f"question {number}" for number in range(7, 20)]
    assert again[:7] == first
    assert again == ask(Parrot(), QUERIES)


def test_another_model_asks_everything_again(tmp_path):
    ask(Parrot("parrot-1"), QUERIES, store=tmp_path)
    other = Parrot("parrot-2")
    ask(other, QUERIES, store=tmp_path)
    assert len(other.asked) == 20


def test_scattered_gaps_are_asked_in_full_batches(tmp_path):
    ask(Parrot(), QUERIES[::2], store=tmp_path)
    model = Parrot()
    assert ask(model, QUERIES, store=tmp_path, batch_size=5) == ask(Parrot(), QUERIES)
    assert [len(batch) for batch in model.batches] == [5, 5]


def test_one_gap_at_the_front_does_not_hold_back_answers_for_ever(tmp_path):
    ask(Parrot(), QUERIES[1:], store=tmp_path)
    read = []
    answers = Parrot().ask_batch(
        (read.append(query) or query for query in QUERIES[:1] + QUERIES[1:] * 20),
        batch_size=2,
        store=tmp_path,
        progress=False,
    )
    next(answers)
    assert len(read) == 32
    answers.close()


def test_a_refused_question_is_raised_in_its_place_and_its_neighbours_are_kept(tmp_path):
    bad = question(REFUSED)
    queries = [*QUERIES[:2], bad, *QUERIES[2:]]
    answers = Parrot().ask_batch(queries, batch_size=4, store=tmp_path, progress=False)
    assert [next(answers).text[-1], next(answers).text[-1]] == ["0", "1"]
    with pytest.raises(CapabilityError, match="the parrot refuses"):
        next(answers)
    with AnswerStore(tmp_path) as store:
        assert len(store) == 3  # of the batch of four, all but the refused


def test_refused_questions_leave_failures_in_their_places_where_one_asks_for_that(tmp_path):
    bad = question(REFUSED)
    queries = [bad, *QUERIES[:5], bad]
    model = Parrot()
    results = ask(model, queries, batch_size=3, store=tmp_path, errors="keep")
    assert [type(result) for result in results] == [Failure, *[Answer] * 5, Failure]
    assert results[0] == Failure(
        "CapabilityError", "the parrot refuses\n  do this:  ask politely", "parrot-1", bad.fingerprint
    )
    assert model.asked.count(REFUSED) == 2  # with its batch, and alone
    assert not hasattr(results[0], "text")
    again = Parrot()
    ask(again, queries, store=tmp_path, errors="keep")
    assert again.asked == [REFUSED]


def test_a_source_of_questions_that_breaks_costs_none_of_those_before(tmp_path):
    def queries():
        yield from QUERIES[:3]
        raise DataError("truncated", "the film is cut")

    answers = Parrot().ask_batch(queries(), batch_size=8, store=tmp_path, progress=False)
    assert [next(answers).text[-1] for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(DataError, match="the film is cut"):
        next(answers)
    with AnswerStore(tmp_path) as store:
        assert len(store) == 3


def test_an_interrupt_frees_the_store(tmp_path):
    class Interrupted(Parrot):
        def answer(self, queries):
            if len(self.batches) == 2:
                raise KeyboardInterrupt
            return super().answer(queries)

    with pytest.raises(KeyboardInterrupt):
        ask(Interrupted(), QUERIES, batch_size=4, store=tmp_path)
    model = Parrot()
    ask(model, QUERIES, batch_size=4, store=tmp_path)
    assert len(model.asked) == 12


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"errors": "ignore"}, "errors is 'ignore'"),
        ({"batch_size": True}, "True"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_asked(options, told):
    with pytest.raises(SpecError, match=told):
        Parrot().ask_batch(QUERIES, **options)


def test_what_is_no_query_is_told_by_its_number():
    with pytest.raises(SpecError, match="question 1 is a str"):
        ask(Parrot(), [QUERIES[0], "Is there an effusion?"])


CHILD = """
import os, signal, sys
from medlab.models import store
from tests.models.test_batches import QUERIES
from tests.models.parrot import Parrot

how, path = sys.argv[1:]
written = store._write

def torn(path, start, data):
    if start > 2000:
        written(path, start, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    written(path, start, data)

class Killed(Parrot):
    def answer(self, queries):
        if how == "asking" and len(self.batches) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().answer(queries)

if how == "writing":
    store._write = torn
list(Killed().ask_batch(QUERIES, batch_size=4, store=path, progress=False))
"""


@pytest.mark.parametrize("how", ["asking", "writing"])
def test_after_a_kill_in_the_middle_the_rerun_asks_only_what_is_missing(tmp_path, how):
    child = subprocess.run([sys.executable, "-c", CHILD, how, str(tmp_path)], cwd=CHECKOUT, capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    held = (tmp_path / "answers.jsonl").read_bytes()
    whole = held.count(b"\n") - 1
    assert 0 < whole < len(QUERIES)
    assert held.endswith(b"\n") == (how == "asking")
    model = Parrot()
    answers = ask(model, QUERIES, batch_size=4, store=tmp_path)
    assert model.asked == [f"question {number}" for number in range(whole, 20)]
    assert answers == ask(Parrot(), QUERIES)
