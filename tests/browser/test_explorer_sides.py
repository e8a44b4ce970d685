"""The explorer's page in Chromium with two questions, several scans, layers and heads: by mouse and by key."""

import numpy as np
import pytest

from medlab.core.scan import Scan
from medlab.explainers.explain import explain
from medlab.widgets.explorer import explore
from medlab.widgets.labels import LABELS
from tests.browser.explorer_page import HOSTILE, QUICK, drag, opened_page, says, settled, side
from tests.explainers.conftest import model, scans, shared_model, tiny_folder

__all__ = ["model", "scans", "shared_model", "tiny_folder"]

expect = pytest.importorskip("playwright.sync_api").expect
SECOND = '<script>window.hacked=3</script> &lt;i&gt; \u202eهل <img src=x onerror="window.hacked=4"> 正常吗？'
NAME = '<img src=x onerror="window.hacked=5">&amp; مرحبا 胸片.png'


@pytest.fixture
def panel(model, scans, monkeypatch):
    """Two scans of hostile names; whatever is asked, the answer is hostile too."""
    says(model, monkeypatch, HOSTILE)
    return explore(model, [Scan(scans[1].pixels, name=NAME), Scan(scans[1].pixels[::-1].copy(), name="second")])


@pytest.fixture
def opened(page, panel):
    yield from opened_page(page, panel)


@pytest.fixture
def both(opened, panel):
    """A second question stands beside the first: asked by keyboard."""
    opened.get_by_role("button", name=LABELS["en"]["beside"], exact=True).focus()
    opened.keyboard.press("Enter")
    expect(opened.locator(".second .question")).to_be_focused()
    opened.locator(".second .question").fill(SECOND)
    opened.keyboard.press("Enter")
    expect(opened.locator(".side")).to_have_count(2, timeout=QUICK)
    settled(opened)
    return opened


def choose(page, number: int, index: int) -> None:
    side(page, number).locator(".word").nth(index).click()
    page.mouse.move(0, 0)
    settled(page)


def strongest(one) -> tuple[int, int]:
    """The two words of a side that the scan does most to, in order."""
    effects = [abs(float(one.links().effects_nats[start:stop].sum())) for _, start, stop in one.links().words]
    return tuple(sorted(np.argsort(effects)[-2:].tolist()))


def test_second_question_method_and_scan_names_are_text_whatever_they_hold(both, panel, monkeypatch):
    choose(both, 1, 1)
    assert panel.beside.question == SECOND
    assert side(both, 1).locator(".asked").evaluate("node => node.textContent") == SECOND
    options = both.locator("select.scan option").evaluate_all("nodes => nodes.map(node => node.textContent)")
    assert options == [f"0: {NAME}", "1: second"]
    assert both.evaluate("() => document.querySelectorAll('#app script, #app img, #app i').length") == 0
    # a method's name that turns hostile on its way is no markup either
    both.evaluate("""() => {
        const state = structuredClone(window.explored.get("state"));
        for (const one of state.methods) Object.assign(one, { text: "<img src=x>", about: "<i onclick=x>" });
        state.sides[1].shown.method = "<script>window.hacked=6</script>";
        window.explored.set("state", state);
    }""")
    settled(both)
    assert "<script>window.hacked=6</script>" in side(both, 1).locator(".caption").inner_text()
    assert both.locator(".about").inner_text() == "<i onclick=x>"
    assert both.evaluate("() => document.querySelectorAll('#app script, #app img, #app i').length") == 0
    assert both.evaluate("() => window.hacked") is None


def test_two_maps_of_one_method_share_their_scale_and_each_has_its_verdict(both, panel):
    first, last = strongest(panel.sides[0])
    choose(both, 0, first)
    choose(both, 1, last)
    maps = [one.attribution for one in panel.sides]
    assert not any(one.image_independent for one in maps)
    most = max(0.1, *(float(np.abs(one.values).max()) for one in maps))
    for number in (0, 1):
        assert float(side(both, number).locator(".ends span").last.inner_text()) == pytest.approx(most, rel=0.06)
        assert LABELS["en"]["same_scale"] in side(both, number).locator(".scale .small").inner_text()
        assert side(both, number).locator(".verdict").inner_text() == LABELS["en"]["untested"]
        assert "knockout" in side(both, number).locator(".caption").inner_text()


def test_another_method_on_the_other_side_has_another_scale_and_says_so(both, panel):
    place = (strongest(panel.sides[0])[0],) * 2
    panel.look(place, method="attention", beside=True)
    panel.look(place, method="saliency")
    drag(both, (0.2, 0.2), (0.4, 0.4))  # a message brings the page up to what is there
    settled(both)
    for number, method in enumerate(("saliency", "attention")):
        assert LABELS["en"]["own_scale"] in side(both, number).locator(".scale .small").inner_text()
        assert method in side(both, number).locator(".caption").inner_text()
        most = float(np.abs(panel.sides[number].attribution.values).max())
        shown = float(side(both, number).locator(".ends span").last.inner_text())
        assert shown == pytest.approx(most, rel=0.06)


def test_a_region_and_its_masking_are_told_for_both_answers(both, panel):
    drag(both, (0.25, 0.25), (0.75, 0.5), number=1)
    settled(both)
    for number, one in enumerate(panel.sides):
        listed = side(both, number).locator(".region .name").all_inner_texts()
        assert listed == [name for name, drop in one.region.ranked if abs(drop) >= 0.05][:8]
    both.locator("[data-kind='mask']").click()
    for number in (0, 1):
        expect(side(both, number).locator(".again h4")).to_be_visible(timeout=QUICK)
    assert panel.beside.counterfactual.box_px == panel.counterfactual.box_px


def test_the_second_question_goes_away_again(both, panel):
    both.locator("[data-kind='close']").click()
    expect(both.locator(".side")).to_have_count(1, timeout=QUICK)
    assert panel.beside is None
    assert both.locator(".second").is_hidden()


def test_each_sides_words_are_walked_by_keyboard(both, panel):
    first = side(both, 1).locator(".word").first
    first.focus()
    both.keyboard.press("ArrowRight")
    both.keyboard.press("Enter")
    settled(both)
    assert panel.attribution is None
    assert panel.beside.attribution.token_spans[0][1] == panel.beside.words[1].stop


def test_layer_and_head_are_chosen_by_keyboard_where_the_method_has_them(opened, panel, model):
    choose(opened, 0, 1)
    assert opened.locator("select.layer").is_hidden()
    opened.locator("select.method").select_option("attention")
    settled(opened)
    kinds = model.module.config.text_config.layer_types
    texts = opened.locator("select.layer option").all_inner_texts()
    said = {"full_attention": "global", "sliding_attention": "local"}
    assert texts[-len(kinds) :] == [f"{number} · {said[kind]}" for number, kind in enumerate(kinds)]
    opened.locator("select.layer").focus()
    opened.keyboard.press("End")
    settled(opened)
    opened.locator("select.head").focus()
    opened.keyboard.press("End")
    settled(opened)
    heads = model.module.config.text_config.num_attention_heads
    options = {"layers": str(len(kinds) - 1), "heads": heads - 1}
    target, occurrence = panel.sides[0].place((1, 1))
    alone = explain(model, panel.answer, target, method="attention", occurrence=occurrence, **options)
    np.testing.assert_array_equal(panel.attribution.values, alone.values)
    opened.mouse.move(0, 0)
    opened.locator("canvas").focus()
    caption = opened.locator(".caption").inner_text()
    assert f"Layer {texts[-1]}" in caption
    assert f"Head {heads - 1}" in caption
    opened.locator("select.method").select_option("knockout")
    settled(opened)
    assert panel.options == ()


def test_a_map_seen_before_is_drawn_while_the_kernel_is_silent(opened, panel):
    opened.locator("select.method").select_option("attention")
    first, other = strongest(panel.sides[0])
    for index in (first, other):
        choose(opened, 0, index)
    opened.evaluate("() => { window.tell = () => new Promise(() => {}); }")
    side(opened, 0).locator(".word").nth(first).click()
    expect(opened.locator(".caption")).to_have_text(f"{panel.words[first].text} · attention", timeout=QUICK)
    assert opened.locator(".verdict").inner_text() == LABELS["en"]["untested"]
    assert panel.attribution.target == (panel.words[other].text,)


def test_another_scan_is_shown_with_its_own_map_of_the_same_words(opened, panel):
    choose(opened, 0, 1)
    before = opened.locator("canvas").evaluate("node => node.toDataURL()")
    opened.locator("select.scan").focus()
    opened.keyboard.press("ArrowDown")
    settled(opened)
    assert (panel.scan_number, panel.attribution.scan) == (1, 1)
    assert opened.locator("canvas").evaluate("node => node.toDataURL()") != before
    assert "2" in opened.get_by_text(LABELS["en"]["about_all"].format(2)).inner_text()


def test_every_control_of_two_sides_has_a_name_and_no_two_parts_share_one(both):
    script = """() => [...document.querySelectorAll('#app button, #app input, #app select, #app canvas, #app .words')]
        .filter(node => !(node.getAttribute('aria-label') || node.textContent.trim() || node.closest('label')))
        .map(node => node.className)"""
    assert both.evaluate(script) == []
    for kind in ("canvas", ".words"):
        names = both.locator(f".medlab-explorer {kind}").evaluate_all("nodes => nodes.map(n => n.ariaLabel)")
        assert len(set(names)) == 2
