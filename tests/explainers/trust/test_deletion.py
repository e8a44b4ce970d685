"""Deletion and insertion: curves equal to plain re-forwards, and areas between chance and truth by arithmetic."""

import numpy as np
import pytest

from medlab.explainers.trust.deletion import ORDERS, Areas, areas, curves, order_of, orders
from medlab.explainers.trust.localise import Truth
from medlab.explainers.trust.marks import Marks, scores_of


def sigmoid(score: float) -> float:
    return 1 / (1 + np.exp(-score))


@pytest.mark.parametrize("fill", ["mean", "blank"])
def test_each_step_is_a_plain_forward_with_those_tokens_replaced(ask, fill):
    import torch

    from medlab.explainers.baselines import baseline_of

    request = ask()
    glass = request.glass
    order = np.arange(16)[::-1].copy()
    gone, come = curves(request, order, fill, 4)
    tokens = glass.tokens()
    nothing = baseline_of(request, tokens.float(), "tokens", fill)
    for step in range(5):
        hidden = torch.zeros(16, dtype=torch.bool)
        hidden[order[: 4 * step].copy()] = True
        with torch.no_grad():
            deleted = float(glass.score(request.aim, torch.where(hidden[None, :, None], nothing, tokens)))
            inserted = float(glass.score(request.aim, torch.where(hidden[None, :, None], tokens, nothing)))
        assert gone[step] == pytest.approx(sigmoid(deleted), abs=1e-5)
        assert come[step] == pytest.approx(sigmoid(inserted), abs=1e-5)


def test_insertion_ends_where_deletion_begins(ask):
    gone, come = curves(ask(), np.arange(16), "mean", 4)
    assert come[-1] == pytest.approx(gone[0], abs=1e-6)
    assert come[0] == pytest.approx(gone[-1], abs=1e-6)


def test_an_order_and_its_reverse_have_areas_that_add_up_the_other_way(ask):
    """Deleting in one order passes through the same films as inserting in the reverse."""
    request, order = ask(), np.random.default_rng(0).permutation(16)
    one, other = areas(request, order, "mean", 16), areas(request, order[::-1].copy(), "mean", 16)
    assert one.deletion == pytest.approx(other.insertion, abs=1e-5)


def test_words_that_are_not_a_contrast_are_told_by_their_own_probability(ask):
    gone, _ = curves(ask("yes"), np.arange(16), "mean", 2)
    assert 0 < gone[0] < 1
    assert gone[0] == pytest.approx(float(np.exp(ask("yes").glass.score(ask("yes").aim).item())), abs=1e-5)


def test_the_strongest_go_first_and_equals_by_chance():
    values = np.array([[1.0, 3.0], [2.0, 2.0]])
    firsts = {tuple(order_of(values, (2, 2), seed)) for seed in range(20)}
    assert firsts == {(1, 2, 3, 0), (1, 3, 2, 0)}


def test_a_finer_map_is_ordered_by_the_mean_of_each_token():
    fine = np.zeros((4, 4))
    fine[0, 0], fine[2:, 2:] = 3, 1
    assert order_of(fine, (2, 2)).tolist()[:2] == [3, 0]


def test_the_order_of_the_truth_begins_with_the_lesion(ask, scans):
    lesion = np.zeros(scans[0].pixels.shape, bool)
    lesion[40:50, 20:30] = True
    known = dict(orders(ask(), Truth((lesion,))))
    assert set(known) == {"truth", *(f"chance {i}" for i in range(ORDERS))}
    first = int(known["truth"][0])
    request = ask()
    from medlab.core.grid import to_cells

    assert to_cells(lesion.astype(np.float32), request.model.fit_of(scans[0]), (4, 4)).argmax() == first


def test_an_area_is_told_between_chance_and_truth():
    chance, truth = Areas(0.6, 0.4), Areas(0.2, 0.8)
    marks = Marks(areas={"mean": [("film", Areas(0.3, 0.5), chance, truth)]})
    scores = scores_of(marks, {})
    assert scores["deletion mean"].value == pytest.approx(0.75)
    assert scores["insertion mean"].value == pytest.approx(0.25)


def test_where_the_truth_is_no_better_than_chance_there_is_no_score():
    same = Areas(0.5, 0.5)
    marks = Marks(areas={"mean": [("film", Areas(0.3, 0.5), same, same)]})
    assert "deletion mean" not in scores_of(marks, {})
