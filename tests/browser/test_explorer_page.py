"""The explorer's page in Chromium, without a notebook: its module, and a real panel behind a stand-in for the kernel.

The model is the tiny random Gemma 3; what it is made to have said is hostile on purpose.
"""

import numpy as np
import pytest

from medlab.core.attribution import INDEPENDENT_NATS
from medlab.explainers.region_words import RegionWords
from medlab.plots.overlay import AGAINST, FOR
from medlab.widgets.explorer import explore
from medlab.widgets.labels import LABELS
from tests.browser.explorer_page import (
    HOSTILE,
    QUICK,
    colour_at,
    drag,
    index_of,
    opened_page,
    says,
    settled,
    word,
)
from tests.explainers.conftest import model, scans, shared_model, tiny_folder

__all__ = ["model", "scans", "shared_model", "tiny_folder"]

expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def panel(model, scans, monkeypatch):
    """A panel whose answer holds markup, Arabic and Chinese."""
    says(model, monkeypatch, HOSTILE)
    return explore(model, scans[1])


@pytest.fixture
def opened(page, panel):
    """The page of `panel`, drawn, with every word's map there."""
    yield from opened_page(page, panel)


def test_what_a_model_wrote_is_text_whatever_it_holds(opened, panel):
    shown = opened.evaluate("() => [...document.querySelectorAll('.word')].map(word => word.textContent)")
    assert shown == [one.text for one in panel.words]
    whole = opened.locator(".words").evaluate("node => node.innerText").replace("\u200b", "")
    assert whole.split() == HOSTILE.split()
    assert opened.evaluate("() => document.querySelectorAll('#app script, #app img').length") == 0
    assert opened.evaluate("() => window.hacked") is None


def test_a_click_on_a_word_shows_its_map_with_method_and_verdict(opened, panel):
    index = index_of(panel, "heart")
    word(opened, index).click()
    expect(word(opened, index)).to_have_attribute("aria-pressed", "true")
    opened.mouse.move(0, 0)
    expect(opened.locator(".caption")).to_have_text("heart · knockout", timeout=QUICK)
    expect(opened.locator(".verdict")).to_have_text(LABELS["en"]["untested"])
    assert panel.attribution.target == ("heart",)


def test_the_second_of_two_equal_words_is_the_second(opened, panel):
    second = len(panel.words) - 1 - [one.text for one in panel.words][::-1].index("effusion")
    word(opened, second).click()
    settled(opened)
    assert panel.attribution.token_spans[0][1] == panel.words[second].stop


def test_hovering_shows_a_words_map_at_once_and_never_without_a_verdict(opened, panel):
    for index in (index_of(panel, "heart"), index_of(panel, "effusion")):
        word(opened, index).hover()
        settled(opened)
        assert panel.words[index].text in opened.locator(".caption").inner_text()
        assert opened.locator(".verdict").inner_text() == LABELS["en"]["untested"]
    opened.mouse.move(0, 0)
    settled(opened)
    assert opened.locator(".caption").inner_text() == ""
    assert panel.attribution is None


def test_the_largest_value_lies_on_its_own_cell_in_the_colour_of_its_sign(opened, panel):
    index = int(np.argmax([abs(panel.links.of_word(word)).max() for word in range(len(panel.words))]))
    word(opened, index).hover()
    settled(opened)
    _, start, stop = panel.links.words[index]
    values = panel.links.map_of(start, stop)
    rows, cols = values.shape
    row, col = divmod(int(abs(values).argmax()), cols)
    colour, share = FOR if values[row, col] > 0 else AGAINST, min(1, abs(values).max() / INDEPENDENT_NATS)
    place = ((row + 0.37) / rows, (col + 0.37) / cols)  # the scan is square: grid and scan coincide
    grey = 255 * float(panel.scan.pixels[int(place[0] * panel.scan.rows), int(place[1] * panel.scan.cols)])
    expected = [0.75 * share * int(colour[at : at + 2], 16) + (1 - 0.75 * share) * grey for at in (1, 3, 5)]
    drawn = colour_at(opened, *place)
    # the picture is drawn smoothly, so its grey may be that of the pixels around
    assert share > 0.5
    assert max(abs(one - other) for one, other in zip(drawn, expected, strict=True)) < (1 - 0.75 * share) * 255


def test_words_that_come_whatever_the_picture_are_not_coloured_and_say_so(page, panel, monkeypatch, request):
    monkeypatch.setattr(RegionWords, "independent", lambda self, word: True)
    opened = request.getfixturevalue("opened")
    plain = colour_at(opened, 0.4, 0.4)
    word(opened, 1).hover()
    settled(opened)
    assert LABELS["en"]["independent"] in opened.locator(".note").inner_text()
    assert colour_at(opened, 0.4, 0.4) == plain
    assert opened.locator(".scale").is_hidden()
    expect(opened.locator(".word.still")).to_have_count(len(panel.words))


def test_a_dragged_region_ranks_the_words_it_feeds(opened, panel):
    drag(opened, (0.25, 0.25), (0.75, 0.5))
    expect(opened.locator(".region h4")).to_have_text(LABELS["en"]["drops"], timeout=QUICK)
    for edge, share in zip(panel.region.box_px, (0.25, 0.25, 0.75, 0.5), strict=True):
        assert edge == pytest.approx(112 * share, abs=1)
    listed = opened.locator(".region .name").all_inner_texts()
    assert listed == [name for name, drop in panel.region.ranked if abs(drop) >= 0.05][:8]


def test_masking_and_asking_again_shows_how_the_words_moved(opened, panel):
    drag(opened, (0.25, 0.25), (0.75, 0.75))
    opened.get_by_role("button", name=LABELS["en"]["mask"]).click()
    expect(opened.locator(".again h4")).to_have_text(LABELS["en"]["again"], timeout=QUICK)
    assert panel.counterfactual.box_px == panel.region.box_px
    assert opened.locator(".again blockquote").inner_text() == panel.counterfactual.answer.text


def test_the_words_are_walked_and_chosen_by_keyboard(opened, panel):
    word(opened, 0).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        opened.keyboard.press(key)
    expect(word(opened, 1)).to_be_focused()
    opened.keyboard.press("Enter")
    settled(opened)
    assert panel.attribution.token_spans[0][1] == panel.words[1].stop
    assert opened.locator(".word[tabindex='0']").count() == 1


def test_a_region_is_moved_resized_and_asked_for_by_keyboard(opened, panel):
    opened.locator(".medlab-explorer canvas").focus()
    for key in ("ArrowRight", "Shift+ArrowDown", "Enter"):
        opened.keyboard.press(key)
    settled(opened)
    top, left, bottom, right = panel.region.box_px
    assert (top, left) == (pytest.approx(0.4 * 112, abs=1), pytest.approx(0.4 * 112 + 8, abs=1))
    assert (bottom, right) == (pytest.approx(0.6 * 112 + 8, abs=1), pytest.approx(0.6 * 112 + 8, abs=1))
    opened.keyboard.press("Escape")
    settled(opened)
    assert panel.region is None


def test_dragging_with_the_grey_tool_changes_the_grey_levels_and_not_the_region(opened, panel):
    before = colour_at(opened, 0.5, 0.5)
    opened.get_by_role("button", name=LABELS["en"]["grey"]).click()
    drag(opened, (0.5, 0.5), (0.2, 0.5))
    settled(opened)
    assert panel.region is None
    assert panel.view["centre"] == pytest.approx(0.2, abs=0.02)
    assert colour_at(opened, 0.5, 0.5) != before


def test_contours_and_opacity_are_kept_by_the_panel(opened, panel):
    opened.get_by_role("button", name=LABELS["en"]["contour"]).click()
    settled(opened)
    assert panel.view["draw"] == "contour"
    assert opened.get_by_role("button", name=LABELS["en"]["heat"]).count() == 1


def test_a_contrast_and_another_method_are_asked_for_by_the_controls(opened, panel):
    index = index_of(panel, "heart")
    word(opened, index).click()
    settled(opened)
    opened.locator(".against").fill("lung")
    opened.locator(".against").press("Tab")
    settled(opened)
    assert panel.attribution.target == ("heart", "lung")
    opened.locator("select.method").select_option("token_occlusion")
    settled(opened)
    assert panel.attribution.method == "token_occlusion"
    assert opened.locator(".about").inner_text()


def test_what_goes_wrong_is_told_on_the_page_as_text(opened, panel, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("<b>no</b>")

    monkeypatch.setattr("medlab.widgets.side.Side.show", fail)
    word(opened, 0).click()
    expect(opened.locator(".status")).to_have_text("RuntimeError: <b>no</b>", timeout=QUICK)


def test_the_language_of_the_panel_changes_its_question_too(opened, panel):
    opened.locator("select.language").select_option("zh")
    expect(opened.locator(".words")).to_have_attribute("aria-label", LABELS["zh"]["answer"], timeout=QUICK)
    assert panel.question == "请描述这张胸片。"
    assert opened.locator(".first .question").input_value() == panel.question


def test_every_control_has_a_name(opened):
    script = """() => [...document.querySelectorAll('#app button, #app input, #app select, #app canvas')]
        .filter(node => !(node.getAttribute('aria-label') || node.textContent.trim() || node.closest('label')))
        .map(node => node.className)"""
    assert opened.evaluate(script) == []
