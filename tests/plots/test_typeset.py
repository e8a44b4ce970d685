"""Text from anywhere is safe to draw, and breaks into lines that fit."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.plots.typeset import NEVER_FIRST, shorten, visible, width_pt, wrap

MIXED = st.text(alphabet=st.sampled_from("ab c左侧胸腔积液，。(CT)12.$_x "), max_size=80)


@settings(max_examples=60, deadline=None)
@given(MIXED, st.sampled_from([40.0, 90.0, 200.0]))
def test_no_line_is_wider_than_its_limit_and_no_letter_is_lost(text, limit_pt):
    lines = wrap(text, 8.0, limit_pt)
    assert all(width_pt(line, 8.0) <= limit_pt + 1e-6 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_english_breaks_at_spaces():
    assert wrap("aaa bbb ccc", 10.0, width_pt("aaa bbb", 10.0)) == ["aaa bbb", "ccc"]


def test_chinese_breaks_between_characters_but_never_before_a_full_stop():
    assert wrap("左侧少量积液", 10.0, 30.0) == ["左侧少", "量积液"]
    assert wrap("左侧液。右侧", 10.0, 30.0) == ["左侧", "液。右", "侧"]
    assert all(line[0] not in NEVER_FIRST for line in wrap("双肺纹理增多，心影增大。" * 5, 8.0, 70.0))


def test_a_word_wider_than_the_line_is_cut():
    lines = wrap("x" * 50, 8.0, 60.0)
    assert len(lines) > 1
    assert "".join(lines) == "x" * 50


def test_text_beyond_the_most_lines_ends_in_an_ellipsis_that_fits():
    lines = wrap("word " * 100, 8.0, 100.0, most=3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert width_pt(lines[-1], 8.0) <= 100.0


def test_shortening_leaves_what_fits_alone():
    assert shorten("short", 8.0, 100.0) == "short"
    assert shorten("x" * 100, 8.0, 50.0).endswith("…")


def test_the_width_is_the_one_that_matplotlib_draws():
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    from medlab.plots.style import FAMILIES

    text = "Hello 心影增大 Δ"
    drawn = text_to_path.get_text_width_height_descent(text, FontProperties(family=list(FAMILIES), size=9), False)[0]
    assert width_pt(text, 9.0) == pytest.approx(drawn, abs=1)


@pytest.mark.parametrize(
    ("given", "drawn"),
    [
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("left\u202eright", r"left\u202eright"),
        ("nul\x00", r"nul\x00"),
        ("two\nlines\tand  spaces", "two lines and spaces"),
        ("smile \U0001f9b7", "smile □"),
        ("$\\frac{1}{0}$", "$\\frac{1}{0}$"),
        ("心影增大", "心影增大"),
        ("Ünïcödé Δ Ж", "Ünïcödé Δ Ж"),
    ],
)
def test_what_cannot_or_should_not_be_drawn_is_spelt_out(given, drawn):
    assert visible(given) == drawn


def test_a_page_of_junk_is_cut():
    assert len(visible("x" * 100_000)) == 4000


def test_every_chinese_report_of_openi_can_be_drawn(fixtures):
    text = json.dumps(json.loads(fixtures("openi/openi-zh.json").read_text(encoding="utf-8")), ensure_ascii=False)
    assert not {character for character in text if visible(character) == "□"}
