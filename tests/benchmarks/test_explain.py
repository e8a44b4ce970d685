"""The benchmark of explaining runs to its end on a tiny model and finds captum's numbers. No time is judged here."""

import json

import numpy as np

from benchmarks import explain


def test_the_benchmark_finds_captums_numbers(tiny_gemma3, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(explain, "RESULTS", tmp_path / "explain.json")
    asked = ["--model", str(tiny_gemma3), "--rounds", "1", "--side", "2", "--tokens", "3", "--write"]
    assert explain.main(asked) == 0
    told = capsys.readouterr().out
    assert told.count("same to") >= 5
    results = json.loads((tmp_path / "explain.json").read_text())["results"]
    assert all(one["largest_nats"] > 1e-4 for one in results.values())


def test_other_numbers_are_noticed(tiny_gemma3, capsys, monkeypatch):
    from medlab.explainers import knockout

    whole = knockout.mean_over_squares
    monkeypatch.setattr(knockout, "mean_over_squares", lambda *given: np.asarray(whole(*given)) + 1)
    asked = ["--model", str(tiny_gemma3), "--rounds", "1", "--side", "2", "--task", "knockout, text first"]
    assert explain.main(asked) == 1
