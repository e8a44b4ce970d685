"""Gradients: equal to captum's and to small differences, through inputs alone, refused where they are no numbers."""

import dataclasses

import numpy as np
import pytest
import torch

from medlab.core.errors import CapabilityError, SpecError, UnknownName
from medlab.explainers.gradients import (
    InputXGradient,
    Saliency,
    SmoothGrad,
    at_once,
    gradient,
    held,
    inputs_of,
    kept_bytes,
    on_grid,
    score_of,
)
from medlab.explainers.integrated import IntegratedGradients
from medlab.explainers.methods import METHODS, REFUSED, make_method
from tests.explainers.oracle import close, pooled, whole_model

PLACES = ("pixels", "patches", "tokens")


@pytest.mark.parametrize("target", [("yes", "no"), "There is no effusion.", ("There is one.", "The lungs are clear.")])
def test_saliency_is_captums(ask, target):
    from captum.attr import Saliency as Theirs

    request = ask(target)
    theirs = Theirs(whole_model(request)).attribute(request.glass.pixels.clone().requires_grad_())
    assert close(Saliency().draw(request).values, pooled(theirs, 8))


def test_input_x_gradient_of_pixels_is_captums(ask):
    from captum.attr import InputXGradient as Theirs

    request = ask()
    theirs = Theirs(whole_model(request)).attribute(request.glass.pixels.clone().requires_grad_())
    assert close(InputXGradient("pixels", "zero").draw(request).values, pooled(theirs.detach(), 8))


def test_input_x_gradient_of_tokens_is_captums_at_the_projector(ask):
    from captum.attr import LayerGradientXActivation

    request = ask("yes")  # one run of the model: captum sees the last alone, and a contrast here is two
    layer = request.model.module.model.multi_modal_projector
    theirs = LayerGradientXActivation(whole_model(request), layer).attribute(request.glass.pixels.clone())
    assert close(InputXGradient("tokens", "zero").draw(request).values, theirs.detach()[0].sum(-1).reshape(4, 4))


@pytest.mark.parametrize("of", PLACES)
def test_a_gradient_foretells_what_a_small_step_does(ask, of):
    request = ask()
    here = inputs_of(request, of)
    _, slope = gradient(request, here, of)
    step = 1e-3 * here.abs().max() * slope / slope.abs().max()
    with torch.no_grad():
        moved = float(score_of(request, here + step, of) - score_of(request, here - step, of)) / 2
    assert moved == pytest.approx(float((slope * step).sum()), rel=0.02)
    assert moved > 0


@pytest.mark.parametrize("of", PLACES)
def test_rows_of_a_batch_do_not_know_of_each_other(ask, of):
    request = ask()
    here = inputs_of(request, of)
    rows = torch.cat([here, here.flip(1), 0.5 * here])
    scores, together = gradient(request, rows, of)
    alone = [gradient(request, row, of) for row in rows.split(1)]
    assert close(together, torch.cat([slope for _, slope in alone]))
    assert close(scores, torch.cat([score for score, _ in alone]))


def test_the_second_scan_has_its_own_gradient(ask, scans):
    pieces = ("First:", scans[0], "second:", scans[1], "Compare.")
    maps = [Saliency().draw(ask(("yes", "no"), *pieces, scan=scan)).values for scan in (0, 1)]
    request = ask(("yes", "no"), *pieces)
    pixels = request.glass.pixels.clone().requires_grad_()
    (both,) = torch.autograd.grad(whole_model(request)(pixels).sum(), pixels)
    for found, slope in zip(maps, both.abs().split(1), strict=True):
        assert close(found, pooled(slope, 8))


def test_a_sum_over_pixels_keeps_nothing_back(ask):
    glass = ask().glass
    values = torch.arange(3.0 * 112 * 112).reshape(1, 3, 112, 112)
    assert close(on_grid(glass, values, "pixels")[0], pooled(values, 8))


def test_centred_tokens_are_less_the_mean_token(ask):
    request = ask()
    tokens = inputs_of(request, "tokens")
    _, slope = gradient(request, tokens, "tokens")
    by_hand = (slope * (tokens - tokens.mean(1, keepdim=True))).sum(-1).reshape(4, 4)
    assert close(InputXGradient().draw(request).values, by_hand)
    assert not close(InputXGradient(baseline="zero").draw(request).values, by_hand)


def test_parameters_ask_for_gradients_as_before_and_have_none(load, ask):
    model = load()
    parameters = dict(model.module.named_parameters())
    frozen = next(iter(parameters))
    parameters[frozen].requires_grad_(False)
    Saliency().draw(ask(model=model))
    assert [name for name, one in parameters.items() if not one.requires_grad] == [frozen]
    assert all(one.grad is None for one in parameters.values())


def test_parameters_ask_for_gradients_again_after_an_error(model):
    def fail():
        with held(model.module):
            assert not any(one.requires_grad for one in model.module.parameters())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert all(one.requires_grad for one in model.module.parameters())


def test_nothing_of_the_way_back_is_kept_afterwards(ask):
    import gc

    request = ask()

    def tensors():
        gc.collect()
        return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())

    Saliency().draw(request)
    before = tensors()
    for _ in range(3):
        Saliency().draw(request)
    assert tensors() == before
    assert request.glass.tokens().grad_fn is None


def test_gradients_come_where_they_are_switched_off(ask):
    request = ask()
    expected = Saliency().draw(request).values
    with torch.no_grad():
        assert close(Saliency().draw(request).values, expected)


def test_a_model_in_bfloat16_gives_nearly_the_same_in_float32(load, ask):
    expected = InputXGradient("pixels", "zero").draw(ask()).values
    request = ask(model=load(dtype="bfloat16"))
    found = InputXGradient("pixels", "zero").draw(request).values
    assert found.dtype == np.float32
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9


def test_a_gradient_that_is_no_number_is_refused(load, ask):
    model = load()
    request = ask(model=model)
    assert request.glass  # opened and checked while it is sound
    # the root of a square: 0 where it is taken, and its slope there is 0 / 0
    layer = model.module.model.multi_modal_projector
    layer.register_forward_hook(lambda module, args, out: out + torch.sqrt((out - out.detach()) ** 2))
    with torch.no_grad():
        assert torch.isfinite(score_of(request, inputs_of(request, "pixels"), "pixels")).all()
    with pytest.raises(CapabilityError, match=r"pixels are not finite, computed in float32[\s\S]*token_occlusion"):
        Saliency().draw(request)
    assert all(one.requires_grad for one in model.module.parameters())


def test_smoothgrad_is_the_mean_gradient_over_its_noise(ask):
    request = ask(seed=3)
    picture = inputs_of(request, "pixels")
    noise = torch.randn((4, *picture.shape[1:]), generator=torch.Generator().manual_seed(3))
    spread = 0.2 * float(picture.max() - picture.min())
    slopes = [gradient(request, picture + spread * one, "pixels")[1] for one in noise]
    found = SmoothGrad(samples=4, noise=0.2).draw(request)
    assert close(found.values, pooled((sum(slopes) / 4).abs(), 8))


def test_smoothgrad_without_noise_is_saliency(ask):
    found = SmoothGrad(samples=3, noise=0).draw(ask())
    assert close(found.values, Saliency().draw(ask()).values)
    assert found.standard_error.max() <= 1e-5 * found.values.max()


def test_smoothgrads_standard_error_is_the_spread_between_seeds(ask):
    maps = [SmoothGrad(samples=8).draw(ask(seed=seed)) for seed in range(12)]
    real = np.std([one.values for one in maps], 0, ddof=1).mean()
    told = np.mean([one.standard_error for one in maps])
    assert 0.5 < told / real < 2


def test_smoothgrad_is_the_same_in_other_batches(ask, monkeypatch):
    request = ask()
    expected = SmoothGrad(samples=5).draw(request).values
    monkeypatch.setattr("medlab.explainers.gradients.KEPT_BYTES", 2.5 * kept_bytes(request, "pixels"))
    assert at_once(request, "pixels") == 2
    assert close(SmoothGrad(samples=5).draw(request).values, expected)


@pytest.mark.parametrize("of", ["pixels", "tokens"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_is_said_of_memory_is_what_torch_keeps(load, ask, of, dtype):
    request = ask(model=load(dtype=dtype))
    own = {one.untyped_storage().data_ptr() for one in request.model.module.parameters()}
    held_back = {}

    def keep(tensor):
        held_back[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        gradient(request, inputs_of(request, of), of)
    kept = sum(one.untyped_storage().nbytes() for at, one in held_back.items() if at not in own)
    assert 0.5 < kept / kept_bytes(request, of) < 2


@pytest.mark.parametrize("method", [SmoothGrad(samples=2), IntegratedGradients(steps=2)])
def test_a_bar_is_shown_only_where_it_is_wanted(ask, capsys, method):
    request = ask()
    method.draw(request)
    assert capsys.readouterr().err == ""
    method.draw(dataclasses.replace(request, progress=True))
    assert "gradients" in capsys.readouterr().err


def test_costs_count_the_way_back_as_another_pass(ask):
    request = ask()
    cheap, dear = Saliency("tokens").cost(request), SmoothGrad(samples=10).cost(request)
    assert (cheap.tower_passes, dear.tower_passes) == (1, 20)
    assert dear.language_tokens == 10 * cheap.language_tokens
    said = len(request.glass.ids) - request.glass.places(0).start
    assert cheap.language_tokens == 2 * said


def test_a_contrast_of_unlike_replies_costs_their_words_and_the_prompt_once(ask):
    short, long = Saliency().cost(ask(("yes", "no"))), Saliency().cost(ask(("yes", "The lungs are clear.")))
    assert short.language_tokens < long.language_tokens < 2 * short.language_tokens


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: Saliency("words"), "of is 'words'"),
        (lambda: InputXGradient("tokens", "blur"), "baseline 'blur' of tokens"),
        (lambda: InputXGradient(baseline="black"), "baseline is 'black'"),
        (lambda: SmoothGrad(samples=1), "samples is 1"),
        (lambda: SmoothGrad(noise=2), "noise is 2"),
    ],
)
def test_wrong_options_are_refused_at_birth(wrong, told):
    with pytest.raises(SpecError, match=told):
        wrong()


@pytest.mark.parametrize("name", [*REFUSED, "DeepLift", "guided-backprop", "LRP"])
def test_methods_that_would_mislead_are_refused_with_the_reason(name):
    with pytest.raises(CapabilityError, match=r"method \w+: [\s\S]*accepted:[\s\S]*do this:  method="):
        make_method(name)


def test_what_is_offered_instead_exists():
    assert {instead for _, instead in REFUSED.values()} <= set(METHODS)


def test_a_name_that_is_only_unknown_is_not_called_refused():
    with pytest.raises(UnknownName, match="did you mean 'saliency'"):
        make_method("saliancy")
