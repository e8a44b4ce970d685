"""The look can be read by everyone, and the packaged font is the one that its script makes."""

import importlib.util
import pathlib

import pytest

from medlab.core import vocabulary
from medlab.plots import style, words

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_formula_gives_21_for_black_on_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("name", style.THEMES)
def test_all_text_has_the_contrast_that_wcag_asks_of_small_print(name):
    theme = style.THEMES[name]
    assert min(contrast(theme.paper, text) for text in (theme.ink, theme.quiet, theme.doubt)) >= 4.5


def test_every_mark_stands_out_from_black():
    assert min(contrast(colour, "#000000") for colour in style.PALETTE) >= 4.5


def packaged_font():
    from matplotlib import font_manager

    return font_manager.get_font(style.FONT)


def test_the_packaged_font_never_stands_in_for_a_complete_noto():
    assert packaged_font().family_name == "Medlab Sans SC"
    assert (style.FONT.parent / "OFL.txt").read_text(encoding="utf-8").startswith("Copyright 2014-2021 Adobe")


def test_the_packaged_font_holds_what_its_script_lists():
    path = CHECKOUT / "scripts" / "make_font.py"
    spec = importlib.util.spec_from_file_location("make_font", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert {ord(character) for character in script.characters()} <= set(packaged_font().get_charmap())
    assert style.FAMILIES[0] == script.FAMILY


def test_both_languages_say_the_same_things():
    assert words.WORDS["en"].keys() == words.WORDS["zh"].keys()


def test_every_chinese_word_of_a_figure_can_be_drawn():
    known = set(packaged_font().get_charmap())
    tables = [table for name, table in vars(vocabulary).items() if name.endswith("_TERMS")]
    assert len(tables) == 7
    text = "".join([*words.WORDS["zh"].values(), *(term.zh for table in tables for term in table.values()), "侧野"])
    assert not {character for character in text if ord(character) > 127 and ord(character) not in known} - set("·–")
