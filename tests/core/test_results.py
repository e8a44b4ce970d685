"""Answer, Attribution, Experiment, Run, Score, Recipe, Adapter: what a model said, and what was made of it."""

import numpy as np
import pytest

from medlab.core.answer import Answer, Token
from medlab.core.attribution import Attribution
from medlab.core.case import Box
from medlab.core.errors import SpecError, UnknownName
from medlab.core.experiment import Experiment, Run, Trial
from medlab.core.geometry import SquareFit
from medlab.core.provenance import Provenance
from medlab.core.query import Decoding
from medlab.core.recipe import Adapter, Recipe
from medlab.core.score import Score, Scorecard

FIT = SquareFit(100, 200, 896)
WHERE = Provenance("0.1.0", "3.11.7", "Linux x86_64")
GRID = Experiment("e", case_ids=("a", "b"), prompts=("p",), models=("demo", "other"), seeds=(0, 1))


def trial(model: str, case_id: str, seed: int) -> Trial:
    return Trial(model, case_id, "p", seed, answer=Answer("no"))


def test_the_log_probability_of_an_answer_is_the_sum_of_its_tokens():
    answer = Answer("no effusion", (Token(1, "no", -0.5), Token(2, " effusion", -1.25)))
    assert answer.logprob_nats == -1.75


def test_an_answer_without_tokens_has_no_log_probability():
    with pytest.raises(SpecError, match="no log-probabilities"):
        _ = Answer("no").logprob_nats


def test_a_token_is_at_most_certain():
    with pytest.raises(SpecError, match=r"logprob_nats is 0\.5"):
        Token(1, "no", 0.5)


def test_an_answer_of_an_endpoint_has_log_probabilities_without_token_numbers():
    answer = Answer("no", (Token(None, "no", -0.5),))
    assert answer.logprob_nats == -0.5
    assert Answer.from_json(answer.to_json()) == answer


def test_an_answer_places_things_on_the_scans_it_was_shown():
    answer = Answer("[...]", boxes=(Box("nodule", (1.0, 2.0, 3.0, 4.0), scan=1),))
    assert Answer.from_json(answer.to_json()).boxes[0].scan == 1


def test_an_answer_shows_untrusted_text_safely():
    assert repr(Answer("a\x1b[2J\n", truncated=True)) == r"Answer('a\x1b[2J\n', 0 tokens, truncated, unknown)"


def test_an_attribution_keeps_sign_and_size():
    values = np.array([[-3.0, 7.0]])
    made = Attribution(values, FIT, "gradient", ("effusion",))
    assert made.values.tolist() == [[-3.0, 7.0]]
    assert made.values.dtype == np.float32
    assert repr(made) == "Attribution('effusion' by gradient, 1x2 grid)"


def test_a_contrast_has_two_sides():
    values = np.ones((2, 2))
    assert "yes against no" in repr(Attribution(values, FIT, "gradient", ("yes", "no"), contrast=True))
    with pytest.raises(SpecError, match="contrast with 1 target"):
        Attribution(values, FIT, "gradient", ("yes",), contrast=True)


def test_an_attribution_says_which_word_on_which_scan_with_which_settings_and_how_surely():
    made = Attribution(
        np.ones((2, 2)),
        FIT,
        "rise",
        ("effusion",),
        token_spans=((4, 6),),
        scan=1,
        settings=(("samples", "500"), ("seed", "0")),
        standard_error=np.full((2, 2), 0.25),
    )
    again = Attribution.from_json(made.to_json())
    assert again == made
    assert again.standard_error.dtype == np.float32
    assert made.replace(token_spans=((14, 16),)) != made


@pytest.mark.parametrize(
    "fields",
    [
        {"completeness_error": -1.0},
        {"method": ""},
        {"values": np.ones(3)},
        {"target": ()},
        {"target": ("",)},
        {"token_spans": ((0, 1), (1, 2))},
        {"token_spans": ((3, 3),)},
        {"token_spans": ((-1, 3),)},
        {"scan": -1},
        {"standard_error": np.ones((2, 3))},
        {"standard_error": np.full((2, 2), -1.0)},
    ],
)
def test_an_attribution_that_cannot_be_is_refused(fields):
    with pytest.raises(SpecError):
        Attribution(**{"values": np.ones((2, 2)), "fit": FIT, "method": "x", "target": ("a",), **fields})


def test_a_grid_loads_each_model_once():
    cells = list(GRID.cells())
    assert len(cells) == len(GRID) == 8
    assert [cell[0] for cell in cells] == ["demo"] * 4 + ["other"] * 4
    assert cells[0] == ("demo", "a", "p", 0)


@pytest.mark.parametrize("fields", [{"models": ()}, {"seeds": (0, 0)}, {"case_ids": ("a", "b", "a")}])
def test_a_grid_has_no_empty_and_no_double_axis(fields):
    with pytest.raises(SpecError, match="at least one, none twice"):
        GRID.replace(**fields)


def test_two_ways_of_drawing_answers_are_two_experiments():
    assert GRID.replace(decoding=Decoding(temperature=0.7)).fingerprint != GRID.fingerprint


def test_what_is_missing_of_a_run_is_what_is_left_in_order():
    run = Run(GRID, (trial("other", "a", 1), trial("demo", "a", 0)), WHERE)
    missing = run.missing()
    assert len(missing) == 6
    assert missing[0] == ("demo", "a", "p", 1)
    assert ("other", "a", "p", 1) not in missing


def test_a_trial_that_failed_is_not_missing():
    failed = Trial("demo", "a", "p", 0, error="out of memory")
    assert len(Run(GRID, (failed,), WHERE).missing()) == 7


def test_a_run_holds_no_strangers_and_nothing_twice():
    with pytest.raises(SpecError, match=r"1 trial\(s\) outside the grid, 0 repeated"):
        Run(GRID, (trial("stranger", "a", 0),), WHERE)
    with pytest.raises(SpecError, match=r"0 .* outside the grid, 1 repeated"):
        Run(GRID, (trial("demo", "a", 0), trial("demo", "a", 0)), WHERE)


def test_a_trial_has_an_answer_or_a_reason():
    for fields in ({}, {"answer": Answer("no"), "error": "x"}):
        with pytest.raises(SpecError, match="one of answer and error"):
            Trial("demo", "a", "p", 0, **fields)


def test_a_score_lies_in_its_interval_and_rests_on_something():
    assert str(Score("auc", 0.8, 20, 0.7, 0.9)) == "auc 0.800 [0.700, 0.900] (n=20)"
    with pytest.raises(SpecError, match="ci_low <= value <= ci_high"):
        Score("auc", 0.95, 20, 0.7, 0.9)
    with pytest.raises(SpecError, match="n is 0"):
        Score("auc", 0.8, 0, 0.7, 0.9)


def test_only_a_number_that_resampling_shifts_may_lie_outside_its_interval_and_it_says_so():
    error = Score("calibration error", 0.02, 50, 0.03, 0.09, direction="lower", bias=0.035)
    assert str(error) == "calibration error 0.020 [0.030, 0.090] (n=50, resampling shifts it by +0.035)"
    for fields in ({"bias": None}, {"bias": 0.0}, {"bias": float("nan")}, {"ci_low": 0.1}):
        with pytest.raises(SpecError):
            error.replace(**fields)


def test_a_scorecard_gives_scores_by_name_and_holds_each_once():
    score = Score("auc", 0.8, 20, 0.7, 0.9)
    card = Scorecard("t", (score,))
    assert card["auc"] == score
    with pytest.raises(UnknownName, match="did you mean 'auc'"):
        card["acu"]
    with pytest.raises(SpecError, match="names a score twice"):
        Scorecard("t", (score, score))


@pytest.mark.parametrize(
    "fields", [{"rank": 0}, {"dropout": 1}, {"learning_rate": 0}, {"method": "qlora"}, {"base": ""}, {"epochs": 0}]
)
def test_a_recipe_that_cannot_be_is_refused(fields):
    with pytest.raises(SpecError):
        Recipe(**{"base": "demo", **fields})


def test_an_adapter_says_what_made_it_and_reads_back():
    adapter = Adapter("out", Recipe("demo"), "f1", "f2", WHERE, steps=10, final_loss=0.5)
    assert Adapter.from_json(adapter.to_json()) == adapter
    with pytest.raises(SpecError, match="base_fingerprint is ''"):
        adapter.replace(base_fingerprint="")
