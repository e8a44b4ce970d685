"""States: keys and values of one sequence each, cut out of a batch's cache and laid side by side in another.

A sequence is always contiguous and its padding always on the left, so that distances between tokens, which is what
sliding windows are about, stay what they are. Every layer keeps all of its keys: a sliding layer's mask does the rest,
at the price of memory for what it will not look at again. It knows no model.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache


class State(NamedTuple):
    """What attention keeps of one sequence."""

    layers: tuple[tuple["torch.Tensor", "torch.Tensor"], ...]
    """keys and values of each layer, (heads, length, dim)"""

    @property
    def length(self) -> int:
        return self.layers[0][0].shape[-2]

    @property
    def bytes(self) -> int:
        return sum(part.numel() * part.element_size() for layer in self.layers for part in layer)

    def copy(self) -> "State":
        """The same on its own: a slice would keep its whole batch in memory."""
        return State(tuple((keys.clone(), values.clone()) for keys, values in self.layers))


class Prefix:
    """A state before every row of a batch, as a cache that keeps nothing of what is new.

    transformers' own would copy the state for each row and hold keys and values of all layers until the batch is done.
    """

    def __init__(self, state: State):
        self._layers = state.layers

    def update(self, keys: "torch.Tensor", values: "torch.Tensor", layer: int) -> "tuple[torch.Tensor, ...]":
        """(batch, heads, seen + new, dim) keys and values for a layer's attention."""
        import torch

        pairs = zip(self._layers[layer], (keys, values), strict=True)
        return tuple(torch.cat([old.expand(len(new), -1, -1, -1), new], 2) for old, new in pairs)


def cut(cache: "DynamicCache", spans: Sequence[tuple[int, int]]) -> list[State]:
    """The state of each row of `cache`; spans[row] is where its sequence begins and ends."""
    return [
        State(tuple((layer.keys[row, :, start:end], layer.values[row, :, start:end]) for layer in cache.layers))
        for row, (start, end) in enumerate(spans)
    ]


def join(states: Sequence[State]) -> "tuple[DynamicCache, torch.Tensor]":
    """(cache, mask) of the states as one batch; mask is (rows, length) int64, 0 where there is padding."""
    import torch
    from transformers import DynamicCache

    lengths = [state.length for state in states]
    longest = max(lengths)
    cache = DynamicCache()
    for number in range(len(states[0].layers)):
        keys, values = (
            torch.stack([
                torch.nn.functional.pad(state.layers[number][kind], (0, 0, longest - state.length, 0))
                for state in states
            ])
            for kind in (0, 1)
        )  # fmt: skip
        cache.update(keys, values, number)
    places = torch.arange(longest)
    mask = (places >= longest - torch.tensor(lengths)[:, None]).long()
    return cache, mask
