"""Integrated gradients: exact where the integral is known, complete within its own error, and equal to captum's."""

import numpy as np
import pytest
import torch

from medlab.core.errors import SpecError
from medlab.explainers.baselines import BASELINES, BLUR, baseline_of
from medlab.explainers.explain import explain
from medlab.explainers.gradients import InputXGradient, gradient, inputs_of, kept_bytes, score_of
from medlab.explainers.integrated import IntegratedGradients
from tests.explainers.oracle import close, pooled, whole_model


@pytest.mark.parametrize("baseline", ["zero", "mean", "blank", "blur"])
def test_pixels_are_captums_at_the_same_nodes(ask, baseline):
    from captum.attr import IntegratedGradients as Theirs

    request = ask()
    pixels = inputs_of(request, "pixels")
    start = baseline_of(request, pixels, "pixels", baseline)
    theirs, gap = Theirs(whole_model(request)).attribute(
        pixels, baselines=start, n_steps=4, method="gausslegendre", return_convergence_delta=True
    )
    found = IntegratedGradients("pixels", 4, baseline).draw(request)
    assert close(found.values, pooled(theirs.detach(), 8))
    assert found.completeness_error == pytest.approx(abs(float(gap)), abs=1e-4)


@pytest.mark.parametrize("steps", [1, 6])
def test_tokens_are_the_gradients_at_the_nodes_of_gauss_and_legendre_added_up(ask, steps):
    request = ask()
    end = inputs_of(request, "tokens")
    way = end - end.mean(1, keepdim=True)
    expected = 0
    for node, weight in zip(*np.polynomial.legendre.leggauss(steps), strict=True):
        expected = expected + weight / 2 * gradient(request, end - (1 - node) / 2 * way, "tokens")[1] * way
    assert close(IntegratedGradients(steps=steps).draw(request).values, expected.sum(-1).reshape(4, 4))


@pytest.mark.parametrize(("of", "baseline"), [("tokens", "mean"), ("tokens", "blank"), ("pixels", "mean")])
def test_the_values_add_up_to_the_change_of_the_score(ask, of, baseline):
    request = ask()
    found = IntegratedGradients(of, 64, baseline).draw(request)
    end = inputs_of(request, of)
    with torch.no_grad():
        change = score_of(request, end, of) - score_of(request, baseline_of(request, end, of, baseline), of)
    assert found.values.sum() == pytest.approx(float(change), abs=found.completeness_error + 1e-5)
    assert found.completeness_error < 0.02 * abs(float(change))


def test_the_error_is_told_where_there_are_too_few_steps(ask):
    few, many = (IntegratedGradients(steps=steps).draw(ask()).completeness_error for steps in (1, 64))
    assert few > 10 * many


def test_the_error_reaches_the_record(ask):
    request = ask()
    found = explain(request.model, request.aim.query, ("yes", "no"), method="integrated_gradients", steps=3)
    assert found.completeness_error == pytest.approx(IntegratedGradients(steps=3).draw(request).completeness_error)
    assert ("baseline", "mean") in found.settings


def test_one_step_is_the_gradient_halfway(ask):
    request = ask()
    end = inputs_of(request, "tokens")
    start = baseline_of(request, end, "tokens", "mean")
    _, slope = gradient(request, (start + end) / 2, "tokens")
    expected = (slope * (end - start)).sum(-1).reshape(4, 4)
    assert close(IntegratedGradients(steps=1).draw(request).values, expected)
    assert not close(InputXGradient().draw(request).values, expected)


def test_other_batches_give_the_same_map(ask, monkeypatch):
    request = ask()
    expected = IntegratedGradients(steps=7).draw(request)
    monkeypatch.setattr("medlab.explainers.gradients.KEPT_BYTES", 2.5 * kept_bytes(request, "tokens"))
    found = IntegratedGradients(steps=7).draw(request)
    assert close(found.values, expected.values)


def test_a_blank_film_is_black_and_a_blurred_one_is_the_scan_out_of_focus(ask):
    request = ask()
    pixels = inputs_of(request, "pixels")
    black = baseline_of(request, pixels, "pixels", "blank")
    assert black.unique().tolist() == [-1.0]  # of (0 - 0.5) / 0.5
    soft = baseline_of(request, pixels, "pixels", "blur")
    assert float(soft.mean()) == pytest.approx(float(pixels.mean()), abs=0.01)
    assert float(soft.std()) < 0.5 * float(pixels.std())
    assert 0 < BLUR < 0.5


def test_blank_tokens_are_those_of_a_black_scan(ask, make_query):
    from medlab.core.scan import Scan
    from medlab.explainers.glass import look_into

    request = ask()
    black = look_into(request.model, make_query(Scan(np.zeros((20, 20), np.float32), "black"), "?"))
    found = baseline_of(request, inputs_of(request, "tokens"), "tokens", "blank")
    assert close(found, black.tokens().float())


@pytest.mark.parametrize("of", ["pixels", "tokens"])
@pytest.mark.parametrize("baseline", [name for name in BASELINES if name != "blur"])
def test_every_baseline_is_shaped_as_what_it_stands_for(ask, of, baseline):
    request = ask()
    inputs = inputs_of(request, of)
    made = baseline_of(request, inputs, of, baseline)
    assert (made.shape, made.dtype) == (inputs.shape, torch.float32)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"of": "patches"}, "of is 'patches'"),
        ({"steps": 0}, "steps is 0"),
        ({"baseline": "blur"}, 'of="pixels"'),
        ({"baseline": "mena"}, "baseline='mean'"),
    ],
)
def test_wrong_options_are_refused_with_what_is_right(options, told):
    with pytest.raises(SpecError, match=told):
        IntegratedGradients(**options)


def test_costs_grow_with_steps_and_memory_does_not_beyond_a_batch(ask, monkeypatch):
    request = ask()
    monkeypatch.setattr("medlab.explainers.gradients.KEPT_BYTES", 4 * kept_bytes(request, "tokens"))
    few, many = (IntegratedGradients(steps=steps).cost(request) for steps in (8, 32))
    assert many.language_tokens == 4 * few.language_tokens
    assert many.peak_bytes == few.peak_bytes
    assert (few.tower_passes, IntegratedGradients("pixels", 8).cost(request).tower_passes) == (1, 16)
