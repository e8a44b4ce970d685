"""The benchmark of explaining runs to its end on a tiny model and finds captum's numbers. No time is judged here."""

import json

import numpy as np

from benchmarks import explain
from benchmarks.explain_tasks import regions_of


def test_the_benchmark_finds_captums_numbers(tiny_gemma3, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(explain, "RESULTS", tmp_path / "explain.json")
    asked = ["--model", str(tiny_gemma3), "--rounds", "1", "--side", "2", "--tokens", "3", "--steps", "4", "--write"]
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


def test_a_few_regions_stand_for_captums_passes(tiny_gemma3, capsys):
    asked = ["--model", str(tiny_gemma3), "--sample", "2", "--task", "knockout, text first"]
    assert explain.main(asked) == 0
    assert "reckoned from 23.5% of its passes" in capsys.readouterr().out  # the scan, two cells, the rest: 4 of 17


def test_what_captum_was_not_asked_is_left_open():
    regions = regions_of(np.arange(9).reshape(3, 3), sample=2)
    assert regions.picked.tolist() == [3, 5]
    assert regions.groups.tolist() == [[2, 2, 2], [0, 2, 1], [2, 2, 2]]
    told = regions.by_group(np.arange(9.0).reshape(3, 3))
    assert np.flatnonzero(~np.isnan(told)).tolist() == [3, 5]
    assert told[[3, 5]].tolist() == [3, 5]
    assert regions.share == 4 / 10
