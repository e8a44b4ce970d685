"""Occlusion of image tokens: what the score loses when a part of the scan is replaced after the tower.

The tower runs once. What replaces a token is the mean of the scan's tokens: one of zeros is nothing that the language
model has ever read. The squares of cells that are hidden one by one, and the way back from squares to cells, serve the
other methods that hide squares too.
"""

import dataclasses

import numpy as np

from medlab.core.errors import SpecError
from medlab.core.record import check_whole
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.cost import reckon_rows

AT_ONCE = 32
"""squares whose tokens are laid out at once: of MedGemma they take 84 MB"""


@dataclasses.dataclass(frozen=True)
class TokenOcclusion(Method):
    """Each square of `cells` x `cells` image tokens is replaced in turn; a token's value is the mean over its squares.

    The other image tokens have already been read by the tower with the hidden place in sight, and may repeat what it
    shows: a finding that fills several cells can lose any one of them without a change. Larger squares see that.

    cells   side of the square that is replaced, image tokens
    stride  by which it moves, at most its side
    """

    cells: int = 1
    stride: int = 1

    name = "token_occlusion"
    family = "perturbation"
    question = "What does the score lose when this place alone is replaced?"
    not_this = "A place without effect may still hold evidence that other places repeat."
    passes = "1 tower, as many language passes as image tokens"
    causal = True

    def __post_init__(self):
        check_squares(self.cells, self.stride)

    def draw(self, request: Request) -> Map:
        import torch
        from tqdm.auto import tqdm

        glass = request.glass
        masks = squares(glass.grid, self.cells, self.stride)
        tokens = glass.tokens()[request.scan]
        mean = tokens.mean(0)
        hidden = torch.from_numpy(masks.reshape(len(masks), -1, 1)).to(tokens.device)
        whole = glass.score_many(request.aim, tokens[None], request.scan)
        rows = [
            glass.score_many(request.aim, torch.where(part, mean, tokens), request.scan)
            for part in tqdm(hidden.split(AT_ONCE), self.name, disable=not request.progress, unit="batch")
        ]
        return Map(mean_over_squares((whole - torch.cat(rows)).cpu().numpy(), masks))

    def cost(self, request: Request) -> Cost:
        number = len(squares(request.glass.grid, self.cells, self.stride))
        return reckon_rows(self.name, request, 1 + number, at_once=AT_ONCE)


def check_squares(side: object, stride: object, name: str = "cells") -> None:
    """Raises SpecError for squares that leave places out."""
    check_whole(name, side, 1)
    check_whole("stride", stride, 1)
    if stride > side:
        raise SpecError(
            f"stride {stride} of squares of {side}",
            accepted="a stride of at most the side: else there are places that are never hidden",
            fix=f"stride={side}",
        )


def squares(grid: tuple[int, int], side: int, stride: int = 1) -> np.ndarray:
    """(squares, grid_rows, grid_cols) bool: squares of `side` cells, `stride` apart, until the grid is covered.

    Where the stride does not come out, the last are cut off by the edge, as captum's Occlusion does it.
    """
    side = min(side, *grid)
    tops, lefts = (range(0, -(-(length - side) // stride) * stride + 1, stride) for length in grid)
    masks = np.zeros((len(tops) * len(lefts), *grid), bool)
    for mask, (row, col) in zip(masks, ((r, c) for r in tops for c in lefts), strict=True):
        mask[row : row + side, col : col + side] = True
    return masks


def mean_over_squares(lost: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(grid_rows, grid_cols): each cell's mean of what the squares lost, (squares,), that hold it."""
    return np.tensordot(lost, masks, 1) / masks.sum(0)
