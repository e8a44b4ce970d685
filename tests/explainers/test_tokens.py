"""Token occlusion: squares of cells, and the score of a scan whose tokens were replaced one by one."""

import numpy as np
import pytest
import torch

from medlab.core.errors import SpecError
from medlab.explainers.tokens import TokenOcclusion, mean_over_squares, squares


def test_squares_stand_wherever_they_fit():
    masks = squares((3, 4), 2)
    assert len(masks) == 2 * 3
    assert (masks.sum((1, 2)) == 4).all()
    assert masks.sum(0).tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]


def test_a_stride_that_does_not_come_out_ends_with_squares_cut_off():
    masks = squares((5, 5), 2, 2)
    assert len(masks) == 9
    assert (masks.sum(0) == 1).all()
    assert masks[-1].sum() == 1


def test_a_square_larger_than_the_grid_is_the_grid():
    assert squares((3, 3), 9).all()


def test_a_cell_has_the_mean_of_its_squares():
    masks = np.array([[[True, True, False]], [[False, True, True]]])
    assert mean_over_squares(np.array([2.0, 6.0]), masks).tolist() == [[2, 4, 6]]


@pytest.mark.parametrize("cells", [1, 3])
def test_a_token_is_worth_what_the_score_loses_with_the_mean_in_its_place(ask, cells):
    request = ask()
    glass = request.glass
    tokens = glass.tokens()[0]
    masks = squares(glass.grid, cells)
    lost = np.zeros(len(masks))
    for number, mask in enumerate(masks):
        changed = tokens.clone()
        changed[torch.from_numpy(mask.ravel())] = tokens.mean(0)
        with torch.no_grad():
            lost[number] = float(glass.score(request.aim) - glass.score(request.aim, changed[None]))
    found = TokenOcclusion(cells).draw(request).values
    np.testing.assert_allclose(found, mean_over_squares(lost, masks), atol=2e-5)
    assert abs(found).max() > 1e-3


def test_no_square_of_no_cells():
    with pytest.raises(SpecError, match="cells"):
        TokenOcclusion(0)
    with pytest.raises(SpecError, match="stride"):
        TokenOcclusion(cells=1, stride=2)
