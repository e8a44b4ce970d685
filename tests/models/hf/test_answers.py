"""What is answered: the same as transformers' own pipeline, whichever way questions are put together."""

import pytest


def ids_of(answer):
    return [token.id for token in answer.tokens]


QUESTION = "Is there a pleural effusion?"


@pytest.mark.parametrize("order", ["image first", "text first", "two images", "the same image twice", "text only"])
def test_a_greedy_answer_is_the_pipelines_token_for_token(vision, scans, make_query, theirs, order):
    pieces = {
        "image first": (scans[0], QUESTION),
        "text first": (QUESTION, scans[0]),
        "two images": (scans[1], "before,", scans[2], "and after. Compare."),
        "the same image twice": (scans[1], scans[1], QUESTION),
        "text only": (QUESTION,),
    }[order]
    query = make_query(*pieces, limit=24)
    answer = vision.answer([query])[0]
    assert (ids_of(answer), answer.text) == theirs(vision, query)
