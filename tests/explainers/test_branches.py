"""Branches: where replies stand side by side, and who may look at whom."""

import torch

from medlab.explainers.aims import Strand
from medlab.explainers.branches import Branches

CAUSAL = {"full_attention": torch.ones(1, 9, 9).tril().bool()}


def test_replies_share_what_they_begin_with():
    laid = Branches(3, [Strand((7, 8, 9), (1, 2)), Strand((7, 5, 6, 4), (3,), -1)])
    assert laid.tokens == (7, 8, 5, 6)  # a last token foretells nothing
    assert laid.positions().tolist() == [[0, 1, 2, 3, 4, 4, 5]]
    assert (len(laid), laid.longest) == (7, 6)


def test_a_reply_is_foretold_by_its_own_words():
    laid = Branches(3, [Strand((7, 8, 9), (0, 2)), Strand((5, 6), (0, 1), -1)])
    assert laid.tokens == (7, 8, 5)
    assert laid.rows == (2, 4, 5)
    assert laid.said == ((0, 1), (0, 2))  # both first words by the prompt's last


def test_branches_do_not_see_each_other():
    laid = Branches(2, [Strand((7, 8, 9), (2,)), Strand((5, 6, 9), (2,), -1)])
    seen = laid.allowed(CAUSAL)["full_attention"][0].int().tolist()
    assert seen == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 1, 1],
    ]


def test_a_window_is_measured_along_a_reply():
    near = torch.ones(1, 9, 9).tril().bool() & torch.ones(1, 9, 9).triu(-1).bool()
    laid = Branches(2, [Strand((7, 8, 9), (2,)), Strand((5, 6, 9), (2,), -1)])
    seen = laid.allowed({"sliding_attention": near})["sliding_attention"][0]
    assert [row.nonzero().flatten().tolist() for row in seen] == [[0], [0, 1], [1, 2], [2, 3], [1, 4], [4, 5]]


def test_one_word_alone_adds_nothing():
    laid = Branches(4, [Strand((7,), (0,)), Strand((8,), (0,), -1)])
    assert (laid.tokens, laid.rows, laid.said, len(laid)) == ((), (3,), ((0,), (0,)), 4)
