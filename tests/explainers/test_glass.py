"""Glass: the steps of an opened model together are the model, whatever the order of text and scans."""

import pytest
import torch

from medlab.core.errors import CapabilityError
from medlab.explainers.glass import Glass, chosen_logprobs, look_into

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
    other = ask(model=eager)
    scores = [float(look_into(one.model, one.aim.query).score(one.aim)) for one in (request, other)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_a_blind_score_does_not_depend_on_the_scan(ask, scans):
    one, other = (ask(("yes", "no"), QUESTION, scan) for scan in (scans[0], scans[1]))
    glasses = [look_into(each.model, each.aim.query) for each in (one, other)]
    blind = [float(glass.blind_score(each.aim)) for glass, each in zip(glasses, (one, other), strict=True)]
    seen = [float(glass.score(each.aim)) for glass, each in zip(glasses, (one, other), strict=True)]
    assert blind[0] == pytest.approx(blind[1], abs=1e-5)
    assert abs(seen[0] - seen[1]) > 1e-4


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
