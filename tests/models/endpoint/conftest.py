"""A real server on a real socket that does what a test tells it to, and keeps every byte that it was sent."""

import base64
import json
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from medlab.core.scan import Scan

NAME = "google/medgemma-1.5-4b-it"


def completion(text: str | None = "No effusion.", finish: str = "stop", **more) -> dict:
    """A chat completion; `more` goes into its message."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": finish}
    usage = {"prompt_tokens": 261, "completion_tokens": 4, "total_tokens": 265}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": NAME, "choices": [choice], "usage": usage}


def http(body: bytes, status: str = "200 OK", kind: str = "application/json", *headers: str) -> bytes:
    """A whole response."""
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*head, *headers, "", ""]).encode() + body


def says(payload, status: str = "200 OK", *headers: str) -> Callable[[socket.socket], None]:
    """Answer with JSON."""
    return raw(http(json.dumps(payload).encode(), status, "application/json", *headers))


def raw(data: bytes) -> Callable[[socket.socket], None]:
    """Answer with these bytes, then hang up."""
    return lambda connection: connection.sendall(data)


def events(*payloads, done: bool = True, pause_s: float = 0.0) -> Callable[[socket.socket], None]:
    """Answer as a stream of events."""

    def act(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for payload in payloads:
            line = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            connection.sendall(b"data: " + line + b"\n\n")
            time.sleep(pause_s)
        if done:
            connection.sendall(b"data: [DONE]\n\n")

    return act


def delta(text: str | None, finish: str | None = None, **more) -> dict:
    """One event of a stream."""
    choice = {"index": 0, "delta": {"content": text, **more}, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": NAME, "choices": [choice]}


def reset(connection: socket.socket) -> None:
    """Hang up as a server does that is killed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class ScriptedServer(socketserver.ThreadingTCPServer):
    """Serves one model. `script` holds what to do next, in order; then `default` for ever."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        self.script: list[Callable[[socket.socket], None]] = []
        self.default: Callable[[socket.socket], None] = says(completion())
        self.models: object = {"object": "list", "data": [{"id": NAME, "object": "model"}]}
        self.received: list[bytes] = []
        """each request as it came, head and body"""
        self.lock = threading.Lock()
        self.open_now = self.most_open = 0
        self.now_serving = threading.local()
        """`.request` is the one that the running thread answers"""

    @property
    def questions(self) -> list[dict]:
        """The bodies of the chat completions asked for, in order."""
        posted = [request for request in self.received if request.startswith(b"POST")]
        return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in posted]

    def pictures(self) -> list[bytes]:
        """Every picture in what was received, decoded."""
        found = re.findall(rb"data:image/png;base64,([A-Za-z0-9+/=]+)", b"".join(self.received))
        return [base64.b64decode(data) for data in found]

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up is no fault of this server."""


class _Handler(socketserver.StreamRequestHandler):
    server: ScriptedServer

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        request = head + self.rfile.read(int(length[1]) if length else 0)
        server = self.server
        server.now_serving.request = request
        with server.lock:
            server.received.append(request)
            server.open_now += 1
            server.most_open = max(server.most_open, server.open_now)
            listing = head.startswith(b"GET") and server.models is not None
            act = says(server.models) if listing else server.script.pop(0) if server.script else server.default
        try:
            act(self.connection)
        finally:
            with server.lock:
                server.open_now -= 1


@pytest.fixture
def server(monkeypatch) -> Iterator[ScriptedServer]:
    for name in ("MEDLAB_ENDPOINT_KEY", "HF_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with ScriptedServer() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def quick_retries(monkeypatch):
    """The pauses between tries are taken down in this list, in seconds, and not waited for."""
    import openai._base_client as client

    pauses: list[float] = []
    monkeypatch.setattr(client.time, "sleep", pauses.append)
    return pauses


@pytest.fixture
def scan() -> Scan:
    """A grey picture, 30 rows by 40 columns, whose every column has its own level."""
    return Scan(np.tile(np.linspace(0, 1, 40, dtype=np.float32), (30, 1)), name="given.dcm")
