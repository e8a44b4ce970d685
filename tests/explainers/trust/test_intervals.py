"""Intervals over films: known ones, and two questions about one film are not two films."""

import pytest

from medlab.explainers.trust.intervals import mean, ratio, share, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (30, 30, 0.8865, 1)]
)
def test_wilson_is_the_one_of_the_tables(hits, n, low, high):
    assert wilson(hits / n, n) == pytest.approx((low, high), abs=1e-4)


def test_asking_each_film_twice_makes_no_share_more_certain():
    once = [(str(i), float(i % 2)) for i in range(20)]
    assert share("hit", once * 2).replace(name="x") == share("hit", once).replace(name="x")


def test_one_film_of_many_questions_counts_for_less_than_as_many_films():
    rows = [("a", 1.0)] * 4 + [(str(i), 0.0) for i in range(4)]
    score = share("hit", rows)
    assert (score.n, score.value) == (5, 0.5)
    assert (score.ci_low, score.ci_high) == pytest.approx(wilson(0.5, 64 / 20))


def test_asking_each_film_twice_makes_no_mean_more_certain():
    once = [(str(i), float(i % 2)) for i in range(20)]
    first, second = mean("energy", once), mean("energy", once * 2)
    assert (second.n, second.value) == (20, 0.5)
    assert second.ci_high - second.ci_low == pytest.approx(first.ci_high - first.ci_low, abs=0.02)


def test_the_resampled_interval_of_a_mean_is_about_two_standard_errors():
    rows = [(str(i), float(i % 2)) for i in range(100)]
    score = mean("energy", rows)
    assert (score.ci_low, score.ci_high) == pytest.approx((0.4, 0.6), abs=0.02)


def test_a_ratio_is_of_sums_and_not_a_mean_of_ratios():
    assert ratio("x", [("a", 1.0, 1.0), ("b", 1.0, 3.0)]).value == 0.5


def test_without_rows_or_weights_there_is_no_score():
    assert share("x", []) is None
    assert mean("x", []) is None
    assert ratio("x", [("a", 1.0, -1.0)]) is None
