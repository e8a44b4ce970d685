"""docs/dicom.md against the code: its tables of notes, errors and decoders, and that each note can happen."""

import pathlib
import re

import pytest

from medlab.core.errors import DATA_CODES
from medlab.loaders.decoded import Account
from medlab.loaders.dicom.codecs import SYNTAXES
from medlab.loaders.dicom.notes import NOTES, note

ROOT = pathlib.Path(__file__).resolve().parents[3]
SOURCES = [*(ROOT / "medlab" / "loaders" / "dicom").glob("*.py"), ROOT / "medlab" / "loaders" / "series.py"]


def _rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    text = (ROOT / "docs" / "dicom.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return rows[2:]


def test_the_notes_of_the_page_are_those_of_the_code():
    assert {(code.strip("`"), kind): meaning for code, kind, meaning in _rows("Notes")} == {
        (code, kind): meaning for code, (kind, meaning) in NOTES.items()
    }


def test_the_errors_of_the_page_are_those_that_the_code_raises():
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    raised = set(re.findall(r'DataError\(\s*"([a-z_]+)"', source)) | {"unsupported"}
    assert {code.strip("`"): meaning for code, meaning in _rows("Errors")} == {
        code: DATA_CODES[code] for code in raised
    }


def test_the_decoders_of_the_page_are_those_of_the_code():
    assert _rows("Decoders") == [[syntax.name, syntax.package or "built in"] for syntax in SYNTAXES.values()]


def test_every_note_of_the_table_is_written_somewhere_and_none_besides():
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    assert set(re.findall(r'note\(account, "([a-z_]+)"', source)) == set(NOTES)


def test_every_module_of_the_page_is_there():
    named = {name for row in _rows("The order of the work") for name in re.findall(r"`(\w+)`", row[1])}
    files = {path.stem for path in SOURCES}
    assert named <= files
    assert files - named == {"__init__", "frame_header", "notes", "reader", "series", "tables"}


def test_an_unknown_note_cannot_be_written():
    with pytest.raises(KeyError):
        note(Account(), "no_such_note")
