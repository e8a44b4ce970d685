"""docs/explorer.md: its examples run as they stand, with the tiny checkpoint in place of the demo model."""

import pathlib
import re

import pytest

import medlab

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "explorer.md").read_text("utf-8")


@pytest.fixture
def named(brief_model, monkeypatch, tmp_path) -> dict:
    """What the examples named, one after the other."""
    monkeypatch.setitem(vars(medlab), "load_model", lambda name: {"demo": brief_model}[name])
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    made: dict = {}
    for block in blocks:
        exec(compile(block, "docs/explorer.md", "exec"), made)
    return made


def test_the_examples_of_the_page_run(named, tmp_path):
    assert named["attribution"].method == "knockout"
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_everything_that_the_page_says_a_panel_has_is_there(named):
    said = set(re.findall(r"`panel\.(\w+)", PAGE))
    assert said >= {
        "look",
        "brush",
        "mask",
        "ask",
        "replay",
        "attribution",
        "region",
        "counterfactual",
        "answer",
        "view",
        "beside",
        "ask_beside",
        "choose_scan",
        "scan_number",
    }
    assert [name for name in said if not hasattr(named["panel"], name)] == []
