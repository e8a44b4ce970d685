"""Class activation maps: means over places, not channels; captum's where states are laid out for it."""

import pytest
import torch

from medlab.core.errors import SpecError
from medlab.explainers.cam import GradCam, HiResCam
from medlab.explainers.gradients import gradient, inputs_of, score_of
from tests.explainers.oracle import close


class Laid(torch.nn.Module):
    """The score behind states that are laid out as a convolution's, (n, channels, rows, cols), for captum."""

    def __init__(self, request, at, grid):
        super().__init__()
        self.layer, self.told = torch.nn.Identity(), (request, at, grid)

    def forward(self, states):
        request, at, _ = self.told
        return score_of(request, self.layer(states).flatten(2).transpose(1, 2), at)


@pytest.mark.parametrize(("at", "grid"), [("patches", (8, 8)), ("tokens", (4, 4))])
def test_gradcam_is_captums_on_states_laid_out_as_a_convolutions(ask, at, grid):
    from captum.attr import LayerGradCam

    request = ask()
    laid = Laid(request, at, grid)
    states = inputs_of(request, at).transpose(1, 2).unflatten(2, grid).requires_grad_()
    theirs = LayerGradCam(laid, laid.layer).attribute(states)
    assert close(GradCam(at).draw(request).values, theirs.detach()[0, 0])


@pytest.mark.parametrize(("at", "grid"), [("patches", (8, 8)), ("tokens", (4, 4))])
def test_hirescam_is_captums_gradient_times_activation(ask, at, grid):
    from captum.attr import LayerGradientXActivation

    request = ask()
    laid = Laid(request, at, grid)
    states = inputs_of(request, at).transpose(1, 2).unflatten(2, grid).requires_grad_()
    theirs = LayerGradientXActivation(laid, laid.layer).attribute(states)
    assert close(HiResCam(at).draw(request).values, theirs.detach()[0].sum(0))


def test_weights_are_means_over_places_and_not_over_channels():
    # two places, three channels
    slope = torch.tensor([[[1.0, 0.0, 4.0], [3.0, 0.0, -4.0]]])
    assert GradCam().weights(slope).tolist() == [[[2.0, 0.0, 0.0]]]
    assert HiResCam().weights(slope).tolist() == slope.tolist()


def test_hirescam_is_what_a_small_change_of_each_place_does(ask):
    request = ask()
    states = inputs_of(request, "patches")
    found = HiResCam().draw(request).values.ravel()
    with torch.no_grad():
        for place in (0, 27, 63):
            less, more = states.clone(), states.clone()
            less[:, place] *= 0.99
            more[:, place] *= 1.01
            moved = float(score_of(request, more, "patches") - score_of(request, less, "patches")) / 0.02
            assert found[place] == pytest.approx(moved, rel=0.02, abs=2e-4)


def test_both_are_signed(ask):
    for method in (GradCam(), HiResCam()):
        values = method.draw(ask()).values
        assert values.min() < 0 < values.max()
        against = method.draw(ask(("no", "yes"))).values
        assert close(against, -values)


def test_the_last_states_of_the_language_model_have_no_gradient_at_image_tokens(ask):
    """Why at="language" is refused; were this not so, the refusal would have to go."""
    request = ask()
    caught = []
    hook = request.glass.language.register_forward_hook(lambda module, args, out: caught.append(out.last_hidden_state))
    leaf = inputs_of(request, "tokens").requires_grad_()
    score = request.glass.score(request.aim, leaf)  # of all tokens; score_of leaves out those that foretell nothing
    hook.remove()
    (slope,) = torch.autograd.grad(score.sum(), caught[-1])
    image = slice(0, request.glass.count)  # what is run begins with the scan
    assert not slope[:, image].any()
    assert slope.any()
    assert gradient(request, leaf, "tokens")[1].any()


@pytest.mark.parametrize("kind", [GradCam, HiResCam])
def test_the_last_states_of_the_language_model_are_refused_with_the_reason(kind):
    with pytest.raises(SpecError, match=r'gradient at image tokens is 0[\s\S]*at="tokens"'):
        kind("language")


def test_other_places_are_refused():
    with pytest.raises(SpecError, match="at is 'patch'"):
        GradCam("patch")


def test_the_tower_is_run_once_and_never_back(ask):
    assert GradCam().cost(ask()).tower_passes == 1
