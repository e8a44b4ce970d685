"""Maps on their scan: where each colour lies, what is told beside it, and what is never coloured.

The scan is 100 x 80 and lies padded on a square of 100, ten columns of padding on each side: of a 10 x 10 grid each
cell is 10 x 10 pixels, and the first and the last column of cells see padding alone.
"""

import xml.etree.ElementTree

import numpy as np
import PIL.Image
import pytest
from matplotlib.contour import QuadContourSet

from medlab.core.attribution import Attribution, Explanation
from medlab.core.errors import SpecError
from medlab.core.geometry import SquareFit
from medlab.plots.overlay import AGAINST, FOR, Heat, Overlay, coloured, edges, smooth_pixels
from medlab.plots.show import show

FIT = SquareFit(100, 80, 100)
HOSTILE = '"><script>alert(1)</script> $\\frac{1}{0}$ \u202e 报告 مرحبا'


@pytest.fixture
def one() -> Attribution:
    """2 in row 2, column 3 of the cells; -1 in row 7, column 8; the padding holds 9."""
    values = np.zeros((10, 10), np.float32)
    values[2, 3], values[7, 8], values[:, 0] = 2, -1, 9
    return Attribution(
        values,
        FIT,
        "token_occlusion",
        ("effusion",),
        settings=(("cells", "1"), ("seed", "0")),
        causal=True,
        score_nats=-0.25,
        effect_nats=3.0,
        model_fingerprint="m" * 8,
        query_fingerprint="q" * 8,
        answer_fingerprint="a" * 8,
        verdict="localises 0.83 [0.77, 0.88] vs random 0.03",
    )


def texts(plate) -> str:
    drawn = list(plate.figure.texts) + [text for axes in plate.figure.axes for text in axes.texts]
    return " ".join(text.get_text() for text in drawn)


def pictures(plate) -> list[int]:
    """How many pictures lie on one another in each film."""
    films = [axes for axes in plate.figure.axes if axes.get_ylim()[0] == 100]
    return [len(axes.get_images()) for axes in films]


# the overlay


def test_a_cell_colours_its_own_pixels_of_the_original(one):
    drawn = Overlay(one.values, FIT).pixels()
    expected = np.zeros((100, 80), np.float32)
    expected[20:30, 20:30], expected[70:80, 70:80] = 1, -0.5
    np.testing.assert_allclose(drawn, expected, atol=1e-6)


def test_what_lies_in_the_padding_does_not_set_the_scale(one):
    assert Overlay(one.values, FIT).limit == 2
    assert Overlay(one.values, FIT, Heat(limit=4)).limit == 4


def test_colour_is_the_sign_and_opacity_the_size():
    drawn = coloured(np.array([0.5, -1, 0]), 0.6)
    assert [bytes(drawn[at, :3]).hex() for at in (0, 1)] == [FOR[1:].lower(), AGAINST[1:].lower()]
    assert drawn[:, 3].tolist() == [round(0.5 * 0.6 * 255), round(0.6 * 255), 0]


def test_a_smooth_map_has_the_values_at_the_centres_and_their_mean_half_way():
    values = np.arange(4, dtype=np.float32).reshape(2, 2)
    drawn = smooth_pixels(values, SquareFit(6, 6, 6))
    np.testing.assert_allclose(drawn[[1, 1, 4, 4], [1, 4, 1, 4]], [0, 1, 2, 3], atol=1e-6)
    np.testing.assert_allclose(drawn[1], [0, 0, 1 / 3, 2 / 3, 1, 1], atol=1e-6)


def test_edges_of_cells_are_those_within_the_scan():
    down, across = edges(FIT, (10, 10))
    assert down.tolist() == list(range(10, 100, 10))
    assert across.tolist() == list(range(10, 80, 10))


# what is shown


def test_a_map_is_laid_over_its_scan_with_words_method_verdict_and_scale(one, scan):
    plate = show(one, scan)
    assert pictures(plate) == [2]
    told = texts(plate)
    for part in (
        "effusion",
        "token_occlusion",
        "Trust: localises 0.83",
        "nats",
        "-2",
        "+2",
        "cells=1",
        "10 × 10 cells",
    ):
        assert part in told


def test_a_map_that_was_never_tested_says_so(one, scan):
    assert "Untested" in texts(show(one.replace(verdict=None), scan))
    assert "Untested" not in texts(show(one, scan))


def test_words_that_come_whatever_the_picture_are_not_coloured_and_say_so(one, scan):
    still = one.replace(effect_nats=0.02, causal=False)
    assert pictures(show(still, scan)) == [1]
    assert "come whatever the picture" in texts(show(still, scan))
    assert "come whatever the picture" in show(still, scan).description


def test_a_map_of_nothing_but_zeros_is_called_empty(one, scan):
    empty = one.replace(values=np.zeros((10, 10), np.float32))
    assert pictures(show(empty, scan)) == [1]
    assert "Every value is 0" in texts(show(empty, scan))


def test_the_description_tells_where_the_map_is_strongest(one, scan):
    told = show(one, scan).description
    assert "strongest for at row 25, column 25: +2" in told
    assert "strongest against at row 75, column 75: -1" in told


def test_a_unit_is_nats_only_where_the_method_measures_nats(one, scan):
    assert "; nats" in texts(show(one, scan))
    assert "own unit" in texts(show(one.replace(causal=False), scan))


def test_a_map_of_changes_that_are_called_none_says_how_little_its_colours_stand_for(one, scan):
    assert "full colour stands for 0.02 nats only" in texts(show(one.replace(values=one.values / 100), scan))
    assert "nats only" not in texts(show(one, scan))


def test_contours_are_lines_and_no_colours(one, scan):
    plate = show(one, scan, contour=True)
    assert pictures(plate) == [1]
    drawn = [artist for axes in plate.figure.axes for artist in axes.collections if isinstance(artist, QuadContourSet)]
    assert sorted(float(level) for artist in drawn for level in artist.levels) == [0.5]


def test_of_a_case_the_findings_are_outlined_and_organs_are_not(one, case):
    assert "effusion (left, 5.0%)" in texts(show(one, case))
    assert "heart" not in texts(show(one, case))
    assert "heart" in texts(show(one, case, masks="heart"))
    assert "5.0%" not in texts(show(one, case, masks=False))


def test_a_contrast_names_both_sides(one, scan):
    both = one.replace(target=("yes", "no"), contrast=True)
    assert "'yes' against 'no'" in texts(show(both, scan))
    assert "'yes' 对比 'no'" in texts(show(both, scan, language="zh"))


def test_the_words_of_the_figure_are_chinese_where_asked(one, scan):
    told = texts(show(one.replace(verdict=None), scan, language="zh"))
    assert "未经检验" in told
    assert "仅供科研与教学" in told


# several


def test_an_explanation_stands_side_by_side_with_its_agreement(one, scan):
    other = one.replace(method="relevance", causal=False, verdict=None)
    plate = show(Explanation((one, other), np.array([[1, 0.25], [0.25, 1]], np.float32), ("rise: about 300 s",)), scan)
    assert pictures(plate) == [2, 2]
    told = texts(plate)
    for part in (
        "by token_occlusion",
        "by relevance",
        "relevance / token_occlusion +0.25",
        "Not run: rise: about 300 s",
    ):
        assert part in told
    assert "+0.25" in plate.description


def test_over_each_of_several_maps_stands_what_differs(one, scan):
    layers = [one.replace(method="attention", settings=(("layer", str(i)), ("seed", "0"))) for i in (3, 11)]
    titles = [text.get_text() for text in show(layers, scan).figure.texts]
    assert {"layer 3", "layer 11"} <= set(titles)
    methods = [one, one.replace(method="relevance", settings=(("layer", "2"),))]
    titles = [text.get_text() for text in show(methods, scan).figure.texts]
    assert {"by token_occlusion", "by relevance"} <= set(titles)


def test_maps_of_one_method_share_their_scale_and_others_do_not(one, scan):
    weak = one.replace(values=one.values / 4)
    assert texts(show([one, weak], scan)).count("+2") == 2
    other = weak.replace(method="relevance")
    assert texts(show([one, other], scan)).count("+0.5") == 1


# files


@pytest.mark.parametrize("name", ["map.png", "map.svg"])
def test_a_saved_map_carries_what_made_it(one, scan, tmp_path, name):
    path = show(one, scan).save(tmp_path / name, dpi=60)
    if name.endswith("png"):
        with PIL.Image.open(path) as picture:
            told = " ".join(picture.text.values())
    else:
        told = " ".join(node.text or "" for node in xml.etree.ElementTree.parse(path).iter())
    for part in ("token_occlusion(cells=1, seed=0)", "m" * 8, "q" * 8, "a" * 8, one.fingerprint, "ab" * 32, '"numpy"'):
        assert part in told


def test_hostile_words_are_drawn_as_text(one, scan, tmp_path):
    bad = one.replace(target=(HOSTILE,), verdict=HOSTILE, settings=((HOSTILE, HOSTILE),))
    plate = show(bad, scan)
    assert "<script>" in texts(plate)
    assert "\u202e" not in texts(plate)
    tree = xml.etree.ElementTree.parse(plate.save(tmp_path / "a.svg"))
    assert not [node for node in tree.iter() if node.tag.endswith("script")]
    assert "<script>" not in plate.html


# refusals


def test_a_map_without_its_scan_is_refused_with_the_call_that_works(one):
    with pytest.raises(SpecError, match=r"medlab\.show\(attribution, scan\)"):
        show(one)


def test_a_scan_of_another_size_is_refused(one, scan):
    with pytest.raises(SpecError, match="100 x 80"):
        show(one, scan.replace(pixels=np.zeros((50, 80), np.float32)))


def test_an_unknown_way_of_drawing_lists_what_there_is(one, scan):
    with pytest.raises(SpecError, match=r"(?s)opacty.*opacity"):
        show(one, scan, opacty=0.5)
    with pytest.raises(SpecError, match="smooth"):
        show(scan, smooth=True)


def test_an_unknown_mask_lists_those_that_there_are(one, case):
    with pytest.raises(SpecError, match=r"(?s)lung.*heart"):
        show(one, case, masks="lung")
