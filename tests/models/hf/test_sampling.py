"""Answers that are drawn by chance: the seed decides, and nothing else is disturbed."""

import pytest


def ids_of(answer) -> list[int]:
    return [token.id for token in answer.tokens]


def test_a_seed_gives_one_answer_alone_and_in_a_batch(vision, scans, make_query):
    def drawn(seed):
        return make_query(scans[0], "Describe this chest X-ray.", limit=8, temperature=1.0, seed=seed)

    greedy = make_query(scans[0], "Describe this chest X-ray.", limit=8)
    first, plain, second = map(ids_of, vision.answer([drawn(1), greedy, drawn(2)]))
    assert first == ids_of(vision.answer([drawn(1)])[0])
    assert len({tuple(first), tuple(second), tuple(plain)}) == 3
    assert plain == ids_of(vision.answer([greedy])[0])


def test_the_global_random_state_is_left_as_it_was_found(vision, scans, make_query):
    import torch

    torch.manual_seed(7)
    before = torch.get_rng_state()
    vision.answer([make_query(scans[0], "x", limit=3, temperature=1.0)])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_token_is_drawn_as_often_as_it_is_likely():
    import torch

    from medlab.core.query import Decoding
    from medlab.models.hf.choosing import Chooser

    logits = torch.log(torch.tensor([0.1, 0.2, 0.7]))
    chooser = Chooser(Decoding(temperature=1.0, seed=3))
    counts = torch.bincount(torch.tensor([chooser.draw(logits) for _ in range(4000)]), minlength=3) / 4000
    assert counts.tolist() == pytest.approx([0.1, 0.2, 0.7], abs=0.03)


def test_top_p_keeps_the_smallest_set_that_reaches_it():
    import torch

    from medlab.core.query import Decoding
    from medlab.models.hf.choosing import Chooser

    logits = torch.log(torch.tensor([0.1, 0.5, 0.25, 0.15]))
    for top_p, kept in ((0.5, {1}), (0.7, {1, 2}), (0.8, {1, 2, 3}), (1.0, {0, 1, 2, 3})):
        chooser = Chooser(Decoding(temperature=1.0, top_p=top_p))
        assert {chooser.draw(logits) for _ in range(200)} == kept


def test_a_log_probability_is_the_models_own_whatever_the_temperature():
    import torch

    from medlab.core.query import Decoding
    from medlab.models.hf.choosing import Chooser, choose

    logits = torch.log(torch.tensor([[0.25, 0.75]]))
    for temperature in (0.0, 0.3, 4.0):
        ((token, logprob),) = choose(logits, [Chooser(Decoding(temperature=temperature))])
        assert logprob == pytest.approx(float(logits[0, token]), abs=1e-6)
