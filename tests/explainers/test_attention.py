"""Raw attention and rollout: beside eager layers' own maps, and beside products worked out on paper."""

import numpy as np
import pytest
import torch

from medlab.core.errors import SpecError
from medlab.explainers.attention import Attention, Rollout, attention_maps, chosen_layers, readings, rolled
from medlab.explainers.streaming import Layer
from tests.explainers import materialised
from tests.explainers.conftest import loaded
from tests.models import tiny

ASKED = "Is there a pleural effusion?"
REPORT = "There is a small left pleural effusion."
KINDS = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "full_attention"]


def relative(one, other):
    return np.abs(one - other).max() / np.abs(other).max()


def eager_maps(request):
    """(layers, heads, rows, cols), mean over the places, from output_attentions."""
    strand = request.aim.strands[0]
    with torch.no_grad(), materialised.eager(request.model.module):
        maps, _, _, at, place = materialised.maps_of(request, strand)
    shares = torch.stack([one[0][:, at, place].mean(1) for one in maps])
    return shares.unflatten(-1, (4, 4)).numpy()


@pytest.fixture
def one_layer(tmp_path_factory):
    """A model of one layer whose queries are zero, so that each token divides its attention evenly."""
    folder = tmp_path_factory.mktemp("one") / "layer"
    made = loaded(tiny.save_tiny_gemma3(folder, layer_types=["full_attention"], num_hidden_layers=1))
    torch.nn.init.zeros_(made.module.model.language_model.layers[0].self_attn.q_proj.weight)
    return made


@pytest.mark.parametrize("scan", [0, 1])
@pytest.mark.parametrize("target", [REPORT, ("yes", "no")], ids=["phrase", "contrast"])
def test_attention_is_that_of_eager_layers(ask, scans, target, scan):
    request = ask(target, scans[0], "Compare", scans[1], ASKED, scan=scan)
    assert relative(attention_maps(request), eager_maps(request)) < 1e-5


@pytest.mark.parametrize(
    ("layers", "heads", "rows", "head"),
    [
        ("all", "mean", [0, 1, 2, 3, 4], slice(None)),
        ("full", "mean", [2, 4], slice(None)),
        ("sliding", 1, [0, 1, 3], slice(1, 2)),
        ("2", 0, [2], slice(0, 1)),
        ("1-3", "mean", [1, 2, 3], slice(None)),
    ],
)
def test_layers_and_heads_are_those_that_were_asked_for(ask, layers, heads, rows, head):
    request = ask(REPORT)
    expected = eager_maps(request)[rows][:, head].mean((0, 1))
    np.testing.assert_allclose(Attention(layers, heads).draw(request).values, expected, rtol=1e-4, atol=1e-7)


def test_local_layers_do_not_reach_a_scan_beyond_their_window(ask, scans):
    request = ask("yes", scans[0], "Describe this chest X-ray. " * 4)
    assert np.array_equal(Attention("sliding").draw(request).values, np.zeros((4, 4)))
    assert Attention("full").draw(request).values.min() > 0


def test_even_attention_is_one_part_in_as_many_tokens_as_are_seen(one_layer, ask):
    request = ask("yes", model=one_layer)
    values = Attention().draw(request).values
    np.testing.assert_allclose(values, 1 / len(request.glass.ids), rtol=1e-5)


def test_two_words_in_one_place_have_one_map(ask):
    maps = [Attention().draw(ask(target)).values for target in ("yes", "no", ("yes", "no"))]
    assert len(readings(ask(("yes", "no")).aim)) == 1
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])


@pytest.mark.parametrize("method", [Attention(), Rollout(), Rollout("patches")])
def test_a_contrast_in_two_contexts_is_the_difference_of_two_maps(ask, method):
    for_it, against = (method.draw(ask(text)).values for text in (REPORT, "No pneumothorax."))
    found = method.draw(ask((REPORT, "No pneumothorax."))).values
    np.testing.assert_allclose(found, for_it - against, atol=1e-6)
    assert found.min() < 0 < found.max()


@pytest.mark.parametrize("pieces", ["text first", "image first", "two"])
@pytest.mark.parametrize("grid", ["tokens", "patches"])
def test_rollout_is_that_of_whole_matrices(ask, scans, pieces, grid):
    orders = {"text first": (ASKED, scans[0]), "image first": (scans[0], ASKED)}
    request = ask(REPORT, *orders.get(pieces, (scans[0], "Compare", scans[1], ASKED)), scan=int(pieces == "two"))
    found = Rollout(grid).draw(request).values
    assert relative(found, materialised.rollout(request, patches=grid == "patches")) < 1e-5


def test_rollout_through_the_tower_divides_what_the_tokens_have(ask):
    request = ask(REPORT)
    tokens, patches = Rollout().draw(request).values, Rollout("patches").draw(request).values
    assert patches.shape == (8, 8)
    assert patches.sum() == pytest.approx(tokens.sum(), rel=1e-5)


def layer_of(shares):
    """A layer of one head that divides attention as the rows of `shares` say."""
    scores = torch.tensor(shares).log()
    here = torch.eye(len(shares))
    return Layer(None, here[None, None], scores.T[None, None], None, 1.0)


def test_rollout_goes_from_the_highest_layer_down():
    """[0, 1] (A1 + 1) / 2 = [.05, .95], times (A0 + 1) / 2 = [.235, .765]; the other way round it is [.19, .81]."""
    lower, upper = layer_of([[0.8, 0.2], [0.4, 0.6]]), layer_of([[0.5, 0.5], [0.1, 0.9]])
    row = torch.tensor([0.0, 1.0])
    assert rolled(row, [lower, upper]).tolist() == pytest.approx([0.235, 0.765])
    assert rolled(row, [upper, lower]).tolist() == pytest.approx([0.19, 0.81])


def test_rollout_of_one_even_layer_is_half_of_its_attention(one_layer, ask):
    request = ask("yes", model=one_layer)
    values = Rollout().draw(request).values
    np.testing.assert_allclose(values, 0.5 / len(request.glass.ids), rtol=1e-5)


def test_rollout_of_two_words_is_the_mean_of_their_places(ask):
    request = ask("yes no")
    places = request.aim.strands[0].places
    assert len(places) > 1
    assert Rollout().draw(request).values.sum() < 1


@pytest.mark.parametrize("layers", ["some", "3-1", "-1", "1-2-3", "", "²", 3])
def test_layers_that_are_written_wrong_are_refused(layers):
    with pytest.raises(SpecError, match='"0-3"'):
        Attention(layers)


@pytest.mark.parametrize("layers", ["5", "3-7"])
def test_layers_that_the_model_lacks_are_refused_with_those_it_has(ask, layers):
    with pytest.raises(SpecError, match="4 full"):
        Attention(layers).draw(ask("yes"))


def test_a_model_without_local_layers_has_none_to_choose():
    with pytest.raises(SpecError, match="0 full"):
        chosen_layers("sliding", ["full_attention"])


@pytest.mark.parametrize("heads", [-1, "0", 1.5, None])
def test_heads_that_are_none_are_refused(heads):
    with pytest.raises(SpecError, match="heads"):
        Attention(heads=heads)


def test_a_head_that_the_model_lacks_is_refused(ask):
    with pytest.raises(SpecError, match="from 0 to 3"):
        Attention(heads=4).draw(ask("yes"))


def test_a_grid_that_is_none_is_refused():
    with pytest.raises(SpecError, match="tokens, patches"):
        Rollout("pixels")


def test_the_way_through_the_tower_is_reckoned(ask):
    request = ask(("yes", "no"))
    assert Attention().cost(request).tower_passes == Rollout().cost(request).tower_passes == 1
    assert Rollout("patches").cost(request).tower_passes == 2
    assert Rollout("patches").cost(request).peak_bytes > Attention().cost(request).peak_bytes


@pytest.mark.parametrize("text", ["0-9999", "0-99999999", "0-9999999999999999999999"])
def test_a_range_beyond_the_model_is_refused_before_it_is_counted_out(text):
    with pytest.raises(SpecError, match="layers is"):
        chosen_layers(text, KINDS)


def test_chosen_layers_are_told_by_kind():
    assert chosen_layers("full", KINDS) == [2, 4]
    assert chosen_layers("sliding", KINDS) == [0, 1, 3]
    assert chosen_layers("1-3", KINDS) == [1, 2, 3]
