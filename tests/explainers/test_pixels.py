"""Occlusion and RISE on pixels: by arithmetic, against captum, and the same by every way to ask a model."""

import numpy as np
import pytest
import torch

from medlab.core.answer import Choices, Token
from medlab.core.errors import CapabilityError, SpecError
from medlab.core.geometry import SquareFit
from medlab.core.scan import Scan
from medlab.explainers import pixels
from medlab.explainers.aims import aim_at
from medlab.explainers.base import Request
from medlab.explainers.explain import estimate, explain
from medlab.explainers.pixels import Occlusion, RisePixels, filling, scorer_of
from medlab.models.base import Capabilities, Model

ROWS, COLS = 6, 4
WEIGHTS = np.arange(ROWS * COLS, dtype=np.float64).reshape(ROWS, COLS) / 100
"""of each pixel in the Ruler's "yes" """


class Ruler(Model):
    """No weights and no tokens: log p("yes") = -9 + weights . pixels, any other reply -2. It scores texts, no more."""

    name, fingerprint = "ruler", "ruler-1"

    def __init__(self, weights=WEIGHTS, logprobs: str = "full"):
        self.weights = weights
        self.capabilities = Capabilities(images=None, logprobs=logprobs)
        self.scored = 0

    def answer(self, queries):
        raise CapabilityError("the ruler does not speak")

    def score(self, query, options):
        self.scored += 1
        held = float((self.weights * query.scans[-1].pixels).sum())
        rows = tuple((Token(None, text, -9 + held if text == "yes" else -2.0),) for text in options)
        return Choices(tuple(options), rows, self.name)


@pytest.fixture
def film() -> Scan:
    return Scan(np.random.default_rng(0).random((ROWS, COLS)).astype(np.float32))


def test_of_a_linear_model_a_cell_is_worth_its_weights_times_what_was_there(film):
    ruler = Ruler()
    query = ruler.query(film, "Is it?")
    found = explain(ruler, query, ("yes", "no"), method="occlusion", cells=2, fill=0.25)
    lost = WEIGHTS * (film.pixels - 0.25)
    expected = lost.reshape(2, 3, 2, 2).sum((1, 3))
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    assert found.contrast
    assert found.fit.mode == "stretch"
    assert (found.fit.rows, found.fit.cols) == (ROWS, COLS)
    assert found.score_nats is None


def test_a_pixel_that_two_cells_share_is_hidden_by_area(film):
    ruler = Ruler()
    found = Occlusion(cells=4, fill="black").draw(Request(ruler, aim_at(ruler, ruler.query(film, "?"), "yes")))
    lost = WEIGHTS * film.pixels
    rows = np.array([[1, 0.5, 0, 0, 0, 0], [0, 0.5, 1, 0, 0, 0], [0, 0, 0, 1, 0.5, 0], [0, 0, 0, 0, 0.5, 1]])
    np.testing.assert_allclose(found.values, rows @ lost, atol=1e-6)


def test_windows_overlap_and_a_cell_has_their_mean(film):
    ruler = Ruler()
    request = Request(ruler, aim_at(ruler, ruler.query(film, "?"), "yes"))
    found = Occlusion(window=2, cells=2, fill="black").draw(request)
    np.testing.assert_allclose(found.values, (WEIGHTS * film.pixels).sum(), atol=1e-6)


def test_only_the_scan_that_was_asked_about_is_hidden(film):
    ruler = Ruler()
    aim = aim_at(ruler, ruler.query([film.replace(name="other"), film], "?"), "yes")
    method = Occlusion(cells=2, fill="black")
    assert (method.draw(Request(ruler, aim, scan=0)).values == 0).all()
    assert (method.draw(Request(ruler, aim, scan=1)).values > 0).all()


def test_rise_finds_the_one_cell_that_counts(film):
    hot = np.zeros((ROWS, COLS))
    hot[3:, :2] = 1
    ruler = Ruler(hot / 4)
    found = explain(ruler, ruler.query(film, "?"), "yes", method="rise_pixels", cells=2, masks=60, coarse=2, fill=0.0)
    assert found.values[1, 0] == pytest.approx(float((film.pixels[3:, :2] / 4).sum()), abs=1e-5)
    assert found.values.argmax() == 2
    assert found.standard_error[1, 0] == pytest.approx(0, abs=1e-5)


def test_without_a_grid_there_are_fourteen_cells_a_side_and_the_cost_is_told(film):
    ruler = Ruler()
    query = ruler.query(film, "?")
    cost = estimate(ruler, query, ("yes", "no"), method="occlusion")
    assert cost.tower_passes == 1 + 14 * 14
    assert ruler.scored == 1
    assert explain(ruler, query, "yes", method="occlusion").values.shape == (14, 14)


def test_fillings_are_what_they_are_called():
    colour = Scan(np.random.default_rng(0).random((8, 9, 3)).astype(np.float32))
    np.testing.assert_allclose(filling(colour, "mean"), colour.pixels.mean((0, 1)))
    assert filling(colour, "black") == 0
    assert filling(colour, 0.5) == 0.5
    blurred = filling(colour, "blur")
    assert blurred.shape == colour.pixels.shape
    assert blurred.std() < colour.pixels.std()
    part = pixels.hidden(colour, np.eye(8, 9, dtype=np.float32), np.float32(1))
    assert (part.pixels[np.arange(8), np.arange(8)] == 1).all()
    assert (part.pixels[0, 1:] == colour.pixels[0, 1:]).all()


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (2, 1), (3, 2)])
def test_it_is_captums_occlusion_of_the_same_forward(ask, scans, window, stride):
    from captum.attr import Occlusion as Captum

    request = ask(("yes", "There is no effusion."), "Is there a pleural effusion?", scans[1])
    model, aim = request.model, request.aim

    def forward(batch):
        """By the whole module, from the scan's own pixels."""
        scores = []
        for one in batch:
            query = aim.query.replace(scans=(scans[1].replace(pixels=one[0].numpy()),))
            score = 0
            for strand in aim.strands:
                inputs = model.inputs(query, strand.reply)
                before = inputs["input_ids"].shape[1] - len(strand.reply) - 1
                logits = model.module(**inputs).logits[0, [before + place for place in strand.places]]
                chosen = torch.tensor([strand.reply[place] for place in strand.places])
                score += strand.sign * logits.log_softmax(-1).gather(1, chosen[:, None]).sum()
            scores.append(score)
        return torch.stack(scores)

    cell = 112 // 4
    with torch.no_grad():
        theirs = Captum(forward).attribute(
            torch.tensor(scans[1].pixels)[None, None],
            sliding_window_shapes=(1, window * cell, window * cell),
            strides=(1, stride * cell, stride * cell),
            baselines=0.25,
        )
    expected = theirs[0, 0].reshape(4, cell, 4, cell)[:, 0, :, 0]
    ours = Occlusion(window=window, stride=stride, fill=0.25).draw(request).values
    # 1e-5 of the scores whose difference it is: of some tens of nats, in float32
    score = abs(float(request.glass.score(aim).detach()))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 * max(1, score))
    assert abs(ours).max() > 1e-3


def test_a_model_that_cannot_be_opened_gives_the_same(ask, scans, monkeypatch):
    request = ask(("yes", "There is no effusion."), "First:", scans[0], "second:", scans[2], "Which?", scan=1)
    method = Occlusion(cells=2, fill="blur")
    by_glass = method.draw(request).values
    monkeypatch.setattr(Request, "opened", property(lambda self: None))
    np.testing.assert_allclose(method.draw(request).values, by_glass, atol=1e-5)


def test_a_contrast_of_one_token_each_is_the_difference_of_the_models_own_scores(model, ask):
    request = ask(("yes", "no"))
    rows = model.score(request.aim.query, ("yes", "no")).tokens
    own = rows[0][0].logprob_nats - rows[1][0].logprob_nats
    assert scorer_of(request)([request.aim.query.scans])[0] == pytest.approx(own, abs=1e-4)


def test_windows_over_padding_alone_are_not_asked_about(film):
    class Padded(Ruler):
        def fit_of(self, scan):
            return SquareFit(scan.rows, scan.cols, 6, "pad")  # a column of padding on either side

    ruler = Padded()
    found = Occlusion(cells=6, fill="black").draw(Request(ruler, aim_at(ruler, ruler.query(film, "?"), "yes")))
    assert ruler.scored == 1 + 6 * 4
    assert (found.values[:, [0, 5]] == 0).all()
    np.testing.assert_allclose(found.values[:, 1:5], WEIGHTS * film.pixels, atol=1e-6)


def test_a_map_of_a_gemma_has_its_score_and_effect(model, ask):
    found = explain(model, ask().aim.query, ("yes", "no"), method="occlusion", window=2, stride=2)
    assert found.score_nats is not None
    assert found.values.shape == (4, 4)


def test_a_model_that_scores_nothing_is_refused_before_any_work(film):
    ruler = Ruler(logprobs="top")
    with pytest.raises(CapabilityError, match="scores no given reply"):
        explain(ruler, ruler.query(film, "?"), ("yes", "no"), method="occlusion", cells=2)
    assert ruler.scored == 0


def test_methods_that_look_inside_are_refused_with_what_to_use(film):
    ruler = Ruler()
    with pytest.raises(CapabilityError, match="occlusion"):
        explain(ruler, ruler.query(film, "?"), ("yes", "no"), method="knockout")


def test_an_answer_of_a_model_without_tokens_is_refused_with_what_to_give(film):
    from medlab.core.answer import Answer

    ruler = Ruler()
    with pytest.raises(CapabilityError, match="occlusion"):
        explain(ruler, Answer("yes").to(ruler.query(film, "?")), "yes", method="occlusion")


@pytest.mark.parametrize("target", [("yes", "yes"), ("yes", " "), ""])
def test_replies_must_be_two_and_different(film, target):
    ruler = Ruler()
    with pytest.raises(SpecError):
        explain(ruler, ruler.query(film, "?"), target, method="occlusion")


@pytest.mark.parametrize("wrong", [{"fill": "grey"}, {"fill": 2}, {"stride": 2}, {"window": 0}, {"cells": 0}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(SpecError, match=next(iter(wrong))):
        Occlusion(**wrong)


def test_rise_checks_its_own_and_the_common_options():
    with pytest.raises(SpecError, match="fill"):
        RisePixels(fill="grey")
    with pytest.raises(SpecError, match="masks"):
        RisePixels(masks=1)
