"""Relevance, streamed: beside whole matrices under eager attention, and beside numbers worked out on paper."""

import dataclasses
import types

import numpy as np
import pytest
import torch
from transformers import AttentionInterface

from medlab.core.errors import CapabilityError, SpecError
from medlab.explainers import relevance, streaming
from medlab.explainers.explain import explain
from medlab.explainers.relevance import Pull, Relevance
from medlab.explainers.streaming import NAME, streamed
from tests.explainers import materialised

REPORT = "There is a small left pleural effusion."


def relative(one, other):
    return np.abs(one - other).max() / np.abs(other).max()


@pytest.fixture
def layouts(scans):
    """Name -> (pieces of the query, scan): the window of the local layers is 24 tokens, each prompt is longer."""
    asked = "Is there a pleural effusion?"
    return {
        "text first": ((asked, scans[0]), 0),
        "image first": ((scans[0], asked), 0),
        "first of two": ((scans[0], "Compare", scans[1], asked), 0),
        "second of two": ((scans[0], "Compare", scans[1], asked), 1),
    }


@pytest.mark.parametrize("layout", ["text first", "image first", "first of two", "second of two"])
@pytest.mark.parametrize("target", [REPORT, ("yes", "no")], ids=["phrase", "contrast"])
@pytest.mark.parametrize("grid", ["tokens", "patches"])
def test_streamed_relevance_is_that_of_whole_matrices(ask, layouts, layout, target, grid):
    pieces, scan = layouts[layout]
    request = ask(target, *pieces, scan=scan)
    assert len(request.glass.ids) > 24
    found = Relevance(grid).draw(request).values
    assert relative(found, materialised.relevance(request, patches=grid == "patches")) < 1e-5


def test_relevance_does_not_depend_on_how_many_rows_are_made_at_once(ask, monkeypatch):
    request = ask(REPORT)
    whole = Relevance("patches").draw(request).values
    monkeypatch.setattr(streaming, "PIECE", 1)
    assert relative(Relevance("patches").draw(request).values, whole) < 1e-5


def test_two_layers_of_one_head_give_what_paper_gives(model):
    """Two tokens 3 and -2, uniform attention, what it gives is added; the score is what the last layer reads for 1.

    Layer 0 gives both tokens 0.5, so they are 3.5 and -1.5, and the score is (3.5 - 1.5) / 2 = 1.
    Layer 1: gradients of row 1 are 3.5 and -1.5, times 1/2 above zero: [1.75, 0]. Row: [0, 1] + [1.75, 0].
    Layer 0: each row's gradients are 3 / 2 and -2 / 2, times 1/2 above zero: [0.75, 0].
    Row: [1.75, 1] + 1.75 [0.75, 0] + 1 [0.75, 0] = [3.8125, 1].
    """
    tokens = torch.tensor([3.0, -2.0]).reshape(1, 1, 2, 1).requires_grad_()
    nothing, all_of_it = torch.zeros(1, 1, 2, 1), torch.ones(1, 1, 2, 2, dtype=torch.bool)
    module, pull = types.SimpleNamespace(), Pull(torch.tensor([0.0, 1.0]))
    with streamed(model.module, pull):

        def layer(values):
            return AttentionInterface()[NAME](module, nothing, nothing, values, all_of_it)[0].transpose(1, 2)

        score = layer(tokens + layer(tokens))[0, 0, 1, 0]
        torch.autograd.grad(score, tokens)
    assert score.item() == pytest.approx(1)
    assert pull.row.tolist() == pytest.approx([3.8125, 1])
    assert pull.layers == 2


def test_a_model_whose_attention_carries_nothing_has_no_relevance(load, ask):
    fresh = load()
    for layer in fresh.module.model.language_model.layers:
        torch.nn.init.zeros_(layer.self_attn.v_proj.weight)
    assert np.array_equal(Relevance().draw(ask(REPORT, model=fresh)).values, np.zeros((4, 4)))


def test_a_tower_whose_attention_carries_nothing_spreads_each_token_on_its_patches(load, ask):
    fresh = load()
    for layer in fresh.module.model.vision_tower.encoder.layers:
        torch.nn.init.zeros_(layer.self_attn.v_proj.weight)
        torch.nn.init.zeros_(layer.self_attn.v_proj.bias)
    request = ask(REPORT, model=fresh)
    tokens, patches = Relevance().draw(request).values, Relevance("patches").draw(request).values
    np.testing.assert_allclose(patches, np.kron(tokens, np.full((2, 2), 0.25)), rtol=1e-5)


def test_the_tower_adds_relevance_and_takes_none_away(ask):
    request = ask(REPORT)
    tokens, patches = Relevance().draw(request).values, Relevance("patches").draw(request).values
    assert patches.shape == (8, 8)
    pooled = patches.reshape(4, 2, 4, 2).sum((1, 3))
    assert (pooled >= tokens * (1 - 1e-5)).all()
    assert pooled.sum() > tokens.sum()


def test_a_contrast_in_one_place_is_the_gradient_of_the_difference(ask):
    """Not the difference of two maps: with one word against itself it would be 0 either way, with two it is not."""
    request = ask(("yes", "no"))
    assert request.aim.strands[0].places == request.aim.strands[1].places
    maps = [Relevance().draw(one).values for one in (ask("yes"), ask("no"))]
    found = Relevance().draw(request).values
    assert found.min() >= 0
    assert relative(found, maps[0] - maps[1]) > 0.01


def test_a_contrast_in_two_contexts_is_the_difference_of_two_maps(ask):
    request = ask((REPORT, "No pneumothorax."))
    for_it, against = (Relevance().draw(ask(text)).values for text in (REPORT, "No pneumothorax."))
    np.testing.assert_allclose(Relevance().draw(request).values, for_it - against, rtol=1e-4, atol=1e-6)


def test_a_cell_that_no_token_may_look_at_has_no_relevance(ask):
    """Forbidden to its neighbours too: by way of them its relevance would still come down to it."""
    request = ask(REPORT)
    whole, glass = Relevance().draw(request).values, request.glass
    cell = glass.places(0).start + 5
    others = torch.arange(len(glass.ids) + len(request.aim.strands[0].reply) - 1) != cell
    for mask in glass.allowed(len(others)).values():
        mask[:, others, cell] = False
    values = Relevance().draw(request).values
    assert whole[1, 1] > 0
    assert values[1, 1] == 0
    assert relative(values, whole) > 0.01


def test_causal_image_tokens_would_give_another_map(ask):
    request = ask(REPORT)
    whole, glass = Relevance().draw(request).values, request.glass
    length = len(glass.ids) + len(request.aim.strands[0].reply) - 1
    for mask in glass.allowed(length).values():
        mask &= torch.ones_like(mask).tril()
    assert relative(Relevance().draw(request).values, whole) > 0.01


def test_a_model_in_bfloat16_gives_about_the_same_map(load, ask):
    exact = Relevance("patches").draw(ask(REPORT)).values
    found = Relevance("patches").draw(ask(REPORT, model=load(dtype="bfloat16"))).values
    assert np.corrcoef(found.ravel(), exact.ravel())[0, 1] > 0.9


def test_parameters_and_attention_are_given_back(load, ask):
    fresh = load()
    Relevance("patches").draw(ask(REPORT, model=fresh))
    assert all(parameter.requires_grad and parameter.grad is None for parameter in fresh.module.parameters())
    assert fresh.module.config.text_config._attn_implementation == "sdpa"
    assert fresh.module.config.vision_config._attn_implementation == "sdpa"


def test_gradients_that_are_not_finite_are_refused(load, ask):
    request = ask(REPORT, model=load())
    request.glass.tokens()

    def spoil(module, args, output):
        if output.requires_grad:
            output.register_hook(lambda slope: slope * float("nan"))

    request.model.module.model.language_model.layers[2].mlp.register_forward_hook(spoil)
    with pytest.raises(CapabilityError, match="not finite"):
        Relevance().draw(request)


def test_layers_that_go_unseen_are_noticed(ask, monkeypatch):
    request = ask(REPORT)
    monkeypatch.setattr(relevance, "watched", lambda glass, scan, watcher: streamed(glass.module))
    with pytest.raises(CapabilityError, match="0 of 5"):
        Relevance().draw(request)


def test_explain_calls_it_instant(ask):
    request = ask(REPORT)
    found = explain(request.model, request.aim.query, REPORT, method="instant", grid="patches")
    assert (found.method, found.values.shape) == ("relevance", (8, 8))
    assert found.settings == (("grid", "patches"), ("seed", "0"))
    assert not found.causal


def test_a_grid_that_is_none_is_refused():
    with pytest.raises(SpecError, match="tokens, patches"):
        Relevance("pixels")


def test_the_way_through_the_tower_is_reckoned(ask):
    request = ask(("yes", "no"))
    plain, through = Relevance().cost(request), Relevance("patches").cost(request)
    assert (plain.tower_passes, through.tower_passes) == (1, 3)
    assert through.seconds > plain.seconds
    assert through.peak_bytes > plain.peak_bytes


def test_each_context_is_reckoned(ask):
    one, two = Relevance("patches").cost(ask(("yes", "no"))), Relevance("patches").cost(ask((REPORT, "No.")))
    assert (one.tower_passes, two.tower_passes) == (3, 5)
    assert dataclasses.asdict(two)["language_tokens"] > one.language_tokens
