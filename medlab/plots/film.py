"""One scan drawn into one set of axes: the picture, what is marked on it, whose side is whose, and how large.

It knows pixels, masks and boxes; not titles, reports or where on the page it stands. Orientation and scale stand
outside the picture, so that nothing of ours is mistaken for a marker on the film.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.case import Box, Mask
from medlab.core.geometry import BoxPx
from medlab.core.scan import Scan
from medlab.plots.overlay import Overlay, draw_overlay
from medlab.plots.style import ANATOMY_COLOUR, SMALL_PT, Theme, mark_style
from medlab.plots.typeset import shorten, visible, width_pt
from medlab.plots.words import label, words_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILL = 0.12
"""opacity of a mask: enough to see where it is, not so much that it hides what it covers"""
FRONTAL = ("PA", "AP")
ON_FILM = ("CR", "DX", "RG", "MG")
"""projections: a distance on them is larger than the distance in the patient"""


@dataclasses.dataclass(frozen=True)
class Mark:
    """How one label is drawn, wherever it occurs on the page."""

    label: str
    colour: str
    line: object
    filled: bool
    """False for anatomy: a thin outline that does not compete with the findings"""


@dataclasses.dataclass(frozen=True)
class Film:
    """One scan and what is to be drawn on it."""

    scan: Scan
    masks: tuple[Mask, ...] = ()
    boxes: tuple[Box, ...] = ()
    stretch: tuple[float, float] = (0.0, 1.0)
    """pixels at or below the first are black, at or above the second white; display only"""
    overlay: Overlay | None = None
    """a map laid over the picture; masks are then outlined and not filled, for their colour would mix with its own"""

    @property
    def height_to_width(self) -> float:
        """Of the picture as drawn; pixels that are not square in millimetres are drawn in their true shape."""
        down, across = self.scan.spacing_mm or (1.0, 1.0)
        return self.scan.rows * down / (self.scan.cols * across)

    @property
    def has_sides(self) -> bool:
        return self.scan.view in FRONTAL

    @property
    def bar_mm(self) -> float | None:
        """Length of the scale bar: the round number nearest below a quarter of the picture's width."""
        if self.scan.spacing_mm is None:
            return None
        quarter = self.scan.cols * self.scan.spacing_mm[1] / 4
        power = 10.0 ** np.floor(np.log10(quarter))
        return float(max(step * power for step in (1, 2, 5) if step * power <= quarter))

    @property
    def on_film(self) -> bool:
        return self.scan.modality in ON_FILM or self.scan.view in (*FRONTAL, "LATERAL")


def marks_of(films: list[Film], findings: set[str]) -> dict[str, Mark]:
    """One Mark per label over all films. A mask that is not among `findings` is anatomy, if there are findings."""
    labels = dict.fromkeys(thing.label for film in films for thing in (*film.boxes, *film.masks))
    boxed = {box.label for film in films for box in film.boxes}
    lesions = [label for label in labels if not findings or label in findings or label in boxed]
    marks = {label: Mark(label, *mark_style(index), True) for index, label in enumerate(lesions)}
    return {label: marks.get(label, Mark(label, ANATOMY_COLOUR, (0, (1, 1.5)), False)) for label in labels}


def draw_film(axes: "Axes", film: Film, marks: dict[str, Mark], theme: Theme, language: str) -> None:
    """Fill `axes` with the picture. Data coordinates are the geometry's: pixel edges, 0..cols by rows..0."""
    scan, (low, high), words = film.scan, film.stretch, words_in(language)
    pixels = np.clip((scan.pixels - low) / (high - low), 0, 1) if film.stretch != (0.0, 1.0) else scan.pixels
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, extent=(0, scan.cols, scan.rows, 0), aspect="auto")
    axes.set_axis_off()
    if film.overlay is not None:
        draw_overlay(axes, film.overlay)
    for mask in sorted(film.masks, key=lambda mask: marks[mask.label].filled):
        _draw_mask(axes, mask, marks[mask.label], film.overlay is None)
    taken: list[BoxPx] = []
    for box in film.boxes:
        _draw_box(axes, box, marks[box.label], box_text(box, language), taken)
    if film.has_sides:
        for x, side in enumerate(_sides(words, 72 * _inches(axes)[0])):
            _beside(axes, (x, 1), (0, 3), side, theme, ha=("left", "right")[x], va="bottom")
    if film.bar_mm is not None:
        _draw_bar(axes, film, theme, language)
    axes.set(xlim=(0, scan.cols), ylim=(scan.rows, 0))


def bar_text(film: Film, language: str) -> str:
    """Such as "5 cm" or, on a projection, "5 cm on the film"."""
    length = f"{film.bar_mm / 10:g} cm" if film.bar_mm >= 10 else f"{film.bar_mm:g} mm"
    return words_in(language)["on_film"].format(length) if film.on_film else length


def box_text(box: Box, language: str) -> str:
    """A box's tag: label, side where the label does not say it, and who drew it."""
    name, side = label(box.label, language), box.side and label(box.side, language)
    parts = (name, side if side and side not in name else None, box.rater)
    return visible(", ".join(part for part in parts if part))


def _sides(words: dict[str, str], limit_pt: float) -> tuple[str, ...]:
    """What stands over the left and the right end of a frontal picture; nothing where the two would change places."""
    for sides in ((words["patient_right"], words["patient_left"]), ("R", "L")):
        if sum(width_pt(side, SMALL_PT) for side in sides) <= limit_pt:
            return sides
    return ()


def _draw_mask(axes: "Axes", mask: Mask, mark: Mark, fill: bool) -> None:
    bounds = mask.box_px
    if bounds is None:
        return
    top, left, bottom, right = map(int, bounds)
    part = np.pad(mask.pixels[top:bottom, left:right].astype(np.float32), 1)
    x, y = np.arange(left - 1, right + 1) + 0.5, np.arange(top - 1, bottom + 1) + 0.5
    if mark.filled and fill:
        axes.contourf(x, y, part, levels=[0.5, 2], colors=[mark.colour], alpha=FILL)
    outline = axes.contour(x, y, part, levels=[0.5], colors=[mark.colour], linewidths=1.3 if mark.filled else 0.7)
    outline.set(linestyle=mark.line, path_effects=_halo(2.6 if mark.filled else 1.4))


def _draw_box(axes: "Axes", box: Box, mark: Mark, text: str, taken: list[BoxPx]) -> None:
    from matplotlib.patches import Rectangle

    top, left, bottom, right = box.box_px
    axes.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, ec=mark.colour, lw=0.9, path_effects=_halo(1.8))
    )
    text = shorten(text, SMALL_PT, 72 * _inches(axes)[0] - 6)
    row, col = _free_place(axes, box.box_px, text, taken)
    ground = {"facecolor": "#000000", "alpha": 0.6, "edgecolor": "none", "pad": 1.2}
    axes.text(col, row, text, color=mark.colour, size=SMALL_PT, va="top", ha="left", bbox=ground, parse_math=False)


def _free_place(axes: "Axes", box: BoxPx, text: str, taken: list[BoxPx]) -> tuple[float, float]:
    """(row, col) of a tag's top left corner: over the box if it fits, else under, else inside; recorded in `taken`."""
    right_edge, bottom_edge = axes.get_images()[0].get_extent()[1:3]
    inches_wide, inches_high = _inches(axes)
    wide = (width_pt(text, SMALL_PT) + 4) / 72 / inches_wide * right_edge
    high = (SMALL_PT * 1.3 + 3) / 72 / inches_high * bottom_edge
    col = min(max(box[1], 0), max(right_edge - wide, 0))
    rows = (box[0] - high, box[2], box[0], box[0] + high, box[2] + high)
    places = [(row, col, row + high, col + wide) for row in rows]
    inside = [place for place in places if place[0] >= 0 and place[2] <= bottom_edge] or places[2:3]
    best = next((place for place in inside if not any(_overlap(place, other) for other in taken)), inside[0])
    taken.append(best)
    return best[:2]


def _inches(axes: "Axes") -> tuple[float, float]:
    """(width, height) of the picture on the page."""
    place = axes.get_position()
    return tuple(axes.figure.get_size_inches() * (place.width, place.height))


def _overlap(a: BoxPx, b: BoxPx) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _draw_bar(axes: "Axes", film: Film, theme: Theme, language: str) -> None:
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    length = film.bar_mm / film.scan.spacing_mm[1]
    down = ScaledTranslation(0, -6 / 72, axes.figure.dpi_scale_trans)
    place = blended_transform_factory(axes.transData, axes.transAxes) + down
    ends = [film.scan.cols - length, film.scan.cols]
    axes.plot(ends, [0, 0], transform=place, clip_on=False, color=theme.quiet, lw=1.4, solid_capstyle="butt")
    _beside(axes, (1, 0), (0, -9), bar_text(film, language), theme, ha="right", va="top")


def _beside(axes: "Axes", corner: tuple[float, float], offset_pt: tuple[float, float], text: str, theme: Theme, **at):
    axes.annotate(
        text,
        corner,
        offset_pt,
        xycoords="axes fraction",
        textcoords="offset points",
        color=theme.quiet,
        size=SMALL_PT,
        annotation_clip=False,
        parse_math=False,
        **at,
    )


def _halo(width_pt: float) -> list:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width_pt, foreground="#000000", alpha=0.45)]
