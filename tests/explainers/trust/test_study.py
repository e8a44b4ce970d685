"""The study: who points at the truth is told from who does not, and a killed study goes on."""

import dataclasses
import functools
import multiprocessing
import os
import signal
import zlib

import numpy as np
import pytest

from medlab.core.errors import CapabilityError, SpecError
from medlab.explainers.base import Map
from medlab.explainers.trust.card import APART, FINDING, RANDOMISED, STILL_HITS, TrustTable
from medlab.explainers.trust.deletion import areas
from medlab.explainers.trust.films import phantoms
from medlab.explainers.trust.scrambling import STAGES
from medlab.explainers.trust.study import trust
from tests.explainers.trust.conftest import SQUARES, Deaf, Knowing, Pointer, film, text_of

FILMS = 32


@pytest.fixture(scope="module")
def table(load, tmp_path_factory) -> TrustTable:
    """One study of a tiny random Gemma 3, whose every answer is called right, by a pointer and a deaf one."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MEDLAB_CACHE", str(tmp_path_factory.mktemp("trust")))
    patch.setattr("medlab.explainers.trust.study.FILLS", ("mean",))
    patch.setattr("medlab.explainers.trust.study.areas", functools.partial(areas, steps=2))
    model = load()
    with patch.context():
        found = trust(model, methods(model), said(model, FILMS), deep=24, progress=False)
    patch.undo()
    return found


@dataclasses.dataclass(frozen=True)
class Stubborn(Pointer):
    """Points at what is asked for whatever the weights, out of noise that hangs on them."""

    name = "stubborn"

    def draw(self, request) -> Map:
        words = text_of(request.aim.query) + " ".join(request.aim.words)
        known = next((name for name in SQUARES if name in words), "nodule")
        rng = np.random.default_rng(zlib.crc32(repr((self.weight_of(request.model), words)).encode()))
        return Map(10 * self.square(request, known) + rng.random((4, 4)))


@dataclasses.dataclass(frozen=True)
class Halves(Pointer):
    """A map so coarse that each of its cells touches much."""

    name = "halves"

    def draw(self, request) -> Map:
        return Map(super().draw(request).values.reshape(2, 2, 2, 2).max((1, 3)))


def methods(model) -> list[Pointer]:
    learned = Pointer.weight_of(model)
    return [Pointer(learned), Deaf(), Stubborn(), Halves(learned)]


def said(model, n: int):
    """Films whose right replies are those that the model gives."""
    for seed in range(n):
        case = film(seed)
        queries = [model.query(case, question.question) for question in case.questions]
        best = [told.best for told in model.score_many(queries, ("yes", "no"))]
        yield film(seed, {
            question.about: (reply, "no" if reply == "yes" else "yes")
            for question, reply in zip(case.questions, best, strict=True)
        })  # fmt: skip


def test_what_points_at_the_truth_and_forgets_with_the_model_is_trusted(table):
    card = table["pointer"]
    assert card.scorecard["hit"].value == 1
    assert card.scorecard["hit"].n == card.films == FILMS
    assert card.scorecard["lift"].value == pytest.approx(16, rel=1e-3)
    assert card.scorecard["elsewhere"].value == 0
    assert card.trustworthy, card.verdict
    assert "localises 1.00" in card.verdict
    assert "survives randomisation: no" in card.verdict


def test_what_ignores_model_and_question_is_not_however_it_points(table):
    card = table["deaf"]
    assert card.scorecard["hit: nodule"].value == 1
    assert card.scorecard["hit: effusion"].value == 0
    assert card.scorecard["elsewhere"].value == 0.5
    assert card.scorecard[RANDOMISED].value == pytest.approx(1)
    assert card.scorecard[FINDING].value == pytest.approx(1)
    assert card.scorecard[APART].value == 0
    assert {"survives shuffled weights", "does not tell findings apart"} <= set(card.faults)
    assert card.verdict.startswith("not shown to be trustworthy")


def test_what_points_as_well_without_the_weights_is_not_trusted_though_its_noise_changes(table):
    card = table["stubborn"]
    assert card.scorecard["hit"].value == 1
    assert card.scorecard[RANDOMISED].ci_high < 0.5
    assert card.scorecard[STILL_HITS].value == 1
    assert card.faults == ("still hits with shuffled weights",)


def test_a_coarse_map_is_judged_on_the_grid_of_the_controls(table):
    assert table["halves"].scorecard["hit"].value == pytest.approx(1 / 4)


def test_controls_are_always_beside_and_bad(table):
    for name in ("random", "centre", "edges"):
        assert not table[name].trustworthy
        assert table["pointer"].scorecard[f"hit of {name}"].value == table[name].scorecard["hit"].value
    assert table["random"].scorecard["hit"].value < 0.3
    assert table["edges"].scorecard[RANDOMISED].value == pytest.approx(1)


def test_every_stage_of_shuffling_and_every_curve_is_told(table):
    names = {score.name for score in table["pointer"].scorecard.scores}
    assert {f"alike shuffled: {stage}" for stage in STAGES[:-1]} <= names
    assert {"alike for another word", "change under noise", "hit with all weights shuffled"} <= names
    assert "deletion mean" in names or "insertion mean" in names


def test_invisible_noise_moves_the_pointer_little(table):
    assert table["pointer"].scorecard["change under noise"].value < 0.01


def test_the_table_counts_what_was_asked(table):
    assert (table.shown, table.asked, table.right) == (FILMS, 2 * FILMS, 2 * FILMS)
    assert table.ranked()[0].method == "pointer"
    assert "pointer learned=" in table.text()


def test_weights_are_back_while_a_notebook_still_holds_the_error(load, monkeypatch):
    model = load()
    learned = Pointer.weight_of(model)
    monkeypatch.setattr("medlab.explainers.trust.study.Study._liken", stopped)
    with pytest.raises(KeyboardInterrupt) as held:
        trust(model, [Pointer(learned)], said(model, 2), deep=1, progress=False)
    assert held.tb is not None
    assert Pointer.weight_of(model) == learned


def stopped(*_):
    raise KeyboardInterrupt


@dataclasses.dataclass(frozen=True)
class Counting(Pointer):
    """Notes each map it draws in a file, and is killed at one of them."""

    file: str = ""
    fatal: int = 0
    name = "counting"

    def draw(self, request) -> Map:
        with open(self.file, "a") as notes:
            notes.write("x")
        if os.path.getsize(self.file) == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().draw(request)


def study(method, folder) -> TrustTable:
    return trust(Knowing(), [method], map(film, range(6)), n=6, deep=2, folder=folder, progress=False)


def test_a_killed_study_goes_on_and_draws_nothing_twice(tmp_path):
    file, folder = tmp_path / "drawn", tmp_path / "kept"
    method = Counting(file=str(file), fatal=8)
    child = multiprocessing.get_context("fork").Process(target=study, args=(method, folder))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert file.stat().st_size == 8
    found = study(method, folder)
    whole = file.stat().st_size - 1  # the one that was killed was begun twice
    study(method, folder)
    assert file.stat().st_size - 1 == whole
    fresh = tmp_path / "fresh"
    other = study(dataclasses.replace(method, file=str(fresh), fatal=0), folder)
    assert fresh.stat().st_size == whole
    assert other["counting"].scorecard["hit"] == found["counting"].scorecard["hit"]


def test_more_films_use_what_fewer_found(tmp_path, knowing):
    file = tmp_path / "drawn"
    method = Counting(file=str(file))
    trust(knowing, [method], map(film, range(3)), n=3, deep=0, progress=False)
    asked, drawn = knowing.asked, file.stat().st_size
    trust(knowing, [method], map(film, range(5)), n=5, deep=0, progress=False)
    assert (asked, drawn) == (6, 6)
    assert (knowing.asked, file.stat().st_size) == (10, 10)
    trust(knowing, [method], map(film, range(5)), n=5, deep=0, again=True, progress=False)
    assert file.stat().st_size == 20


def test_a_model_whose_weights_cannot_be_shuffled_earns_no_trust(knowing):
    table = trust(knowing, [Pointer()], map(film, range(FILMS)), deep=12, progress=False)
    assert table["pointer"].faults == (f'"{RANDOMISED}" not tested',)
    assert any("shuffled weights" in one for one in table.left_out)
    assert table["pointer"].scorecard[FINDING].n == 12


def test_only_right_answers_are_judged(knowing, monkeypatch):
    monkeypatch.setattr(knowing, "score_many", lambda queries, options: [wrong(knowing, q, options) for q in queries])
    with pytest.raises(SpecError, match="none answered right"):
        trust(knowing, [Pointer()], map(film, range(3)), deep=0, progress=False)


def wrong(model, query, options):
    told = model.score(query, options)
    return told.replace(tokens=told.tokens[::-1])


def test_a_method_that_cannot_work_is_an_error_by_name_and_else_left_out(knowing, monkeypatch):
    with pytest.raises(CapabilityError):
        trust(knowing, ["token_occlusion"], map(film, range(2)), deep=0, progress=False)
    monkeypatch.setattr("medlab.explainers.methods.METHODS.names", lambda: ["token_occlusion", "random"])
    table = trust(knowing, None, map(film, range(2)), deep=0, progress=False)
    assert [card.method for card in table.cards] == ["random", "centre", "edges"]
    assert table.left_out[0].startswith("token_occlusion: ")


def test_phantoms_of_a_study_all_show_something_and_come_by_seed():
    one, two = next(phantoms(0, size=64)), next(phantoms(1, size=64))
    assert one.masks
    assert any(finding.state == "present" for finding in one.findings)
    assert one.id != two.id
    assert int(one.id.split("-")[1]) >= 600_000
