"""A map laid over a scan: the colour and the opacity of each pixel, the edges of its cells, and the bar of its values.

Colour says the sign and opacity the size; 0 is never coloured, and no map is stretched to its own range, so that one
that says nothing looks like nothing. It knows values on a grid and how the scan lies on it; not who drew the map.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.geometry import SquareFit
from medlab.core.grid import Grid, covered, to_pixels
from medlab.core.record import check_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOR, AGAINST = "#FF9A1F", "#3FA2FF"
"""orange speaks for, blue against: a pair that every common kind of colour blindness keeps apart, also on grey"""
EDGES = 40
"""cells on a side above which their edges would hide the picture, and are not drawn"""
HALF = 0.5
"""of the limit: where a contour runs"""


@dataclasses.dataclass(frozen=True)
class Heat:
    """How a map is drawn.

    smooth   colours run from the centre of a cell to the next; the map itself is no finer for it
    contour  lines at half the limit instead of colours: full for what speaks for, dashed against
    cells    whether the edges of the cells are drawn
    opacity  of the largest values, 0 to 1
    limit    the value that has the full colour; None for the map's largest, whatever its sign
    """

    smooth: bool = False
    contour: bool = False
    cells: bool = True
    opacity: float = 0.75
    limit: float | None = None

    def __post_init__(self):
        check_number("opacity", self.opacity, 0, 1)
        if self.limit is not None:
            check_number("limit", self.limit, low=1e-30)


@dataclasses.dataclass(frozen=True)
class Overlay:
    """A map and how it is drawn."""

    values: np.ndarray
    """(grid_rows, grid_cols), signed"""
    fit: SquareFit
    heat: Heat = Heat()
    unit: str = ""
    """of the values, in the words of the figure"""

    @property
    def limit(self) -> float:
        """The value of full colour; 0 for a map of nothing but zeros. What lies in the padding does not count."""
        if self.heat.limit is not None:
            return self.heat.limit
        seen = covered(self.fit, self.values.shape) > 0
        return float(np.abs(self.values[seen]).max(initial=0))

    def pixels(self) -> np.ndarray:
        """(rows, cols) float32 of the scan, in -1..1: values as shares of the limit."""
        drawn = smooth_pixels if self.heat.smooth else to_pixels
        return np.clip(drawn(self.values, self.fit) / (self.limit or 1.0), -1, 1)

    def rgba(self) -> np.ndarray:
        """(rows, cols, 4) uint8."""
        return coloured(self.pixels(), self.heat.opacity)


def coloured(shares: np.ndarray, opacity: float) -> np.ndarray:
    """(..., 4) uint8 of shares in -1..1: the colour of the sign, as opaque as the share is large."""
    out = np.empty((*shares.shape, 4), np.uint8)
    out[..., :3] = np.where((shares >= 0)[..., None], _rgb(FOR), _rgb(AGAINST))
    out[..., 3] = np.round(np.abs(shares) * (255 * opacity))
    return out


def smooth_pixels(values: np.ndarray, fit: SquareFit) -> np.ndarray:
    """(rows, cols) float32 of the scan: the value at each pixel's centre, linear between the centres of the cells."""
    rows, cols = (np.arange(n) + 0.5 for n in (fit.rows, fit.cols))
    down = fit.to_square(np.stack([rows, np.zeros_like(rows)], 1))[:, 0] * values.shape[0] / fit.size - 0.5
    across = fit.to_square(np.stack([np.zeros_like(cols), cols], 1))[:, 1] * values.shape[1] / fit.size - 0.5
    return (_tents(down, values.shape[0]) @ values @ _tents(across, values.shape[1]).T).astype(np.float32)


def edges(fit: SquareFit, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the scan, in pixels, where cells meet; those in the padding are left out."""
    steps = [np.linspace(0, fit.size, n + 1) for n in grid]
    down = fit.to_original(np.stack([steps[0], np.zeros_like(steps[0])], 1))[:, 0]
    across = fit.to_original(np.stack([np.zeros_like(steps[1]), steps[1]], 1))[:, 1]
    return down[(down > 0) & (down < fit.rows)], across[(across > 0) & (across < fit.cols)]


def draw_overlay(axes: "Axes", overlay: Overlay) -> None:
    """Lay the map on a picture whose data coordinates are pixel edges of the scan."""
    fit, heat = overlay.fit, overlay.heat
    if not overlay.limit:
        return
    if heat.contour:
        _draw_contours(axes, overlay)
    else:
        axes.imshow(overlay.rgba(), extent=(0, fit.cols, fit.rows, 0), aspect="auto")
    if heat.cells and max(overlay.values.shape) <= EDGES:
        down, across = edges(fit, overlay.values.shape)
        style = {"colors": "#ffffff", "linewidth": 0.3, "alpha": 0.22}
        axes.hlines(down, 0, fit.cols, **style)
        axes.vlines(across, 0, fit.rows, **style)


def draw_bar(axes: "Axes") -> None:
    """Fill `axes` with the colours from the limit against to the limit for, on the grey of a film."""
    shares = np.linspace(-1, 1, 201)[None]
    axes.imshow(np.full((1, 1), 0.35), cmap="gray", vmin=0, vmax=1, extent=(-1, 1, 0, 1), aspect="auto")
    axes.imshow(coloured(shares, 1.0), extent=(-1, 1, 0, 1), aspect="auto")
    axes.axvline(0, color="#ffffff", linewidth=0.8)
    axes.set_axis_off()
    axes.set(xlim=(-1, 1), ylim=(0, 1))


def _draw_contours(axes: "Axes", overlay: Overlay) -> None:
    from matplotlib.patheffects import withStroke

    fit = overlay.fit
    smooth = smooth_pixels(overlay.values, fit) / overlay.limit
    x, y = np.arange(fit.cols) + 0.5, np.arange(fit.rows) + 0.5
    for level, colour, style in ((HALF, FOR, "solid"), (-HALF, AGAINST, "dashed")):
        if smooth.min() < level < smooth.max():
            lines = axes.contour(x, y, smooth, levels=[level], colors=[colour], linewidths=1.6, linestyles=style)
            lines.set(path_effects=[withStroke(linewidth=3.0, foreground="#000000", alpha=0.5)])


def _tents(places: np.ndarray, cells: int) -> np.ndarray:
    """(places, cells) weights of linear interpolation; beyond the outer centres the outer value stands."""
    apart = np.abs(np.clip(places, 0, cells - 1)[:, None] - np.arange(cells))
    return np.clip(1 - apart, 0, None)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
