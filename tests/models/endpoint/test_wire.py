"""What leaves besides the body, and what may come back."""

import json
import re
import threading
import time

import openai
import pytest

from medlab.core.errors import EndpointError, PrivacyError
from medlab.models.endpoint import wire
from medlab.models.endpoint.model import EndpointModel
from tests.models.endpoint.conftest import ScriptedServer, completion, http, says


@pytest.fixture
def elsewhere():
    """A second server, to which nothing may come."""
    with ScriptedServer() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


def test_the_headers_that_leave_are_these_and_no_others(server, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "clinic")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "ward")
    EndpointModel(server.url).ask(None, "Hello?")
    head = server.received[-1].partition(b"\r\n\r\n")[0].decode().splitlines()[1:]
    names = {line.partition(":")[0].lower() for line in head}
    assert names == {"host", "connection", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}
    assert not re.search(r"linux|darwin|windows|python|x86|arm|clinic|ward", "\n".join(head), re.IGNORECASE)


def test_101_a_redirect_is_not_followed_and_nothing_reaches_its_target(server, elsewhere, scan):
    model = EndpointModel(server.url)
    for place in (elsewhere.url, "http://169.254.169.254/latest/meta-data", "//evil.example/v1"):
        server.script = [says({}, "307 Temporary Redirect", f"Location: {place}")]
        with pytest.raises(PrivacyError, match="sends on to"):
            model.ask(scan, "Effusion?")
        server.script = [says({}, "308 Permanent Redirect", f"Location: {place}")]
        with pytest.raises(PrivacyError, match="sends on to"):
            list(model.stream(model.query(scan, "Effusion?")))
    assert elsewhere.received == []


def test_the_client_that_is_built_upon_would_follow_it(server, elsewhere):
    server.script = [says({}, "307 Temporary Redirect", f"Location: {elsewhere.url}/chat/completions")]
    client = openai.OpenAI(base_url=server.url, api_key="unused", max_retries=0)
    client.chat.completions.create(model="any", messages=[{"role": "user", "content": "Hello?"}])
    assert len(elsewhere.received) == 1


def test_a_proxy_gets_nothing_of_what_stays_on_this_machine(server, elsewhere, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.url.removesuffix("/v1"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    EndpointModel(server.url).ask(None, "Hello?")
    assert elsewhere.received == []
    plain = openai.OpenAI(base_url=server.url, api_key="unused", max_retries=0)  # without our transport it would
    plain.chat.completions.create(model="any", messages=[{"role": "user", "content": "Hello?"}])
    assert len(elsewhere.received) == 1


def test_a_huge_reply_is_given_up(server, monkeypatch):
    model = EndpointModel(server.url, retries=0)
    monkeypatch.setattr(wire, "MAX_REPLY_BYTES", 1 << 20)
    server.default = lambda connection: connection.sendall(http(b" " * (2 << 20)))
    with pytest.raises(EndpointError, match="more than 1 MB"):
        model.ask(None, "Hello?")
    server.default = lambda connection: connection.sendall(http(b" " * (2 << 20), "500 Internal Server Error"))
    with pytest.raises(EndpointError, match="more than 1 MB"):
        model.ask(None, "Hello?")


def test_a_reply_that_drips_is_given_up_when_the_time_is_over(server):
    model = EndpointModel(server.url, retries=0, timeout_s=0.6)

    def drip(connection):
        connection.sendall(http(b" " * 1000)[:-1000])
        for _ in range(60):
            connection.sendall(b" ")
            time.sleep(0.05)

    server.default = drip
    with pytest.raises(EndpointError, match="the time was up"):
        model.ask(None, "Hello?")


@pytest.mark.parametrize("line", [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"X: a\r\n", b"1\r\n \r\n"])
def test_a_head_or_a_body_that_never_ends_is_given_up_when_the_time_is_over(server, line):
    def drip(connection):
        if not line.startswith(b"HTTP"):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
        if line.startswith(b"1"):
            connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(80):
                connection.sendall(line)
                time.sleep(0.1)
        except OSError:
            return

    server.default = drip
    started = time.monotonic()
    with pytest.raises(EndpointError, match=r"the time was up|in time, 1 times"):
        EndpointModel(server.url, model="any", retries=0, timeout_s=0.5).ask(None, "Hello?")
    assert time.monotonic() - started < 5


def test_a_reply_without_a_length_that_is_cut_by_the_time_is_not_taken_for_whole(server):
    def halt(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        connection.sendall(json.dumps(completion()).encode())
        time.sleep(3)

    server.default = halt
    with pytest.raises(EndpointError):
        EndpointModel(server.url, model="any", retries=0, timeout_s=0.5).ask(None, "Hello?")
