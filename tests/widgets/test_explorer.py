"""The explorer without a browser: what a click does, what can be read back, what the page is told."""

import json
import logging
import sys
import types

import numpy as np
import pytest

from medlab.core.case import Mask
from medlab.core.errors import SpecError, UnknownName
from medlab.core.scan import Scan
from medlab.explainers.explain import explain
from medlab.explainers.methods import METHODS
from medlab.explainers.region_words import region_words
from medlab.widgets.explorer import explore
from medlab.widgets.labels import LABELS, METHODS_ZH, QUESTIONS
from medlab.widgets.links import phrase_of
from medlab.widgets.page import picture_bytes
from tests.models.parrot import Parrot, film

HOSTILE = '<script>alert(1)</script> &amp; \u202e "quoted" \'; import os\n报告'


@pytest.fixture
def panel(brief_model, scans):
    return explore(brief_model, scans[0], "Describe this chest X-ray.")


def state(panel) -> dict:
    return panel.widget.state


def click(panel, kind, **rest) -> None:
    """A message as the page sends it."""
    if kind == "look" and rest:
        rest = {"layer": "", "head": "", "beside": False} | rest
    panel._heard(panel.widget, {"kind": kind, "id": f"{kind}-1", **rest}, [])


# records


def test_the_words_of_the_panel_spell_its_answer(panel):
    spelled = "".join(word.gap + word.text for word in panel.words)
    assert spelled.strip() == panel.answer.text.strip()
    assert [word.start for word in panel.words[1:]] == [word.stop for word in panel.words[:-1]]


def test_a_click_on_a_word_gives_the_attribution_that_explain_gives(panel, brief_model):
    click(panel, "look", first=1, last=1, method="knockout", against="")
    assert panel.attribution.token_spans == ((panel.words[1].start, panel.words[1].stop),)
    target, occurrence = phrase_of(brief_model, panel.answer, panel.words[1].start, panel.words[1].stop)
    alone = explain(brief_model, panel.answer, target, method="knockout", occurrence=occurrence)
    np.testing.assert_array_equal(alone.values, panel.attribution.values)
    values = np.frombuffer(panel.widget.values, "<f4").reshape(panel.attribution.values.shape)
    np.testing.assert_array_equal(values, panel.attribution.values)


def test_a_map_that_the_links_hold_is_read_off_them_and_is_that_of_explain(panel, brief_model, monkeypatch):
    click(panel, "ready")
    target, occurrence = panel.sides[0].place((1, 2))
    alone = explain(brief_model, panel.answer, target, method="knockout", occurrence=occurrence)
    monkeypatch.setattr("medlab.widgets.side.explain", None)  # nothing is run anew
    found = panel.look((1, 2), method="knockout")
    np.testing.assert_allclose(found.values, alone.values, atol=1e-5)
    for name in ("settings", "token_spans", "target", "causal", "verdict", "query_fingerprint", "answer_fingerprint"):
        assert getattr(found, name) == getattr(alone, name)
    assert found.score_nats == pytest.approx(alone.score_nats, abs=1e-5)
    assert found.effect_nats == pytest.approx(alone.effect_nats, abs=1e-5)


def test_words_that_stand_together_are_one_target(panel):
    found = panel.look((0, 1), method="knockout")
    assert found.token_spans == ((panel.words[0].start, panel.words[1].stop),)
    assert (state(panel)["sides"][0]["shown"]["first"], state(panel)["sides"][0]["shown"]["last"]) == (0, 1)


def test_a_word_seen_before_is_not_explained_again(panel):
    first = panel.look((0, 0), method="knockout")
    panel.look((1, 1))
    assert panel.look((0, 0)) is first


def test_a_contrast_is_asked_for_by_the_other_word(panel):
    found = panel.look((0, 0), method="knockout", against="pneumothorax")
    assert found.contrast
    assert found.target[1] == "pneumothorax"
    assert state(panel)["sides"][0]["against"] == "pneumothorax"


def test_a_region_gives_what_each_word_loses_without_it(panel, brief_model):
    click(panel, "brush", box=[0, 0, 45, 70])
    mask = np.zeros((90, 70), bool)
    mask[:45] = True
    found = region_words(brief_model, panel.answer, (Mask("upper half", mask),))
    expected = [found.of_word(word)[0] for word in range(len(found.words))]
    np.testing.assert_allclose(panel.region.drops_nats, expected, atol=1e-6)
    assert panel.region.words == tuple(word.text for word in panel.words)
    assert panel.region.ranked[0][1] == max(panel.region.drops_nats, key=abs)
    np.testing.assert_allclose(state(panel)["sides"][0]["region"]["drops"], expected, atol=1e-6)


@pytest.mark.parametrize("box", [5, "1234", (1, 2, 3), (1, 2, 3, "4"), None, (500, 500, 600, 600)])
def test_a_box_that_is_none_is_refused(panel, box):
    with pytest.raises(SpecError, match=r"top, left, bottom, right|box_px"):
        panel.brush(box)
    assert panel.region is None


def test_masking_asks_about_a_scan_with_that_part_painted_over(panel, brief_model):
    panel.brush((10, 10, 50, 60))
    click(panel, "mask")
    again = panel.counterfactual
    seen = again.answer.query.scans[0].pixels
    assert np.ptp(seen[10:50, 10:60]) == 0
    np.testing.assert_array_equal(np.delete(seen, np.s_[10:50], 0), np.delete(panel.scan.pixels, np.s_[10:50], 0))
    assert again.answer.text == brief_model.ask(again.answer.query.scans[0], panel.question).text
    moved = [sum(again.moved_nats[word.start : word.stop]) for word in panel.words]
    np.testing.assert_allclose(state(panel)["sides"][0]["again"]["moved"], moved, atol=1e-6)


def test_another_question_lets_go_of_what_was_looked_at(panel):
    panel.look((0, 0), method="knockout")
    panel.brush((0, 0, 45, 70))
    click(panel, "ask", question="", language="zh")
    assert panel.question == QUESTIONS["zh"]
    assert panel.attribution is panel.region is panel.counterfactual is None
    assert state(panel)["labels"] == LABELS["zh"]


def test_replay_makes_the_same_records_again(panel, brief_model):
    panel.look((1, 1), method="knockout")
    panel.brush((10, 10, 50, 60))
    panel.mask()
    made = {"model": brief_model, "scan": panel.scan}
    exec(panel.replay(), made)
    np.testing.assert_array_equal(made["attribution"].values, panel.attribution.values)
    assert made["attribution"].token_spans == panel.attribution.token_spans
    assert made["region"].words == panel.region.words
    assert made["region"].drops_nats == panel.region.drops_nats
    assert made["counterfactual"].moved_nats == panel.counterfactual.moved_nats


def test_hostile_text_is_data_in_the_replayed_source(brief_model, scans):
    scan = Scan(scans[0].pixels, name=HOSTILE)
    panel = explore(brief_model, scan, 'Is there "an effusion"\'); raise SystemExit\nraise SystemExit')
    assert "\nraise" not in panel.replay()
    made = {"model": brief_model, "scan": scan}
    exec(panel.replay(), made)
    assert made["answer"].text == panel.answer.text


# what the page is told


def test_no_map_is_told_without_its_verdict(panel):
    click(panel, "ready")
    panel.look((0, 0), method="knockout")
    assert state(panel)["sides"][0]["links"]["verdict"] == LABELS["en"]["untested"]
    assert state(panel)["sides"][0]["shown"]["verdict"] == LABELS["en"]["untested"]


def test_words_that_come_whatever_the_picture_are_marked(panel):
    click(panel, "ready")
    still = [panel.links.independent(index) for index in range(len(panel.words))]
    assert [word["still"] for word in state(panel)["sides"][0]["words"]] == still


def test_the_maps_of_all_words_are_there_once_the_page_is_ready(panel):
    assert panel.widget.drops == b""
    click(panel, "ready")
    maps = np.frombuffer(panel.widget.drops, "<f4").reshape(len(panel.words), *panel.links.grid)
    _, start, stop = panel.links.words[0]
    np.testing.assert_array_equal(maps[0].ravel(), panel.links.values[:, start:stop].sum(1))


def test_the_square_is_told_in_pixels_of_the_scan(panel):
    fit = panel.model.fit_of(panel.scan)
    expected = [0, 0, 90, 70] if fit.mode == "stretch" else [0, -10, 90, 80]
    assert state(panel)["square"] == expected
    assert state(panel)["size"] == [90, 70]


def test_everything_but_arrays_is_plain(panel):
    click(panel, "ready")
    panel.look((0, 0), method="knockout")
    panel.brush((0, 0, 45, 70))
    panel.mask()
    assert json.loads(json.dumps(state(panel))) == state(panel)


def test_an_error_reaches_the_page_and_the_log_and_the_panel_goes_on(panel, caplog):
    with caplog.at_level(logging.WARNING, "medlab.widgets"):
        click(panel, "look", first=0, last=0, method="relevence", against="")
    assert "relevance" in state(panel)["error"]
    assert state(panel)["done"] == "look-1"
    assert "relevence" in caplog.text
    click(panel, "brush", box=[0, 0, 45, 70])
    assert state(panel)["error"] == ""


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        ("brush", {"box": [1, 2, 3]}),
        ("brush", {"box": [500, 500, 600, 600]}),
        ("brush", {"box": "abcd"}),
        ("look", {"first": -1, "last": 0, "method": "knockout", "against": ""}),
        ("look", {}),
        ("mask", {}),
        ("delete everything", {}),
    ],
)
def test_a_message_that_is_none_is_answered_with_an_error(panel, kind, rest):
    click(panel, kind, **rest)
    assert state(panel)["error"]
    assert not panel.widget.busy


def test_an_answer_without_tokens_is_shown_and_the_panel_says_why_no_word_is_linked():
    panel = explore(Parrot(), film(name="x"), HOSTILE.replace("\n", " "))
    click(panel, "ready")
    assert panel.words == ()
    assert state(panel)["sides"][0]["text"] == panel.answer.text
    assert "no ids" in state(panel)["sides"][0]["no_links"]


def test_a_large_picture_is_sent_as_means_over_blocks():
    pixels = np.zeros((2048, 3), np.float32)
    pixels[::2] = 1
    sent, shape = picture_bytes(Scan(pixels))
    assert shape == (1024, 2, 1)
    assert set(np.frombuffer(sent, "<u2").tolist()) == {32768}


# without a kernel


def test_the_cell_holds_a_still_picture_too(panel):
    panel.look((0, 0), method="knockout")
    data, _ = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<img" in data["text/html"]
    assert 'alt="' in data["text/html"]
    assert data["text/plain"] == repr(panel)
    assert "knockout" in repr(panel)
    assert "0x" not in repr(panel)


# refusals


def test_what_cannot_be_explored_is_refused_before_anything_is_asked(brief_model, scans):
    with pytest.raises(SpecError, match="explore"):
        explore(brief_model, "chest.png")
    with pytest.raises(UnknownName, match="knockout"):
        explore(brief_model, scans[0], method="knokout")
    with pytest.raises(SpecError, match="en, zh"):
        explore(brief_model, scans[0], language="fr")


def test_both_languages_say_the_same_things():
    assert LABELS["en"].keys() == LABELS["zh"].keys()


def test_every_method_tells_of_itself_in_chinese_where_the_panel_does(model, scans):
    assert sorted(METHODS_ZH) == METHODS.names()
    panel = explore(model, scans[0], "Findings", language="zh")
    told = {method["same"]: method["about"] for method in state(panel)["methods"]}
    assert all(told[name].startswith(about) for name, about in METHODS_ZH.items())


def test_colab_is_told_where_its_manager_of_widgets_is(panel, monkeypatch):
    address = "https://example.test/manager.min.js"
    output = types.ModuleType("google.colab.output")
    output._widgets = types.SimpleNamespace(_installed_url=address)
    output.enable_custom_widget_manager = lambda: None
    monkeypatch.setitem(sys.modules, "google.colab.output", output)
    _, metadata = panel._repr_mimebundle_()
    told = metadata["application/vnd.jupyter.widget-view+json"]
    assert told["colab"]["custom_widget_manager"]["url"] == address
