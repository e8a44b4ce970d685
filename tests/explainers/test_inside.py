"""Layer flow and head ablation beside the model run whole with one column masked, or one block of weights zero."""

import contextlib
import json

import numpy as np
import pytest
import torch

from medlab.core.errors import CapabilityError, SpecError
from medlab.core.layers import HeadAblation, LayerFlow
from medlab.explainers import layered
from medlab.explainers.explain import effect_of
from medlab.explainers.inside import head_ablation, layer_flow
from tests.explainers import materialised
from tests.explainers.conftest import loaded
from tests.models import tiny
from tests.models.parrot import Parrot

ASKED = "Is there a pleural effusion?"
REPORT = "There is a small left pleural effusion."


def flow_of(request, **options):
    return layer_flow(request.model, request.aim.query, _target(request), scan=request.scan, **options)


def ablation_of(request, **options):
    return head_ablation(request.model, request.aim.query, _target(request), **options)


def _target(request):
    return request.aim.words if request.aim.contrast else request.aim.words[0]


@contextlib.contextmanager
def masked_column(request, layers):
    """In `layers`, all but the scan's tokens are kept from looking at the scan, on transformers' own masks."""
    inputs = request.model.inputs(request.aim.query)
    image = (inputs["input_ids"][0] == request.model.module.config.image_token_id).nonzero()[:, 0]
    columns = image.reshape(-1, 16)[request.scan]

    def hook(module, args, kwargs):
        mask = kwargs["attention_mask"].clone()
        others = [i for i in range(mask.shape[2]) if i not in columns.tolist()]
        mask[:, :, torch.tensor(others)[:, None], columns] = False
        return args, kwargs | {"attention_mask": mask}

    all_layers = request.model.module.model.language_model.layers
    hooks = [all_layers[i].self_attn.register_forward_pre_hook(hook, with_kwargs=True) for i in layers]
    try:
        yield
    finally:
        for one in hooks:
            one.remove()


def lost_by_masking(request, layers):
    whole = materialised.whole_score(request)
    with masked_column(request, layers):
        return whole - materialised.whole_score(request)


@pytest.fixture
def requests(ask, scans):
    return {
        "text first": ask(REPORT),
        "image first": ask(("yes", "no"), scans[0], ASKED),
        "first of two": ask((REPORT, "No pneumothorax."), scans[0], "Compare", scans[1], "Any?", scan=0),
        "second of two": ask(REPORT, scans[0], "Compare", scans[1], "Any?", scan=1),
    }


LAYOUTS = ["text first", "image first", "first of two", "second of two"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layer_alone_loses_what_the_model_loses_with_its_columns_masked(requests, layout):
    request = requests[layout]
    found = flow_of(request).alone
    assert np.abs(found).max() > 1e-2
    np.testing.assert_allclose(found, [lost_by_masking(request, [i]) for i in range(5)], atol=2e-4)


def test_from_one_end_on_it_loses_what_the_model_loses_with_all_those_masked(requests):
    request = requests["text first"]
    found = flow_of(request)
    np.testing.assert_allclose(
        found.from_bottom, [lost_by_masking(request, range(i + 1)) for i in range(5)], atol=2e-4
    )
    np.testing.assert_allclose(found.from_top, [lost_by_masking(request, range(i, 5)) for i in range(5)], atol=2e-4)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_blocked_everywhere_it_loses_the_whole_effect_of_the_scan(requests, layout):
    request = requests[layout]
    effect = effect_of(request)[1]
    found = flow_of(request)
    assert found.from_bottom[-1] == pytest.approx(effect, abs=2e-4)
    assert found.from_top[0] == pytest.approx(effect, abs=2e-4)


def test_a_window_blocks_its_neighbours_too(requests):
    request = requests["text first"]
    found = flow_of(request, window=3).alone
    expected = [lost_by_masking(request, range(max(0, i - 1), min(5, i + 2))) for i in range(5)]
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_a_window_over_all_layers_is_the_whole_effect(requests):
    found = flow_of(requests["text first"], window=9)
    np.testing.assert_allclose(found.alone, found.from_bottom[-1], atol=1e-5)


def test_a_local_layer_out_of_reach_loses_nothing(ask, scans, tmp_path):
    """In the last full layer the reply reads the scan itself; a model of local layers alone loses nothing anywhere."""
    request = ask("yes", scans[0], "Describe this chest X-ray. " * 12)
    assert abs(flow_of(request).alone[4]) > 1e-3
    local = {"layer_types": ["sliding_attention"] * 2, "num_hidden_layers": 2, "sliding_window": 4}
    folder = tiny.save_tiny_gemma3(tmp_path / "local", **local)
    found = flow_of(ask("yes", scans[0], "Describe this chest X-ray. " * 12, model=loaded(folder)))
    assert found.kinds == ("sliding", "sliding")
    assert np.abs([found.alone, found.from_top]).max() < 1e-6


def test_eager_layers_lose_the_same(load, requests):
    request = requests["image first"]
    found = layer_flow(load(attn_implementation="eager"), request.aim.query, _target(request))
    np.testing.assert_allclose(found.alone, flow_of(request).alone, atol=2e-4)


def test_the_size_of_batches_changes_nothing(requests, monkeypatch):
    request = requests["first of two"]
    flow, heads = flow_of(request), ablation_of(request, layers="2")
    monkeypatch.setattr(layered, "TOKENS", 200)
    np.testing.assert_allclose(flow_of(request).from_top, flow.from_top, atol=1e-4)
    np.testing.assert_allclose(ablation_of(request, layers="2").lost_nats, heads.lost_nats, atol=1e-4)


@pytest.mark.parametrize("layout", ["text first", "first of two"])
def test_a_head_loses_what_the_model_loses_with_its_block_of_weights_zero(requests, layout):
    request = requests[layout]
    found = ablation_of(request, layers="1-2")
    whole, expected = materialised.whole_score(request), np.zeros((2, 4))
    for row, layer in enumerate((1, 2)):
        weight = request.model.module.model.language_model.layers[layer].self_attn.o_proj.weight
        kept = weight.detach().clone()
        for head in range(4):
            with torch.no_grad():
                weight[:, 16 * head : 16 * (head + 1)] = 0
            expected[row, head] = whole - materialised.whole_score(request)
            with torch.no_grad():
                weight.copy_(kept)
    assert found.score_nats == pytest.approx(whole, abs=2e-4)
    assert np.abs(expected).max() > 1e-2
    np.testing.assert_allclose(found.lost_nats, expected, atol=3e-4)


def test_head_ablation_covers_every_layer_and_says_which_kind(requests):
    found = ablation_of(requests["image first"])
    assert found.lost_nats.shape == (5, 4)
    assert found.layers == (0, 1, 2, 3, 4)
    assert found.kinds == ("sliding", "sliding", "full", "sliding", "full")
    assert ablation_of(requests["image first"], layers="full").layers == (2, 4)


def test_nothing_is_left_hooked_on_the_model_after_an_error(requests, monkeypatch):
    request = requests["text first"]
    request.glass.opening(request.glass.places(0).stop)

    def fail(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(type(request.glass), "run", fail)
    for work in (flow_of, ablation_of):
        with pytest.raises(ZeroDivisionError):
            work(request)
    for layer in request.model.module.model.language_model.layers:
        assert not layer.self_attn._forward_pre_hooks
        assert not layer.self_attn.o_proj._forward_pre_hooks


def test_both_records_say_whose_words_and_are_read_back_equal(requests):
    request = requests["first of two"]
    for made, kind in ((flow_of(request), LayerFlow), (ablation_of(request, layers="0"), HeadAblation)):
        assert (made.words, made.contrast) == ((REPORT, "No pneumothorax."), True)
        assert (made.model_fingerprint, made.query_fingerprint) == ("f", request.aim.query.fingerprint)
        assert kind.from_dict(json.loads(made.to_json())) == made


def test_both_records_name_the_layer_that_matters_most():
    kinds = ("sliding", "full")
    flow = LayerFlow(np.float32([0.1, 2]), np.float32([0, 2]), np.float32([2, 2]), kinds, -1.0, ("yes",))
    assert repr(flow) == "LayerFlow('yes', 2 layers, most in layer 1, 2.00 nats)"
    heads = HeadAblation(np.float32([[0, 1], [3, -4]]), (2, 5), kinds, -1.0, ("yes", "no"), contrast=True)
    assert repr(heads) == "HeadAblation('yes against no', most for head 0 of layer 5, 3.00 nats)"


def test_curves_of_different_lengths_are_refused():
    with pytest.raises(SpecError, match="from_top"):
        LayerFlow(
            np.zeros(2, np.float32), np.zeros(2, np.float32), np.zeros(3, np.float32), ("full",) * 2, 0.0, ("a",)
        )


def test_a_table_without_a_row_for_each_layer_is_refused():
    with pytest.raises(SpecError, match="2 layers, heads"):
        HeadAblation(np.zeros((3, 4), np.float32), (0, 1), ("full", "full"), 0.0, ("a",))


@pytest.mark.parametrize("work", [layer_flow, head_ablation])
def test_a_model_without_layers_to_look_at_is_refused(work, requests):
    with pytest.raises((CapabilityError, SpecError)):
        work(Parrot(), requests["text first"].aim.query, "yes")


def test_a_window_of_no_layers_is_refused(requests):
    with pytest.raises(SpecError, match="window"):
        flow_of(requests["text first"], window=0)


def test_an_aim_that_the_answer_does_not_hold_is_refused(model, scans, make_query):
    answer = model.ask(scans[0], "Describe this chest X-ray.")
    with pytest.raises(SpecError, match="is not in the answer"):
        layer_flow(model, answer, "zzzz qqqq")
