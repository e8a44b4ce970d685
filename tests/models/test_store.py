"""Answers on disk: found again, torn ends dropped, damage named and nothing changed by it, one writer at a time."""

import os
import stat
import subprocess
import sys

import pytest

from medlab.core.answer import Answer, Token
from medlab.core.errors import CapabilityError, DataError
from medlab.models.store import AnswerStore

ANSWER = Answer(
    "左侧少量胸腔积液。\n\ud800 \x00", (Token(7, "左", -0.25), Token(None, "侧", 0)), thought="…", seconds=0.1
)
KEYS = [("m", f"q{number}") for number in range(3)]


@pytest.fixture
def path(tmp_path):
    """A store of three answers."""
    path = tmp_path / "answers.jsonl"
    with AnswerStore(path) as store:
        for number, key in enumerate(KEYS):
            store.add([(key, ANSWER.replace(seconds=float(number)))])
    return path


def test_an_answer_read_back_is_the_one_that_was_written(path):
    with AnswerStore(path) as store:
        assert len(store) == 3
        assert store[("m", "q2")] == ANSWER.replace(seconds=2.0)
        assert ("other model", "q2") not in store


def test_a_folder_holds_its_store_as_answers_jsonl(tmp_path):
    with AnswerStore(tmp_path / "deep" / "run") as store:
        store.add([(KEYS[0], ANSWER)])
    assert (tmp_path / "deep" / "run" / "answers.jsonl").exists()


def test_wherever_the_file_is_torn_the_whole_lines_stay_and_the_store_goes_on(path):
    whole = path.read_bytes()
    ends = [end + 1 for end, byte in enumerate(whole) if byte == 10]
    for size in range(0, len(whole), 17):
        path.write_bytes(whole[:size])
        with AnswerStore(path) as store:
            kept = max(sum(end <= size for end in ends) - 1, 0)
            assert len(store) == kept, size
            store.add([(("m", "new"), ANSWER)])
        with AnswerStore(path) as store:
            assert len(store) == kept + 1, size
            assert store[("m", "new")] == ANSWER


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda line: line.replace(b'"seconds": 1.0', b'"seconds": 9.0'), "line 3 .* is not as it was written"),
        (lambda line: line.replace(b'"q1"', b'"q7"'), "line 3 .* is not as it was written"),
        (lambda line: b"{}\n", "line 3 .* cannot be read"),
        (lambda line: b"\n", "line 3 .* cannot be read"),
        (lambda line: b"[" * 100_000 + b"\n", "line 3 .* cannot be read"),
        (lambda line: b'{"model": 1, "query": [], "crc32": 0, "answer": {}}\n', "line 3 .* cannot be read"),
        (lambda line: line[: len(line) // 2] + b"\n", "line 3 .* is not as it was written"),
    ],
    ids=["a digit", "the key", "an empty object", "an empty line", "nested", "wrong types", "cut"],
)
def test_a_damaged_line_is_named_and_the_file_stays_as_it_is(path, damage, told):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = damage(lines[2])
    path.write_bytes(b"".join(lines))
    with pytest.raises(DataError, match=told) as caught:
        AnswerStore(path)
    assert "take line 3 out" in caught.value.fix
    assert path.read_bytes() == b"".join(lines)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with AnswerStore(path) as store:
        assert KEYS[0] in store
        assert KEYS[1] not in store
        assert KEYS[2] in store


@pytest.mark.parametrize(
    "held", [b"id,text\n1,hello", b'{"id": 1}\n', b"\x00" * 50, b'{"medlab": "answers", "version": 2}\n']
)
def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(tmp_path, held):
    path = tmp_path / "patients.jsonl"
    path.write_bytes(held)
    with pytest.raises(DataError, match=r"line 1 of 'patients\.jsonl' is not the head"):
        AnswerStore(path)
    assert path.read_bytes() == held


def test_a_head_that_a_kill_tore_is_written_anew(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_bytes(b'{"medlab": "ans')
    with AnswerStore(path) as store:
        store.add([(KEYS[0], ANSWER)])
    with AnswerStore(path) as store:
        assert store[KEYS[0]] == ANSWER


HOLD = """
import sys
from medlab.models.store import AnswerStore
held = AnswerStore(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_one_ends_even_by_a_kill(path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(CapabilityError, match="another process is writing answers to"):
            AnswerStore(path)
        child.kill()
    with AnswerStore(path) as store:
        assert len(store) == 3


def test_opening_a_store_again_in_one_process_takes_it_over(path):
    first = AnswerStore(path)
    with AnswerStore(path) as second:
        with pytest.raises(CapabilityError, match="opened anew"):
            first.add([(("m", "late"), ANSWER)])
        second.add([(("m", "new"), ANSWER)])
    with AnswerStore(path) as store:
        assert ("m", "new") in store
        assert ("m", "late") not in store


def test_a_store_that_cannot_be_opened_leaves_no_lock_behind(path):
    good = path.read_bytes()
    path.write_bytes(b"no store\n")
    with pytest.raises(DataError) as held:  # the traceback is kept, as a notebook keeps it
        AnswerStore(path)
    path.write_bytes(good)
    with AnswerStore(path) as store:
        assert len(store) == 3
    assert held.value.code == "schema"


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CapabilityError, match="answers cannot be kept in"):
        AnswerStore(tmp_path / "file" / "inside")


def test_a_full_disk_costs_the_answers_of_that_moment_and_no_others(path, monkeypatch):
    before = path.read_bytes()
    with AnswerStore(path) as store:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lambda number: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(CapabilityError, match="No space left on device"):
                store.add([(("m", "new"), ANSWER)])
        assert ("m", "new") not in store
        assert path.read_bytes() == before
        store.add([(("m", "new"), ANSWER)])
        assert store[("m", "new")] == ANSWER


def test_a_store_and_its_lock_are_their_owners_alone(path):
    before = os.umask(0o022)
    try:
        with AnswerStore(path) as store:
            modes = [stat.S_IMODE(os.stat(name).st_mode) for name in (store.path, f"{store.path}.lock")]
    finally:
        os.umask(before)
    assert modes == [0o600, 0o600]
