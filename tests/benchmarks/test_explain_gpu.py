"""The benchmark of explaining on a GPU runs to its end on a shrunken model and a CPU. No time is judged here."""

import json

from benchmarks import explain_gpu
from medlab.explainers.methods import METHODS


def test_every_method_of_the_table_is_measured(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(explain_gpu, "RESULTS", tmp_path / "explain_gpu.json")
    monkeypatch.setattr(
        explain_gpu, "ROWS", [row._replace(options=row.options | _fewer(row)) for row in explain_gpu.ROWS]
    )
    assert explain_gpu.main(["--tiny", "--rounds", "1", "--write"]) == 0
    results = json.loads((tmp_path / "explain_gpu.json").read_text())["results"]
    assert len(results) == len(explain_gpu.ROWS) == capsys.readouterr().out.count("TFLOP")
    assert all(one["method"] in METHODS and one["seconds"] > 0 and one["tflop"] > 0 for one in results)


def test_without_a_gpu_the_full_model_is_not_tried(capsys, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert explain_gpu.main([]) == 1
    assert "--tiny" in capsys.readouterr().out


def _fewer(row) -> dict:
    return {name: 20 if name == "masks" else 2 for name in row.options if name in ("masks", "steps")}
