"""Shuffling weights: each stage its own, sizes kept, and everything back bit for bit, also after an error."""

import pytest

from medlab.core.errors import CapabilityError
from medlab.explainers.trust.scrambling import STAGES, parts_of, scrambling


@pytest.fixture(scope="module")
def subject(load):
    return load()


def weights(model) -> dict:
    return {name: weight.detach().clone() for name, weight in model.module.named_parameters()}


def changed(model, before: dict) -> set[str]:
    return {name for name, weight in model.module.named_parameters() if not weight.equal(before[name])}


def test_each_stage_changes_its_own_weights_and_keeps_their_sizes(subject):
    before, seen = weights(subject), set()
    with scrambling(subject) as scramble:
        for stage in STAGES:
            scramble(stage)
            fresh = changed(subject, before) - seen
            own = {
                name for name, w in subject.module.named_parameters() if any(w is p for p in parts_of(subject)[stage])
            }
            assert fresh
            assert fresh <= own
            seen |= fresh
        for name, weight in subject.module.named_parameters():
            assert weight.flatten().sort().values.equal(before[name].flatten().sort().values)
    assert not [name for name in seen if "embed_tokens" in name]


def test_every_weight_is_back_bit_for_bit(subject):
    before = weights(subject)
    with scrambling(subject) as scramble:
        for stage in STAGES:
            scramble(stage)
        assert changed(subject, before)
    assert changed(subject, before) == set()


def test_every_weight_is_back_after_an_error(subject):
    before = weights(subject)

    def interrupted() -> None:
        with scrambling(subject) as scramble:
            scramble(STAGES[0])
            assert changed(subject, before)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert changed(subject, before) == set()


def test_what_the_model_says_changes_and_comes_back(subject, scans):
    query = subject.query(scans[0], "Is there a pleural effusion?")
    before = subject.score(query, ("yes", "no")).logprobs_nats
    with scrambling(subject) as scramble:
        scramble(STAGES[0])
        assert subject.score(query, ("yes", "no")).logprobs_nats != pytest.approx(before, abs=1e-3)
        scramble(STAGES[3])
        subject.notes["glass"] = "of a model that is no more"
    assert subject.notes == {}
    assert subject.score(query, ("yes", "no")).logprobs_nats == pytest.approx(before, abs=1e-6)


def test_the_same_seed_shuffles_alike_and_another_does_not(subject):
    made = []
    for seed in (1, 1, 2):
        with scrambling(subject, seed) as scramble:
            scramble(STAGES[2])
            made.append(subject.module.model.multi_modal_projector.mm_input_projection_weight.detach().clone())
    assert made[0].equal(made[1])
    assert not made[0].equal(made[2])


def test_a_model_without_weights_is_refused_before_anything_is_done(knowing):
    with pytest.raises(CapabilityError), scrambling(knowing):
        pass
