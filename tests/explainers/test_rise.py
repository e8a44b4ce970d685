"""RISE: masks, slopes with honest errors, and maps that may be had at any time."""

import itertools

import numpy as np
import pytest

from medlab.core.errors import SpecError
from medlab.explainers.explain import explain
from medlab.explainers.knockout import cut_scorer
from medlab.explainers.rise import FEWEST, STEP, RiseKnockout, RiseTokens, slopes, smooth_masks, steps_of

GRID = (6, 6)


def masks_of(seed: int, number: int = 200, keep: float = 0.5) -> np.ndarray:
    return smooth_masks(np.random.default_rng(seed), number, GRID, 3, keep)


def redundant(masks: np.ndarray) -> np.ndarray:
    """High where either of two places is seen: no single place matters while the other is in sight."""
    return 3 * np.maximum(masks[:, 1, 1], masks[:, 4, 4])


def test_masks_are_smooth_and_every_place_is_seen_alike():
    masks = masks_of(0, 4000, keep=0.3)
    assert masks.min() >= 0
    assert masks.max() <= 1
    np.testing.assert_allclose(masks.mean(0), 0.3, atol=0.03)
    steps = abs(np.diff(masks, axis=2)).max()
    assert steps <= 0.5 + 1e-6  # a mask's cell is two places wide, so it rises by half at most


def test_the_same_seed_draws_the_same_masks():
    assert (masks_of(3) == masks_of(3)).all()
    assert (masks_of(3) != masks_of(4)).any()


def test_a_mask_of_one_coarse_cell_for_each_place_is_no_coarser_than_the_grid():
    assert smooth_masks(np.random.default_rng(0), 5, (4, 4), 99, 0.5).shape == (5, 4, 4)


def test_a_slope_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    seen, scores = rng.random((40, 2, 3)), rng.random(40)
    found = slopes(seen, scores)
    for row, col in itertools.product(range(2), range(3)):
        fitted = np.polyfit(seen[:, row, col], scores, 1)
        assert found.values[row, col] == pytest.approx(fitted[0], abs=1e-9)


def test_a_score_that_hangs_on_one_place_has_its_slope_and_no_error():
    masks = masks_of(0)
    found = slopes(masks, 2.5 * masks[:, 2, 3] - 1)
    assert found.values[2, 3] == pytest.approx(2.5)
    assert found.standard_error[2, 3] == pytest.approx(0, abs=1e-6)
    assert found.values.argmax() == 2 * 6 + 3


def test_a_place_that_was_always_seen_is_not_known():
    seen = np.random.default_rng(0).random((30, 1, 2))
    seen[:, 0, 0] = 1
    found = slopes(seen, seen[:, 0, 1] * 4)
    assert found.values[0, 0] == 0
    assert found.standard_error[0, 0] == pytest.approx(np.ptp(seen[:, 0, 1]) * 4)


@pytest.mark.parametrize("binary", [False, True])
def test_standard_errors_are_the_spread_over_seeds(binary):
    found = []
    for seed in range(300):
        masks = masks_of(seed)
        masks = (masks > 0.5).astype(float) if binary else masks
        found.append(slopes(masks, redundant(masks)))
    spread = np.std([one.values for one in found], 0, ddof=1)
    told = np.mean([one.standard_error for one in found], 0)
    assert (told / spread).min() > 0.75
    assert (told / spread).max() < 1.35


def test_evidence_that_repeats_is_found_where_single_cells_find_nothing():
    masks = masks_of(0, 1000)
    whole = np.ones((37, *GRID))
    whole[np.arange(36), np.arange(36) // 6, np.arange(36) % 6] = 0
    scores = redundant(whole)
    assert np.ptp(scores) == 0
    found = slopes(masks, redundant(masks))
    assert {tuple(map(int, divmod(place, 6))) for place in found.values.ravel().argsort()[-2:]} == {(1, 1), (4, 4)}
    assert found.values[1, 1] > 4 * found.standard_error[1, 1]


@pytest.mark.parametrize("masks", [FEWEST, STEP, STEP + 5, 3 * STEP + FEWEST, 1000])
def test_steps_are_neither_too_few_nor_lost(masks):
    steps = steps_of(masks)
    assert sum(steps) == masks
    assert min(steps) >= min(FEWEST, masks)


@pytest.mark.parametrize("kind", [RiseTokens, RiseKnockout])
def test_errors_shrink_as_it_runs_and_the_last_map_is_the_one_drawn(ask, kind):
    method = kind(masks=400, coarse=3)
    maps = list(method.steps(ask()))
    assert len(maps) == 8
    early, late = maps[0].standard_error.mean(), maps[-1].standard_error.mean()
    assert late < early / 2  # by the square root of eight
    drawn = method.draw(ask())
    np.testing.assert_allclose(drawn.values, maps[-1].values, atol=1e-9)


def test_over_knockouts_the_slope_is_that_of_the_cuts_themselves(ask):
    request = ask(seed=5)
    method = RiseKnockout(masks=FEWEST, coarse=2)
    seen = smooth_masks(np.random.default_rng(5), FEWEST, (4, 4), 2, 0.5) > 0.5
    expected = slopes(seen, cut_scorer(request)(~seen))
    np.testing.assert_allclose(method.draw(request).values, expected.values, atol=1e-9)


def test_a_mask_of_nothing_and_one_of_all_are_the_mean_token_and_the_scan(ask):
    request = ask()
    _, score = RiseTokens().scorer(request)
    glass = request.glass
    mean = glass.tokens()[0].mean(0).expand(1, 16, -1)
    expected = [float(glass.score_many(request.aim, each)) for each in (mean, glass.tokens()[:1])]
    np.testing.assert_allclose(score(np.stack([np.zeros((4, 4)), np.ones((4, 4))])), expected, atol=1e-5)


def test_an_attribution_carries_the_error_and_the_seed(model, ask):
    found = explain(model, ask().aim.query, ("yes", "no"), method="refine", masks=40, seed=7)
    assert found.method == "rise_knockout"
    assert found.standard_error.shape == (4, 4)
    assert ("seed", "7") in found.settings
    assert ("masks", "40") in found.settings


@pytest.mark.parametrize("wrong", [{"masks": 5}, {"keep": 1.0}, {"coarse": 1}])
def test_options_that_tell_nothing_are_refused(wrong):
    with pytest.raises(SpecError, match=next(iter(wrong))):
        RiseTokens(**wrong)
