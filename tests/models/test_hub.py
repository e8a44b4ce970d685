"""Fetching: against a real server that answers as the hub does, and with the hub's own exceptions."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from medlab.core.errors import DataError
from medlab.models.hub import in_words
from tests.models import hub_server

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
ASK = """
import json, sys
from medlab.core.errors import MedlabError
from medlab.models.hub import fetch
for hub, revision, weights in json.loads(sys.argv[1]):
    try:
        folder = fetch(hub, revision, weights=weights)
        print(json.dumps({"folder": str(folder), "files": sorted(path.name for path in folder.iterdir())}))
    except MedlabError as error:
        print(json.dumps({"kind": type(error).__name__, "code": error.code, "text": str(error)}))
"""


def fetched(address: str, cache: pathlib.Path, *asked, **environment) -> list[dict]:
    """What `fetch` gives for each (hub, revision, weights), in a process whose hub is at `address`."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "TRANSFORMERS"))}
    clean |= {
        "HF_ENDPOINT": address,
        "HF_HOME": str(cache),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_XET": "1",
    }
    words = [sys.executable, "-c", ASK, json.dumps(asked)]
    told = subprocess.run(words, env=clean | environment, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-2000:]
    return [json.loads(line) for line in told.stdout.splitlines()]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def answers(cache):
    """What became of each repository, the paths that were asked for, and the same whole one with the hub forbidden."""
    with hub_server.running() as (address, asked):
        told = fetched(
            address,
            cache,
            ("org/whole", None, False),
            ("org/whole", hub_server.COMMIT, True),
            ("org/whole", "no-such-tag", False),
            ("org/gated", None, False),
            ("google/medgemma-4b-it", None, False),
            ("org/missing", None, False),
            ("org/private", None, False),
            ("org/out-of-order", None, False),
        )
    offline = fetched(
        address, cache, ("org/whole", None, True), ("google/medgemma-4b-it", None, False), HF_HUB_OFFLINE="1"
    )
    unreachable = fetched(address, cache, ("org/elsewhere", None, False))
    names = ("described", "whole", "revision", "gated", "medgemma", "missing", "private", "fault")
    return dict(zip(names, told, strict=True)) | {
        "offline": offline[0],
        "offline_missing": offline[1],
        "unreachable": unreachable[0],
        "asked": asked,
    }


def test_the_description_comes_without_the_weights_and_no_pickle_ever(answers):
    assert answers["described"]["files"] == ["config.json"]
    assert answers["whole"]["files"] == ["config.json", "model.safetensors"]
    assert not [path for path in answers["asked"] if path.endswith(".bin")]


def test_a_fetched_checkpoint_lies_under_its_commit(answers):
    assert answers["whole"]["folder"].endswith(hub_server.COMMIT)


def test_what_was_fetched_is_found_again_with_the_hub_forbidden(answers):
    assert answers["offline"]["folder"] == answers["whole"]["folder"]


def test_a_gated_model_says_where_to_accept_its_terms_and_how_to_log_in(answers):
    told = answers["medgemma"]
    assert told["code"] == "gated"
    assert "Health AI Developer Foundations" in told["text"]
    assert "https://huggingface.co/google/medgemma-4b-it" in told["text"]
    assert "hf auth login" in told["text"]
    assert 'MODEL = "demo"' in told["text"]
    assert "there is no token here" in told["text"]


def test_a_gated_model_that_the_catalog_does_not_know_says_it_too(answers):
    assert answers["gated"]["code"] == "gated"
    assert "https://huggingface.co/org/gated" in answers["gated"]["text"]


def test_a_token_that_was_not_granted_access_is_told_from_no_token(cache):
    with hub_server.running() as (address, _):
        told = fetched(address, cache, ("google/medgemma-4b-it", None, False), HF_TOKEN="hf_wrong")
    assert "the token here was not granted it" in told[0]["text"]
    assert "hf_wrong" not in told[0]["text"]


def test_a_missing_or_private_repository_is_said_to_be_one(answers):
    assert answers["missing"]["code"] == answers["private"]["code"] == "missing_file"
    assert "or it is private" in answers["private"]["text"]
    assert "private_" not in answers["missing"]["text"]
    assert "hf auth login" in answers["private"]["text"]


def test_a_revision_that_is_not_there_is_named(answers):
    assert "no revision 'no-such-tag'" in answers["revision"]["text"]


def test_a_hub_with_a_fault_is_not_blamed_on_the_network(answers):
    assert answers["fault"]["code"] == "unreachable"
    assert "the hub answered 500" in answers["fault"]["text"]


def test_without_a_network_the_way_out_is_told(answers):
    assert answers["unreachable"]["code"] == "unreachable"
    assert "HTTPS_PROXY" in answers["unreachable"]["text"]
    assert 'MODEL = "demo"' in answers["unreachable"]["text"]


def test_a_forbidden_hub_is_not_called_a_missing_network(answers):
    assert "HF_HUB_OFFLINE" in answers["offline_missing"]["text"]
    assert "hf download google/medgemma-4b-it" in answers["offline_missing"]["text"]


def test_a_misspelt_id_gets_the_near_one():
    from huggingface_hub import errors

    class Response:
        status_code = 404
        headers: dict = {}  # noqa: RUF012
        request = None

    told = in_words(errors.RepositoryNotFoundError("no", response=Response()), "google/medgema-4b-it", None)
    assert isinstance(told, DataError)
    assert "google/medgemma-4b-it" in told.fix


def test_an_id_with_a_control_sequence_is_shown_harmless():
    told = in_words(OSError("x"), "org/\x1b[31mred", None)
    assert "\x1b" not in str(told)
