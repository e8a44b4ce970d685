"""Verdicts: what earns one, how it reads, where it is kept, and that a map carries it."""

import pytest

from medlab.core.errors import SpecError
from medlab.core.score import Score, Scorecard
from medlab.explainers.explain import explain
from medlab.explainers.methods import make_method
from medlab.explainers.trust.bench import trust_folder
from medlab.explainers.trust.card import APART, ENOUGH, RANDOMISED, STILL_HITS, TrustCard, TrustTable, faults_of
from medlab.explainers.trust.verdicts import card_for, keep, verdict_for

GOOD = {
    "hit": (0.9, 0.85, 0.95),
    "hit of random": (0.1, 0.05, 0.15),
    "hit above random": (0.8, 0.7, 0.9),
    "hit of centre": (0.1, 0.05, 0.15),
    "hit above centre": (0.8, 0.7, 0.9),
    "hit of edges": (0.4, 0.3, 0.5),
    "hit above edges": (0.5, 0.4, 0.6),
    RANDOMISED: (0.2, 0.1, 0.3),
    APART: (0.9, 0.8, 0.95),
    STILL_HITS: (0.1, 0.05, 0.3),
}


def scores(n: int = 40, **changes: tuple[float, float, float] | None) -> dict[str, Score]:
    told = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return {name: Score(name, value, n, low, high) for name, (value, low, high) in told.items()}


def card(method: str = "relevance", n: int = 40, settings=(), fingerprint="f" * 8, **changes) -> TrustCard:
    found = scores(n, **changes)
    return TrustCard(
        method, settings, "demo", fingerprint, "phantom", n, Scorecard("x", tuple(found.values())),
        faults_of(found, method),
    )  # fmt: skip


def test_a_method_that_passes_every_test_has_earned_trust():
    one = card()
    assert one.trustworthy
    assert one.verdict.startswith("localises 0.90 [0.85, 0.95] vs random 0.10, centre 0.10, edges 0.40;")
    assert "survives randomisation: no (rank correlation 0.20, hits 0.10);" in one.verdict
    assert "tells two findings apart: yes (0.90)" in one.verdict
    assert "(40 films, phantom; yes/no questions in English answered right)" in one.verdict


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"hit above edges": (0.1, -0.02, 0.2)}, "points no better than edges"),
        ({"hit above random": (0.1, -0.02, 0.2)}, "points no better than random"),
        ({RANDOMISED: (0.9, 0.8, 1.0)}, "survives shuffled weights"),
        ({RANDOMISED: (0.45, 0.35, 0.55)}, "not shown to fall with the weights"),
        ({STILL_HITS: (0.9, 0.8, 1.0)}, "still hits with shuffled weights"),
        ({STILL_HITS: (0.4, 0.3, 0.55)}, "not shown to miss with shuffled weights"),
        ({APART: (0.55, 0.45, 0.65)}, "not shown to tell findings apart"),
        ({"hit": (0.55, 0.45, 0.65)}, "not shown to hit more often than it misses"),
        ({"hit": (0.36, 0.30, 0.43)}, "misses more often than it hits"),
        ({RANDOMISED: None}, f'"{RANDOMISED}" not tested'),
        ({APART: (0.3, 0.2, 0.4)}, "does not tell findings apart"),
        ({APART: None}, f'"{APART}" not tested'),
    ],
)
def test_each_failed_test_is_a_fault_that_the_verdict_begins_with(change, fault):
    one = card(**change)
    assert one.faults == (fault,)
    assert one.verdict.startswith(f"not shown to be trustworthy ({fault}): localises 0.")


def test_a_map_that_survives_shuffled_weights_is_said_to():
    assert (
        "survives randomisation: yes (rank correlation 0.90, hits 0.10)"
        in card(**{RANDOMISED: (0.9, 0.8, 1.0)}).verdict
    )


def test_a_map_whose_hits_survive_is_said_to_whatever_its_likeness():
    assert (
        "survives randomisation: yes (rank correlation 0.20, hits 0.90)" in card(**{STILL_HITS: (0.9, 0.8, 1)}).verdict
    )


def test_a_likeness_whose_interval_holds_the_line_is_neither_yes_nor_no():
    told = card(**{RANDOMISED: (0.45, 0.35, 0.55)}).verdict
    assert "randomisation: not ruled out (rank correlation 0.45, hits 0.10)" in told


def test_a_background_that_two_findings_share_is_no_fault_where_each_is_pointed_at():
    alike = Score("alike for another finding", 0.8, 40, 0.7, 0.9)
    assert not faults_of(scores() | {alike.name: alike}, "relevance")


def test_the_finding_that_is_hit_least_often_is_named():
    few = {"hit: nodule": (0.72, 0.57, 0.83), "hit: central_line": (0.95, 0.9, 1.0)}
    assert card(**few).verdict.startswith("localises 0.90 [0.85, 0.95], 0.72 for nodule, vs random 0.10")
    assert "for nodule" not in card(n=9, **few).verdict


def test_few_films_are_no_verdict_however_good():
    one = card(n=ENOUGH - 1)
    assert not one.trustworthy
    assert f"{ENOUGH - 1} films of the {ENOUGH}" in one.verdict


def test_a_control_is_never_trustworthy():
    assert "a control" in card("edges").verdict


def test_nothing_is_ranked_on_few_films():
    with pytest.raises(SpecError, match="a ranking on 29"):
        TrustTable((card(n=29),), 40, 40, 30).ranked()
    assert "not ranked" in TrustTable((card(n=29),), 40, 40, 30).text()


def test_the_trustworthy_come_first_and_controls_last():
    bad = card("saliency", hit=(0.95, 0.9, 1.0), **{APART: None})
    table = TrustTable((card("edges"), bad, card()), 40, 80, 60)
    assert [one.method for one in table.ranked()] == ["relevance", "saliency", "edges"]
    assert TrustTable.from_json(table.to_json()) == table
    assert "60 answered right" in table.text()


def test_a_verdict_is_found_by_model_and_method():
    method = make_method("token_occlusion")
    assert verdict_for("f" * 8, method) is None
    keep(card("token_occlusion", settings=method.settings))
    assert verdict_for("f" * 8, method).startswith("localises 0.90")
    assert verdict_for("a" * 8, method) is None
    assert verdict_for("f" * 8, make_method("token_occlusion", cells=2)) is None


def test_a_model_without_a_fingerprint_has_no_verdict(cache):
    method = make_method("token_occlusion")
    keep(card("token_occlusion", settings=method.settings, fingerprint=""))
    assert verdict_for("", method) is None
    assert not cache.exists()


def test_fewer_films_do_not_take_the_place_of_more():
    method = make_method("token_occlusion")
    keep(card("token_occlusion", 100, method.settings))
    keep(card("token_occlusion", 50, method.settings))
    assert card_for("f" * 8, method).films == 100
    keep(card("token_occlusion", 120, method.settings))
    assert card_for("f" * 8, method).films == 120


def test_a_study_in_another_language_stands_beside_and_says_so():
    method = make_method("token_occlusion")
    keep(card("token_occlusion", 50, method.settings))
    keep(card("token_occlusion", 40, method.settings).replace(language="zh"))
    assert card_for("f" * 8, method).films == 50
    keep(card("token_occlusion", 60, method.settings).replace(language="zh"))
    assert "60 films, phantom; yes/no questions in Chinese" in verdict_for("f" * 8, method)
    with pytest.raises(SpecError, match="en, zh"):
        card().replace(language="fr")


def test_many_films_without_the_sanity_tests_do_not_either():
    method = make_method("token_occlusion")
    keep(card("token_occlusion", 50, method.settings))
    keep(card("token_occlusion", 500, method.settings, **{RANDOMISED: None}))
    assert card_for("f" * 8, method).films == 50


def test_a_damaged_card_is_no_card(cache):
    method = make_method("token_occlusion")
    keep(card("token_occlusion", settings=method.settings))
    next(cache.rglob("*.json")).write_text('{"method": ')
    assert verdict_for("f" * 8, method) is None


def test_a_map_carries_its_verdict(model, scans):
    query, method = model.query(scans[0], "Is there a nodule?"), make_method("token_occlusion")
    assert explain(model, query, ("yes", "no"), method=method).verdict is None
    keep(card("token_occlusion", settings=method.settings, fingerprint=model.fingerprint))
    assert explain(model, query, ("yes", "no"), method=method).verdict.startswith("localises")
    assert explain(model, query, ("yes", "no"), method=method).trusted


def test_only_a_method_that_passed_is_trusted(model, scans):
    query, method = model.query(scans[0], "Is there a nodule?"), make_method("token_occlusion")
    assert not explain(model, query, ("yes", "no"), method=method).trusted
    keep(card("token_occlusion", settings=method.settings, fingerprint=model.fingerprint, hit=(0.3, 0.2, 0.4)))
    assert not explain(model, query, ("yes", "no"), method=method).trusted


def test_a_kept_card_that_judges_something_else_than_its_file_is_called_is_not_believed():
    method = make_method("relevance")
    told = card(settings=method.settings, fingerprint="e" * 8)
    keep(told)
    path = next(iter((trust_folder() / told.model_fingerprint).iterdir()))
    assert card_for(told.model_fingerprint, method) == told
    path.write_text(told.replace(model_fingerprint="a" * 8).to_json(), "utf-8")
    assert card_for(told.model_fingerprint, method) is None
