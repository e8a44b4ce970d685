"""SquareFit: the map from a scan to the model's square and back, worked out by hand and for any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlab.core.errors import SpecError
from medlab.core.geometry import MODES, SquareFit

SIDES = st.integers(1, 5000)
FITS = st.builds(SquareFit, rows=SIDES, cols=SIDES, size=SIDES, mode=st.sampled_from(MODES))
PART = st.floats(0, 1)


def test_a_tall_scan_is_padded_left_and_right():
    fit = SquareFit(rows=200, cols=100, size=100)
    assert fit.side == 200
    assert fit.offset == (0, 50)
    assert fit.scale == (0.5, 0.5)
    assert fit.content() == (0, 25, 100, 75)
    assert fit.box_to_square((0, 0, 10, 20)) == (0, 25, 5, 35)
    assert fit.box_to_original((0, 25, 5, 35)) == (0, 0, 10, 20)


def test_a_wide_scan_is_padded_above_and_below():
    fit = SquareFit(rows=100, cols=200, size=400)
    assert fit.offset == (50, 0)
    assert fit.scale == (2, 2)
    assert fit.content() == (100, 0, 300, 400)


def test_the_odd_row_of_padding_goes_below():
    fit = SquareFit(rows=97, cols=100, size=100)
    assert fit.offset == (1, 0)
    assert fit.content() == (1, 0, 98, 100)


def test_stretching_scales_each_axis_alone():
    fit = SquareFit(rows=50, cols=200, size=100, mode="stretch")
    assert fit.offset == (0, 0)
    assert fit.scale == (2, 0.5)
    assert fit.content() == (0, 0, 100, 100)
    assert fit.to_square(np.array([25, 100])).tolist() == [50, 50]


def test_a_box_of_medgemma_is_in_thousandths_of_the_square():
    fit = SquareFit(rows=200, cols=100, size=896)
    assert fit.box_from_1000((0, 250, 1000, 750)) == (0, 0, 200, 100)
    assert fit.box_to_1000((0, 0, 200, 100)) == (0, 250, 1000, 750)
    assert fit.box_to_1000((50, 25, 100, 75)) == (250, 375, 500, 625)


def test_a_box_that_reaches_into_the_padding_is_clipped_to_the_scan():
    fit = SquareFit(rows=200, cols=100, size=100)
    assert fit.box_to_original((10, 0, 20, 100)) == (20, 0, 40, 100)
    assert fit.box_to_original((10, 0, 20, 100), clip=False) == (20, -50, 40, 150)


def test_points_keep_their_shape():
    fit = SquareFit(rows=10, cols=10, size=20)
    assert fit.to_square(np.ones((3, 4, 2))).shape == (3, 4, 2)


@given(FITS, st.lists(st.tuples(PART, PART), min_size=1, max_size=5))
def test_there_and_back_is_where_one_was(fit, parts):
    points = np.array(parts) * (fit.rows, fit.cols)
    there = fit.to_square(points)
    assert np.all(there >= -1e-9)
    assert np.all(there <= fit.size + 1e-6)
    assert np.allclose(fit.to_original(there), points, rtol=0, atol=1e-8 * max(fit.rows, fit.cols))


@given(FITS, st.tuples(PART, PART, PART, PART))
def test_a_box_there_and_back_is_the_box(fit, parts):
    rows, cols = sorted((parts[0], parts[2])), sorted((parts[1], parts[3]))
    box = (rows[0] * fit.rows, cols[0] * fit.cols, rows[1] * fit.rows, cols[1] * fit.cols)
    again = fit.box_to_original(fit.box_to_square(box))
    assert np.allclose(again, box, rtol=0, atol=1e-8 * max(fit.rows, fit.cols))


@given(FITS)
def test_the_scan_touches_the_squares_edges_on_its_longer_side(fit):
    top, left, bottom, right = fit.content()
    assert top >= 0
    assert left >= 0
    longer = (top, bottom) if fit.rows >= fit.cols else (left, right)
    assert np.allclose(longer, (0, fit.size))


@given(FITS, st.tuples(PART, PART, PART, PART))
def test_thousandths_are_whole_and_near(fit, parts):
    rows, cols = sorted((parts[0], parts[2])), sorted((parts[1], parts[3]))
    box = (rows[0] * fit.rows, cols[0] * fit.cols, rows[1] * fit.rows, cols[1] * fit.cols)
    thousandths = fit.box_to_1000(box)
    assert all(isinstance(value, int) and 0 <= value <= 1000 for value in thousandths)
    step = 0.5 * fit.size / 1000 / min(fit.scale)
    assert np.allclose(fit.box_from_1000(thousandths), box, rtol=0, atol=step + 1e-6)


@pytest.mark.parametrize("box", [(5, 0, 4, 1), (0, 5, 1, 4), (0, 0, np.nan, 1), (0, 0, 1), (0, 0, 1, np.inf)])
def test_a_box_that_is_none_is_refused(box):
    with pytest.raises(SpecError, match="top <= bottom"):
        SquareFit(10, 10, 20).box_to_square(box)


@pytest.mark.parametrize("points", [np.zeros(3), np.zeros((4, 1)), np.float64(1)])
def test_points_without_row_and_column_are_refused(points):
    with pytest.raises(SpecError, match=r"points has shape"):
        SquareFit(10, 10, 20).to_square(points)
    with pytest.raises(SpecError, match=r"points has shape"):
        SquareFit(10, 10, 20).to_original(points)


@pytest.mark.parametrize("fields", [{"rows": 0}, {"size": -1}, {"cols": 1.5}, {"mode": "crop"}])
def test_a_fit_that_cannot_be_is_refused(fields):
    with pytest.raises(SpecError):
        SquareFit(**{"rows": 10, "cols": 10, "size": 20, **fields})
