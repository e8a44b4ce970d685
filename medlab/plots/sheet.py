"""A sheet: a figure without axes of its own, written and drawn on in inches from the top left. It knows no record."""

from typing import TYPE_CHECKING

from medlab.plots.style import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Sheet:
    """A figure of so many inches on the paper of a theme."""

    def __init__(self, width: float, height: float, colours: Theme):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height, self.colours = width, height, colours
        self.figure = Figure(figsize=(width, height), facecolor=colours.paper)
        FigureCanvasAgg(self.figure)

    def write(self, left: float, down: float, text: str, size_pt: float, colour: str, ha: str = "left") -> None:
        """Text with its baseline `down` inches below the top; never read as mathematics."""
        place = (left / self.width, 1 - down / self.height)
        self.figure.text(*place, text, color=colour, size=size_pt, ha=ha, va="baseline", parse_math=False)

    def line(self, ends: tuple[float, float], down: float, colour: str, width_pt: float, **look: object) -> None:
        """Across; `look` is matplotlib's: marker, linestyle."""
        from matplotlib.lines import Line2D

        y = 1 - down / self.height
        xs = [end / self.width for end in ends]
        self.figure.add_artist(Line2D(xs, [y, y], color=colour, lw=width_pt, **look))

    def axes(self, left: float, down: float, width: float, height: float) -> "Axes":
        """Axes with their upper left corner there."""
        box = (left / self.width, 1 - (down + height) / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box, facecolor=self.colours.paper)
