"""Aims: words found in answers, near words offered, replies forced, contrasts in their places."""

import pytest

from medlab.core.answer import Answer, Token
from medlab.core.errors import SpecError
from medlab.explainers.aims import Words, aim_at


@pytest.fixture
def said(model, scans, make_query):
    """`said(text)`: an Answer with the tokens that the tiny tokenizer gives to a text, end of turn included."""
    query = make_query("Is there a pleural effusion?", scans[0])

    def made(text, spoken=None) -> Answer:
        ids = (*model.speech.ids(spoken or text), *model.speech.turn_end)
        words = model.speech.spelled(list(ids))
        tokens = tuple(Token(id, word, -0.5) for id, word in zip(ids, words, strict=True))
        return Answer(text, tokens, query_fingerprint=query.fingerprint).to(query)

    return made


def spelled(model, aim):
    """What the tokens that count say."""
    strand = aim.strands[0]
    return model.speech.text([strand.reply[place] for place in strand.places])


def test_a_word_is_found_with_all_of_its_tokens(model, said):
    aim = aim_at(model, said("There is a small left pleural effusion."), "pleural effusion")
    assert spelled(model, aim).strip() == "pleural effusion"
    assert aim.words == ("pleural effusion",)
    assert aim.strands[0].places == tuple(range(*aim.spans[0]))
    assert len(aim.strands[0].reply) == aim.spans[0][1]


def test_nothing_that_follows_the_words_is_forced(model, said):
    aim = aim_at(model, said("There is a small left pleural effusion."), "small")
    assert model.speech.text(aim.strands[0].reply) == "There is a small"


def test_the_whole_answer_leaves_out_the_thought_and_the_end_of_the_turn(model, said):
    aim = aim_at(model, said("No pneumothorax.", spoken="The lungs are clear. No pneumothorax."))
    assert spelled(model, aim).strip() == "No pneumothorax."
    assert aim.strands[0].reply[0] == model.speech.ids("The lungs are clear.")[0]


def test_the_second_of_two_equal_words_is_chosen_by_its_occurrence(model, said):
    answer = said("no effusion and no pneumothorax")
    first, second = (aim_at(model, answer, "no", occurrence=number) for number in (0, 1))
    assert first.spans[0][1] <= second.spans[0][0]
    with pytest.raises(SpecError, match="it stands there 2 time"):
        aim_at(model, answer, "no", occurrence=2)


def test_a_whole_word_goes_before_a_part_of_one(model, said):
    answer = said("not seen, no effusion")
    assert "".join(Words(model, answer).pieces[: aim_at(model, answer, "no").spans[0][0]]).startswith("not seen")


def test_case_counts_only_where_both_stand_there(model, said):
    assert aim_at(model, said("No pneumothorax."), "no").spans == ((0, 1),)


def test_chinese_words_are_found_inside_a_sentence(model, said):
    aim = aim_at(model, said("左侧少量胸腔积液。 未见气胸。"), "胸腔积液")
    assert "胸腔积液" in spelled(model, aim)


def test_a_character_of_several_tokens_counts_for_its_last(model, said):
    answer = said("ok 凹 ok")  # not in the vocabulary: three bytes
    pieces = Words(model, answer).pieces
    assert "".join(pieces).strip() == "ok 凹 ok"
    assert pieces[next(i for i, piece in enumerate(pieces) if "凹" in piece) - 1] == ""


def test_words_that_are_not_there_are_refused_with_near_ones(model, said):
    with pytest.raises(SpecError) as told:
        aim_at(model, said("There is a small left pleural effusion."), "plural efusion")
    assert "pleural effusion" in told.value.accepted
    assert "query" in told.value.fix


@pytest.mark.parametrize("target", ["", "  ", 3])
def test_a_target_without_words_is_refused(model, said, target):
    with pytest.raises(SpecError, match="words of the answer"):
        aim_at(model, said("No pneumothorax."), target)


def test_a_contrast_stands_where_its_first_word_stands(model, said):
    aim = aim_at(model, said("There is a small left pleural effusion."), ("left", "right"))
    kept, other = aim.strands
    assert kept.places[0] == other.places[0]
    assert kept.reply[: kept.places[0]] == other.reply[: other.places[0]]
    assert model.speech.text(other.reply) == "There is a small right"
    assert (kept.sign, other.sign) == (1, -1)


def test_a_contrast_that_was_not_said_begins_the_reply(model, said):
    aim = aim_at(model, said("The lungs are clear."), ("yes", "no"))
    assert [model.speech.text(strand.reply) for strand in aim.strands] == ["yes", "no"]
    assert aim.spans == ()


def test_a_reply_is_forced_on_a_query(model, scans, make_query):
    query = make_query("Is there a pleural effusion?", scans[0])
    aim = aim_at(model, query, "There is a small effusion.")
    assert model.speech.text(aim.strands[0].reply) == "There is a small effusion."
    assert aim.strands[0].places == tuple(range(len(aim.strands[0].reply)))
    with pytest.raises(SpecError, match="no reply to explain"):
        aim_at(model, query)
    with pytest.raises(SpecError, match="with itself"):
        aim_at(model, query, ("yes", "yes"))


def test_a_question_about_text_alone_has_no_map(model, make_query):
    with pytest.raises(SpecError, match="about a scan"):
        aim_at(model, make_query("What is an effusion?"), "yes")


def test_answers_that_cannot_be_explained_say_why(model, said, scans, make_query):
    query = make_query("Is there a pleural effusion?", scans[0])
    for answer, reason in (
        (Answer("no").to(query), "no tokens"),
        (Answer("no", (Token(None, "no", -0.5),)).to(query), "no ids"),
        (said("", spoken="no"), "empty"),
    ):
        with pytest.raises(SpecError, match=reason):
            aim_at(model, answer)


def test_an_answer_that_was_read_from_a_file_needs_its_query(model, said, scans, make_query):
    answer = said("No pneumothorax.")
    read = Answer.from_json(answer.to_json())
    with pytest.raises(SpecError, match="does not hold what was asked"):
        aim_at(model, read)
    assert aim_at(model, read, query=answer.query) == aim_at(model, answer)
    with pytest.raises(SpecError, match="another query"):
        read.to(make_query("Another question?", scans[0]))
