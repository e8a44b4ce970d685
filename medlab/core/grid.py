"""A grid of square cells over the square that a model sees, and the scan's own pixels: each from the other, exactly.

A cell's edges seldom fall on pixel edges, and cells may reach into the padding. Nothing is rounded: a pixel that two
cells share takes from both, by area. It knows numbers, neither models nor pictures.
"""

import numpy as np

from medlab.core.errors import SpecError
from medlab.core.geometry import BoxPx, SquareFit

Grid = tuple[int, int]
"""(grid_rows, grid_cols): of what divides the square evenly"""


def cell_box(fit: SquareFit, grid: Grid, cell: tuple[int, int], *, clip: bool = True) -> BoxPx:
    """(top, left, bottom, right) of a cell in original pixels; without `clip` it reaches into the padding."""
    down, across = fit.size / grid[0], fit.size / grid[1]
    row, col = cell
    square = (row * down, col * across, (row + 1) * down, (col + 1) * across)
    return fit.box_to_original(square, clip=clip)


def cell_at(fit: SquareFit, grid: Grid, point: tuple[float, float]) -> tuple[int, int]:
    """The (row, col) of the cell that holds a (row, col) point of the scan; SpecError for one outside the scan."""
    row, col = point
    if not (0 <= row <= fit.rows and 0 <= col <= fit.cols):
        raise SpecError(f"point is {point!r}", accepted=f"(row, col) within {fit.rows} x {fit.cols} pixels")
    down, across = fit.to_square(np.array([row, col], np.float64))
    return (min(int(down * grid[0] / fit.size), grid[0] - 1), min(int(across * grid[1] / fit.size), grid[1] - 1))


def to_pixels(values: np.ndarray, fit: SquareFit) -> np.ndarray:
    """(rows, cols) float32 of the scan: each pixel has its cell's value, or by area the mean of those it lies in."""
    grid = _grid_of(values)
    down, across = _overlaps(fit, grid)
    return (down.T @ values.astype(np.float64) @ across).astype(np.float32)


def to_cells(pixels: np.ndarray, fit: SquareFit, grid: Grid) -> np.ndarray:
    """(grid_rows, grid_cols) float32: the mean over each cell of (rows, cols) pixels of the scan; padding counts 0.

    Of a mask it is the share of each cell that the mask covers. It is the transpose of `to_pixels`, so that
    sum(to_pixels(v) * pixels) == sum(v * to_cells(pixels)) * (area of a cell in original pixels).
    """
    if pixels.shape != (fit.rows, fit.cols):
        raise SpecError(f"pixels has shape {pixels.shape}", accepted=f"the scan's own, ({fit.rows}, {fit.cols})")
    down, across = _overlaps(fit, grid)
    area = (fit.extent[0] / grid[0]) * (fit.extent[1] / grid[1])
    return (down @ pixels.astype(np.float64) @ across.T / area).astype(np.float32)


def covered(fit: SquareFit, grid: Grid) -> np.ndarray:
    """(grid_rows, grid_cols) float32: the share of each cell that lies on the scan and not in the padding."""
    return to_cells(np.ones((fit.rows, fit.cols), np.float32), fit, grid)


def _overlaps(fit: SquareFit, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """(grid_rows, rows) and (grid_cols, cols) float64: the length of each pixel that lies in each row or column."""
    down, across = (fit.to_original(np.stack([np.linspace(0, fit.size, n + 1)] * 2, 1)) for n in grid)
    edges = (down[:, 0], across[:, 1])
    return tuple(_lengths(lines, pixels) for lines, pixels in zip(edges, (fit.rows, fit.cols), strict=True))


def _lengths(edges: np.ndarray, pixels: int) -> np.ndarray:
    starts = np.arange(pixels)
    low, high = np.maximum(edges[:-1, None], starts), np.minimum(edges[1:, None], starts + 1)
    return np.clip(high - low, 0, None)


def _grid_of(values: np.ndarray) -> Grid:
    if values.ndim != 2 or values.size == 0:
        raise SpecError(f"values has shape {values.shape}", accepted="(grid_rows, grid_cols), none empty")
    return values.shape
