"""Where the key comes from, whom it is sent to, and (hostile input 102) that nobody else ever sees it."""

import json
import logging
import pickle
import traceback

import pytest

from medlab.core.errors import EndpointError, MedlabError, PrivacyError, SpecError
from medlab.models.endpoint.address import read_address
from medlab.models.endpoint.model import EndpointModel
from medlab.models.endpoint.secret import Secret, find_secret, without
from tests.models.endpoint.conftest import completion, delta, events, http, raw, reset, says

CANARY = "sk-canary-4711-0815"


def key_for(url: str, **environment: str) -> str | None:
    return find_secret(read_address(url), None, environment).reveal()


def test_a_variable_of_one_service_goes_to_that_service_alone():
    both = {"HF_TOKEN": "hf", "OPENAI_API_KEY": "oa"}
    assert key_for("https://router.huggingface.co/v1", **both) == "hf"
    assert key_for("https://api.openai.com/v1", **both) == "oa"
    for anybodys in ("https://any-thing.hf.space/v1", "https://abc.us-east-1.aws.endpoints.huggingface.cloud/v1"):
        assert key_for(anybodys, **both) is None
    for stranger in ("https://gpu.example/v1", "http://localhost:8000/v1", "https://huggingface.co.example/v1"):
        assert key_for(stranger, **both) is None
    assert key_for("https://nothuggingface.co/v1", **both) is None


def test_the_variable_of_medlab_goes_to_every_address_and_a_given_key_comes_first():
    assert key_for("https://gpu.example/v1", MEDLAB_ENDPOINT_KEY="mine") == "mine"
    given = find_secret(read_address("https://gpu.example/v1"), "given", {"MEDLAB_ENDPOINT_KEY": "mine"})
    assert given.reveal() == "given"


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(key):
    with pytest.raises(SpecError) as caught:
        Secret(key, "key=")
    assert not key or key not in str(caught.value)


def test_a_function_gives_a_fresh_key_for_each_request(server):
    keys = iter(["first", "second", "third"])
    model = EndpointModel(server.url, key=lambda: next(keys))
    model.ask(None, "Hello?")
    assert [b"Bearer first" in server.received[0], b"Bearer second" in server.received[1]] == [True, True]


def test_a_function_that_gives_no_key_is_an_error_at_once(server):
    with pytest.raises(SpecError, match="key="):
        EndpointModel(server.url, key=lambda: "no key\n", retries=0)
    assert server.received == []


def test_a_key_that_a_server_repeats_in_a_redirect_is_not_shown(server):
    model = EndpointModel(server.url, key=CANARY)
    server.default = raw(http(b"", "302 Found", "text/html", f"Location: http://evil.example/?{CANARY}"))
    with pytest.raises(PrivacyError) as caught:
        model.ask(None, "Hello?")
    assert "http://evil.example/?(key)" in str(caught.value)


def test_102_the_key_is_in_the_header_and_nowhere_else(server, scan, tmp_path, monkeypatch, caplog, quick_retries):
    monkeypatch.setenv("MEDLAB_ENDPOINT_KEY", CANARY)
    caplog.set_level(logging.DEBUG)
    model = EndpointModel(server.url, retries=1)
    echo = {"error": {"message": f"Incorrect API key provided: {CANARY}"}}
    faults = [
        says(echo, "401 Unauthorized"),
        says(echo, "400 Bad Request"),
        says(echo),
        raw(http(f"<html>{CANARY}</html>".encode(), "404 Not Found", "text/html")),
        raw(http(b'{"choices": [')[:-3]),
        reset,
        says(completion(None)),
        says({"object": "error", "message": echo["error"]["message"]}),
        says({"detail": echo["error"]["message"]}),
        says({"choices": [echo]}),
        raw(http(f"{CANARY} is no key".encode(), "200 OK", "text/plain")),
        raw(http(f"<html>{CANARY}</html>".encode(), "200 OK", "text/html")),
    ]
    seen = [repr(model), str(vars(model)), model.name, model.fingerprint, repr(vars(model._talk))]
    for fault in faults:
        server.script = [fault, fault]
        with pytest.raises(MedlabError) as caught:
            model.ask(scan, "Effusion?")
        error = caught.value
        assert error.__context__ is None
        assert error.__cause__ is None
        seen += ["".join(traceback.format_exception(error)), repr(vars(error))]
    server.script = [events({"error": {"message": CANARY}}), events(delta("No."), delta(None, "stop"))]
    with pytest.raises(EndpointError) as caught:
        list(model.stream(model.query(scan, "Effusion?")))
    seen += [str(caught.value), *model.stream(model.query(scan, "Effusion?"))]
    server.script = []
    queries = [model.query(scan, question) for question in ("Effusion?", "Devices?")]
    seen += [answer.to_json() for answer in model.ask_batch(queries, store=tmp_path / "kept", progress=False)]
    seen += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    seen += [caplog.text, *(str(vars(record)) for record in caplog.records)]
    server.script = [events(f"{CANARY} is no key".encode())]
    with pytest.raises(EndpointError) as caught:
        list(model.stream(model.query(scan, "Effusion?")))
    seen.append(str(caught.value))
    server.models = {"data": [{"id": f"a-{CANARY}"}, {"id": "b"}]}
    with pytest.raises(SpecError) as caught:
        EndpointModel(server.url)
    seen.append(str(caught.value))
    assert len(caplog.records) > 10
    assert [line for text in seen for line in text.splitlines() if CANARY in line] == []
    assert all(f"Bearer {CANARY}".encode() in request for request in server.received)  # the search would have found it
    with pytest.raises((MedlabError, TypeError, AttributeError)):
        pickle.dumps(model)
    with pytest.raises(SpecError, match="not pickled"):
        pickle.dumps(Secret(CANARY, "key="))


def test_a_key_that_a_server_repeats_in_a_header_is_not_shown(server):
    server.default = raw(http(b"no JSON", "200 OK", f"text/{CANARY}"))
    with pytest.raises(EndpointError, match=r"called 'text/\(key\)'"):
        EndpointModel(server.url, key=CANARY, model="any").ask(None, "Hello?")


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_key_is_taken_out_of_a_reply_wherever_it_is_cut(size):
    key = 'sk-aa/b"c\\d'
    reply = f"a {key} b {json.dumps(key)} sk-aa sk-".encode()
    pieces = (reply[i : i + size] for i in range(0, len(reply), size))
    assert b"".join(without(key, pieces)) == b'a (key) b "(key)" sk-aa sk-'


def test_a_word_that_serves_as_a_key_stays_in_what_is_said(server):
    server.default = says(completion("There is none."))
    assert EndpointModel(server.url, key="none").ask(None, "Effusion?").text == "There is none."
