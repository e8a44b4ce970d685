"""Controls: what they draw is known without a model."""

import numpy as np
import pytest

from medlab.core.errors import SpecError
from medlab.explainers.aims import aim_at
from medlab.explainers.base import Request
from medlab.explainers.methods import make_method
from medlab.explainers.trust.controls import CELLS, CONTROLS, Edges


@pytest.fixture
def request_of(knowing, make_film):
    def made(seed=0, text="Is there nodule?", draw_seed=0) -> Request:
        return Request(knowing, aim_at(knowing, knowing.query(make_film(seed), text), ("yes", "no")), 0, draw_seed)

    return made


def test_chance_is_another_for_another_film_question_or_seed_and_else_the_same(request_of):
    draw = make_method("random").draw
    one = draw(request_of()).values
    assert np.array_equal(one, draw(request_of()).values)
    for other in (request_of(1), request_of(text="Is there effusion?"), request_of(draw_seed=1)):
        assert not np.array_equal(one, draw(other).values)


def test_the_centre_is_highest_in_the_middle_and_falls_alike_to_all_sides(request_of):
    values = make_method("centre").draw(request_of()).values
    assert values.max() == values[CELLS // 2, CELLS // 2]
    assert np.allclose(values, values.T)
    assert np.allclose(values, values[::-1, ::-1])
    assert (np.diff(values[: CELLS // 2, 0]) > 0).all()


def test_edges_are_where_the_film_changes_and_not_where_it_is_flat(request_of):
    request = request_of()
    case = request.aim.query.scans[0]
    values = make_method("edges").draw(request).values
    squares = (np.abs(case.pixels - 0.5) > 0.3).reshape(CELLS, 7, CELLS, 7).any((1, 3))
    padded = np.pad(squares, 1)
    near = np.any([padded[r : r + CELLS, c : c + CELLS] for r in range(3) for c in range(3)], 0)
    assert near.flat[values.argmax()]
    assert values[~near].max() < values.max() / 2


def test_edges_of_a_flat_film_are_none(knowing):
    from medlab.core.scan import Scan

    query = knowing.query(Scan(np.full((40, 30), 0.5, np.float32)), "Is there nodule?")
    values = Edges().draw(Request(knowing, aim_at(knowing, query, ("yes", "no")))).values
    assert np.allclose(values, 0, atol=1e-6)


def test_controls_have_the_grid_of_the_models_own_tokens(ask):
    for name in CONTROLS:
        assert make_method(name).draw(ask()).values.shape == (4, 4)


def test_controls_cost_nothing_and_say_so(request_of):
    for name in CONTROLS:
        method = make_method(name)
        assert method.cost(request_of()).seconds == 0
        assert (method.family, method.needs, method.causal) == ("control", "nothing", False)


def test_a_reach_beyond_the_film_is_refused():
    with pytest.raises(SpecError, match="reach"):
        Edges(reach=2.0)
