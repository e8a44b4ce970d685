"""CSV from anywhere: text stays text, and what cannot be read says why."""

import csv
import gzip
import zipfile

import pytest

from medlab.cohorts.tables import read_table, write_csv
from medlab.core.errors import DataError

TEXT = 'id,who\na,007\nb,"x,\ny"\nc,\n'


def code_of(action) -> str:
    with pytest.raises(DataError) as caught:
        action()
    return caught.value.code


def written(tmp_path, data: bytes, name: str = "t.csv"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
def test_cells_stay_text_in_every_encoding_that_says_what_it_is(tmp_path, encoding):
    data = b"\xff\xfe" + TEXT.encode("utf-16-le") if encoding == "utf-16-le-bom" else TEXT.encode(encoding)
    table = read_table(written(tmp_path, data))
    assert table.to_pydict() == {"id": ["a", "b", "c"], "who": ["007", "x,\ny", ""]}


@pytest.mark.parametrize("data", ["ä,b\n1,2\n".encode("latin-1"), TEXT.encode("utf-16-le"), b"\xff\xfea"])
def test_an_encoding_that_cannot_be_told_is_an_error(tmp_path, data):
    assert code_of(lambda: read_table(written(tmp_path, data))) == "encoding"


def test_windows_line_ends_and_blank_lines_are_read(tmp_path):
    assert read_table(written(tmp_path, b"id,n\r\na,1\r\n\r\nb,2\r\n"))["id"].to_pylist() == ["a", "b"]


def test_a_table_of_headings_alone_has_no_rows(tmp_path):
    assert read_table(written(tmp_path, b"id,n\n")).num_rows == 0
    assert read_table(written(tmp_path, b"id,n")).num_rows == 0


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path):
    with pytest.raises(DataError, match="schema") as caught:
        read_table(written(tmp_path, b"id,n\na,1\n"), needed=("id", "Path"))
    assert "'Path'" in str(caught.value)
    assert "'n'" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"a,b\n1,2\n3\n", b"a,a\n1,2\n", b'a,b\n1,"2\n'])
def test_a_ragged_or_headless_table_is_a_schema_error(tmp_path, data):
    assert code_of(lambda: read_table(written(tmp_path, data))) == "schema"


def test_gzip_is_told_by_its_bytes_and_read_over_several_members(tmp_path):
    data = gzip.compress(b"id\na\n") + gzip.compress(b"b\n")
    assert read_table(written(tmp_path, data, "plain.csv"))["id"].to_pylist() == ["a", "b"]


def test_a_cut_gzip_is_truncated_and_a_broken_one_does_not_decode(tmp_path):
    data = gzip.compress(TEXT.encode() * 99)
    assert code_of(lambda: read_table(written(tmp_path, data[:-9], "t.csv.gz"))) == "truncated"
    broken = data[:20] + b"\xff" * 20 + data[40:]
    assert code_of(lambda: read_table(written(tmp_path, broken, "t.csv.gz"))) == "decode"


def test_a_gzip_bomb_stops_at_the_limit(tmp_path):
    data = gzip.compress(b"id\n" + b"a" * 10_000_000)
    assert code_of(lambda: read_table(written(tmp_path, data), max_bytes=1_000_000)) == "too_large"


def test_a_zip_must_hold_one_csv(tmp_path):
    path = tmp_path / "t.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("t.csv", TEXT)
    assert read_table(path).num_rows == 3
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("u.csv", TEXT)
    assert code_of(lambda: read_table(path)) == "schema"


def test_a_file_that_is_not_there_is_missing(tmp_path):
    assert code_of(lambda: read_table(tmp_path / "none.csv")) == "missing_file"


def test_formulas_are_read_as_text_and_defused_on_export(tmp_path):
    cells = ["=1+1", "+1", "-1", "@x", "\tx", "plain", "a=b"]
    path = tmp_path / "out.csv"
    write_csv([{"cell": cell, "n": 1} for cell in cells], path)
    with path.open(encoding="utf-8", newline="") as stream:
        exported = [row["cell"] for row in csv.DictReader(stream)]
    assert exported == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "plain", "a=b"]
    source = written(tmp_path, b"id\n=cmd|' /C calc'!A0\n")
    assert read_table(source)["id"].to_pylist() == ["=cmd|' /C calc'!A0"]
