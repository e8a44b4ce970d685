"""The table of trust: every number with its interval, controls below, verdicts under their rows."""

import pytest

from medlab.core.errors import SpecError
from medlab.core.score import Score, Scorecard
from medlab.plots.trusttable import trust_table


def card(hit: float, *more: Score) -> Scorecard:
    return Scorecard("x", (Score("hit", hit, 200, hit - 0.05, hit + 0.05), *more))


CARDS = {"random": card(0.06), "rise_tokens": card(0.9, Score("noise", 1.5, 200, 1.0, 2.0, "lower"))}


def texts(plate) -> list[str]:
    return [text.get_text() for text in plate.figure.texts]


def test_each_score_has_its_interval_and_a_missing_one_a_dash():
    told = texts(trust_table(CARDS, scores=["hit", "noise"]))
    assert {"0.90 [0.85, 0.95]", "0.06 [0.01, 0.11]", "1.50 [1.00, 2.00]", "–"} <= set(told)
    assert {"hit ↑", "noise ↓"} <= set(told)


def test_controls_stand_below_the_methods():
    plate = trust_table(CARDS, scores=["hit"])
    height = {text.get_text(): text.get_position()[1] for text in plate.figure.texts}
    assert height["random"] < height["rise_tokens"]


def test_a_verdict_stands_under_its_row_as_text():
    told = texts(trust_table(CARDS, {"rise_tokens": "localises $0.9$ <b>\u202e"}, scores=["hit"]))
    assert "localises $0.9$ <b>\\u202e" in told


def test_the_description_has_every_number():
    told = trust_table(CARDS, {"random": "a control"}, scores=["hit"]).description
    assert "rise_tokens: hit 0.900 [0.850, 0.950] (n=200)" in told
    assert "a control" in told


def test_no_methods_are_refused():
    with pytest.raises(SpecError, match="no method"):
        trust_table({})
