"""States: a prefix before every row of a batch is what transformers' own cache would give, and keeps nothing."""

import torch

from medlab.models.hf.states import Prefix, State, join


def test_a_prefix_gives_what_a_cache_of_copies_gives_and_stays_as_it_is():
    chance = torch.Generator().manual_seed(0)
    layers = tuple((torch.randn(2, 3, 4, generator=chance), torch.randn(2, 3, 4, generator=chance)) for _ in range(2))
    state = State(layers)
    prefix, (copies, _) = Prefix(state), join([state] * 5)
    new = torch.randn(2, 5, 2, 7, 4, generator=chance)
    for layer in (0, 1, 1):
        found = prefix.update(*new, layer)
        assert [one.shape for one in found] == [(5, 2, 10, 4)] * 2
    for one, other in zip(found, copies.update(*new, 1), strict=True):
        assert torch.equal(one, other)
