"""Log-probabilities: those of a plain forward with nothing cached, for what was said and for what might have been."""

import pytest

from medlab.core.errors import SpecError

OPTIONS = ("yes", "no", "There is a small left pleural effusion.", "有。", "")


def test_the_tokens_of_an_answer_carry_the_log_probabilities_of_a_plain_forward(vision, scans, make_query, plain):
    queries = [make_query(scans[0], "Is there a nodule?"), make_query(scans[1], "x", scans[2]), make_query("Where?")]
    for query, answer in zip(queries, vision.answer(queries), strict=True):
        expected = plain(vision, query, [token.id for token in answer.tokens])
        assert [token.logprob_nats for token in answer.tokens] == pytest.approx(expected, abs=1e-4)


def test_a_score_is_that_of_a_plain_forward_with_the_end_of_the_turn(vision, scans, make_query, plain):
    tokenizer = vision.processor.tokenizer
    query = make_query(scans[0], "Is there a pleural effusion?")
    scored = vision.score(query, OPTIONS)
    assert scored.options == OPTIONS
    for option, row in zip(OPTIONS, scored.tokens, strict=True):
        ids = [
            *tokenizer(option, add_special_tokens=False).input_ids,
            tokenizer.convert_tokens_to_ids("<end_of_turn>"),
        ]
        assert [token.id for token in row] == ids
        assert row[-1].text == "<end_of_turn>"
        assert [token.logprob_nats for token in row] == pytest.approx(plain(vision, query, ids), abs=1e-4)
    assert sum(scored.probabilities) == pytest.approx(1)


def test_many_queries_are_scored_as_one_by_one(vision, scans, make_query):
    queries = [make_query(scans[i % 3], "Is there a nodule?" + " No." * (i % 4)) for i in range(7)]
    queries.append(make_query("The lungs are clear. Is there a nodule?"))
    together = vision.score_many(queries, ("yes", "not seen"))
    for query, choices in zip(queries, together, strict=True):
        alone = vision.score(query, ("yes", "not seen"))
        assert choices.logprobs_nats == pytest.approx(alone.logprobs_nats, abs=1e-4)
        assert choices.query_fingerprint == query.fingerprint
    assert vision.score_many([], ("yes", "no")) == []


def test_a_text_only_model_scores_as_a_plain_forward(text, make_query, plain):
    query = make_query("The heart is enlarged. " * 4)
    row = text.score(query, ("yes",)).tokens[0]
    expected = plain(text, query, [token.id for token in row])
    assert [token.logprob_nats for token in row] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("options", [(), ("yes", "yes")])
def test_options_that_are_none_or_the_same_are_refused(vision, make_query, options):
    with pytest.raises(SpecError, match="options are"):
        vision.score(make_query("x"), options)
