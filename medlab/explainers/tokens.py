"""Occlusion of image tokens: what the score loses when a part of the scan is replaced after the tower.

The tower runs once. What replaces a token is the mean of the scan's tokens: one of zeros is nothing that the language
model has ever read.
"""

import dataclasses

import numpy as np

from medlab.core.record import check_whole
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.cost import reckon


@dataclasses.dataclass(frozen=True)
class TokenOcclusion(Method):
    """Each square of `cells` x `cells` image tokens is replaced in turn; a token's value is the mean over its squares.

    cells  side of the square that is replaced, image tokens
    """

    cells: int = 1

    name = "token_occlusion"
    family = "perturbation"
    question = "What does the score lose when this place alone is replaced?"
    not_this = "A place without effect may still hold evidence that other places repeat."
    passes = "1 tower, as many language passes as image tokens"
    causal = True

    def __post_init__(self):
        check_whole("cells", self.cells, 1)

    def draw(self, request: Request) -> Map:
        import torch

        glass = request.glass
        masks = squares(glass.grid, self.cells)
        tokens = glass.tokens()[request.scan]
        mean = tokens.mean(0)
        hidden = torch.from_numpy(masks.reshape(len(masks), -1, 1)).to(tokens.device)
        with torch.no_grad():
            whole = glass.score(request.aim, tokens[None], request.scan)
            rows = [
                glass.score_many(request.aim, torch.where(part, mean, tokens), request.scan)
                for part in hidden.split(256)
            ]
        lost = (whole - torch.cat(rows)).cpu().numpy()
        return Map(np.tensordot(lost, masks, 1) / masks.sum(0))

    def cost(self, request: Request) -> Cost:
        glass = request.glass
        number = len(squares(glass.grid, self.cells))
        length = len(glass.ids) - glass.places(request.scan).start
        return reckon(self.name, glass, tower=1, tokens=number * length, seen=length / 2, rows=number)


def squares(grid: tuple[int, int], side: int) -> np.ndarray:
    """(squares, grid_rows, grid_cols) bool: every place where a square of `side` cells fits."""
    side = min(side, *grid)
    places = [(r, c) for r in range(grid[0] - side + 1) for c in range(grid[1] - side + 1)]
    masks = np.zeros((len(places), *grid), bool)
    for mask, (row, col) in zip(masks, places, strict=True):
        mask[row : row + side, col : col + side] = True
    return masks
