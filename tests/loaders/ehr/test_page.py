"""The examples of docs/records.md run, in their order, and print what a reader would expect."""

import json
import pathlib
import re

import pytest

import medlab
from tests.loaders.ehr.bundles import about, bundle, coded, condition, glucose, note, patient, resource
from tests.models.parrot import Parrot

PAGE = (pathlib.Path(__file__).parents[3] / "docs" / "records.md").read_text("utf-8")


class Clerk(Parrot):
    """Answers every question with two sources, one of them invented."""

    def _said(self, query):
        self.heard = super()._said(query)
        return "It is high [Observation/bp]. It runs in the family [FamilyHistory/1]. She should walk."


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    pressure = resource(
        "Observation",
        "bp",
        code=coded("Blood pressure", "55284-4"),
        subject=about(),
        effectiveDateTime="2020-05-01",
        component=[{"code": coded("Systolic", "8480-6"), "valueQuantity": {"value": 160, "unit": "mm[Hg]"}}],
    )
    held = bundle(patient(), condition("ht"), pressure, glucose("g"), note("n", "Headache."))
    (tmp_path / "bundle.json").write_text(json.dumps(held), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_run(folder, monkeypatch, capsys):
    clerk = Clerk()
    monkeypatch.setattr(medlab, "load_model", {"medgemma-27b-text-it": clerk}.__getitem__, raising=False)
    names: dict = {}
    for block in blocks():
        exec(compile(block, "docs/records.md", "exec"), names)
    told = capsys.readouterr().out
    assert "PatientRecord(4 entries: 1 Condition, 1 DocumentReference, 2 Observation; 0 left out)" in told
    assert "Hypertension 4" in told
    assert "Blood pressure: Systolic 160 mm(Hg) [Observation/bp]" in told
    assert told.splitlines()[-1] == "('Observation/bp',) ('FamilyHistory/1',) ('She should walk.',)"
    assert names["digest"].text in clerk.heard
    assert "Is her blood pressure under control?" in clerk.heard


def test_every_kind_that_is_read_is_on_the_page():
    from medlab.loaders.ehr.kinds import KINDS

    table = " ".join(re.findall(r"^\| (.+?) \|", PAGE, re.MULTILINE))
    assert [kind for kind in KINDS if not re.search(rf"\b{kind}\b", table)] == []
