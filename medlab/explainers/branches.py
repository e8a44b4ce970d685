"""Branches: an aim's replies side by side behind one prompt, as a tree; what they begin with alike stands there once.

A token sees the prompt and what stands before it in its own reply, at the distances that it would have if its reply
stood there alone: a contrast costs one pass, whatever its replies have in common, and its numbers are those of two. It
knows tokens, places and who may look where; neither models nor scans.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.explainers.aims import Strand

if TYPE_CHECKING:
    import torch


class Branches:
    """How the replies of `strands` are laid out behind a prompt of `prompt` tokens.

    A reply's last token foretells nothing that counts, and is left out.
    """

    def __init__(self, prompt: int, strands: Sequence[Strand]):
        self.prompt, self.strands = prompt, tuple(strands)
        begun = [strand.reply[:count] for strand in strands for count in range(1, len(strand.reply))]
        self._nodes = {node: prompt + index for index, node in enumerate(dict.fromkeys(begun))}
        self.tokens: tuple[int, ...] = tuple(node[-1] for node in self._nodes)
        """behind the prompt, in the order in which they are laid out"""
        said = [[self._row(strand.reply[:place]) for place in strand.places] for strand in self.strands]
        self.rows: tuple[int, ...] = tuple(sorted({row for rows in said for row in rows}))
        """of all tokens that foretell one that counts, none twice"""
        self.said: tuple[tuple[int, ...], ...] = tuple(tuple(self.rows.index(row) for row in rows) for rows in said)
        """of each strand, which of `rows` foretell its tokens that count"""

    def __len__(self) -> int:
        """Tokens, the prompt's included."""
        return self.prompt + len(self._nodes)

    def positions(self) -> "torch.Tensor":
        """(1, tokens) of each token in its own sequence."""
        import torch

        behind = [self.prompt + len(node) - 1 for node in self._nodes]
        return torch.cat([torch.arange(self.prompt), torch.tensor(behind, dtype=torch.long)])[None]

    def allowed(self, masks: "dict[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
        """Which token may look at which: (1, tokens, tokens) bool for each kind of layer.

        masks  of one sequence, (1, length, length) with the longest reply in it
        """
        import torch

        kin = torch.ones(len(self), len(self), dtype=torch.bool)
        kin[self.prompt :, self.prompt :] = False
        for node, row in self._nodes.items():
            if len(node) > 1:
                kin[row] = kin[self._nodes[node[:-1]]]  # what it stands behind, and all that that may see
            kin[row, row] = True
        at = self.positions()[0]
        there = next(iter(masks.values())).device
        kin, at = kin.to(there), at.to(there)
        return {kind: mask[:, at][:, :, at] & kin for kind, mask in masks.items()}

    @property
    def longest(self) -> int:
        """Tokens of the prompt and the longest reply."""
        return self.prompt + max((len(node) for node in self._nodes), default=0)

    def _row(self, before: tuple[int, ...]) -> int:
        """The token that foretells what comes after `before`."""
        return self._nodes[before] if before else self.prompt - 1
