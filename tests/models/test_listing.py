"""`medlab models` as a person and a program read it, and the same table in docs/models.md."""

import json
import pathlib

import pytest
from typer.testing import CliRunner

from medlab import cli
from medlab.models import listing
from medlab.models.catalog import Entry, entries
from medlab.models.fits import Fit
from medlab.models.placement import Machine

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "models.md"
LAPTOP = Machine("cpu", 16 * 10**9, ram_bytes=16 * 10**9)


def run(*words: str) -> str:
    result = CliRunner().invoke(cli.app, ["models", *words], env={"COLUMNS": "250", "NO_COLOR": "1"})
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def laptop(monkeypatch):
    monkeypatch.setattr("medlab.models.placement.this_machine", lambda device="auto": LAPTOP)


def test_the_table_has_every_entry_with_its_size_and_licence():
    printed = run()
    assert all(one.name in printed for one in entries())
    line = next(line for line in printed.splitlines() if line.startswith("medgemma-4b-it"))
    assert "4.30 B" in line
    assert "text first" in line


def test_what_fits_is_told_with_the_call_to_write(laptop):
    lines = {line.split()[0]: line for line in run("--fits").splitlines() if line.strip()}
    assert " no " in lines["medgemma-27b-it"]
    assert 'load_model("medgemma-4b-it")' in lines["medgemma-4b-it"]
    assert "16.0 GB" in lines["cpu,"]


def test_programs_get_json_that_reads_back(laptop):
    told = json.loads(run("--json"))
    assert [Entry.from_dict({k: v for k, v in one.items() if k != "ways"}) for one in told] == list(entries())
    assert [Fit.from_dict(one).name for one in json.loads(run("--fits", "--json"))] == [one.name for one in entries()]


def test_the_page_has_the_table_of_the_catalog():
    assert listing.markdown(listing.CATALOG, listing.catalog_rows()) in PAGE.read_text("utf-8")


def test_a_page_of_another_catalog_would_be_noticed():
    rows = listing.catalog_rows()
    changed = [(name, "9.99 B", *rest) for name, _, *rest in rows]
    assert listing.markdown(listing.CATALOG, changed) not in PAGE.read_text("utf-8")
