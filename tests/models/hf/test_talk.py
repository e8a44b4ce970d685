"""Dialogue, batches and stacks on a real checkpoint's classes: what the fake model shows holds for these too."""

import pytest

from medlab.core.errors import CapabilityError
from medlab.core.query import Decoding
from medlab.models.dialogue import Dialogue
from medlab.models.stacks import slices_query

SHORT = Decoding(max_new_tokens=5)


def untimed(answer):
    return answer.replace(seconds=0.0)


def test_a_dialogue_is_the_chat_templates_and_streaming_says_the_same(vision, scans, tmp_path):
    talk = vision.chat(scans[0], decoding=SHORT)
    first = talk.ask("Is there a pleural effusion?")
    second = talk.ask("Which side?")
    other = vision.chat(scans[0], decoding=SHORT)
    other.ask("Is there a pleural effusion?")
    pieces = list(other.stream("Which side?"))
    assert "".join(pieces) == second.text
    assert other.turns[1].answer.tokens == second.tokens
    assert second.prompt_tokens > first.prompt_tokens
    talk.save(tmp_path / "talk.json")
    again = Dialogue.load(tmp_path / "talk.json", vision, scans[0])
    assert again.ask("Sure?").text == talk.ask("Sure?").text


def test_a_batch_from_a_store_is_what_was_asked_one_by_one(vision, scans, tmp_path):
    queries = [
        vision.query(scan, text, decoding=SHORT) for scan in scans[:2] for text in ("Normal?", "有没有胸腔积液？")
    ]
    alone = [untimed(vision.answer([query])[0]) for query in queries]
    together = [untimed(answer) for answer in vision.ask_batch(queries, batch_size=3, store=tmp_path, progress=False)]
    for one, other in zip(alone, together, strict=True):
        assert other.text == one.text
        assert [token.id for token in other.tokens] == [token.id for token in one.tokens]
        assert other.logprob_nats == pytest.approx(one.logprob_nats, abs=1e-4)
    held = [untimed(answer) for answer in vision.ask_batch(queries, store=tmp_path, progress=False)]
    assert held == together


def test_the_tokens_of_a_prompt_are_known_before_it_is_asked(vision, scans):
    query = vision.query(scans[0], "Is there a pleural effusion?", decoding=SHORT)
    assert vision.prompt_tokens(query) == vision.answer([query])[0].prompt_tokens


def test_slices_beyond_the_context_are_refused_with_a_number_that_fits(vision, scans):
    model_takes = vision.capabilities.context
    slices = [scans[0]] * 85
    with pytest.raises(CapabilityError, match=f"at most {model_takes} tokens together") as caught:
        slices_query(vision, slices, "Is the liver normal?", decoding=SHORT)
    most = int(caught.value.fix.partition("=")[2].partition(",")[0])
    assert 1 < most < 85
    query = slices_query(vision, slices, "Is the liver normal?", limit=most, decoding=SHORT)
    assert vision.prompt_tokens(query) + 5 <= model_takes


def test_a_long_dialogue_is_told_what_to_drop_before_any_work(vision, scans):
    talk = vision.chat(scans[0], decoding=SHORT)
    talk.ask("Normal? " * 60)
    with pytest.raises(CapabilityError, match="this question and what was said before") as caught:
        talk.ask("Effusion? " * 60)
    assert "dialogue.drop(1)" in caught.value.fix
    talk.drop(1)
    assert talk.ask("Effusion? " * 60).text
