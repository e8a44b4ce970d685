"""Glass: the steps of an opened model together are the model, whatever the order of text and scans."""

import concurrent.futures
import dataclasses
import functools
import json
import shutil

import numpy as np
import pytest
import torch
from transformers import Gemma3Processor

from medlab.core.errors import CapabilityError
from medlab.explainers import lastlayer
from medlab.explainers.aims import aim_at
from medlab.explainers.explain import explain
from medlab.explainers.glass import Glass, chosen_logprobs, look_into
from tests.explainers.conftest import loaded

QUESTION = "Is there a pleural effusion?"


@pytest.fixture(autouse=True)
def no_gradients(request):
    """Only the test that is about gradients keeps them."""
    with torch.set_grad_enabled("gradients" in request.node.name):
        yield


@pytest.fixture(params=["scan first", "text first", "two scans"])
def request_of(request, ask, scans):
    """Three ways to put a question."""
    ways = {
        "scan first": (scans[0], QUESTION),
        "text first": (QUESTION, scans[0]),
        "two scans": ("First:", scans[0], "second:", scans[1], QUESTION),
    }
    return ask(("yes", "There is no effusion."), *ways[request.param])


def by_the_model(model, aim):
    """The score by plain forward passes of the module."""
    total = 0.0
    for strand in aim.strands:
        inputs = model.inputs(aim.query, strand.reply)
        prompt = inputs["input_ids"].shape[1] - len(strand.reply)
        with torch.no_grad():
            logits = model.module(**inputs).logits
        rows = logits[:, [prompt - 1 + place for place in strand.places]]
        total += strand.sign * float(chosen_logprobs(rows, strand).sum())
    return total


def test_the_score_is_that_of_the_whole_model(request_of):
    glass = look_into(request_of.model, request_of.aim.query)
    assert float(glass.score(request_of.aim)) == pytest.approx(
        by_the_model(request_of.model, request_of.aim), abs=1e-4
    )


def test_every_scan_may_be_replaced_and_its_own_tokens_change_nothing(request_of):
    glass = look_into(request_of.model, request_of.aim.query)
    whole = glass.score(request_of.aim)
    for scan, own in enumerate(glass.tokens()):
        rows = torch.stack([own, own.flip(0)])
        scores = glass.score_many(request_of.aim, rows, scan)
        assert float(scores[0]) == pytest.approx(float(whole), abs=1e-4)
        assert abs(float(scores[1] - whole)) > 1e-3


def test_gradients_reach_the_tokens_and_foretell_small_changes(ask):
    request = ask()
    glass = look_into(request.model, request.aim.query)
    tokens = glass.tokens().clone().requires_grad_(True)
    slope = torch.autograd.grad(glass.score(request.aim, tokens).sum(), tokens)[0]
    step = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(0)) * 1e-2
    with torch.no_grad():
        change = glass.score(request.aim, tokens + step) - glass.score(request.aim, tokens - step)
    assert float((slope * step).sum()) * 2 == pytest.approx(float(change), rel=0.05)


@pytest.mark.parametrize(
    "target",
    [("yes", "no"), ("yes, a small one", "no"), ("There is no effusion.", "There is a small one."), "No effusion."],
    ids=["one place", "two lengths", "one beginning", "no contrast"],
)  # fmt: skip
def test_the_lean_way_gives_the_same(ask, scans, target):
    for pieces in ((scans[0], QUESTION), (QUESTION, scans[0], "Compare:", scans[1])):
        request = ask(target, *pieces)
        glass = request.glass
        tokens = torch.stack([glass.tokens()[0], glass.tokens()[0].flip(0)])
        whole, lean = (score(request.aim, tokens) for score in (glass.score, glass.lean_score))
        assert (whole - lean).abs().max() < 2e-5
        assert abs(float(lean[0] - lean[1])) > 1e-3


def test_gradients_of_the_lean_way_are_the_same(ask):
    request = ask(("yes, a small one", "There is no effusion."))
    tokens = request.glass.tokens().clone().requires_grad_(True)
    whole, lean = (
        torch.autograd.grad(score(request.aim, tokens).sum(), tokens)[0]
        for score in (request.glass.score, request.glass.lean_score)
    )
    assert (whole - lean).abs().max() < 1e-5 * whole.abs().max()
    assert whole.abs().max() > 0


def test_the_lean_way_reads_two_replies_in_one_pass_and_few_tokens_in_the_last_layer(ask):
    request = ask(("yes, a small one", "There is no effusion."))
    glass, read = request.glass, []
    glass.lean_score(request.aim)
    hooks = [
        glass.language.layers[number].mlp.register_forward_hook(lambda module, given, out: read.append(out.shape[1]))
        for number in (0, -1)
    ]
    glass.lean_score(request.aim)
    for hook in hooks:
        hook.remove()
    replies = [len(strand.reply) for strand in request.aim.strands]
    behind = len(glass.ids) - glass.places().start
    assert read == [behind + sum(replies) - 2, sum(replies) - 1]  # both first words are foretold in one place


def test_another_thread_gets_every_token_meanwhile(ask):
    language = ask().glass.language
    states = torch.zeros(1, 3, language.config.hidden_size)
    masks = dict.fromkeys(set(language.config.layer_types), torch.ones(1, 1, 3, 3).bool())

    def read() -> int:
        out = language(inputs_embeds=states, attention_mask=masks, position_ids=torch.arange(3)[None], use_cache=False)
        return out.last_hidden_state.shape[1]

    with lastlayer.only(language, torch.tensor([2])), concurrent.futures.ThreadPoolExecutor() as pool:
        assert (read(), pool.submit(read).result()) == (1, 3)
    assert read() == 3


def test_a_last_layer_that_is_read_wrongly_is_noticed(ask, monkeypatch):
    request = ask(("yes", "no"))
    blind = Glass(request.model, request.aim.query)
    plain = lastlayer._keys_and_values
    monkeypatch.setattr(lastlayer, "_keys_and_values", lambda *given: [part * 0.5 for part in plain(*given)])
    with pytest.raises(CapabilityError, match="taken apart"):
        blind.check(request.aim)


def test_two_words_in_one_place_cost_one_pass(ask, monkeypatch):
    request = ask(("yes", "no"))
    glass = look_into(request.model, request.aim.query)
    glass.score(request.aim)
    passes = []
    plain = glass.run
    monkeypatch.setattr(glass, "run", lambda *given, **named: passes.append(1) or plain(*given, **named))
    if len({strand.reply[:-1] for strand in request.aim.strands}) > 1:
        pytest.fail("the words of this test must be one token each")
    glass.score(request.aim)
    assert len(passes) == 1


def test_the_masks_are_those_of_transformers_and_matter(ask, monkeypatch):
    request = ask(("yes", "no"))
    glass = Glass(request.model, request.aim.query)
    place = glass.places()
    for mask in glass.allowed(len(glass.ids)).values():
        inside = mask[0, place, place]
        assert inside.all()  # both ways within the scan
        outside = mask[0][~glass.image][:, ~glass.image]
        assert not outside.triu(1).any()  # text is causal
    right = float(glass.score(request.aim))
    causal = {kind: torch.ones_like(mask).tril() for kind, mask in glass.allowed(len(glass.ids) + 1).items()}
    blind = Glass(request.model, request.aim.query)
    monkeypatch.setattr(blind, "_read_masks", lambda length: causal)
    assert abs(float(blind.score(request.aim)) - right) > 1e-3
    with pytest.raises(CapabilityError, match="taken apart"):
        blind.check(request.aim)


def test_a_window_shorter_than_the_prompt_hides_far_tokens(ask):
    glass = Glass(ask().model, ask().aim.query)
    masks = glass.allowed(len(glass.ids))
    assert len(glass.ids) > glass.language.config.sliding_window
    assert masks["sliding_attention"].sum() < masks["full_attention"].sum()


def test_eager_attention_gives_the_same(ask, load):
    request, eager = ask(), load(attn_implementation="eager")
    opened = [look_into(one.model, one.aim.query) for one in (request, ask(model=eager))]
    scores = [float(score(request.aim)) for one in opened for score in (one.score, one.lean_score)]
    assert scores == pytest.approx([scores[0]] * 4, abs=1e-4)


def test_a_model_is_opened_once_for_a_query_and_anew_after_its_weights_changed(ask):
    request = ask()
    glass = look_into(request.model, request.aim.query)
    assert look_into(request.model, request.aim.query) is glass
    request.model.forget()
    assert look_into(request.model, request.aim.query) is not glass


def test_a_model_without_a_tower_is_refused_with_what_to_do(ask):
    class Closed:
        name = "closed"

        @property
        def module(self):
            raise CapabilityError("no module")

    with pytest.raises(CapabilityError) as told:
        look_into(Closed(), ask().aim.query)
    assert "occlusion" in told.value.fix


@pytest.fixture
def cropped(tiny_folder, tmp_path, monkeypatch):
    """`cropped(asked=True)`: a checkpoint whose files want crops beside the picture; `asked`: whether calls do too."""
    wanted = {"do_pan_and_scan": True, "pan_and_scan_min_crop_size": 20, "pan_and_scan_max_num_crops": 4}
    folder = shutil.copytree(tiny_folder, tmp_path / "cropped")
    settings = json.loads((folder / "processor_config.json").read_text())
    settings["image_processor"] |= wanted
    (folder / "processor_config.json").write_text(json.dumps(settings))

    def made(*, asked):
        if asked:
            call = functools.partialmethod(Gemma3Processor.__call__, images_kwargs=wanted)
            monkeypatch.setattr(Gemma3Processor, "__call__", call)
        return loaded(folder)

    return made


def test_crops_that_a_checkpoint_wants_and_no_call_asks_for_are_not_made(cropped, ask, scans):
    request = ask(("yes", "no"), scans[2], QUESTION)
    model = cropped(asked=False)
    assert len(model.inputs(request.aim.query)["pixel_values"]) == 1
    found = explain(model, request.aim.query, ("yes", "no"), method="knockout")
    np.testing.assert_allclose(
        found.values, explain(request.model, request.aim.query, ("yes", "no"), method="knockout").values, atol=1e-5
    )


def test_a_scan_of_several_crops_is_explained_by_its_pixels_alone(cropped, ask, scans):
    query = ask(("yes", "no"), scans[2], QUESTION).aim.query
    model = cropped(asked=True)
    assert len(model.inputs(query)["pixel_values"]) == 3  # 60 x 130: the whole, and two crops
    with pytest.raises(CapabilityError, match=r"runs of \[16, 16, 16\] image tokens for 1 scan"):
        explain(model, query, ("yes", "no"), method="knockout")
    found = explain(model, query, ("yes", "no"), method="occlusion", cells=2)
    corner = query.scans[0].pixels.copy()
    corner[:30, :65] = corner.mean()
    aim = aim_at(model, query, ("yes", "no"))
    hidden = dataclasses.replace(aim, query=query.replace(scans=(query.scans[0].replace(pixels=corner),)))
    assert found.values[0, 0] == pytest.approx(by_the_model(model, aim) - by_the_model(model, hidden), abs=1e-4)
