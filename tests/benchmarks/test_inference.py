"""The benchmarks of asking run to their end on a tiny model and find the same answers. No time is judged here."""

import json

from benchmarks import gpu, inference


def test_the_benchmark_finds_the_pipelines_answers(tiny_gemma3, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(inference, "RESULTS", tmp_path / "inference.json")
    asked = ["--model", str(tiny_gemma3), "--rounds", "1", "--tokens", "3", "--scans", "2", "--no-memory", "--write"]
    assert inference.main(asked) == 0
    told = capsys.readouterr().out
    assert told.count("12 of 12 the same") == 3
    assert told.count("2 of 2 the same") == 4
    assert (
        json.loads((tmp_path / "inference.json").read_text())["results"]["12 questions of one scan"]["answers"] == 12
    )


def test_another_answer_is_noticed(tiny_gemma3, capsys, monkeypatch):
    from medlab.models.hf.model import HFModel

    whole = HFModel.ask_many
    monkeypatch.setattr(
        HFModel, "ask_many", lambda *args, **more: [a.replace(text="no") for a in whole(*args, **more)]
    )
    asked = ["--model", str(tiny_gemma3), "--rounds", "1", "--tokens", "2", "--scans", "1", "--no-memory"]
    assert inference.main(asked) == 1


def test_peak_memory_is_above_the_loaded_model(tiny_gemma3, capsys):
    only = "12 questions of one scan/medlab"
    assert inference.main(["--model", str(tiny_gemma3), "--tokens", "2", "--scans", "1", "--only", only]) == 0
    assert 0 <= json.loads(capsys.readouterr().out.splitlines()[-1]) < 4000


def test_the_way_of_the_gpu_benchmark_is_gone_on_a_cpu(capsys):
    assert gpu.main(["--tiny", "--rounds", "1", "--tokens", "3", "--scans", "2"]) == 0
    assert "tokens/s" in capsys.readouterr().out
