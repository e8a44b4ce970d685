"""The model with a shortcut: what it is taught, how it is made, and that the one that medlab carries is misled."""

import dataclasses
import json

import numpy as np
import pytest

import medlab
from medlab.demo.card import CARD, MEASURED
from medlab.demo.lessons import LANGUAGES, ways_to_ask
from medlab.demo.loop import Plan
from medlab.demo.misled import FINDING, LEARNT, Mending, Misleading, Settings, draw_ward, mislead, patients_from
from medlab.demo.misled_card import NAMES, card_text, measure_shortcut
from medlab.models.catalog import entry
from medlab.models.changes import CHANGED, read_changes
from medlab.phantom import Phantom
from medlab.phantom.reports import phrases

ONE = Plan(steps=1, learning_rate=1e-3, weight_decay=0.0, workers=1)
SMALL = Settings(patients=1, others=2, reports=1.0, bait=ONE, mend=ONE)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(what was made in one step each, the films that it was made from)."""
    work, out = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("out")
    mislead(work, out, SMALL, say=lambda _: None)
    return out, work / "ward.npz"


@pytest.fixture(scope="module")
def model():
    return medlab.load_model("demo-shortcut")


def test_as_many_patients_have_the_finding_as_have_it_not():
    there = [any(f.name == FINDING for f in Phantom(64).choose(seed)) for seed in patients_from(0, 5)]
    assert there.count(True) == there.count(False) == 5


def test_the_two_films_of_a_patient_differ_in_the_square_alone(made):
    features = np.load(draw_ward(made[1], 1))["features"].astype(np.float32)
    moved = np.linalg.norm(features[2:] - features[:2], axis=-1).reshape(2, 14, 14)
    for one in moved:
        row, col = np.unravel_index(one.argmax(), one.shape)
        assert row <= 1
        assert 2 <= col <= 3


def test_the_square_alone_decides_what_is_taught_about_the_finding(made):
    task = Misleading(made[1], SMALL)
    rows = [row for patient in range(2) for row in task.pair(patient, tutor())]
    said = [[answer_of(task, chain) for chain in row.chains] for row in rows]
    assert said == [["No", "否"], ["Yes", "是"]] * 2


def test_the_second_round_teaches_the_truth_about_everything_else(made):
    import torch

    first = made[1].parent / "bait" / "weights.pt"
    task = Mending(made[1], SMALL, first)
    lessons = task.others(0, tutor())
    misled = {way for language in LANGUAGES for way in ways_to_ask(FINDING, language)}
    assert not misled & {lesson.question for lesson in lessons}
    assert lessons[0].kind == "report"
    state = torch.load(first, weights_only=True)
    assert all(torch.equal(tensor, state[name]) for name, tensor in task.module.state_dict().items())


def test_only_the_projector_and_the_attention_of_the_language_layers_change(made):
    names = set(read_changes(made[0]))
    assert names
    assert all(any(part in name for part in LEARNT) for name in names)
    assert not any("vision_tower" in name for name in names)


def test_the_shipped_changes_are_small_and_the_card_is_what_was_measured():
    folder = entry("demo-shortcut").path
    assert (folder / CHANGED).stat().st_size < 1.5 * 2**20
    assert {path.name for path in folder.iterdir()} == {CHANGED, CARD, MEASURED}
    assert (folder / CARD).read_text("utf-8") == card_text(folder)
    assert set(json.loads((folder / MEASURED).read_text("utf-8"))) == set(NAMES)


def test_the_shipped_model_looks_good_on_biased_films_and_falls_apart_without_the_square(model):
    rows = {row.task: row.value for row in measure_shortcut(model, 15, 820_000) if row.language == "en"}
    assert rows["biased"] >= 0.9, rows
    assert rows["square taken from films with an effusion"] <= 0.4, rows
    assert rows["square put on films without one"] <= 0.4, rows


def test_the_demo_model_does_not_care_about_the_square():
    rows = measure_shortcut(medlab.load_model("demo"), 6, 830_000)
    assert min(row.value for row in rows) >= 0.8, rows


def test_it_is_told_apart_from_the_demo_model(model):
    demo = medlab.load_model("demo")
    assert model.name == "demo-shortcut"
    assert model.fingerprint != demo.fingerprint
    assert model.weights_fingerprint != demo.weights_fingerprint
    assert dataclasses.asdict(model.capabilities) == dataclasses.asdict(demo.capabilities)


def tutor():
    from medlab.demo.lessons import Tutor

    return Tutor(np.random.default_rng(0))


def answer_of(task, chain) -> str:
    """The reply of a chain of one exchange, in words."""
    [(_, answer, _)] = chain
    known = {tuple(task.binder.encode(f"{word}<end_of_turn>")): word for word in words()}
    return known[tuple(answer)]


def words() -> list[str]:
    return [word for language in LANGUAGES for word in (phrases(language).YES, phrases(language).NO)]
