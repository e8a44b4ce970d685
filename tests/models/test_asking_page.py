"""docs/asking.md: its examples run as they stand, with the tiny checkpoint in place of the demo model."""

import pathlib
import re

import numpy as np
import pytest

import medlab
from medlab.core.scan import Scan
from medlab.models.conventions.families import FAMILIES
from tests.models.hf.conftest import loaded

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "asking.md").read_text("utf-8")


@pytest.fixture
def model(tiny_gemma3, monkeypatch, tmp_path):
    model = loaded(tiny_gemma3, conventions=FAMILIES["demo"])
    # the tiny context holds no thought of 2,000 tokens
    reader = loaded(tiny_gemma3, conventions=FAMILIES["medgemma-1.5"].replace(reply_tokens=200))
    slices = tuple(Scan(np.full((8, 8, 3), shade / 10, np.float32), modality="CT") for shade in range(9))
    monkeypatch.setitem(vars(medlab), "load_model", lambda name: {"demo": model, "medgemma-1.5-4b-it": reader}[name])
    monkeypatch.setitem(vars(medlab), "load_series", lambda *_, **options: slices)
    monkeypatch.chdir(tmp_path)
    return model


def test_the_examples_of_the_page_run(model, tmp_path, capsys):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    named = {}
    for block in blocks:
        exec(compile(block, "docs/asking.md", "exec"), named)
    assert len(named["talk"]) == 2
    assert len(named["query"].scans) == 6
    assert (tmp_path / "run" / "answers.jsonl").read_text("utf-8").count("\n") == 1 + 5
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith(named["talk"].turns[0].answer.text[:3])
    assert len([*named["questions"](5)]) == 5
    assert sum(named["choices"].probabilities) == pytest.approx(1)


def test_the_table_of_families_says_what_their_conventions_do():
    rows = re.findall(
        r"^\| `([\w.-]+)`.*? \| (\w+), (\w+) \| (yes|no) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE
    )
    assert [row[0] for row in rows] == ["medgemma-1", "medgemma-1-27b", "medgemma-1.5", "gemma-3", "demo"]
    for name, first, _, system, thinks, several, languages in rows:
        made = FAMILIES[name]
        assert made.order == f"{first}_first"
        assert made.system == (system == "yes")
        assert made.thinks == (thinks != "no")
        assert made.several == (several != "not evaluated")
        assert made.languages == tuple({"English": "en", "Chinese": "zh"}[word] for word in languages.split(", "))
