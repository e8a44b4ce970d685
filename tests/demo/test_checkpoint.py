"""The checkpoint that medlab carries: what is in its folder, that it reads phantoms, and that its guard tells."""

import json

import pytest

import medlab
from medlab.core.case import Case
from medlab.demo.card import CARD, MEASURED, card_text
from medlab.demo.measure import measure
from medlab.models.catalog import entry
from medlab.models.naming import resolve

LIMIT = 16 * 2**20
REAL = ("dicom/RG1_UNCR.dcm", "cxr_covid/images", "nih", "openi/images", "vqa_rad/images", "other")


@pytest.fixture(scope="module")
def model():
    return medlab.load_model("demo")


@pytest.fixture(scope="module")
def folder():
    import pathlib

    return pathlib.Path(resolve("demo").folder)


def test_the_weights_are_small_and_nothing_in_the_folder_runs(folder):
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sizes["model.safetensors"] <= LIMIT
    assert sum(sizes.values()) <= LIMIT + 2**20
    assert not [name for name in sizes if name.rpartition(".")[2] not in ("safetensors", "json", "md", "jinja")]


def test_the_card_is_what_was_measured(folder):
    assert (folder / CARD).read_text("utf-8") == card_text(folder)
    assert len(json.loads((folder / MEASURED).read_text("utf-8"))) > 60


def test_the_catalog_knows_the_size_of_the_checkpoint(model):
    assert entry("demo").parameters == sum(parameter.numel() for parameter in model.module.parameters())


def test_fresh_phantoms_are_read(model, monkeypatch):
    """A small sample, so the floors are lower than what the card tells of five hundred."""
    monkeypatch.setattr("medlab.demo.measure.FIRST_SEED", 700_000)
    rows = measure(model, 30, progress=False)
    mean = {}
    for task in ("yes_no", "report: present", "side", "severity", "where", "box", "cannot tell"):
        values = [(row.value, row.n) for row in rows if row.task == task]
        mean[task] = sum(value * n for value, n in values) / sum(n for _, n in values)
    assert mean["yes_no"] >= 0.93, mean
    assert mean["report: present"] >= 0.88, mean
    assert mean["side"] >= 0.92, mean
    assert mean["severity"] >= 0.85, mean
    assert mean["box"] >= 0.55, mean
    assert mean["cannot tell"] >= 0.95, mean


def test_a_picture_with_the_lung_fields_blacked_out_gets_another_report(model):
    """The model looks: without its film it cannot say the same."""
    import numpy as np

    case = medlab.Phantom(224).draw(700_100)
    black = medlab.load_scan(np.zeros((224, 224), np.uint8))
    asked = "Describe this chest X-ray."
    assert model.ask(case, asked).tokens != model.ask(black, asked).tokens


def warned(model, scan) -> bool:
    said = model.score(model.query(scan, "Is there a nodule?"), ["Yes", "No"])
    return any("unlike" in text for text in said.warnings)


def test_the_guard_stays_silent_on_phantoms(model):
    told = [warned(model, medlab.Phantom(size).draw(710_000 + size + i)) for size in (224, 512) for i in range(50)]
    assert sum(told) <= 4, "at most 2 in 100 are expected; 4 leaves room for chance"


def test_the_guard_speaks_up_on_real_films(model, fixtures):
    files = []
    for name in REAL:
        path = fixtures(name)
        files += (
            sorted(p for p in path.iterdir() if p.suffix in (".png", ".jpg", ".jpeg")) if path.is_dir() else [path]
        )
    told = [warned(model, medlab.load_scan(file)) for file in files]
    assert sum(told) >= 0.95 * len(told), f"{sum(told)} of {len(told)}"


def test_every_answer_about_an_unfamiliar_picture_carries_the_warning(model):
    import numpy as np

    noise = medlab.load_scan(np.random.default_rng(0).integers(0, 255, (300, 200), dtype=np.uint8))
    for answer in model.ask_many(noise, ["Is there a nodule?", "请描述这张胸片。"]):
        assert any("unlike the synthetic chest films" in text for text in answer.warnings)
    case = Case("two", scans=(medlab.Phantom(224).draw(700_100).scans[0], noise))
    assert any("unlike" in text for text in model.ask(case, "Compare these two films.").warnings)
