"""The grid over a scan: cells by hand, and the identities that hold for any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from medlab.core.errors import SpecError
from medlab.core.geometry import MODES, SquareFit
from medlab.core.grid import cell_at, cell_box, covered, to_cells, to_pixels

FITS = st.builds(
    SquareFit, rows=st.integers(1, 60), cols=st.integers(1, 60), size=st.integers(1, 64), mode=st.sampled_from(MODES)
)
GRIDS = st.tuples(st.integers(1, 8), st.integers(1, 8))


def test_cells_of_a_square_scan_are_equal_squares():
    fit = SquareFit(rows=8, cols=8, size=4)
    assert cell_box(fit, (2, 2), (0, 1)) == (0, 4, 4, 8)
    assert to_pixels(np.array([[1.0, 2.0], [3.0, 4.0]]), fit)[[0, 3, 4, 7], [3, 4, 3, 4]].tolist() == [1, 2, 3, 4]


def test_a_cell_in_the_padding_is_cut_at_the_edge_of_the_scan():
    fit = SquareFit(rows=8, cols=4, size=8)  # two columns of padding on each side
    assert cell_box(fit, (2, 2), (0, 0)) == (0, 0, 4, 2)
    assert cell_box(fit, (2, 2), (0, 0), clip=False) == (0, -2, 4, 2)
    assert covered(fit, (2, 4)).tolist() == [[0, 1, 1, 0]] * 2


def test_a_pixel_that_two_cells_share_has_their_mean_by_area():
    fit = SquareFit(rows=3, cols=3, size=3, mode="stretch")
    values = np.array([[0.0, 6.0]])
    assert to_pixels(values, fit)[0].tolist() == [0, 3, 6]


def test_a_mask_fills_the_share_of_a_cell_that_it_covers():
    fit = SquareFit(rows=4, cols=4, size=8)
    mask = np.zeros((4, 4), bool)
    mask[0, :3] = True
    assert to_cells(mask, fit, (2, 2)).tolist() == [[0.5, 0.25], [0, 0]]


@given(fit=FITS, grid=GRIDS, data=st.data())
def test_both_ways_are_each_others_transpose(fit, grid, data):
    numbers = st.floats(-3, 3, width=32)
    values = data.draw(arrays.arrays(np.float32, grid, elements=numbers))
    pixels = data.draw(arrays.arrays(np.float32, (fit.rows, fit.cols), elements=numbers))
    area = fit.extent[0] * fit.extent[1] / (grid[0] * grid[1])
    there = (to_pixels(values, fit).astype(float) * pixels).sum()
    back = (values.astype(float) * to_cells(pixels, fit, grid)).sum() * area
    assert there == pytest.approx(back, abs=1e-3 + 1e-5 * fit.rows * fit.cols)


@given(fit=FITS, grid=GRIDS)
def test_the_cells_cover_the_scan_once(fit, grid):
    area = fit.extent[0] * fit.extent[1] / (grid[0] * grid[1])
    assert covered(fit, grid).sum() * area == pytest.approx(fit.rows * fit.cols, rel=1e-4)
    assert to_pixels(np.ones(grid, np.float32), fit) == pytest.approx(1)


@given(fit=FITS, grid=GRIDS, down=st.floats(0, 1), across=st.floats(0, 1))
def test_the_cell_at_a_point_holds_the_point(fit, grid, down, across):
    point = (down * fit.rows, across * fit.cols)
    top, left, bottom, right = cell_box(fit, grid, cell_at(fit, grid, point), clip=False)
    assert top - 1e-6 <= point[0] <= bottom + 1e-6
    assert left - 1e-6 <= point[1] <= right + 1e-6


def test_a_point_outside_the_scan_is_refused():
    with pytest.raises(SpecError, match="within 8 x 4 pixels"):
        cell_at(SquareFit(8, 4, 8), (2, 2), (1, 5))


def test_pixels_of_another_size_are_refused():
    with pytest.raises(SpecError, match=r"the scan's own, \(8, 4\)"):
        to_cells(np.zeros((4, 8)), SquareFit(8, 4, 8), (2, 2))
