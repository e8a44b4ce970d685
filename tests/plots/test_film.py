"""What is marked on a picture stands where the record says."""

import numpy as np
import pytest

from medlab.core.case import Box, Case, Mask
from medlab.core.scan import Scan
from medlab.plots.film import FILL
from medlab.plots.show import show
from medlab.plots.style import mark_style


def one_mask(rows, cols, top, left, bottom, right):
    pixels = np.zeros((rows, cols), bool)
    pixels[top:bottom, left:right] = True
    return Case("c", (Scan(np.zeros((rows, cols), np.float32)),), masks=(Mask("nodule", pixels),))


def outline(axes):
    return np.concatenate([path.vertices for path in axes.collections[-1].get_paths()])


@pytest.mark.parametrize("bounds", [(10, 30, 20, 45), (0, 0, 50, 60), (49, 59, 50, 60), (0, 20, 1, 40)])
def test_an_outline_runs_along_the_edges_of_its_pixels(bounds):
    points = outline(show(one_mask(50, 60, *bounds)).figure.axes[0])
    top, left, bottom, right = bounds
    assert points.min(axis=0).tolist() == [left, top]
    assert points.max(axis=0).tolist() == [right, bottom]


def test_a_filled_mask_tints_its_pixels_and_no_others():
    figure = show(one_mask(100, 100, 20, 20, 80, 80)).figure
    figure.canvas.draw()
    canvas = np.asarray(figure.canvas.buffer_rgba())
    axes = figure.axes[0]

    def colour(row, col):
        x, y = axes.transData.transform((col, row))
        return canvas[round(canvas.shape[0] - y), round(x), :3].tolist()

    assert colour(10, 10) == [0, 0, 0]
    assert colour(50, 50) == pytest.approx([round(FILL * v) for v in (0xE6, 0x9F, 0x00)], abs=2)


def test_an_empty_mask_draws_nothing():
    case = Case("c", (Scan(np.zeros((9, 9), np.float32)),), masks=(Mask("nodule", np.zeros((9, 9), bool)),))
    assert not show(case).figure.axes[0].collections


def test_a_box_is_drawn_at_its_pixel_edges(case):
    patch = show(case).figure.axes[0].patches[0]
    assert (patch.get_y(), patch.get_x(), patch.get_height(), patch.get_width()) == (70, 50, 20, 20)


def test_tags_of_boxes_in_one_place_do_not_cover_each_other(scan):
    boxes = tuple(Box("nodule", (40.0, 20.0, 60.0, 60.0), rater=f"reader {i}") for i in range(4))
    plate = show(Case("c", (scan,), boxes=boxes))
    plate.png()
    extents = [text.get_window_extent() for text in plate.figure.axes[0].texts if "reader" in text.get_text()]
    assert len(extents) == 4
    assert not any(a.overlaps(b) for i, a in enumerate(extents) for b in extents[i + 1 :])


@pytest.mark.parametrize("box", [(0.0, 0.0, 5.0, 5.0), (95.0, 75.0, 100.0, 80.0), (0.0, 0.0, 100.0, 80.0)])
def test_a_tag_stays_on_the_picture(scan, box):
    plate = show(Case("c", (scan,), boxes=(Box("consolidation", box),)))
    plate.png()
    axes = plate.figure.axes[0]
    tag = next(text for text in axes.texts if "consolidation" in text.get_text()).get_window_extent()
    assert axes.bbox.x0 <= tag.x0
    assert tag.x1 <= axes.bbox.x1 + 1
    assert axes.bbox.y0 <= tag.y0 + 1
    assert tag.y1 <= axes.bbox.y1 + 1


def test_the_first_twelve_labels_all_look_different():
    assert len({str(mark_style(index)) for index in range(12)}) == 12


def test_the_picture_is_drawn_the_right_way_up():
    pixels = np.zeros((2, 2), np.float32)
    pixels[0, 0] = 1
    axes = show(Scan(pixels)).figure.axes[0]
    assert axes.images[0].get_array()[0, 0] == 1
    assert axes.transData.transform((0, 0))[1] > axes.transData.transform((0, 2))[1]


@pytest.mark.parametrize(
    ("cols", "sides"), [(600, ["R   patient's right", "patient's left   L"]), (60, ["R", "L"]), (4, [])]
)
def test_the_words_round_a_narrow_picture_stay_on_the_page_and_in_their_places(cols, sides):
    narrow = Scan(np.zeros((800, cols), np.float32), view="PA", spacing_mm=(0.5, 0.5))
    for things in (narrow, [narrow, narrow]):
        plate = show(things)
        plate.png()
        for axes in plate.figure.axes:
            *drawn, bar = axes.texts
            assert [text.get_text() for text in drawn] == sides
            lefts = [text.get_window_extent().x0 for text in drawn]
            assert lefts == sorted(lefts)
            assert min([*lefts, bar.get_window_extent().x0]) >= 0


def test_a_tag_longer_than_the_picture_is_cut(scan):
    plate = show(Case("c", (scan,), boxes=(Box("very long label " * 40, (10.0, 10.0, 40.0, 40.0)),)))
    plate.png()
    axes = plate.figure.axes[0]
    tag = next(text for text in axes.texts if text.get_text().startswith("very long"))
    assert tag.get_text().endswith("…")
    assert tag.get_window_extent().x1 <= axes.bbox.x1 + 1
