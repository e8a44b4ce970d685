"""Replies as they come: in whole characters, summing to the answer, and ending when nobody reads on."""

import pytest


@pytest.mark.parametrize("question", ["Is there a pleural effusion?", "有没有胸腔积液？"])
def test_the_pieces_sum_to_the_answer(vision, scans, make_query, question):
    query = make_query(scans[0], question, limit=20)
    pieces = list(vision.stream(query))
    assert "".join(pieces) == vision.answer([query])[0].text
    assert len(pieces) > 3
    assert all(pieces)


def test_whoever_stops_reading_stops_the_model(vision, scans, make_query):
    passes = []
    hook = vision.module.model.language_model.register_forward_hook(lambda *_: passes.append(1))
    stream = vision.stream(make_query(scans[0], "Describe this chest X-ray.", limit=100))
    next(stream)
    done = len(passes)
    stream.close()
    hook.remove()
    assert len(passes) == done < 20


def test_between_pieces_torch_is_as_it_was(vision, scans, make_query):
    import torch

    for _ in vision.stream(make_query(scans[0], "Describe this chest X-ray.", limit=4)):
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()


def test_a_character_of_several_tokens_comes_whole(vision):
    speech = vision.speech
    text = "肝 ok 脏🫁.有。"
    ids = speech.ids(text)
    assert len(ids) > len(text), "some characters here are several tokens"
    pieces = list(speech.pieces(ids))
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)
    assert "肝 " in pieces or "肝" in pieces


def test_bytes_that_are_no_character_are_shown_as_decoding_shows_them(vision):
    speech = vision.speech
    good, bad = speech.ids("肝"), speech.tokenizer.convert_tokens_to_ids(["<0xFF>", "<0xE8>"])
    for ids in (good + bad, bad + good, bad + speech.ids(" no"), good + bad + speech.ids("有。") + bad):
        assert "".join(speech.pieces(ids)) == speech.text(ids)


def test_a_thought_comes_first_with_its_marks(vision):
    ids = vision.speech.ids("<unused94>thought\nx<unused95>yes")
    assert "".join(vision.speech.pieces(ids)) == "<unused94>thought\nx<unused95>yes"


def test_a_stream_returns_its_answer_and_refuses_before_the_first_piece(vision, scans, make_query):
    from medlab.core.errors import CapabilityError

    query = make_query(scans[0], "Is there a nodule?", limit=6)
    stream, pieces = vision.stream(query), []
    try:
        while True:
            pieces.append(next(stream))
    except StopIteration as end:
        answer = end.value
    expected = vision.answer([query])[0]
    assert answer.replace(seconds=0) == expected.replace(seconds=0)
    assert answer.text == "".join(pieces)
    with pytest.raises(CapabilityError, match="a prompt of"):
        vision.stream(make_query(scans[0], "The heart is enlarged. " * 300))


def test_an_id_without_a_word_is_spelled_by_its_number(vision):
    beyond = len(vision.processor.tokenizer) + 3
    assert vision.speech.spelled([*vision.speech.ids("yes"), beyond]) == [
        *vision.speech.spelled(vision.speech.ids("yes")),
        f"<id {beyond}>",
    ]
    assert "".join(vision.speech.pieces([*vision.speech.ids("yes"), beyond])) == "yes"
