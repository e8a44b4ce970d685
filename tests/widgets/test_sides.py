"""Two questions beside one another, several scans, layers and heads: without a browser."""

import json

import numpy as np
import pytest

from medlab.core.case import Case
from medlab.core.errors import CapabilityError, SpecError
from medlab.core.scan import Scan
from medlab.explainers.explain import explain
from medlab.models.base import Capabilities
from medlab.widgets.explorer import explore
from medlab.widgets.labels import LABELS
from medlab.widgets.still import still_of
from tests.models.parrot import Parrot, film

FIRST, SECOND = "Is there a pleural effusion?", "Isn't there a pleural effusion?"
BOX = (10, 10, 50, 60)


@pytest.fixture
def panel(brief_model, scans):
    return explore(brief_model, scans[0], FIRST, beside=SECOND)


@pytest.fixture
def pair(scans) -> list[Scan]:
    """Two scans of one size and different pixels."""
    return [scans[0], Scan(scans[0].pixels[::-1].copy(), name="turned")]


def state(panel) -> dict:
    return panel.widget.state


def click(panel, kind, **rest) -> None:
    """A message as the page sends it."""
    panel._heard(panel.widget, {"kind": kind, "id": f"{kind}-1", **rest}, [])


def same(one, other) -> None:
    """Two attributions of one map."""
    np.testing.assert_array_equal(one.values, other.values)
    assert (one.settings, one.scan, one.token_spans) == (other.settings, other.scan, other.token_spans)


# two questions


def test_a_second_question_has_an_answer_words_and_a_map_of_its_own(panel, brief_model):
    assert panel.beside.answer.text == brief_model.ask(panel.scan, SECOND).text
    found = panel.look((1, 1), beside=True)
    assert panel.beside.attribution is found
    assert panel.attribution is None
    assert found.query_fingerprint != panel.look((1, 1)).query_fingerprint
    assert [side["question"] for side in state(panel)["sides"]] == [FIRST, SECOND]


def test_both_maps_reach_the_page_one_after_the_other_each_with_its_verdict(panel):
    maps = [panel.look((0, 0), method="attention", beside=beside).values for beside in (False, True)]
    sent = np.frombuffer(panel.widget.values, "<f4")
    np.testing.assert_array_equal(sent, np.concatenate([values.ravel() for values in maps]))
    assert [side["shown"]["verdict"] for side in state(panel)["sides"]] == [LABELS["en"]["untested"]] * 2


def test_a_region_and_its_masking_are_about_both_answers(panel):
    click(panel, "brush", box=list(BOX))
    click(panel, "mask")
    for side in panel.sides:
        assert side.region.words == tuple(word.text for word in side.words)
        assert side.counterfactual.answer_fingerprint == side.answer.fingerprint
    assert panel.beside.region.drops_nats != panel.region.drops_nats


def test_a_region_that_is_there_feeds_the_words_of_a_second_question_too(brief_model, scans):
    panel = explore(brief_model, scans[0], FIRST)
    panel.brush(BOX)
    click(panel, "beside", question=SECOND)
    assert panel.beside.region.box_px == panel.region.box_px


def test_replay_makes_the_records_of_both_sides_again(panel, brief_model):
    panel.look((1, 1), method="attention", layer=1, head=0)
    panel.look((0, 1), beside=True)
    panel.brush(BOX)
    panel.mask()
    made = {"model": brief_model, "scan": panel.scan}
    exec(panel.replay(), made)
    for name, side in zip(("", "_beside"), panel.sides, strict=True):
        assert made[f"answer{name}"].text == side.answer.text
        same(made[f"attribution{name}"], side.attribution)
        assert made[f"region{name}"].drops_nats == side.region.drops_nats
        assert made[f"counterfactual{name}"].moved_nats == side.counterfactual.moved_nats


def test_the_still_picture_tells_both_sides_with_a_verdict_for_each_map(panel):
    for looked_at in (0, 1, 2):
        told = still_of(panel).description
        assert FIRST in told
        assert SECOND in told
        assert told.count("Untested") == looked_at
        panel.look((0, 0), method="attention", beside=bool(looked_at))
    assert panel.png().startswith(b"\x89PNG")


def test_a_second_question_can_be_taken_away_and_is_missed_where_it_is_needed(panel):
    click(panel, "close")
    assert panel.beside is None
    assert len(state(panel)["sides"]) == 1
    with pytest.raises(SpecError, match="ask_beside"):
        panel.look((0, 0), beside=True)


def test_another_first_question_leaves_the_second_as_it_is(panel):
    found = panel.look((0, 0), method="attention", beside=True)
    panel.ask("Is there a nodule?")
    assert panel.beside.attribution is found
    assert panel.attribution is None


# layers and heads


def test_a_map_of_one_layer_and_head_is_that_of_explain(panel, brief_model):
    found = panel.look((1, 1), method="attention", layer="1", head=1)
    target, occurrence = panel.sides[0].place((1, 1))
    options = {"method": "attention", "layers": "1", "heads": 1}
    same(found, explain(brief_model, panel.answer, target, occurrence=occurrence, **options))
    shown = state(panel)["sides"][0]["shown"]
    assert (shown["layer"], shown["head"]) == ("1", "1")


def test_the_layer_used_last_stays_until_another_method_is_named(panel):
    panel.look((0, 0), method="attention", layer="full")
    assert dict(panel.look((1, 1)).settings)["layers"] == "full"
    assert dict(panel.look((1, 1), layer=0).settings)["layers"] == "0"
    assert dict(panel.look((1, 1), method="attention").settings)["layers"] == "all"


def test_local_and_global_layers_are_told_apart(panel, brief_model):
    kinds = [kind.removesuffix("_attention") for kind in brief_model.module.config.text_config.layer_types]
    labels = LABELS["en"]
    methods = {one["same"]: one for one in state(panel)["methods"]}
    told = {choice["value"]: choice["text"] for choice in methods["attention"]["layers"]}
    assert [told[str(number)] for number in range(len(kinds))] == [
        f"{number} · {labels[kind]}" for number, kind in enumerate(kinds)
    ]
    assert {told["full"], told["sliding"]} == {"global layers", "local layers"}
    lens = [choice["value"] for choice in methods["logit_lens"]["layers"]]
    assert lens == [*map(str, range(len(kinds) - 1)), "-1"]
    assert methods["logit_lens"]["heads"] == methods["knockout"]["layers"] == []


def test_every_layer_that_is_offered_can_be_looked_at(panel):
    for one in state(panel)["methods"]:
        for choice in one["layers"]:
            click(
                panel,
                "look",
                first=0,
                last=0,
                method=one["name"],
                against="",
                layer=choice["value"],
                head="",
                beside=0,
            )
            assert state(panel)["error"] == ""
            assert state(panel)["layer"] == choice["value"]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("knockout", {"layer": 1}),
        ("logit_lens", {"head": 1}),
        ("logit_lens", {"layer": "full"}),
        ("attention", {"layer": 99}),
        ("attention", {"head": 99}),
        ("attention", {"head": "two"}),
    ],
)
def test_a_layer_or_head_that_is_none_is_refused_and_nothing_changes(panel, method, options):
    before = panel.look((0, 0), method="attention", layer=1)
    with pytest.raises(SpecError, match=next(iter(options))):
        panel.look((1, 1), method=method, **options)
    assert panel.attribution is before
    assert dict(panel.options) == {"layers": "1"}


# several scans


def test_a_question_is_about_all_scans_where_the_model_takes_them(brief_model, pair):
    panel = explore(brief_model, pair, FIRST)
    assert panel.together
    assert panel.answer.query.scans == tuple(pair)
    assert state(panel)["scans"] == [scan.name for scan in pair]
    assert "2" in state(panel)["about_scans"]


def test_the_map_follows_to_the_scan_that_is_chosen(brief_model, pair):
    panel = explore(brief_model, Case("c", tuple(pair)), FIRST)
    first = panel.look((1, 1), method="attention")
    panel.brush(BOX)
    pixels = panel.widget.pixels
    click(panel, "scan", number=1)
    assert (panel.attribution.scan, panel.attribution.target) == (1, first.target)
    assert panel.region is None
    assert panel.widget.pixels != pixels
    target, occurrence = panel.sides[0].place((1, 1))
    same(
        panel.attribution,
        explain(brief_model, panel.answer, target, method="attention", occurrence=occurrence, scan=1),
    )
    click(panel, "scan", number=0)
    assert panel.attribution is first


def test_regions_and_replay_are_about_the_chosen_scan(brief_model, pair):
    panel = explore(brief_model, pair, FIRST)
    panel.choose_scan(1)
    panel.look((1, 1), method="attention")
    panel.brush(BOX)
    panel.mask()
    assert panel.counterfactual.scan == 1
    np.testing.assert_array_equal(panel.counterfactual.answer.query.scans[0].pixels, pair[0].pixels)
    made = {"model": brief_model, "scans": tuple(pair)}
    exec(panel.replay(), made)
    same(made["attribution"], panel.attribution)
    assert made["region"].drops_nats == panel.region.drops_nats
    assert made["counterfactual"].moved_nats == panel.counterfactual.moved_nats


def test_a_model_of_one_scan_is_asked_about_the_one_that_is_chosen():
    parrot = Parrot()
    parrot.capabilities = Capabilities(images=1)
    panel = explore(parrot, [film(0.1, name="one"), film(0.9, name="two")], "which?", beside="and now?")
    assert not panel.together
    assert panel.answer.text.startswith("1 scan(s)")
    panel.choose_scan(1)
    for side in panel.sides:
        assert [scan.name for scan in side.answer.query.scans] == ["two"]
    made = {"model": parrot, "scans": panel.scans}
    exec(panel.replay(), made)
    assert made["answer_beside"].text == panel.beside.answer.text
    assert "1" in state(panel)["about_scans"]


def test_a_scan_that_is_not_there_is_refused(brief_model, pair):
    panel = explore(brief_model, pair, FIRST)
    with pytest.raises(SpecError, match="number of the scan"):
        panel.choose_scan(2)
    for wrong in ([], [pair[0], "two.png"], Case("none")):
        with pytest.raises(SpecError, match="explore"):
            explore(brief_model, wrong, FIRST)


def test_everything_but_arrays_is_plain(panel):
    click(panel, "ready")
    panel.look((0, 0), method="attention", layer=1, beside=True)
    assert json.loads(json.dumps(state(panel))) == state(panel)


# what is typed wrong


@pytest.mark.parametrize("words", [5, None, (0,), (0, 1, 2), ("a", "b"), (0.5, 1)])
def test_words_that_are_neither_text_nor_two_places_are_refused(panel, words):
    with pytest.raises(SpecError, match="words are"):
        panel.look(words)


def test_a_box_of_no_numbers_is_refused(panel):
    with pytest.raises(SpecError, match="box_px is nan"):
        panel.brush((float("nan"),) * 4)


def test_a_method_that_is_known_elsewhere_says_why_it_is_not_offered(panel):
    with pytest.raises(CapabilityError, match="ReLU"):
        panel.look((0, 0), method="deep_lift")


def test_words_against_themselves_are_refused(panel):
    word = panel.words[0].text
    with pytest.raises(SpecError, match="with itself"):
        panel.look(word, against=word)
