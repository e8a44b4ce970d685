"""Nothing leaves this machine until somebody said so, and then only what was said."""

import numpy as np
import pytest

from medlab.core.errors import MissingDependency, PrivacyError, SpecError
from medlab.core.scan import Note
from medlab.models.endpoint.address import read_address
from medlab.models.endpoint.gate import Gate
from medlab.models.endpoint.model import EndpointModel
from tests.models.endpoint.conftest import NAME

REMOTE = read_address("https://gpu.example/v1")
HERE = read_address("http://localhost:8000/v1")


def no_words(scan):
    return ()


def one_word(scan):
    return ((3.0, 4.0, 15.0, 120.0),)


def no_reader(scan):
    raise MissingDependency("rapidocr is not installed", fix="pip install …")


@pytest.fixture
def asked(server, scan):
    """(Query about the scan, Query of text alone)."""
    model = EndpointModel(server.url)
    return model.query(scan, "Effusion?"), model.query(None, "Hello?")


def stopped(gate: Gate, *queries) -> str:
    """The message of the PrivacyError, or "" where all may go."""
    try:
        gate.check(queries)
    except PrivacyError as error:
        return str(error)
    return ""


def test_a_closed_gate_lets_nothing_out_and_says_what_would_open_it(asked):
    picture, text = asked
    gate = Gate(REMOTE, NAME, find=no_words)
    assert "1 picture(s) and the question would leave" in stopped(gate, picture)
    assert 'model.gate.allow("pixels")' in stopped(gate, picture)
    assert 'model.gate.allow("text")' in stopped(gate, text)
    assert "gpu.example" in stopped(gate, text)


def test_text_may_go_without_pictures_and_pictures_take_text_along(asked):
    picture, text = asked
    gate = Gate(REMOTE, NAME, "text", find=no_words)
    assert stopped(gate, text) == ""
    assert "picture" in stopped(gate, text, picture)
    gate.allow("pixels")
    assert stopped(gate, text, picture) == ""


def test_on_this_machine_nothing_has_to_be_allowed_and_nobody_reads_pictures(asked):
    assert stopped(Gate(HERE, NAME, find=no_reader), *asked) == ""


@pytest.mark.parametrize(
    "served",
    [
        "gpt-oss:120b-cloud",
        "kimi-k2:cloud",
        "gpt-oss:120b-CLOUD",
        "gpt-oss:120b-cloud ",
        "registry.ollama.ai/library/gpt-oss:120b-cloud",
        "kimi-k2:1t-cloud@sha256:1",
        "hf.co/x-cloud:latest",
    ],
)
def test_a_model_that_ollama_runs_elsewhere_leaves_from_this_machine_too(asked, served):
    assert "would leave" in stopped(Gate(HERE, served, find=no_words), *asked)


@pytest.mark.parametrize("served", ["cloudy-4b", "medgemma:4b", "soundcloud", ""])
def test_a_name_that_only_sounds_like_it_stays_here(served):
    assert not Gate(HERE, served, find=no_words).leaves


def test_words_in_a_picture_stop_it_until_somebody_has_looked(asked, scan):
    gate = Gate(REMOTE, NAME, "pixels", find=one_word)
    message = stopped(gate, asked[0])
    assert "words at (top, left, bottom, right) = (3, 4, 15, 120)" in message
    assert "gate.clear(scan)" in message
    gate.clear(scan)
    assert stopped(gate, asked[0]) == ""


def test_one_scan_is_cleared_and_another_is_not(asked, scan, server):
    gate = Gate(REMOTE, NAME, "pixels", find=one_word)
    gate.clear(scan)
    other = EndpointModel(server.url).query(scan.replace(pixels=np.zeros((30, 40), np.float32)), "Effusion?")
    assert "1 picture(s) may tell" in stopped(gate, asked[0], other)


def test_what_the_header_says_of_burned_in_text_counts_where_no_word_is_found(server, scan):
    noted = scan.replace(notes=(Note("doubt", "burned_in_text", "the header says so"),))
    gate = Gate(REMOTE, NAME, "pixels", find=no_words)
    assert "the header says so" in stopped(gate, EndpointModel(server.url).query(noted, "Effusion?"))


def test_without_a_reader_of_words_a_person_has_to_look(asked, scan):
    gate = Gate(REMOTE, NAME, "pixels", find=no_reader)
    message = stopped(gate, asked[0])
    assert "rapidocr is not installed" in message
    assert 'pip install "medlab-workbench[ocr]", or model.gate.clear(scan)' in message
    gate.clear(scan)
    assert stopped(gate, asked[0]) == ""


def test_a_scan_is_read_once_however_often_it_is_asked_about(asked):
    calls = []
    gate = Gate(REMOTE, NAME, "pixels", find=lambda scan: calls.append(scan) or ())
    for _ in range(3):
        gate.check([asked[0], asked[0]])
    assert len(calls) == 1


def test_a_closed_gate_lets_no_byte_through_a_real_socket(server, scan):
    elsewhere = server.url.replace("127.0.0.1", "0.0.0.0")  # reaches this machine, and is not loopback by definition
    model = EndpointModel(elsewhere, model=NAME, plain_http=True)
    for ask in (
        lambda: model.ask(scan, "Effusion?"),
        lambda: model.ask(None, "Hello?"),
        lambda: list(model.stream(model.query(scan, "Effusion?"))),
        lambda: list(model.ask_batch([model.query(scan, "Effusion?")], progress=False)),
    ):
        with pytest.raises(PrivacyError, match="nothing was sent"):
            ask()
    assert server.received == []
    model.gate.allow("pixels")
    model.gate.clear(scan)
    assert model.ask(scan, "Effusion?").text == "No effusion."
    assert len(server.received) == 1


def test_wrong_turns_are_told(scan):
    with pytest.raises(SpecError, match="text, pixels"):
        Gate(REMOTE, NAME, "everything")
    with pytest.raises(SpecError, match="list"):
        Gate(REMOTE, NAME).clear([scan])


def test_its_repr_tells_how_far_it_is_open(scan):
    gate = Gate(REMOTE, NAME)
    assert repr(gate) == "Gate('gpu.example' is sent nothing, 0 scans cleared)"
    gate.allow("pixels")
    gate.clear(scan)
    assert repr(gate) == "Gate('gpu.example' is sent pixels, 1 scans cleared)"
    assert repr(Gate(HERE, NAME)) == "Gate(nothing leaves this machine)"
