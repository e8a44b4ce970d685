"""EmbeddingStore: what is kept is not made again, not after a kill either, and what is damaged is found."""

import signal
import sqlite3
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from medlab.core.errors import CapabilityError, DataError, SpecError
from medlab.models.embedding.model import EmbeddingModel
from medlab.models.embedding.store import EmbeddingStore


@pytest.fixture
def counted(siglip, monkeypatch):
    """The tiny SigLIP, and the list of how many scans each of its forwards was given."""
    sizes = []
    inputs = siglip.pictures.inputs
    monkeypatch.setattr(siglip.pictures, "inputs", lambda scans: sizes.append(len(scans)) or inputs(scans))
    return siglip, sizes


def test_what_is_in_the_store_is_not_embedded_again_and_is_the_same_to_the_bit(counted, scans, tmp_path):
    model, sizes = counted
    first = model.embed_scans(scans[:3], store=tmp_path / "e.sqlite")
    again = model.embed_scans(scans, store=EmbeddingStore(tmp_path / "e.sqlite"))
    assert sizes == [3, 2]
    np.testing.assert_array_equal(again[:3], first)
    assert len(EmbeddingStore(tmp_path / "e.sqlite")) == 5


def test_a_scan_given_twice_is_embedded_once(counted, scans, tmp_path):
    model, sizes = counted
    rows = model.embed_scans([scans[0], scans[1], scans[0]], store=tmp_path / "e.sqlite")
    assert sizes == [2]
    np.testing.assert_array_equal(rows[0], rows[2])


def test_an_interruption_loses_the_batch_in_hand_and_no_other(counted, scans, tmp_path):
    model, sizes = counted

    def loading():
        yield from scans[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.embed_scans(loading(), batch_size=2, store=tmp_path / "e.sqlite")
    model.embed_scans(scans, batch_size=2, store=tmp_path / "e.sqlite")
    assert sizes == [2, 2, 1]  # the first two; then the third and fourth; then the fifth


def test_a_killed_process_leaves_a_sound_store(tmp_path):
    script = """
        import os, signal, sys
        import numpy as np
        from medlab.models.embedding.store import EmbeddingStore
        store = EmbeddingStore(sys.argv[1])
        store.add("m", {"a": np.ones(3), "b": np.ones(3)})
        with store._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO embeddings VALUES ('m', 'c', x'00', 0)")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "e.sqlite"
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    store = EmbeddingStore(path)
    assert sorted(store.find("m", ["a", "b", "c"])) == ["a", "b"]
    store.add("m", {"c": np.zeros(3)})
    assert len(store) == 3


def test_another_model_or_fit_finds_nothing(checkpoints, siglip, scans, tmp_path):
    store = EmbeddingStore(tmp_path / "deep" / "e.sqlite")
    siglip.embed_scans(scans[:1], store=store)
    other = EmbeddingModel(*checkpoints["siglip"], name="tiny-siglip", fingerprint="siglip", fit="own")
    other.embed_scans(scans[:1], store=store)
    assert len(store) == 2


def test_a_flipped_bit_is_found(tmp_path):
    store = EmbeddingStore(tmp_path / "e.sqlite")
    store.add("m", {"a": np.ones(3, np.float32)})
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE embeddings SET vector = x'0000803f0000803f0000803e'")
    with pytest.raises(DataError, match="not what was written") as caught:
        store.find("m", ["a"])
    assert caught.value.code == "mismatch"


def test_a_file_that_is_something_else_and_a_folder_are_refused(tmp_path):
    (tmp_path / "report.txt").write_text("no database at all\n" * 100)
    with pytest.raises(DataError) as caught:
        EmbeddingStore(tmp_path / "report.txt")
    assert caught.value.code == "decode"
    assert (tmp_path / "report.txt").read_text().startswith("no database")
    with pytest.raises(SpecError, match="is a folder"):
        EmbeddingStore(tmp_path)


def test_a_store_that_another_process_keeps_locked_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("medlab.core.database.LOCK_SECONDS", 0)
    store = EmbeddingStore(tmp_path / "e.sqlite")
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(CapabilityError, match="locked"):
            store.add("m", {"a": np.ones(2)})
    finally:
        holder.close()
    store.add("m", {"a": np.ones(2)})
