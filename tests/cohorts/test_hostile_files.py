"""JSON, archives, XML and paths from strangers: one family of error, no file written, no crash."""

import io
import json
import tarfile
import warnings
import zipfile

import pytest

from medlab.cohorts.archives import members
from medlab.cohorts.jsonl import read_json, read_lines
from medlab.cohorts.paths import files_below, inner_path, under
from medlab.cohorts.sources.openi import report_entry
from medlab.cohorts.tables import CohortWarning
from medlab.core.errors import DataError

REPORT = b'<eCitation><uId id="CXR7"/><AbstractText Label="FINDINGS">Clear. XXXX.</AbstractText></eCitation>'


def code_of(action) -> str:
    with pytest.raises(DataError) as caught:
        action()
    return caught.value.code


@pytest.mark.parametrize("text", [b"[" * 200_000, b'{"a":' * 200_000, b"{", b"", b'{"a": 1,}', b"\xff"])
def test_broken_or_endlessly_nested_json_does_not_decode(text):
    assert code_of(lambda: read_json(text, "x")) == "decode"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_a_schema_error(word):
    assert code_of(lambda: read_json(f'{{"a": {word}}}'.encode(), "x")) == "schema"


def test_a_key_that_stands_twice_is_told():
    with pytest.warns(CohortWarning, match="'id' stands twice"):
        assert read_json(b'{"id": 1, "id": 2}', "x") == {"id": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_json(b'{"id": 1, "a": {"id": 2}}', "x")["id"] == 1


def test_one_repeated_key_among_very_many_is_found_in_one_pass():
    """Counted key by key this took a minute and more."""
    text = "{" + "".join(f'"k{number}": 1, ' for number in range(100_000)) + '"k7": 2}'
    with pytest.warns(CohortWarning, match="'k7' stands twice"):
        assert read_json(text.encode(), "x")["k7"] == 2


def test_a_line_that_is_no_object_is_named(tmp_path):
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": "a"}\n\n[1]\n')
    with pytest.raises(DataError, match="line 3"):
        list(read_lines(path))


@pytest.mark.parametrize("path", ["../a", "a/../../b", "/a", "\\a", "C:a", "C:\\a", "a\x00b", "", ".", "a\\..\\..\\b"])
def test_a_path_may_not_lead_out_of_its_folder(path):
    assert code_of(lambda: inner_path(path, "x")) == "unsafe_path"


@pytest.mark.parametrize("path", ["http://x/a.png", "file:///etc/passwd", "ftp://x/a", "data:image/png;base64,AA"])
def test_an_address_is_not_a_path(path):
    assert code_of(lambda: inner_path(path, "x")) == "remote_disabled"


def test_backslashes_inside_are_folders():
    assert inner_path("a\\b\\c.png", "x") == "a/b/c.png" == inner_path("./a//b/c.png", "x")


def test_a_link_that_leads_out_is_refused_and_one_that_stays_is_not(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("s")
    (root / "file").write_text("f")
    try:
        (root / "out").symlink_to(tmp_path / "secret")
        (root / "in").symlink_to(root / "file")
        (root / "loop").symlink_to(root, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert code_of(lambda: under(root, "out", "x")) == "unsafe_path"
    assert under(root, "in", "x").read_text() == "f"
    assert files_below(root) == ["file", "in", "out"]


def test_zip_slip_is_refused_and_writes_nothing(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.xml", REPORT)
        archive.writestr("../evil.xml", REPORT)
    before = sorted(tmp_path.rglob("*"))
    assert code_of(lambda: list(members(path, ".xml"))) == "unsafe_path"
    assert sorted(tmp_path.rglob("*")) == before
    assert not (tmp_path.parent / "evil.xml").exists()


def _tar(path, *entries: tuple[tarfile.TarInfo, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for info, data in entries:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize(("name", "kind"), [("/etc/a.xml", None), ("../a.xml", None), ("a.xml", tarfile.SYMTYPE)])
def test_absolute_names_and_links_in_a_tar_are_refused(tmp_path, name, kind):
    info = tarfile.TarInfo(name)
    if kind:
        info.type, info.linkname = kind, "/etc/passwd"
    _tar(tmp_path / "a.tgz", (info, b""))
    assert code_of(lambda: list(members(tmp_path / "a.tgz", ".xml"))) == "unsafe_path"


def test_members_come_in_order_and_only_those_asked_for(tmp_path):
    _tar(tmp_path / "a.tgz", (tarfile.TarInfo("d/1.xml"), REPORT), (tarfile.TarInfo("2.txt"), b"x"))
    assert list(members(tmp_path / "a.tgz", ".xml")) == [("d/1.xml", REPORT)]


def test_a_member_beyond_the_limit_and_a_cut_archive_are_errors(tmp_path):
    path = tmp_path / "a.tgz"
    _tar(path, (tarfile.TarInfo("1.xml"), b"x" * 5000))
    assert code_of(lambda: list(members(path, ".xml", 4999))) == "too_large"
    path.write_bytes(path.read_bytes()[:60])
    assert code_of(lambda: list(members(path, ".xml"))) in ("truncated", "decode")
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 no zip")
    assert code_of(lambda: list(members(tmp_path / "b.zip", ".xml"))) == "decode"


def test_a_zip_whose_member_is_larger_than_it_says_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", b"x" * 100_000)
    data = path.read_bytes()
    path.write_bytes(data.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    assert code_of(lambda: list(members(path, ".xml"))) in ("truncated", "decode")


LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "data",
    [
        LAUGHS + REPORT,
        OUTSIDE + REPORT,
        b'<?xml version="1.0"?>\n' + LAUGHS + REPORT,
        REPORT.decode().encode("utf-16"),
        b"",
        b"<a>" * 100_000,
        b"<a",
        b"\x00",
    ],
)
def test_xml_with_entities_or_without_sense_does_not_decode(data):
    assert code_of(lambda: report_entry(data, "1.xml", {})) == "decode"


def test_xml_without_a_report_number_is_a_schema_error():
    assert code_of(lambda: report_entry(b"<eCitation/>", "1.xml", {})) == "schema"


def test_a_plain_report_is_read_with_its_redactions():
    entry = report_entry(REPORT, "7.xml", {})
    assert (entry["id"], entry["patient_id"]) == ("7", "7")
    assert entry["reports"][0]["findings"] == "Clear. XXXX."
    assert json.dumps(entry)
