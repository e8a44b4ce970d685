"""Rows of exchanges are laid out as the processor would, and see what they may see."""

import numpy as np
import pytest

from medlab.demo.language import END, MODEL, Binder, Row, Shape, collate, same_picture
from medlab.demo.lessons import Lesson
from medlab.demo.tokens import CHAT_TEMPLATE, SPECIAL, build_tokenizer, corpus

PICTURE = SPECIAL.index("<image_soft_token>")


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(corpus(12))


def test_any_text_comes_back_from_its_tokens(tokenizer):
    for text in ("Findings: 12 % of it.\nImpression: none.", "右侧少量胸腔积液。", "wörld 🫁 مرحبا", " two  spaces "):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text


def test_digits_and_words_of_side_stand_alone(tokenizer):
    assert tokenizer.tokenize("630") == ["6", "3", "0"]
    assert "右" in "".join(tokenizer.tokenize("右肺上野"))


def test_special_tokens_are_gemmas_and_first(tokenizer):
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL)) == list(range(len(SPECIAL)))


@pytest.mark.parametrize("system", ["", "You are an expert radiologist."])
def test_a_row_is_the_chat_template_to_the_token(tokenizer, system):
    lesson, tokens = Lesson("Is there a nodule?", "No", "yes_no"), 4
    row = Binder(tokenizer, tokens).row([0], [[lesson, lesson]], system)
    turns = [{"role": "system", "content": system}] if system else []
    for last in (False, True):
        turns.append({"role": "user", "content": [*([] if last else [{"type": "image"}]),
                                                  {"type": "text", "text": lesson.question}]})  # fmt: skip
        turns.append({"role": "model", "content": lesson.answer})
    text = tokenizer.apply_chat_template(turns, tokenize=False)
    picture = "\n\n<start_of_image>" + "<image_soft_token>" * tokens + "<end_of_image>\n\n"
    expected = tokenizer(text.replace("<start_of_image>", picture), add_special_tokens=False).input_ids
    said = row.opening + [token for question, answer, _ in row.chains[0] for token in question + answer]
    # The template ends a turn with a line break, which nobody has to learn.
    assert said == expected[: len(said)]
    assert len(expected) - len(said) == 1


def test_turns_that_do_not_alternate_are_refused(tokenizer):
    with pytest.raises(Exception, match="by turns"):
        tokenizer.apply_chat_template([{"role": "user", "content": "a"}] * 2, tokenize=False)
    assert "raise_exception" in CHAT_TEMPLATE


def test_image_tokens_see_their_own_picture_and_no_other():
    image = np.array([0, 1, 1, 0, 1, 1, 1, 0], bool)
    seen = same_picture(image)
    assert seen[1, 2]
    assert seen[2, 1]
    assert seen[4, 6]
    assert seen[6, 4]
    assert not seen[2, 4]
    assert not seen[0, 1]
    assert not seen[3, 3]


def test_exchanges_see_the_film_and_themselves_but_not_one_another():
    row = Row([0], [2, PICTURE, PICTURE, 3], [[([20], [21, 5], 3.0)], [([30], [31, 5], 1.0)]])
    made = collate([row], np.zeros((1, 2, 8), np.float16), PICTURE, 0)
    mask = made["mask"][0, 0].numpy()
    assert mask[1, 2], "both ways within a picture"
    assert mask[2, 1]
    assert not mask[0, 3]
    assert mask[4:7, :4].all()
    assert mask[7:, :4].all()
    assert mask[5, 4]
    assert not mask[4, 5]
    assert not mask[7:, 4:7].any()
    assert not mask[4:7, 7:].any()
    assert made["positions"][0].tolist() == [0, 1, 2, 3, 4, 5, 6, 4, 5, 6]
    assert made["labels"][0].tolist() == [-100] * 5 + [21, 5, -100, 31, 5]
    assert made["weights"][0].tolist() == [1] * 4 + [3] * 3 + [1] * 3
    assert made["seen"].shape == (1, 2, 8)


def test_a_later_turn_of_one_chain_sees_the_earlier():
    chain = [([20], [21], 1.0), ([30], [31], 1.0)]
    mask = collate([Row([], [2], [chain])], np.zeros((0, 2, 8), np.float16), PICTURE, 0)["mask"][0, 0].numpy()
    assert mask[4, 1]
    assert mask[4, 2]
    assert not mask[1, 4]


def test_the_model_is_gemma_3_with_one_token_a_patch():
    assert Shape().tokens == 196
    assert END == "<end_of_turn>"
    assert MODEL.endswith("\n")
