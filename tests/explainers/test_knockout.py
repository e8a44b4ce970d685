"""Knockout: many cuts packed in one sequence are what each cut alone is in a plain pass of the whole model."""

import numpy as np
import pytest
import torch

from medlab.explainers import knockout
from medlab.explainers.explain import effect_of, estimate, explain
from medlab.explainers.glass import chosen_logprobs
from medlab.explainers.knockout import Behind, Knockout, cut_scorer, packed_tokens
from medlab.explainers.tokens import mean_over_squares, squares

QUESTION = "Is there a pleural effusion?"
WAYS = {
    "scan first": (0, lambda scans: (scans[0], QUESTION)),
    "text first": (0, lambda scans: (QUESTION, scans[0])),
    "first of two": (0, lambda scans: ("First:", scans[0], "second:", scans[1], QUESTION)),
    "second of two": (1, lambda scans: ("First:", scans[0], "second:", scans[1], QUESTION)),
}


@pytest.fixture(params=WAYS)
def request_of(request, ask, scans):
    """Four ways to put a question; replies of several tokens, which stand behind different words."""
    scan, pieces = WAYS[request.param]
    return ask(("yes, a small one", "There is no effusion."), *pieces(scans), scan=scan)


def plainly(request, cut: np.ndarray) -> float:
    """The score of a whole forward pass, nothing kept and nothing packed, with the columns of the cut masked."""
    glass, score = request.glass, 0.0
    place = glass.places(request.scan)
    columns = place.start + np.flatnonzero(cut)
    for strand in request.aim.strands:
        embedded = glass.embedded(strand)
        length = embedded.shape[1]
        masks = {}
        for kind, mask in glass.allowed(length).items():
            masks[kind] = mask.clone()[None]
            masks[kind][:, :, place.stop :, columns] = False
        with torch.no_grad():
            out = glass.module.model.language_model(
                inputs_embeds=embedded, attention_mask=masks, position_ids=torch.arange(length)[None], use_cache=False
            )
            rows = out.last_hidden_state[:, [len(glass.ids) - 1 + at for at in strand.places]]
            score += strand.sign * float(chosen_logprobs(glass.module.lm_head(rows), strand).sum())
    return score


def cuts_of(grid: tuple[int, int]) -> np.ndarray:
    """Nothing, everything, every cell alone, and some at random."""
    rng = np.random.default_rng(1)
    none = np.zeros((1, *grid), bool)
    return np.concatenate([none, ~none, squares(grid, 1), rng.random((5, *grid)) < 0.5])


def test_packed_cuts_are_plain_passes_with_masked_columns(request_of):
    cuts = cuts_of(request_of.glass.grid)
    packed = cut_scorer(request_of)(cuts)
    np.testing.assert_allclose(packed, [plainly(request_of, cut) for cut in cuts], atol=1e-5)
    assert np.ptp(packed) > 1e-2


def test_windows_shorter_than_the_prompt_are_kept(request_of):
    glass = request_of.glass
    assert len(glass.ids) > glass.language.config.sliding_window


def test_how_many_are_packed_changes_nothing(ask, monkeypatch):
    request = ask()
    cuts = cuts_of(request.glass.grid)
    many = cut_scorer(request)(cuts)
    monkeypatch.setattr(knockout, "packed_tokens", lambda glass: 1)
    assert Behind(request.glass, request.aim.strands).at_once == 1
    np.testing.assert_allclose(cut_scorer(request)(cuts), many, atol=1e-5)


def test_few_logits_at_a_time_are_the_same(ask, monkeypatch):
    request = ask(("There is no effusion.", "yes"))
    cuts = cuts_of(request.glass.grid)
    whole = cut_scorer(request)(cuts)
    monkeypatch.setattr(knockout, "LOGITS", 1)
    np.testing.assert_allclose(cut_scorer(request)(cuts[:6]), whole[:6], atol=1e-5)


def test_copies_in_one_pack_do_not_see_each_other(ask):
    request = ask()
    none = np.zeros((1, *request.glass.grid), bool)
    cuts = np.concatenate([none, ~none, none, ~none])
    score = cut_scorer(request)
    np.testing.assert_allclose(score(cuts), score(cuts[[0, 1, 0, 1]]), atol=1e-6)
    np.testing.assert_allclose(score(cuts)[:2], score(cuts)[2:], atol=1e-5)


def test_hiding_everything_costs_the_whole_effect(ask):
    request = ask()
    score, effect = effect_of(request)
    none = np.zeros((1, *request.glass.grid), bool)
    scores = cut_scorer(request)(np.concatenate([none, ~none]))
    assert scores[0] == pytest.approx(score, abs=1e-5)
    assert scores[0] - scores[1] == pytest.approx(effect, abs=1e-5)


def test_a_cell_is_worth_what_hiding_it_costs(ask):
    request = ask()
    lost = [plainly(request, np.zeros(request.glass.grid, bool)) - plainly(request, m) for m in squares((4, 4), 2)]
    expected = mean_over_squares(np.array(lost), squares((4, 4), 2))
    np.testing.assert_allclose(Knockout(cells=2).draw(request).values, expected, atol=1e-5)


def test_what_is_left_without_the_scan_does_not_depend_on_it(ask, scans):
    told = [effect_of(ask(("yes", "no"), QUESTION, scan)) for scan in scans[:2]]
    blind = [score - effect for score, effect in told]
    assert blind[0] == pytest.approx(blind[1], abs=1e-5)
    assert abs(told[0][0] - told[1][0]) > 1e-4


def test_a_contrast_is_one_pass(ask, monkeypatch):
    request = ask(("yes, a small one", "There is no effusion."))
    score = cut_scorer(request)
    passes = []
    plain = request.glass.hidden
    monkeypatch.setattr(request.glass, "hidden", lambda *given: passes.append(1) or plain(*given))
    score(np.zeros((1, 4, 4), bool))
    assert len(passes) == 1


def test_other_attention_gives_the_same(ask, load):
    request, eager = ask(), ask(model=load(attn_implementation="eager"))
    scores = [cut_scorer(one)(cuts_of((4, 4))) for one in (request, eager)]
    np.testing.assert_allclose(*scores, atol=1e-4)


def test_what_it_costs_is_told_before_and_a_map_carries_its_name(model, ask):
    request = ask()
    cost = estimate(model, request.aim.query, ("yes", "no"), method="knockout")
    rest = len(request.glass.ids) - request.glass.places().stop
    assert cost.language_tokens == request.glass.places().stop + 17 * rest
    found = explain(model, request.aim.query, ("yes", "no"), method="knockout")
    assert found.method == "knockout"
    assert found.causal


def test_a_pack_is_neither_tiny_nor_huge(ask):
    assert knockout.FEWEST <= packed_tokens(ask().glass) <= knockout.MOST
