"""MedGemma's replies: thoughts split off whatever shape they have, and the instruction that asks for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlab.core.errors import CapabilityError
from medlab.core.query import Message, Part, Query
from medlab.models import catalog
from medlab.models.conventions import conventions_for
from medlab.models.conventions.medgemma import THINK, split_thoughts

MODEL = conventions_for("medgemma-1.5")
ASKED = Query((Message("user", (Part(text="Is this normal?"),)),))


@pytest.mark.parametrize(
    ("text", "answer", "thought"),
    [
        ("<unused94>thought\nThe heart is big.<unused95>Yes.", "Yes.", "The heart is big."),
        ("<unused94>thought\n\n1. Look.\n2. Say.\n<unused95>\n\nYes.\n", "Yes.", "1. Look.\n2. Say."),
        ("<unused94>The heart is big.<unused95>Yes.", "Yes.", "The heart is big."),
        ("thought\nThe heart is big.<unused95>Yes.", "Yes.", "The heart is big."),
        ("<unused94>thought\nA<unused94>thought\nB<unused95>Yes.", "Yes.", "Athought\nB"),
        ("<unused94>thought\nA<unused95>No.<unused94>thought\nB<unused95>Yes.", "No.\nYes.", "A\n\nB"),
        ("<unused94>thought\nA<unused95>B<unused95>Yes.", "Yes.", "A\n\nB"),
        ("Yes.<unused94>thought\nA<unused95>", "Yes.", "A"),
        ("<unused94>thought\n<unused95>Yes.", "Yes.", ""),
        ("<unused94>thought\nA<unused95>Yes.<end_of_turn>\n", "Yes.", "A"),
        ("A thought<unused95>thought\nis free", "thought\nis free", "A thought"),
    ],
)
def test_a_thought_is_split_from_the_answer(text, answer, thought):
    reply = MODEL.read(text, finished=True)
    assert (reply.text, reply.thought, reply.truncated) == (answer, thought, False)


def test_a_reply_without_a_thought_is_left_as_it_is():
    reply = MODEL.read(" The lungs are clear.\n", finished=True)
    assert (reply.text, reply.thought, reply.warnings) == (" The lungs are clear.\n", None, ())


def test_a_thought_that_was_cut_off_leaves_no_answer_and_says_what_to_do():
    reply = MODEL.read("<unused94>thought\nThe heart", finished=False)
    assert (reply.text, reply.thought, reply.truncated) == ("", "The heart", True)
    assert len(reply.warnings) == 1
    assert "max_new_tokens=2000" in reply.warnings[0]


def test_an_answer_that_was_cut_off_after_the_thought_is_kept():
    reply = MODEL.read("<unused94>thought\nA<unused95>The heart", finished=False)
    assert (reply.text, reply.thought, reply.truncated) == ("The heart", "A", True)
    assert "cut off" in reply.warnings[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<unused94>thought\nA<unused95>No.<unused94>thought\nB<unused95>Yes.", "thought 2 times"),
        ("<unused94>thought\nA", "ended its turn within its thought"),
        ("<unused94>thought\nA<unused95>", "answered nothing"),
        ("thought\nThe heart is big. Yes.", "begins like a thought but marks none"),
    ],
)
def test_odd_thoughts_are_told(text, told):
    warnings = MODEL.read(text, finished=True).warnings
    assert len(warnings) == 1
    assert told in warnings[0]


PIECES = st.lists(st.sampled_from(["<unused94>", "<unused95>", "thought\n", "Yes. ", "左", "<", "\n"]), max_size=12)


@given(PIECES, st.booleans())
def test_whatever_is_said_no_mark_and_no_word_is_lost_or_left(pieces, finished):
    text = "".join(pieces)
    reply = MODEL.read(text, finished)
    both = f"{reply.thought or ''}{reply.text}"
    assert "<unused9" not in reply.text
    assert "<unused9" not in (reply.thought or "")
    assert both.count("Yes.") == text.count("Yes.")
    assert both.count("左") == text.count("左")
    assert reply.truncated == (not finished)


def test_a_mark_is_what_decides_and_not_the_word_thought():
    assert split_thoughts("thought\nYes.") == ("thought\nYes.", (), True)


def test_thinking_is_asked_for_in_googles_words():
    first = MODEL.think(ASKED).messages[0]
    assert first == Message("system", (Part(text=THINK),))
    assert MODEL.think(MODEL.think(ASKED)) == MODEL.think(ASKED)
    assert MODEL.cautions(MODEL.think(ASKED)) == ()


def test_thinking_is_asked_for_before_the_system_text():
    told = Query((Message("system", (Part(text="You are kind."),)), *ASKED.messages))
    large = conventions_for("medgemma-27b-text-it")
    assert large.think(told).messages == (
        Message("system", (Part(text=f"{THINK} You are kind."),)),
        *ASKED.messages,
    )


def test_a_model_that_was_not_trained_to_think_is_not_asked_to():
    with pytest.raises(CapabilityError, match="medgemma-1 was not trained to think"):
        conventions_for("medgemma-4b-it").think(ASKED)


def test_what_the_catalog_says_of_a_checkpoint_is_what_its_conventions_do():
    held = [entry for entry in catalog.entries() if entry.family in ("medgemma", "gemma3", "demo")]
    assert len(held) >= 9
    for entry in held:
        made = conventions_for(entry.name)
        assert entry.order in (None, made.order), entry.name
        assert made.max_images == entry.max_images, entry.name
        assert made.thinks == (entry.thinks != "never"), entry.name
        assert made.languages == entry.languages, entry.name


def test_the_system_text_is_put_before_the_first_question_by_the_chat_template(tiny_gemma3):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_gemma3)
    told = Query((Message("system", (Part(text="Be brief."),)), *ASKED.messages))
    text = tokenizer.apply_chat_template(
        conventions_for("medgemma-4b-it").messages(told), tokenize=False, add_generation_prompt=True
    )
    assert text == ("<bos><start_of_turn>user\nBe brief.\n\nIs this normal?<end_of_turn>\n<start_of_turn>model\n")
