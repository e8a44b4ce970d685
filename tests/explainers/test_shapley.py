"""Shapley values: they add up, equal those by enumeration, and their errors are honest."""

import itertools
import math

import numpy as np
import pytest

from medlab.core.case import Mask
from medlab.core.errors import SpecError
from medlab.core.geometry import SquareFit
from medlab.explainers.explain import effect_of, explain
from medlab.explainers.knockout import cut_scorer
from medlab.explainers.shapley import Shapley, parts_of, shares

FIT = SquareFit(8, 8, 8, "stretch")


def game(hidden: np.ndarray) -> np.ndarray:
    """Of five regions: the first is worth 2, the next two repeat each other, the fourth needs the fifth."""
    seen = ~hidden
    return 2.0 * seen[:, 0] + 4.0 * (seen[:, 1] | seen[:, 2]) + 3.0 * (seen[:, 3] & seen[:, 4])


TRUE = [2.0, 2.0, 2.0, 1.5, 1.5]
"""of the game: like regions share alike"""


def by_enumeration(score, count: int) -> np.ndarray:
    """Shapley's own formula over all subsets."""
    values = np.zeros(count)
    for region in range(count):
        others = [other for other in range(count) if other != region]
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            for subset in itertools.combinations(others, size):
                hidden = np.ones((2, count), bool)
                hidden[:, list(subset)] = False
                hidden[1, region] = False
                without, with_it = score(hidden)
                values[region] += weight * (with_it - without)
    return values


def test_the_formula_shares_the_game_as_it_should():
    np.testing.assert_allclose(by_enumeration(game, 5), TRUE)


@pytest.mark.parametrize("orders", [4, 30])
def test_shares_add_up_however_few_orders(orders):
    found, _, effect = shares(game, 5, orders, np.random.default_rng(0))
    assert effect == 9
    assert found.sum() == pytest.approx(9)
    assert found[0] == pytest.approx(2)


def test_many_orders_come_near_the_truth_and_errors_are_the_spread_over_seeds():
    def noisy(hidden):
        return game(hidden) + np.sin(hidden @ np.array([3.1, 1.7, 2.9, 5.3, 0.7]))

    drawn = [shares(noisy, 5, 24, np.random.default_rng(seed)) for seed in range(400)]
    found, errors = (np.array([one[part] for one in drawn]) for part in (0, 1))
    spread = found.std(0, ddof=1)
    np.testing.assert_allclose(found.mean(0), by_enumeration(noisy, 5), atol=4 * spread.max() / 20)
    assert (errors.mean(0) / spread).min() > 0.75
    assert (errors.mean(0) / spread).max() < 1.35


def test_a_map_adds_up_to_what_hiding_the_scan_costs(ask):
    request = ask()
    found = Shapley("grid:2", orders=4).draw(request)
    assert found.values.sum() == pytest.approx(effect_of(request)[1], abs=1e-4)
    assert found.completeness_error < 1e-6
    assert (found.values[:2, :2] == found.values[0, 0]).all()


def test_regions_of_a_model_come_near_enumeration(ask):
    request = ask()
    parts = parts_of("grid:2", FIT, (4, 4))
    score = cut_scorer(request)
    exact = by_enumeration(lambda hidden: score(hidden[:, parts]), 4)
    found = Shapley("grid:2", orders=200).draw(request)
    apart = abs(found.values - exact[parts] / 4)
    assert (apart <= 4.5 * found.standard_error + 1e-6).all()
    assert abs(exact).max() > 10 * apart.max()


def test_grids_that_do_not_come_out_are_nearly_even():
    parts = parts_of("grid:4", FIT, (14, 14))
    assert parts.max() == 15
    assert set(np.bincount(parts.ravel())) <= {9, 12, 16}
    assert parts_of("grid", FIT, (3, 3)).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_a_cell_belongs_to_the_mask_that_covers_most_of_it_and_the_rest_is_a_region():
    left, small = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    left[:, :3] = True  # half of the second column of cells
    left[:, 3] = [True] * 4 + [False] * 4
    small[4:, 6:] = True
    parts = parts_of((Mask("left", left), Mask("small", small)), FIT, (4, 4))
    assert parts.tolist() == [[0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 2, 1], [0, 0, 2, 1]]


def test_masks_explain_and_are_told_in_the_settings(model, ask, scans):
    upper = np.zeros((scans[0].rows, scans[0].cols), bool)
    upper[:45] = True
    found = explain(model, ask().aim.query, ("yes", "no"), method=Shapley((Mask("upper", upper),), orders=4))
    assert len(np.unique(found.values)) == 2
    assert "upper" in dict(found.settings)["regions"]


@pytest.mark.parametrize(
    ("pixels", "scan", "told"),
    [((4, 4), 0, "pixels"), ((8, 8), 1, "scan 1")],
)
def test_masks_of_something_else_are_refused(pixels, scan, told):
    with pytest.raises(SpecError, match=told):
        parts_of((Mask("odd", np.ones(pixels, bool), scan=scan),), FIT, (4, 4))


def test_a_mask_too_small_for_any_cell_is_refused():
    speck = np.zeros((8, 8), bool)
    speck[0, 0] = True
    with pytest.raises(SpecError, match="most of no cell"):
        parts_of((Mask("speck", speck),), FIT, (4, 4))


def test_one_mask_over_everything_is_no_division():
    with pytest.raises(SpecError, match="whole scan"):
        parts_of((Mask("all", np.ones((8, 8), bool)),), FIT, (4, 4))


@pytest.mark.parametrize("wrong", [{"regions": "grid:1"}, {"regions": "slic"}, {"regions": ()}, {"orders": 5}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(SpecError, match=next(iter(wrong))):
        Shapley(**wrong)
