"""Deletion and insertion curves: areas by hand, controls apart."""

import numpy as np
import pytest

from medlab.core.errors import SpecError
from medlab.plots.curves import Curve, curves

FALLING = Curve("rise_tokens", [0, 0.5, 1], [0, -2, -2])
STRAIGHT = Curve("random", [0, 1], [0, -2], control=True)


def test_the_area_is_the_mean_score_on_the_way():
    assert STRAIGHT.area == pytest.approx(-1)
    assert FALLING.area == pytest.approx((-1 * 0.5) + (-2 * 0.5))


def test_a_figure_has_an_axis_for_each_kind_and_a_key_with_the_areas():
    plate = curves([FALLING, STRAIGHT], [STRAIGHT])
    assert len(plate.figure.axes) == 2
    told = [text.get_text() for text in plate.figure.texts]
    assert "rise_tokens  -1.50 / –" in told
    assert "random  -1.00 / -1.00" in told
    assert "rise_tokens -1.5" in plate.description


def test_a_control_is_drawn_thinner_than_a_method():
    (axes,) = curves([FALLING, STRAIGHT]).figure.axes
    method, control = axes.lines
    assert control.get_linewidth() < method.get_linewidth()
    assert control.get_linestyle() != method.get_linestyle()


@pytest.mark.parametrize(("share", "score"), [([0, 1], [1]), ([1, 0], [0, 1]), ([0, 1], [0, np.nan])])
def test_a_curve_that_is_none_is_refused(share, score):
    with pytest.raises(SpecError):
        Curve("x", share, score)


def test_no_curves_at_all_are_refused():
    with pytest.raises(SpecError, match="0 methods"):
        curves([])
