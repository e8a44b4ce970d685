"""The verdicts that come with medlab: they are of the demo model as it is, and a small study here agrees with them."""

import pytest

from medlab.explainers.explain import explain
from medlab.explainers.methods import SHORT, make_method
from medlab.explainers.trust.card import TrustTable
from medlab.explainers.trust.controls import CONTROLS
from medlab.explainers.trust.films import phantoms
from medlab.explainers.trust.probes import probes_of
from medlab.explainers.trust.study import trust
from medlab.explainers.trust.verdicts import SHIPPED, card_for, key_of
from medlab.models.load import load_model

TABLES = sorted(SHIPPED.glob("*.json"))


@pytest.fixture(scope="module")
def demo():
    return load_model("demo", dtype="float32", device="cpu")


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_card_is_of_the_demo_model_that_comes_with_medlab(path, demo):
    cards = TrustTable.from_json(path.read_text("utf-8")).cards
    assert {card.model_fingerprint for card in cards} == {key_of(demo)}


@pytest.mark.parametrize("method", [*SHORT, "knockout", "attention", "gradcam", "rollout"])
def test_methods_have_been_tested_with_the_options_that_they_have_by_default(method, demo):
    card = card_for(key_of(demo), make_method(method))
    assert card is not None
    assert card.films >= 30


def test_a_map_of_the_demo_model_carries_its_verdict(demo):
    probe = probes_of(demo, next(phantoms(7)))[0]
    assert explain(demo, probe.query, probe.replies, method="instant").verdict.startswith("localises")


def test_a_method_that_points_beside_the_lesion_has_a_bad_verdict(demo):
    for method in ("gradcam", "logit_lens", *CONTROLS):
        assert not card_for(key_of(demo), make_method(method)).trustworthy


def test_a_small_study_of_other_films_finds_what_the_card_says(demo):
    """Films of another row than those of the shipped study: 12 of them."""
    table = trust(demo, ["instant"], n=12, deep=0, seed=7, progress=False)
    card = card_for(key_of(demo), make_method("instant"))
    hit, shipped = table[SHORT["instant"]].scorecard["hit"], card.scorecard["hit"]
    assert hit.ci_low <= shipped.value <= max(hit.ci_high, hit.value)
    assert hit.value >= 0.9
    assert table["random"].scorecard["hit"].value <= 0.25
