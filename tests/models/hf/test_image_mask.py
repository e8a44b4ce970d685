"""Who sees whom: image tokens of one scan see one another, later ones too; text sees what came before and no more."""

import pytest


def keys_of_layer(model, query, layer, change=None):
    """Keys of one layer over the opening of `query`, (length, heads * dim); `change` works on the scan's tokens."""
    engine = model._engine
    model.forget()
    see = engine._eye.see
    if change is not None:
        engine._eye.see = lambda scans: [change(tokens.clone()) for tokens in see(scans)]
    try:
        state = engine._openings.states([engine.read(query)])[0]
    finally:
        engine._eye.see = see
        model.forget()
    return state.layers[layer][0].transpose(0, 1).flatten(1)


def last_token_changed(tokens):
    tokens[-1] = -tokens[-1]
    return tokens


def moved(model, query, change):
    """Which positions of the opening a change of the last image token reaches, in the keys of the second layer."""
    before, after = (keys_of_layer(model, query, 1, how) for how in (None, change))
    return (before - after).abs().amax(1) > 1e-6


def test_an_earlier_image_token_sees_a_later_one_and_text_before_it_does_not(vision, scans, make_query):
    query = make_query("Where is it?", scans[0], "Say.")
    ids = vision.inputs(query)["input_ids"][0]
    image = (ids == vision.processor.tokenizer.image_token_id).nonzero()[:, 0]
    reached = moved(vision, query, last_token_changed)
    assert reached[image].all()
    assert not reached[: image[0]].any()


def test_a_mask_without_token_types_would_be_noticed(vision, scans, make_query, monkeypatch):
    """The twin: where the engine forgot to say which tokens are a scan's, no earlier one would see a later one."""
    from medlab.models.hf.openings import Openings

    whole = Openings._inputs

    def forgetful(self, ids, group):
        return {name: value for name, value in whole(self, ids, group).items() if name != "token_type_ids"}

    query = make_query("Where is it?", scans[0], "Say.")
    monkeypatch.setattr(Openings, "_inputs", forgetful)
    reached = moved(vision, query, last_token_changed)
    assert reached[-1]
    assert not reached[:-1].any()


def test_an_earlier_scan_does_not_see_a_later_one(vision, scans, make_query):
    query = make_query(scans[0], "before", scans[1], "after")
    ids = vision.inputs(query)["input_ids"][0]
    image = (ids == vision.processor.tokenizer.image_token_id).nonzero()[:, 0]
    calls = []

    def second_changed(tokens):
        calls.append(1)
        return last_token_changed(tokens) if len(calls) == 2 else tokens

    reached = moved(vision, query, second_changed)
    assert len(image) == 32
    assert reached[image[16:]].all()
    assert not reached[image[:16]].any()


def test_keys_and_values_are_those_of_the_modules_own_forward(vision, scans, make_query):
    import torch

    query = make_query("Compare", scans[0], "with", scans[1], "please.")
    state = vision._engine._openings.states([vision._engine.read(query)])[0]
    with torch.no_grad():
        own = vision.module(**vision.inputs(query), past_key_values=__import__("transformers").DynamicCache())
    for (keys, values), layer in zip(state.layers, own.past_key_values.layers, strict=True):
        assert keys.numpy() == pytest.approx(layer.keys[0, :, : state.length].numpy(), abs=1e-5)
        assert values.numpy() == pytest.approx(layer.values[0, :, : state.length].numpy(), abs=1e-5)
