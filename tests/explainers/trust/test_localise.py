"""Localisation by arithmetic: hand-made maps and masks whose marks are known on paper."""

import numpy as np
import pytest

from medlab.core.case import Case, Finding, Mask
from medlab.core.errors import SpecError
from medlab.core.geometry import SquareFit
from medlab.core.scan import Scan
from medlab.explainers.trust.localise import Truth, auroc, localise, otsu, strongest, tells_apart, truth_of

FIT = SquareFit(8, 8, 8)
"""a scan of 8 x 8 pixels: cells of a 4 x 4 grid are 2 x 2 pixels"""


def mask(top: int, left: int, bottom: int, right: int) -> np.ndarray:
    out = np.zeros((8, 8), bool)
    out[top:bottom, left:right] = True
    return out


def grid(**cells: float) -> np.ndarray:
    """A 4 x 4 map of zeros but for cells such as r1c2=5."""
    out = np.zeros((4, 4))
    for place, value in cells.items():
        out[int(place[1]), int(place[3])] = value
    return out


LESION = mask(2, 2, 4, 6)
"""the cells r1c1 and r1c2, exactly"""


def test_the_strongest_cell_on_the_lesion_is_a_hit():
    assert localise(grid(r1c2=2.0, r3c3=1.0), FIT, Truth((LESION,))).hit == 1
    assert localise(grid(r1c2=1.0, r3c3=2.0), FIT, Truth((LESION,))).hit == 0


def test_a_cell_that_the_lesion_only_reaches_into_is_a_hit_and_its_neighbour_is_not():
    corner = mask(1, 1, 2, 2)
    assert localise(grid(r0c0=1.0), FIT, Truth((corner,))).hit == 1
    assert localise(grid(r1c1=1.0), FIT, Truth((corner,))).hit == 0


def test_equally_strong_cells_count_by_their_share():
    assert localise(grid(r1c1=1.0, r3c3=1.0), FIT, Truth((LESION,))).hit == 0.5


def test_a_constant_map_hits_as_often_as_chance_would():
    marks = localise(np.ones((4, 4)), FIT, Truth((LESION,)))
    assert marks.hit == marks.chance == 2 / 16
    assert marks.lift == pytest.approx(1)
    assert marks.iou_otsu == 0
    assert marks.auroc == 0.5


def test_a_map_without_anything_above_zero_has_no_energy():
    marks = localise(-grid(r1c1=1.0), FIT, Truth((LESION,)))
    assert marks.energy is None
    assert marks.lift is None
    assert marks.iou_otsu == 0


def test_energy_is_the_share_of_what_is_positive():
    marks = localise(grid(r1c1=3.0, r1c2=1.0, r3c3=4.0, r0c0=-100.0), FIT, Truth((LESION,)))
    assert marks.energy == pytest.approx(0.5)
    assert marks.area == 8 / 64
    assert marks.lift == pytest.approx(4)


def test_half_a_cell_of_lesion_takes_half_of_its_energy():
    marks = localise(grid(r1c1=1.0), FIT, Truth((mask(2, 2, 3, 4),)))
    assert marks.energy == pytest.approx(0.5)


def test_overlap_by_area_at_otsu_and_at_the_best_threshold():
    values = grid(r1c1=10.0, r1c2=9.0, r0c0=8.0)
    marks = localise(values, FIT, Truth((LESION,)))
    assert marks.iou_otsu == pytest.approx(8 / 12)
    assert marks.iou_best == pytest.approx(1)
    assert localise(values, FIT, Truth((mask(2, 2, 4, 4),))).iou_best == pytest.approx(1)


def test_a_map_that_is_the_lesion_has_every_mark_full():
    marks = localise(grid(r1c1=1.0, r1c2=1.0), FIT, Truth((LESION,)))
    assert (marks.hit, marks.energy, marks.iou_otsu, marks.iou_best, marks.auroc) == pytest.approx((1, 1, 1, 1, 1))


def test_auroc_agrees_with_scikit_learn_on_the_pixels():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    values, lesion = rng.integers(0, 4, (4, 4)).astype(float), rng.random((8, 8)) < 0.3
    pixels = values.repeat(2, 0).repeat(2, 1)
    marks = localise(values, FIT, Truth((lesion,)))
    assert marks.auroc == pytest.approx(roc_auc_score(lesion.ravel(), pixels.ravel()), abs=1e-6)


def test_auroc_of_nothing_but_lesion_is_not_defined():
    assert auroc(np.arange(4.0), np.ones(4), np.zeros(4)) is None


def test_otsu_splits_where_every_split_was_tried():
    rng = np.random.default_rng(1)
    values, weight = rng.normal(size=30), rng.random(30)

    def apart(at: float) -> float:
        up = values > at
        means = [np.average(values[part], weights=weight[part]) for part in (up, ~up)]
        return weight[up].sum() * weight[~up].sum() * (means[0] - means[1]) ** 2

    tried = {at: apart(at) for at in values if at < values.max()}
    assert otsu(values, weight) == max(tried, key=tried.get)


def test_the_best_overlap_is_that_of_the_best_of_all_thresholds():
    rng = np.random.default_rng(2)
    values, lesion = rng.normal(size=(4, 4)), rng.random((8, 8)) < 0.3
    pixels = values.repeat(2, 0).repeat(2, 1)
    overlaps = [(lesion & (pixels >= at)).sum() / (lesion | (pixels >= at)).sum() for at in values.ravel()]
    assert localise(values, FIT, Truth((lesion,))).iou_best == pytest.approx(max(overlaps), abs=1e-6)


def test_lesions_are_found_until_the_first_false_cell():
    one, two = mask(0, 0, 2, 2), mask(6, 6, 8, 8)
    both = Truth((one, two))
    assert localise(grid(r0c0=3.0, r3c3=2.0, r2c0=1.0), FIT, both).found == 1
    assert localise(grid(r0c0=3.0, r3c3=1.0, r2c0=2.0), FIT, both).found == 0.5
    assert localise(grid(r0c0=2.0, r3c3=1.0, r2c0=3.0), FIT, both).found == 0


def test_cells_of_a_lesion_that_was_found_are_passed_over():
    wide, two = mask(0, 0, 2, 4), mask(6, 6, 8, 8)
    assert localise(grid(r0c0=3.0, r0c1=2.0, r3c3=1.0), FIT, Truth((wide, two))).found == 1


def test_a_single_lesion_has_no_share_found():
    assert localise(grid(r0c0=1.0), FIT, Truth((LESION,))).found is None


def test_pointing_at_something_else_is_told_apart_from_pointing_at_nothing():
    other = mask(6, 6, 8, 8)
    assert localise(grid(r3c3=1.0), FIT, Truth((LESION,), (other,))).elsewhere == 1
    assert localise(grid(r3c0=1.0), FIT, Truth((LESION,), (other,))).elsewhere == 0
    assert localise(grid(r3c0=1.0), FIT, Truth((LESION,))).elsewhere is None


def test_where_the_other_thing_lies_on_the_lesion_it_is_a_hit():
    marks = localise(grid(r1c1=1.0), FIT, Truth((LESION,), (LESION,)))
    assert (marks.hit, marks.elsewhere) == (1, 0)


def test_a_finer_map_points_with_the_tolerance_of_the_tokens():
    fine = np.zeros((8, 8))
    fine[1, 1] = 1
    lesion = Truth((mask(0, 0, 1, 1),))
    assert localise(fine, FIT, lesion).hit == 0
    assert localise(fine, FIT, lesion, (4, 4)).hit == 1


def test_a_coarser_map_points_with_the_tolerance_of_the_tokens_too():
    lesion = Truth((mask(0, 0, 2, 2),))
    coarse = np.array([[1.0, 0.0], [0.0, 0.0]])
    assert localise(coarse, FIT, lesion).hit == 1
    assert localise(coarse, FIT, lesion, (4, 4)).hit == 1 / 4


def test_the_strongest_of_grids_that_do_not_nest_is_that_of_all_cells_that_overlap():
    assert strongest(np.array([[1.0, 2.0, 3.0]]), (1, 2)).tolist() == [[2, 3]]
    assert strongest(np.array([[1.0, 2.0]]), (1, 3)).tolist() == [[1, 2, 2]]


def test_a_lesion_smaller_than_the_tolerance_can_be_hit_where_most_of_it_lies():
    fit, dot = SquareFit(80, 80, 80), np.zeros((80, 80), bool)
    dot[20, 19:22] = True  # of 400 pixels of a cell, one and two
    assert localise(grid(r1c1=1.0), fit, Truth((dot,))).hit == 1
    assert localise(grid(r1c0=1.0), fit, Truth((dot,))).hit == 0


def test_no_lesion_is_found_by_luck_among_equal_cells():
    assert localise(np.ones((4, 4)), FIT, Truth((mask(0, 0, 2, 2), mask(6, 6, 8, 8)))).found == 0


def test_two_maps_tell_findings_apart_where_each_points_at_its_own():
    truths = Truth((mask(0, 0, 2, 2),)), Truth((mask(6, 6, 8, 8),))
    one, other, noise = grid(r0c0=1.0), grid(r3c3=1.0), np.linspace(0, 0.1, 16).reshape(4, 4)
    assert tells_apart((one + noise, other + noise), FIT, truths, (4, 4)) == 1
    assert tells_apart((one, one), FIT, truths, (4, 4)) == 0
    assert tells_apart((other, one), FIT, truths, (4, 4)) == 0


def test_cells_of_both_findings_tell_nothing_apart():
    wide, narrow = mask(0, 0, 2, 4), mask(0, 0, 2, 2)
    assert tells_apart((grid(r0c0=1.0),) * 2, FIT, (Truth((wide,)), Truth((mask(0, 2, 2, 6),))), (4, 4)) == 0
    assert tells_apart((grid(r0c0=1.0),) * 2, FIT, (Truth((wide,)), Truth((narrow,))), (4, 4)) is None


def test_padding_is_no_part_of_the_scan():
    wide = SquareFit(4, 8, 8)  # two rows of padding above and below
    lesion = np.zeros((4, 8), bool)
    lesion[0:2, 0:2] = True
    values = np.zeros((4, 4))
    values[1, 0], values[0, 0] = 1, 5
    marks = localise(values, wide, Truth((lesion,)))
    assert marks.hit == 0
    assert marks.energy == pytest.approx(1)
    assert marks.area == 4 / 32
    assert marks.chance == 1 / 8


def test_the_truth_of_a_case_is_its_finding_against_all_but_organs():
    scan = Scan(np.zeros((8, 8), np.float32))
    masks = [Mask("nodule", LESION), Mask("heart", mask(0, 0, 8, 8)), Mask("marker", mask(7, 7, 8, 8))]
    case = Case("c", (scan,), findings=(Finding("nodule", "present"),), masks=tuple(masks))
    truth = truth_of(case, "nodule")
    assert [part.sum() for part in truth.lesions] == [8]
    assert [part.sum() for part in truth.others] == [1]
    with pytest.raises(SpecError, match="no mask of 'effusion'"):
        truth_of(case, "effusion")
