"""The fingerprint of a model: what it follows, and how the sums of large files are had cheaply."""

import json

from medlab.core.query import Decoding
from medlab.models.checkpoint import read_checkpoint
from medlab.models.conventions import conventions_for
from medlab.models.identity import fingerprint_of, weights_sha256
from medlab.models.load import load_model
from medlab.models.placement import Placement

PLAIN = Placement("cpu", "float32")


def test_a_copy_of_a_checkpoint_has_its_fingerprint(copied, loaded):
    assert load_model(copied, family="gemma-3").fingerprint == loaded.fingerprint


def test_another_family_is_another_model_so_that_no_store_mixes_their_answers(copied, loaded, tmp_path):
    other = load_model(copied, family="medgemma-1.5")
    assert other.fingerprint != loaded.fingerprint
    query = loaded.query(None, "yes or no?", decoding=Decoding(max_new_tokens=2))
    for model in (loaded, other):
        (answer,) = model.ask_batch([query], store=tmp_path, progress=False)
        assert answer.model == model.name


def test_the_fingerprint_follows_what_changes_answers(copied):
    found = {fingerprint_of(read_checkpoint(copied), PLAIN)}
    found.add(fingerprint_of(read_checkpoint(copied), PLAIN.replace(dtype="bfloat16")))
    found.add(fingerprint_of(read_checkpoint(copied), PLAIN.replace(quantize="4bit")))
    assert fingerprint_of(read_checkpoint(copied), PLAIN.replace(device="cuda", attention="eager")) in found
    found.add(fingerprint_of(read_checkpoint(copied), PLAIN, conventions=conventions_for("medgemma-1")))
    (copied / "guard.safetensors").write_bytes(b"another guard warns of other scans")
    found.add(fingerprint_of(read_checkpoint(copied), PLAIN))
    told = copied / "tokenizer_config.json"
    told.write_text(json.dumps(json.loads(told.read_text()) | {"model_max_length": 7}))
    found.add(fingerprint_of(read_checkpoint(copied), PLAIN))
    weights = bytearray((copied / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copied / "model.safetensors").write_bytes(weights)
    found.add(fingerprint_of(read_checkpoint(copied), PLAIN))
    assert len(found) == 7


def test_the_sum_that_the_hubs_cache_gave_a_file_is_taken_for_its_own(tmp_path):
    blob = tmp_path / "blobs" / ("ab" * 32)
    blob.parent.mkdir()
    blob.write_bytes(b"weights")
    (tmp_path / "model.safetensors").symlink_to(blob)
    assert weights_sha256(tmp_path / "model.safetensors") == "ab" * 32


def test_a_large_files_sum_is_remembered_until_the_file_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(1 << 24))
    first = weights_sha256(path)
    monkeypatch.setattr("medlab.models.identity.sha256_of", lambda path: "read again")
    assert weights_sha256(path) == first
    path.write_bytes(bytes((1 << 24) + 1))
    assert weights_sha256(path) == "read again"
