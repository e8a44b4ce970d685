"""Outlines to pixels: areas that can be worked out by hand, wherever the shape lies; curves through their knots."""

import numpy as np
import pytest

from medlab.phantom.curves import ellipse, ribbon, spline
from medlab.phantom.raster import Canvas, Pose


def square(left, top, right, bottom):
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)


@pytest.mark.parametrize("size", [64, 100, 224, 512])
@pytest.mark.parametrize(
    ("outline", "area"),
    [
        (square(-0.5, -0.5, 0.5, 0.5), 0.25),
        (square(0.5, -3.0, 4.0, 3.0), 0.25),
        (square(-3.0, 0.75, 3.0, 0.95), 0.10),
        (square(-3.0, -3.0, 3.0, 3.0), 1.0),
        (square(1.1, 1.1, 2.0, 2.0), 0.0),
    ],
    ids=["inside", "over an edge", "across", "all", "outside"],
)
def test_a_filled_shape_covers_its_share_of_the_picture(size, outline, area):
    cover = Canvas(size, Pose()).fill([(outline, 1.0)])
    assert cover.shape == (size, size)
    assert cover.mean() == pytest.approx(area, abs=1.2 / size)


def test_a_shape_lies_where_its_points_say():
    cover = Canvas(100, Pose()).fill([(square(-0.8, 0.2, -0.4, 0.6), 1.0)])
    rows, cols = np.nonzero(cover > 0.5)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == pytest.approx((60, 79, 10, 29), abs=1)


def test_where_shapes_overlap_the_later_one_stands():
    cover = Canvas(64, Pose()).fill([(square(-1, -1, 1, 1), 0.8), (square(-0.5, -0.5, 0.5, 0.5), 0.2)])
    assert cover[32, 32] == pytest.approx(0.2)
    assert cover[4, 4] == pytest.approx(0.8)


def test_no_shapes_cover_nothing():
    assert not Canvas(64, Pose()).fill([]).any()


def test_noise_has_the_strength_asked_for_and_is_one_field_at_every_size():
    small, large = (
        Canvas(size, Pose()).noise(np.random.default_rng(3), (0.2, 0.3), (0.1, 0.4)) for size in (200, 400)
    )
    assert large.std() == pytest.approx(0.5, rel=0.25)
    assert np.abs(large.reshape(200, 2, 200, 2).mean((1, 3)) - small).max() < 0.1


@pytest.mark.parametrize("closed", [False, True])
def test_a_spline_goes_through_its_knots(closed):
    knots = np.array([(0, 0), (1, 2), (3, 1), (4, 4)], float)
    curve = spline(knots, 5, closed=closed)
    assert np.allclose(curve[::5][:4], knots)
    assert len(curve) == (20 if closed else 16)


def test_a_spline_through_points_of_a_line_is_that_line():
    curve = spline([(0, 0), (1, 2), (2, 4)], 4)
    assert np.allclose(curve[:, 1], 2 * curve[:, 0])
    assert np.allclose(curve[:, 0], np.linspace(0, 2, 9))


def test_a_ribbon_is_as_wide_as_its_pen():
    outline = ribbon(np.array([(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]), 0.25)
    assert np.allclose(outline, [[0, 0.25], [1, 0.25], [2, 0.25], [2, -0.25], [1, -0.25], [0, -0.25]])


def test_an_ellipse_has_its_radii_and_turns():
    points = ellipse((1, 2), (3, 0.5), turn=np.pi / 2, points=8)
    assert np.allclose(np.ptp(points, axis=0), (1, 6))
    assert np.allclose(points.mean(0), (1, 2))
