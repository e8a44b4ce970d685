"""What `medlab.show` accepts, refuses and tells."""

import numpy as np
import pytest

from medlab.core.case import Box, Case, Finding, Report
from medlab.core.errors import SpecError
from medlab.core.scan import Scan
from medlab.plots.show import show


def texts(plate):
    """Every string drawn on the figure."""
    drawn = list(plate.figure.texts) + [text for axes in plate.figure.axes for text in axes.texts]
    return [text.get_text() for text in drawn]


def test_a_scan_is_shown_with_its_name_its_facts_and_its_audit(scan):
    drawn = " ".join(texts(show(scan)))
    for part in ("film.dcm", "100 × 80", "CR", "PA", "12 bit", "window 40/400", "1. read 12-bit values", "corrected:"):
        assert part in drawn
    assert "in doubt: may hold text" in drawn


def test_the_description_says_what_the_picture_shows(case):
    told = show(case).description
    assert "effusion (left, 5.0%)" in told
    assert "effusion, left (70, 50, 90, 70)" in told
    assert "The patient's right is at the left of the picture." in told
    assert "present: effusion (small, left, lower). absent: nodule." in told
    assert "Findings: Small left effusion." in told
    assert repr(show(case)) == told


def test_a_description_of_your_own_replaces_it(scan):
    assert show(scan, alt="A grey square.").description == "A grey square."


@pytest.mark.parametrize("view", ["LATERAL", "OTHER", "unknown"])
def test_sides_are_marked_on_frontal_films_only(scan, view):
    assert "R   patient's right" in texts(show(scan))
    plate = show(scan.replace(view=view))
    assert not any("patient" in text for text in texts(plate))
    assert "patient" not in plate.description


@pytest.mark.parametrize(
    ("cols", "spacing", "length"),
    [(80, 0.5, "1 cm on the film"), (80, 0.05, "1 mm on the film"), (400, 1.0, "10 cm on the film")],
)
def test_the_scale_bar_is_the_round_length_below_a_quarter_of_the_width(scan, cols, spacing, length):
    wide = scan.replace(pixels=np.zeros((100, cols), np.float32), spacing_mm=(spacing, spacing))
    assert length in texts(show(wide))


def test_the_scale_bar_is_as_long_as_it_says(scan):
    bar = show(scan).figure.axes[0].lines[0]
    assert np.ptp(bar.get_xdata()) * 0.5 == pytest.approx(10)


def test_no_spacing_means_no_scale_bar(scan):
    plate = show(scan.replace(spacing_mm=None))
    assert not plate.figure.axes[0].lines
    assert "on the film" not in plate.description


def test_a_length_in_a_slice_is_not_called_one_on_a_film(scan):
    assert "1 cm" in texts(show(scan.replace(modality="CT", view="OTHER")))


def test_pixels_that_are_not_square_are_drawn_in_their_true_shape(scan):
    figure = show(scan.replace(spacing_mm=(1.0, 0.5))).figure
    box = figure.axes[0].get_position()
    width, height = figure.get_size_inches() * (box.width, box.height)
    assert height / width == pytest.approx(2 * 100 / 80)


def test_words_and_report_come_in_chinese(case):
    plate = show(case, language="zh")
    drawn = " ".join(texts(plate))
    for part in ("左侧少量胸腔积液", "胸腔积液 (左侧, 5.0%)", "R  患者右侧", "仅供科研与教学", "存疑"):
        assert part in drawn
    assert "画面左侧为患者右侧" in plate.description


def test_a_report_that_is_not_there_in_the_language_is_said_to_be_missing(case):
    english_only = case.replace(reports=case.reports[:1])
    assert "没有中文报告。" in texts(show(english_only, language="zh"))


def test_a_report_without_sections_is_shown_line_by_line(scan):
    case = Case("a", (scan,), reports=(Report("en", full="First line.\nSecond line."),))
    assert {"First line.", "Second line."} <= set(texts(show(case)))


def test_the_caption_stands_once_on_every_figure(scan, case):
    for plate in (show(scan), show([scan, case, scan])):
        assert texts(plate).count("Research and teaching only.") == 1


def test_masks_and_boxes_can_be_chosen_or_left_out(case):
    assert "heart" not in show(case, masks=["effusion"]).description
    assert show(case, masks="effusion").description == show(case, masks=["effusion"]).description
    bare = show(case, masks=False, boxes=False)
    assert not bare.figure.axes[0].collections
    assert not bare.figure.axes[0].patches


def test_a_label_that_no_picture_carries_is_refused_with_those_there_are(case):
    with pytest.raises(SpecError, match=r"(?s)effusoin.*'effusion', 'heart'"):
        show(case, masks=["effusoin"])


def test_one_label_looks_the_same_on_every_picture(case):
    other = case.replace(id="other", masks=case.masks[:1], boxes=(Box("nodule", (1.0, 1.0, 9.0, 9.0)), *case.boxes))
    first, second = show([case, other]).figure.axes
    colours = [axes.patches[-1].get_edgecolor() for axes in (first, second)]
    assert colours[0] == colours[1] != second.patches[0].get_edgecolor()


def test_several_pictures_stand_side_by_side_under_their_titles(scan):
    plate = show([scan, scan, scan], titles=["one", "two", "three"])
    lefts = [axes.get_position().x0 for axes in plate.figure.axes]
    assert len(lefts) == 3
    assert lefts == sorted(lefts)
    assert {"one", "two", "three"} <= set(texts(plate))
    assert "film.dcm" not in plate.description


def test_a_case_of_two_scans_shows_each_mask_on_its_own(scan, case):
    two = case.replace(
        scans=(scan, scan.replace(view="LATERAL")), masks=(case.masks[0], case.masks[1].replace(scan=1))
    )
    frontal, lateral = show(two).figure.axes
    assert len(frontal.collections) == 2  # fill and outline of the effusion
    assert len(lateral.collections) == 1  # outline of the heart, which is no finding


def test_a_stretch_changes_the_grey_that_is_drawn_and_says_so(scan):
    plate = show(scan, stretch=(0.25, 0.75))
    assert plate.figure.axes[0].images[0].get_array()[0, 0] == pytest.approx(0.5)
    plate = show(scan, stretch=(0.4, 0.5))
    assert plate.figure.axes[0].images[0].get_array()[0, 0] == pytest.approx(1.0)
    assert "shown stretched from 0.4 to 0.5" in texts(plate)
    assert scan.pixels[0, 0] == 0.5


@pytest.mark.parametrize("stretch", [(0.7, 0.3), (0.5, 0.5), (-0.1, 1), (0, float("nan")), (40, 400), "lung", (0.1,)])
def test_a_stretch_outside_the_grey_scale_is_refused(scan, stretch):
    with pytest.raises(SpecError, match="stretch"):
        show(scan, stretch=stretch)


@pytest.mark.parametrize("x", [np.zeros((4, 4)), "film.dcm", None, {"a": 1}, [1, 2]])
def test_anything_else_is_refused_with_the_call_that_would_do(x):
    with pytest.raises(SpecError, match=r"medlab\.load_scan\(x\)"):
        show(x)


def test_no_picture_and_too_many_are_refused(scan):
    for x in ([], Case("text only"), [scan] * 25):
        with pytest.raises(SpecError, match="1 to 24"):
            show(x)


@pytest.mark.parametrize("titles", [["one"], "ab", [1, 2]])
def test_titles_must_match_the_pictures(scan, titles):
    with pytest.raises(SpecError, match="titles"):
        show([scan, scan], titles=titles)


@pytest.mark.parametrize(("option", "value"), [("theme", "sepia"), ("language", "fr")])
def test_an_unknown_look_or_language_is_refused(scan, option, value):
    with pytest.raises(SpecError, match=option):
        show(scan, **{option: value})


def test_a_colour_picture_keeps_its_colours():
    pixels = np.zeros((4, 4, 3), np.float32)
    pixels[..., 0] = 1
    shown = show(Scan(pixels)).figure.axes[0].images[0].get_array()
    assert shown[0, 0].tolist() == [1, 0, 0]


def test_very_wide_tall_and_tiny_pictures_are_drawn():
    for shape in ((1, 1), (3, 900), (900, 3), (64, 64)):
        assert show(Scan(np.zeros(shape, np.float32))).png().startswith(b"\x89PNG")


def test_text_never_runs_off_the_page(case):
    plate = show(case.replace(id="x" * 300), language="en")
    plate.png()
    width, height = plate.figure.bbox.size
    for text in plate.figure.texts:
        extent = text.get_window_extent()
        assert extent.x0 >= 0
        assert extent.x1 <= width
        assert extent.y0 >= 0
        assert extent.y1 <= height


def test_chinese_figures_say_severities_as_their_finding_does_and_leave_names_of_readers_alone(case):
    findings = (
        Finding("cardiomegaly", "present", severity="moderate"),
        Finding("effusion", "present", "left", severity="moderate"),
        Finding("kerley_lines", "present", severity="few"),
    )
    boxes = (Box("nodule", (1.0, 1.0, 9.0, 9.0), rater="left"),)
    told = show(case.replace(findings=findings, boxes=boxes), language="zh").description
    assert "心影增大 (中度), 胸腔积液 (中等量, 左侧), kerley_lines (few)" in told
    assert "结节, left" in told


def test_a_case_without_a_picture_is_refused_and_its_words_are_offered(scan):
    text_only = Case("words", reports=(Report("en", full="A report."),))
    for things in (text_only, [scan, text_only]):
        with pytest.raises(SpecError, match=r"(?s)'words', which has no picture.*report\(\"en\"\)"):
            show(things)
    with pytest.raises(SpecError, match="an empty list"):
        show([])
