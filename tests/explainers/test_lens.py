"""The logit lens beside the model's own hidden states and logits."""

import numpy as np
import pytest
import torch

from medlab.core.errors import SpecError
from medlab.explainers import lens
from medlab.explainers.lens import LogitLens

REPORT = "There is a small left pleural effusion."


def plain(request):
    """(what transformers itself gives with its hidden states, places of the scan's tokens)."""
    inputs = request.model.inputs(request.aim.query)
    with torch.no_grad():
        out = request.model.module(**inputs, output_hidden_states=True)
    image = inputs["input_ids"][0] == request.model.module.config.image_token_id
    return out, image.nonzero()[:, 0].reshape(-1, 16)[request.scan]


def above_mean(logits, strand):
    ids = [strand.reply[place] for place in strand.places]
    return (logits[:, ids] - logits.mean(-1, keepdim=True)).sum(-1).reshape(4, 4).numpy()


def test_behind_the_last_layer_it_is_the_models_own_logits(ask):
    request = ask(REPORT)
    out, at = plain(request)
    expected = above_mean(out.logits[0, at], request.aim.strands[0])
    np.testing.assert_allclose(LogitLens().draw(request).values, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scan", [0, 1])
def test_behind_an_inner_layer_it_is_its_state_through_the_last_norm(ask, scans, scan):
    request = ask(REPORT, scans[0], "Compare", scans[1], "Any effusion?", scan=scan)
    out, at = plain(request)
    module = request.model.module
    with torch.no_grad():  # hidden_states[0] is what goes into layer 0
        logits = module.lm_head(module.model.language_model.norm(out.hidden_states[2 + 1][0, at]))
    expected = above_mean(logits, request.aim.strands[0])
    np.testing.assert_allclose(LogitLens(2).draw(request).values, expected, rtol=1e-4, atol=1e-4)


def test_a_contrast_is_the_difference_of_two_maps(ask):
    for_it, against = (LogitLens(1).draw(ask(text)).values for text in ("yes", "no"))
    np.testing.assert_allclose(LogitLens(1).draw(ask(("yes", "no"))).values, for_it - against, rtol=1e-4, atol=1e-5)


def test_it_does_not_depend_on_how_many_rows_are_made_at_once(ask, monkeypatch):
    request = ask(REPORT)
    whole = LogitLens().draw(request).values
    monkeypatch.setattr(lens, "ROWS", 3)
    np.testing.assert_allclose(LogitLens().draw(request).values, whole, rtol=1e-5, atol=1e-5)


def test_a_layer_that_the_model_lacks_is_refused(ask):
    with pytest.raises(SpecError, match="from -1 to 4"):
        LogitLens(5).draw(ask("yes"))


def test_a_layer_that_is_none_is_refused():
    with pytest.raises(SpecError, match="layer"):
        LogitLens(-2)


def test_nothing_is_left_hooked_on_the_model(ask):
    request = ask("yes")
    layers = request.model.module.model.language_model.layers
    before = [dict(layer._forward_hooks) for layer in layers]  # transformers may keep some of its own
    LogitLens().draw(request)
    assert [dict(layer._forward_hooks) for layer in layers] == before


def test_its_cost_is_one_run_over_the_scan(ask):
    cost = LogitLens().cost(ask("yes"))
    assert (cost.tower_passes, cost.language_tokens) == (1, 16)
