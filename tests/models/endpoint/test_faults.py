"""What a server may do wrong, and what is made of it."""

import pytest

from medlab.core.errors import EndpointError
from medlab.models.endpoint.model import EndpointModel
from tests.models.endpoint.conftest import completion, http, raw, reset, says

BUSY = says({"error": {"message": "slow down"}}, "429 Too Many Requests", "Retry-After: 7")
BROKEN = says({"error": {"message": "CUDA out of memory"}}, "500 Internal Server Error")
CUT = raw(http(b'{"choices": [{"message": {"content": "No eff')[:-9])


@pytest.mark.parametrize("fault", [BUSY, BROKEN, CUT, reset], ids=["429", "500", "cut in its body", "reset"])
def test_a_passing_fault_is_tried_again(server, scan, quick_retries, fault):
    model = EndpointModel(server.url)
    server.script = [fault, fault]
    assert model.ask(scan, "Effusion?").text == "No effusion."
    assert len(server.questions) == 3
    assert server.questions[0] == server.questions[1] == server.questions[2]
    assert len(quick_retries) == 2


def test_a_busy_server_is_given_the_time_it_asks_for(server, quick_retries):
    model = EndpointModel(server.url)
    server.script = [BUSY]
    model.ask(None, "Hello?")
    assert quick_retries == [7.0]


def test_pauses_grow_where_the_server_names_none(server, quick_retries):
    model = EndpointModel(server.url, retries=4)
    server.script = [BROKEN] * 4
    model.ask(None, "Hello?")
    assert len(quick_retries) == 4
    assert quick_retries == sorted(quick_retries)
    assert 0 < quick_retries[0] < quick_retries[-1] <= 8


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (BUSY, 429, ("is busy, also after 2 more tries", "'slow down'", "concurrency=1")),
        (BROKEN, 500, ("failed, also after 2 more tries", "CUDA out of memory", "server's log")),
        (reset, None, ("hangs up, 3 times", "host and port")),
    ],
    ids=["429", "500", "reset"],
)
def test_a_fault_that_lasts_is_told_with_what_to_do(server, quick_retries, fault, status, words):
    model = EndpointModel(server.url, retries=2)
    server.default = fault
    with pytest.raises(EndpointError) as caught:
        model.ask(None, "Hello?")
    assert caught.value.status == status
    assert [word for word in words if word not in str(caught.value)] == []
    assert len(server.questions) == 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (says({"error": {"message": "no such key"}}, "401 Unauthorized"), "does not take the key"),
        (says({"detail": "gated"}, "403 Forbidden"), "does not let this key in"),
        (says({"message": "no model"}, "404 Not Found"), "/models lists the models"),
        (says({"error": "image too big"}, "413 Payload Too Large"), "too large"),
        (says({"detail": [{"msg": "?"}]}, "422 Unprocessable Entity"), "does not take the request"),
        (says({"error": {"message": "boom"}}), "says 'boom'"),
        (raw(http(b"<html>Sign in</html>", "200 OK", "text/html")), "an HTML page"),
        (raw(http(b"\x89PNG\r\n\x1a\n\0\0", "200 OK", "image/png")), "no JSON"),
        (raw(http(b'{"choices": [')), "no JSON"),
        (raw(http(b"[" * 200_000)), "no JSON"),
        (raw(http(b'{"choices": [{"message": {"content": NaN}}]}')), "no JSON"),
        (says([]), "no choices"),
        (says({"object": "list"}), "no choices"),
        (says({"choices": []}), "list of choices is empty"),
        (says({"choices": ["No effusion."]}), "choice is"),
        (says({"choices": [{"text": "No effusion."}]}), "no message"),
        (says(completion(None)), "answer is empty"),
        (says(completion("  \n")), "answer is empty"),
    ],
)
def test_what_is_no_answer_is_told_and_not_asked_again(server, scan, fault, words):
    model = EndpointModel(server.url)
    server.default = fault
    with pytest.raises(EndpointError, match=words):
        model.ask(scan, "Effusion?")
    assert len(server.questions) == 1


def test_a_server_that_is_silent_is_not_waited_for(server, quick_retries):
    model = EndpointModel(server.url, timeout_s=0.3, retries=1)
    server.default = lambda connection: connection.recv(1)  # until the client hangs up
    with pytest.raises(EndpointError, match="in time, 2 times"):
        model.ask(None, "Hello?")


def test_nobody_at_an_address_is_told(quick_retries):
    with pytest.raises(EndpointError, match="cannot be reached"):
        EndpointModel("http://127.0.0.1:9/v1", retries=1)


def test_what_a_server_says_is_shown_as_one_safe_short_line(server):
    model = EndpointModel(server.url)
    server.default = says({"error": {"message": "\x1b[2J\r\n" + "a" * 5000}}, "400 Bad Request")
    with pytest.raises(EndpointError) as caught:
        model.ask(None, "Hello?")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600
