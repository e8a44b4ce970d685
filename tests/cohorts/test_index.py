"""The kept index: used while it is true, made again when it is not, and safe to write from two processes."""

import os
import struct
import subprocess
import sys
import zlib

import pyarrow as pa
import pytest

from medlab.cohorts import index
from medlab.cohorts.cohort import load_cohort
from medlab.cohorts.features import conform

LINES = [{"id": "a", "patient_id": "p", "findings": {"effusion": "present"}}, {"id": "b", "report": "Clear."}]


def kept() -> list:
    return sorted(index.index_folder().glob("*"))


def small_table(name: str = "a") -> pa.Table:
    return conform(pa.table({"id": [name], "source": ["x"], "access": ["own"], "language": ["en"]}), "t")


def never() -> pa.Table:
    raise AssertionError("built although it was kept")


def test_the_second_load_takes_the_index_and_gives_the_same(folder, monkeypatch):
    root = folder(LINES)
    first = load_cohort(root)
    assert len(kept()) == 1
    monkeypatch.setattr("medlab.cohorts.sources.folder.Folder.read", lambda *_: never())
    second = load_cohort(root)
    assert second[:] == first[:]
    assert second._fingerprint == first._fingerprint


def test_without_cache_nothing_is_kept_and_nothing_taken(folder):
    root = folder(LINES)
    load_cohort(root, cache=False)
    assert kept() == []


def test_a_table_that_was_touched_is_read_again(folder):
    root = folder(LINES)
    assert len(load_cohort(root)) == 2
    folder([*LINES, {"id": "c"}])
    assert len(load_cohort(root)) == 3
    state = (root / "cases.jsonl").stat()
    os.utime(root / "cases.jsonl", ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    load_cohort(root)
    assert len(kept()) == 3


def test_options_make_another_index(tmp_path):
    path = tmp_path / "metadata.csv"
    path.write_text("id,effusion\na,1\n")
    assert load_cohort(path)[0]["findings"] == []
    assert load_cohort(path, labels=["effusion"])[0]["findings"][0]["state"] == "present"


def test_changed_code_makes_another_key(folder, monkeypatch):
    path = folder(LINES) / "cases.jsonl"
    before = index.index_key("x", [path], "")
    monkeypatch.setattr(index, "_code_mark", lambda: "other code")
    assert index.index_key("x", [path], "") != before


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: b"junk" * 100,
    ],
)
def test_a_damaged_index_is_made_again(damage):
    index.indexed("x", "key", small_table)
    path = kept()[0]
    sound = path.read_bytes()
    path.write_bytes(damage(sound))
    assert index.indexed("x", "key", lambda: small_table("b"))["id"].to_pylist() == ["b"]
    assert index.indexed("x", "key", never)["id"].to_pylist() == ["b"]


def test_a_forged_index_whose_checksum_is_right_is_made_again():
    index.indexed("x", "key", small_table)
    body = b"ARROW1\0\0" + b"junk" * 100
    kept()[0].write_bytes(body + struct.pack("<8sI", index.MAGIC, zlib.crc32(body)))
    assert index.indexed("x", "key", lambda: small_table("b"))["id"].to_pylist() == ["b"]


def test_what_a_killed_process_left_half_written_is_cleared_away_but_not_what_another_writes_now():
    index.indexed("x", "key", small_table)
    old, new = (index.index_folder() / f"{name}.part" for name in ("old", "new"))
    for path in (old, new):
        path.write_text("half a report")
    os.utime(old, (0, 0))
    index.indexed("x", "other", small_table)
    assert not old.exists()
    assert new.exists()


def test_the_damage_test_can_fail_because_a_sound_index_is_taken():
    index.indexed("x", "key", small_table)
    assert index.indexed("x", "key", never)["id"].to_pylist() == ["a"]


def test_an_index_of_other_columns_is_made_again(monkeypatch):
    index.indexed("x", "key", lambda: small_table().drop(["meta"]))
    assert index.indexed("x", "key", small_table).num_columns == small_table().num_columns


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MEDLAB_CACHE", str(tmp_path / "file"))
    assert index.indexed("x", "key", small_table).num_rows == 1


def test_old_indexes_make_room_and_no_part_is_left_behind():
    for number in range(index.KEEP + 3):
        index.indexed("x", str(number), small_table)
    assert len(kept()) == index.KEEP
    assert all(path.suffix == ".arrow" for path in kept())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes for owner and others")
def test_the_folder_is_its_owners_alone():
    index.indexed("x", "key", small_table)
    assert index.index_folder().stat().st_mode & 0o077 == 0


WRITER = """
import pyarrow as pa
from medlab.cohorts.features import conform
from medlab.cohorts.index import _save, index_folder
columns = {"source": ["x"] * 500, "access": ["own"] * 500, "language": ["en"] * 500}
table = conform(pa.table({"id": [str(n) for n in range(500)], **columns}), "t")
for _ in range(15):
    _save(table, index_folder() / "x-key.arrow")
"""


def test_an_index_that_two_processes_write_is_whole_whenever_it_is_read():
    index.indexed("x", "key", small_table)
    path = index.index_folder() / "x-key.arrow"
    runs = [subprocess.Popen([sys.executable, "-c", WRITER]) for _ in range(2)]
    sizes = set()
    while any(run.poll() is None for run in runs):
        table = index._load(path)
        sizes.add(table and table.num_rows)
    assert [run.returncode for run in runs] == [0, 0]
    assert sizes <= {1, 500}
    assert index.indexed("x", "key", never).num_rows == 500
    assert kept() == [path]
