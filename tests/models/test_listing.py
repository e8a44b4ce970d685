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


def test_the_table_is_one_line_an_entry_and_fits_a_narrow_terminal():
    told = run().splitlines()
    assert [line.split()[0] for line in told[3:-2]] == [one.name for one in entries()]
    line = next(line for line in told if line.startswith("medgemma-4b-it"))
    assert "4.30 B" in line
    assert line.endswith("yes")
    assert max(map(len, told)) <= 80 or told[-1].startswith("--model")
    assert max(map(len, told[:-1])) <= 80


def test_all_that_is_known_of_one_entry_is_told_by_its_name():
    told = run("medgemma-4b-it")
    assert "text first" in told
    assert "Health AI Developer Foundations" in told
    assert "https://huggingface.co/google/medgemma-4b-it" in told
    assert "gemma-3-1b-it" not in told
    assert all(one.published_for in run("--long") for one in entries())


def test_a_name_that_is_not_there_is_refused_with_the_near_ones():
    result = CliRunner().invoke(cli.app, ["models", "medgema-4b-it"])
    assert "did you mean" in str(result.exception)


def test_what_fits_is_told_with_its_memory_its_terms_and_the_call_to_write(laptop):
    lines = {line.split()[0]: line for line in run("--fits").splitlines() if line.strip()}
    assert " no " in lines["medgemma-27b-it"]
    assert "or more" in lines["medgemma-27b-it"]
    assert 'load_model("medgemma-4b-it")' in lines["medgemma-4b-it"]
    assert "gated: accept its terms at https://huggingface.co/google/medgemma-4b-it" in lines["medgemma-4b-it"]
    assert "slow" in lines["gemma-3-1b-it"]
    assert " GB " in lines["gemma-3-1b-it"]
    assert "16.0 GB" in lines["cpu,"]
    assert "yes" in lines["demo"]
    assert "slow" not in lines["demo"]


def test_on_a_narrow_terminal_what_to_write_stands_below_and_no_word_is_broken():
    rows = listing.fit_rows(LAPTOP)
    told = listing.blocks(listing.FITS, rows, listing.BESIDE, 60)
    assert max(len(line) for line in told if " " in line.strip()) <= 60
    words = " ".join(told).split()
    assert 'load_model("medgemma-4b-it")' in words
    assert all(word in words for row in rows for text in row for word in text.replace(";", "").split() if word != "–")


def test_one_entry_can_be_asked_for_by_programs_too(laptop):
    assert [one["name"] for one in json.loads(run("demo", "--json"))] == ["demo"]
    assert [one["name"] for one in json.loads(run("demo", "--fits", "--json"))] == ["demo"]


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
