"""Regions and words: one pass tells both ways, what each cut alone tells; words of any script; refusals."""

import numpy as np
import pytest

from medlab.core.case import Mask
from medlab.core.errors import SpecError
from medlab.core.query import Decoding
from medlab.explainers import region_words as file
from medlab.explainers.aims import aim_at
from medlab.explainers.base import Request
from medlab.explainers.explain import explain
from medlab.explainers.knockout import Behind
from medlab.explainers.region_words import RegionWords, region_words, words_in


@pytest.fixture
def answer(model, scans):
    return model.ask(scans[0], "Describe this chest X-ray.", decoding=Decoding(max_new_tokens=12))


@pytest.fixture
def told(model, answer):
    return region_words(model, answer)


def test_every_token_loses_what_each_cut_alone_takes_from_it(model, answer, told):
    aim = aim_at(model, answer)
    strand = aim.strands[0]
    behind = Behind(Request(model, aim).glass, [strand])
    alone = [behind.logprobs(cut[None])[0][0] for cut in told.cells]
    np.testing.assert_allclose(told.values, told.logprobs_nats - np.array(alone), atol=2e-5)
    assert told.values.shape == (16, len(strand.places))
    assert told.grid == (4, 4)


def test_log_probabilities_are_those_of_the_answer(answer, told):
    own = [token.logprob_nats for token in answer.tokens[told.first_token :][: told.values.shape[1]]]
    np.testing.assert_allclose(told.logprobs_nats, own, atol=1e-4)


def test_a_word_is_the_sum_of_its_tokens_and_its_map_that_of_knockout(model, answer, told):
    word = max(range(len(told.words)), key=lambda number: len(told.words[number][0]))
    text, start, stop = told.words[word]
    np.testing.assert_allclose(told.of_word(word), told.values[:, start:stop].sum(1))
    np.testing.assert_allclose(told.map_of(start, stop).ravel(), told.of_word(word), atol=1e-6)
    whole = told.map_of(0, told.values.shape[1])
    np.testing.assert_allclose(whole, explain(model, answer, method="knockout").values, atol=1e-4)
    assert text


def test_words_of_a_region_come_ranked(told):
    ranked = told.words_of([3])
    assert [nats for _, nats in ranked] == sorted((nats for _, nats in ranked), reverse=True)
    word, nats = ranked[0]
    assert nats == pytest.approx(float(told.of_word(word)[3]))
    assert len(ranked) == len(told.words)


def test_regions_hidden_together_are_one_region(model, answer, told):
    everything = region_words(model, answer, np.ones((1, 4, 4), bool))
    np.testing.assert_allclose(everything.values[0], told.effects_nats, atol=1e-5)


def test_a_second_call_is_kept_and_another_question_is_not(model, answer, told, monkeypatch):
    def never(*given):
        raise AssertionError("computed again")

    with monkeypatch.context() as patch:
        patch.setattr(file, "_told", never)
        assert region_words(model, answer) is told
        with pytest.raises(AssertionError):
            region_words(model, answer, "grid:2")
    assert region_words(model, answer, "grid:2").values.shape[0] == 4


def test_masks_are_the_cells_that_they_cover_half_of(model, answer, scans):
    lower, dot = (np.zeros((scans[0].rows, scans[0].cols), bool) for _ in range(2))
    lower[45:] = True
    dot[3, 30] = True
    found = region_words(model, answer, (Mask("lower", lower), Mask("dot", dot)))
    assert found.labels == ("lower", "dot")
    assert found.cells[0].any(1).tolist() == [False, False, True, True]
    assert found.cells[1].sum() == 1


def test_a_word_that_comes_whatever_the_picture_is_told(told):
    still = told.replace(effects_nats=np.full_like(told.effects_nats, 1e-4))
    moved = told.replace(effects_nats=np.full_like(told.effects_nats, 5.0))
    cancels = np.resize(np.float32([1.0, -1.0]), told.effects_nats.shape)
    assert len(cancels) % 2 == 0
    assert not told.replace(words=(("all", 0, len(cancels)),), effects_nats=cancels).independent(0)
    assert still.independent(0)
    assert not moved.independent(0)


def test_it_is_read_back_as_it_was_written(told):
    assert RegionWords.from_json(told.to_json()) == told


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        (["The", " left", " lung", "."], ["The", "left", "lung", "."]),
        (["F", "indings", ":", " The", " X", "-", "ray", "\n", "Imp", "ression"],
         ["Findings", ":", "The", "X-ray", "Impression"]),
        (["左侧", "少量", "胸腔积液", "。"], ["左侧", "少量", "胸腔积液", "。"]),
        (["", "", "液", " left"], ["液", "left"]),
        (["  ", "no"], ["no"]),
        (["صدر", " سليم"], ["صدر", "سليم"]),
    ],
)  # fmt: skip
def test_words_are_runs_of_pieces(pieces, words):
    found = words_in(pieces)
    assert [text for text, _, _ in found] == words
    assert [start for _, start, _ in found] == [0, *(stop for _, _, stop in found[:-1])]
    assert found[-1][2] == len(pieces)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((1, 4, 4), bool), np.ones((1, 3, 4), bool), np.ones((1, 4, 4)), "slic", (), [1]],
)
def test_other_regions_are_refused(model, answer, wrong):
    with pytest.raises(SpecError, match="regions is"):
        region_words(model, answer, wrong)


def test_words_must_fill_the_columns(told):
    with pytest.raises(SpecError, match="one after another"):
        told.replace(words=told.words[:-1])
