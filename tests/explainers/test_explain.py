"""explain: what every map carries, several maps together, and what is refused before any work."""

import dataclasses

import numpy as np
import pytest

from medlab.core.attribution import Attribution, Explanation
from medlab.core.errors import CapabilityError, SpecError, UnknownName
from medlab.explainers.base import Cost, Map, Method
from medlab.explainers.explain import agreement_of, coarser, estimate, explain
from medlab.explainers.methods import METHODS, make_method, table


@dataclasses.dataclass(frozen=True)
class Slope(Method):
    """Rises from left to right by `gain`."""

    gain: float = 1.0

    name = "slope"
    family = "control"
    question = "Which way is right?"
    not_this = "Nothing."
    passes = "none"
    needs = "nothing"

    def draw(self, request) -> Map:
        return Map(np.tile(np.arange(4, dtype=np.float32) * self.gain, (4, 1)))

    def cost(self, request) -> Cost:
        return Cost(self.name, seconds=abs(self.gain))


@pytest.fixture
def answer(model, scans):
    return model.ask(scans[0], "Is there a pleural effusion?")


def test_a_map_says_whose_it_is(model, answer, scans):
    found = explain(model, answer, method="token_occlusion")
    assert isinstance(found, Attribution)
    assert found.values.shape == (4, 4)
    assert found.fit == model.fit_of(scans[0])
    assert found.method == "token_occlusion"
    assert found.causal
    assert found.answer_fingerprint == answer.fingerprint
    assert found.query_fingerprint == answer.query.fingerprint
    assert ("cells", "1") in found.settings
    assert found.score_nats == pytest.approx(answer.logprob_nats, abs=0.5)
    assert not found.image_independent


def test_options_go_to_the_method_and_wrong_ones_are_told(model, answer):
    assert ("cells", "2") in explain(model, answer, method="token_occlusion", cells=2).settings
    with pytest.raises(SpecError, match="cells"):
        explain(model, answer, method="token_occlusion", cell=2)
    with pytest.raises(UnknownName, match="token_occlusion"):
        explain(model, answer, method="token_oclusion")


def test_several_maps_come_with_their_agreement(model, answer):
    found = explain(model, answer, method=[Slope(), Slope(-2.0)])
    assert isinstance(found, Explanation)
    assert found.agreement.tolist() == [[1, -1], [-1, 1]]
    assert found["slope"] is found.attributions[0]


def test_agreement_is_told_on_the_coarser_grid(model, answer):
    coarse = explain(model, answer, method=Slope())
    fine = coarse.replace(values=np.kron(coarse.values, np.ones((2, 2), np.float32)))
    flat = coarse.replace(values=np.zeros((4, 4), np.float32))
    agreement = agreement_of([coarse, fine, flat])
    assert agreement[0, 1] == pytest.approx(1)
    assert agreement[0, 2] == 0


def test_grids_that_do_not_nest_are_compared_by_area():
    assert coarser(np.array([[3.0, 6.0, 9.0]]), (1, 2)).tolist() == [[4, 8]]
    assert coarser(np.array([[1.0, 2.0]]), (1, 4)).tolist() == [[1, 1, 2, 2]]


def test_an_estimate_draws_nothing(model, answer, monkeypatch):
    monkeypatch.setattr(Slope, "draw", lambda *_: pytest.fail("it was drawn"))
    assert estimate(model, answer, method=Slope(3.0)).seconds == 3.0
    told = estimate(model, answer, method="token_occlusion")
    assert told.tower_passes == 1
    assert told.language_tokens > 16 * 16
    assert told.seconds > 0


def test_words_that_do_not_depend_on_the_picture_are_flagged(model, answer, monkeypatch):
    monkeypatch.setattr("medlab.explainers.explain.effect_of", lambda request: (-1.0, 0.05))
    found = explain(model, answer, method="token_occlusion")
    assert found.replace(values=found.values * 1e-6).image_independent
    assert explain(model, answer, method=Slope()).image_independent is None


def test_what_speaks_for_words_and_against_them_may_cancel_and_is_no_independence(model, answer, monkeypatch):
    monkeypatch.setattr("medlab.explainers.explain.effect_of", lambda request: (-1.0, 0.05))
    found = explain(model, answer, method="token_occlusion")
    values = np.zeros_like(found.values)
    values[0, :2] = 1.0, -1.0
    assert not found.replace(values=values).image_independent
    assert found.replace(values=values, causal=False).image_independent


def test_a_scan_that_is_not_there_is_refused(model, answer):
    with pytest.raises(SpecError, match="scan"):
        explain(model, answer, method=Slope(), scan=1)


def test_a_reply_that_does_not_fit_behind_the_prompt_is_refused_before_the_work(model, answer, monkeypatch):
    monkeypatch.setattr(type(model), "score", None)
    for method in ("knockout", "occlusion"):
        with pytest.raises(SpecError, match="together at most 512"):
            explain(model, answer.query, "yes " * 600, method=method)


def test_numbers_that_are_not_finite_are_an_error(model, answer, monkeypatch):
    monkeypatch.setattr(Slope, "draw", lambda *_: Map(np.full((4, 4), np.nan)))
    with pytest.raises(CapabilityError, match="not finite"):
        explain(model, answer, method=Slope())


def test_the_map_of_a_dead_scan_is_nothing(load, scans):
    """A model whose projector gives zeros cannot owe anything to the scan."""
    import torch

    blind = load()
    with torch.no_grad():
        blind.module.model.multi_modal_projector.mm_input_projection_weight.zero_()
    found = explain(blind, blind.ask(scans[0], "Is there a pleural effusion?"), method="token_occlusion")
    assert np.abs(found.values).max() < 1e-4


def test_every_method_tells_of_itself():
    rows = table()
    assert {row["name"] for row in rows} == set(METHODS)
    for row in rows:
        assert all(row.values()), row
        assert make_method(row["name"]).name == row["name"]
