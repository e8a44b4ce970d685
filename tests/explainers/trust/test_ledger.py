"""The ledger: rows survive a kill, torn lines do not, and neither is an error."""

import os

import pytest

from medlab.core.errors import CapabilityError
from medlab.explainers.trust.ledger import Ledger


def test_rows_are_found_by_another_process(tmp_path):
    path = tmp_path / "deep" / "rows.jsonl"
    Ledger(path).add(("film", "plain"), {"hit": 1.0})
    assert Ledger(path)["film", "plain"] == {"hit": 1.0}


def test_a_line_that_a_kill_tore_is_worked_out_again_and_harms_no_other(tmp_path):
    path = tmp_path / "rows.jsonl"
    ledger = Ledger(path)
    ledger.add(("a",), 1)
    ledger.add(("b",), 2)
    os.truncate(path, path.stat().st_size - 3)
    again = Ledger(path)
    assert ("a",) in again
    assert ("b",) not in again
    again.add(("c",), 3)
    last = Ledger(path)
    assert (last[("a",)], last[("c",)], len(last)) == (1, 3, 2)


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ledger = Ledger(None)
    ledger.add(("a",), 1)
    assert ledger[("a",)] == 1
    assert list(tmp_path.iterdir()) == []


def test_forgetting_forgets_on_disk_too(tmp_path):
    ledger = Ledger(tmp_path / "rows.jsonl")
    ledger.add(("a",), 1)
    ledger.forget()
    assert ("a",) not in ledger
    assert len(Ledger(tmp_path / "rows.jsonl")) == 0


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CapabilityError, match=r"rows\.jsonl"):
        Ledger(tmp_path / "file" / "rows.jsonl").add(("a",), 1)
