"""The page on embeddings: its examples run, from top to bottom, with the tiny SigLIP in place of MedSigLIP."""

import pathlib
import re

import numpy as np

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "embeddings.md"


def test_the_examples_of_the_page_run(siglip, monkeypatch, tmp_path):
    import medlab

    asked = []
    monkeypatch.setattr(medlab, "load_model", lambda name: asked.append(name) or siglip, raising=False)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    named = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), named)
    assert asked == ["medsiglip-448"]
    assert named["rows"].shape == (60, 32)
    assert sorted(named["nearest"].tolist()) == list(range(60))
    assert named["found"].probabilities.shape == (60, 9)
    assert named["mine"].findings == ("fluid",)
    assert np.isfinite(named["probe"].weights).all()
    assert {path.name for path in tmp_path.iterdir()} == {"embeddings.sqlite", "probe.json"}
