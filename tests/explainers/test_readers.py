"""Which words read the scan, beside transformers' own run of the whole sequence with the same looks forbidden."""

import json

import numpy as np
import pytest
import torch

from medlab.core.errors import CapabilityError, SpecError
from medlab.core.layers import Readers
from medlab.explainers.attention import Attention, attention_maps, tokens_of
from medlab.explainers.explain import explain
from medlab.explainers.readers import readers
from tests.explainers import materialised

ASKED = "Is there a pleural effusion?"


@pytest.fixture
def request_(ask, scans):
    return ask(("yes", "no"), scans[0], ASKED)


def lost_by_masking(request, layer, token):
    """Of one token behind the scan, in one layer, on transformers' own masks."""
    place = request.glass.places(request.scan)

    def hook(module, args, kwargs):
        mask = kwargs["attention_mask"].clone()
        mask[:, :, place.stop + token, place] = False
        return args, kwargs | {"attention_mask": mask}

    whole = materialised.whole_score(request)
    handle = request.model.module.model.language_model.layers[layer].self_attn.register_forward_pre_hook(
        hook, with_kwargs=True
    )
    try:
        return whole - materialised.whole_score(request)
    finally:
        handle.remove()


def test_a_word_that_is_blinded_loses_what_the_model_loses_with_its_row_masked(request_):
    found = readers(request_.model, request_.aim.query, ("yes", "no"))
    some = [0, len(found.tokens) // 2, len(found.tokens) - 1]
    expected = [[lost_by_masking(request_, layer, token) for token in some] for layer in range(5)]
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(found.lost_nats[:, some], expected, atol=2e-4)


def test_both_contexts_of_a_contrast_of_longer_replies_are_blinded(ask, scans):
    request = ask(("a small one", "no"), scans[0], ASKED)
    found = readers(request.model, request.aim.query, ("a small one", "no"))
    assert found.lost_nats[2, -1] == pytest.approx(lost_by_masking(request, 2, found.lost_nats.shape[1] - 1), abs=2e-4)


def test_where_one_token_alone_stands_behind_the_scan_the_reply_goes_on_seeing(ask, scans, monkeypatch):
    request = ask(("a small one", "no"), scans[0], ASKED)
    monkeypatch.setattr("medlab.explainers.readers.spelled", lambda glass, start: ["Is"])
    found = readers(request.model, request.aim.query, ("a small one", "no"))
    assert found.lost_nats.shape == (5, 1)
    assert found.lost_nats[:, 0] == pytest.approx([lost_by_masking(request, layer, 0) for layer in range(5)], abs=2e-4)


def test_the_tokens_are_the_text_behind_the_scan(request_):
    found = readers(request_.model, request_.aim.query, ("yes", "no"))
    assert ASKED in "".join(found.tokens)
    assert found.score_nats == pytest.approx(materialised.whole_score(request_), abs=2e-4)


def test_the_record_comes_back_from_its_text(request_):
    found = readers(request_.model, request_.aim.query, ("yes", "no"))
    again = Readers.from_json(found.to_json())
    assert again == found
    assert json.loads(found.to_json())["words"] == ["yes", "no"]


def test_the_record_names_its_strongest_reader():
    made = Readers(np.array([[0.1, 0.2], [0.3, -4.0]]), ("a", "b"), ("full", "sliding"), 1.0, ("yes",))
    assert repr(made) == "Readers('yes', most for 'a' in layer 1, 0.30 nats)"


def test_a_table_of_another_shape_than_its_words_is_refused():
    with pytest.raises(SpecError, match=r"\(2, 1\)"):
        Readers(np.zeros((2, 3)), ("a",), ("full", "full"), 1.0, ("yes",))


def test_the_model_is_whole_again_afterwards(request_):
    before = materialised.whole_score(request_)
    readers(request_.model, request_.aim.query, ("yes", "no"))
    assert materialised.whole_score(request_) == before


def test_a_reader_is_a_row_of_eager_layers_maps(request_):
    rows = tokens_of(request_.glass, "effusion")
    with torch.no_grad(), materialised.eager(request_.model.module):
        maps, _, _, _, place = materialised.maps_of(request_, request_.aim.strands[0])
    expected = torch.stack([one[0][:, rows, place].mean(1) for one in maps]).unflatten(-1, (4, 4)).numpy()
    np.testing.assert_allclose(attention_maps(request_, "effusion"), expected, atol=1e-6)
    assert np.abs(expected - attention_maps(request_)).max() > 1e-4


def test_a_reader_is_found_where_its_words_stand_last(ask, scans):
    request = ask("yes", scans[0], "effusion or no effusion")
    text = [request.model.speech.text([request.glass.ids[place]]) for place in tokens_of(request.glass, "effusion")]
    assert "".join(text).strip() == "effusion"
    assert tokens_of(request.glass, "effusion")[0] > tokens_of(request.glass, "or")[0]


def test_a_reader_is_told_in_the_settings_and_no_reader_is_not(request_):
    assert dict(Attention(reader="effusion").settings)["reader"] == "effusion"
    assert [name for name, _ in Attention().settings] == ["layers", "heads"]


@pytest.mark.parametrize("words", ["wombat", "Findings"])
def test_a_reader_that_does_not_stand_behind_the_scan_is_refused_with_what_does(ask, scans, words):
    request = ask("yes", "Findings", scans[0], ASKED)
    with pytest.raises(SpecError, match="pleural effusion"):
        Attention(reader=words).draw(request)


def test_a_reader_in_a_map_of_a_contrast_is_itself_and_no_difference(ask, scans):
    request = ask(("a small one", "no"), scans[0], ASKED)
    found = explain(request.model, request.aim.query, ("a small one", "no"), method="attention", reader="effusion")
    np.testing.assert_allclose(found.values, attention_maps(request, "effusion").mean((0, 1)), atol=1e-6)
    assert found.values.min() >= 0


def test_a_prompt_with_nothing_behind_its_scan_has_no_readers(request_, monkeypatch):
    """A chat template always ends with the model's turn; one that shows nothing of it leaves nobody to blind."""
    monkeypatch.setattr("medlab.explainers.readers.spelled", lambda glass, start: ["", ""])
    with pytest.raises(CapabilityError, match="no text stands behind"):
        readers(request_.model, request_.aim.query, "yes")
