"""Wire: the only place that bytes leave through. It bounds what comes back and says what is sent besides the body.

The openai package does the protocol and the retries. Its client is given a transport of ours, which
- drops every header that is not in `HEADERS` (the package tells servers about the operating system, the processor and
  the Python of whoever asks, and adds organisations from the environment), and sets the key;
- follows no redirect: a server cannot send a picture on to an address that nobody allowed;
- asks no proxy for an address on this machine: a proxy named in the environment would carry the picture away;
- stops at `MAX_REPLY_BYTES`;
- hangs up when the time is up, also where every single byte comes in time, of the head or of the body;
- hands the reply on without the key: nothing that reads it later can repeat it.
"""

import contextlib
import functools
import socket
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from medlab.core.errors import MissingDependency
from medlab.models.endpoint.address import Address
from medlab.models.endpoint.secret import Secret, without
from medlab.version import __version__

if TYPE_CHECKING:
    import openai

HEADERS = frozenset(("host", "connection", "accept", "content-type", "content-length", "transfer-encoding"))
"""those of the client that are sent as they are; `Wire.send` adds three"""
MAX_REPLY_BYTES = 32 << 20
"""of one reply, unpacked; a long answer with log-probabilities of its tokens is below 2 MB"""
CONNECT_S = 15.0


class ReplyTooLarge(Exception):
    """More than MAX_REPLY_BYTES came."""


class ReplyCut(Exception):
    """The connection broke, or the time was up, while the reply came."""


def open_client(address: Address, secret: Secret, *, timeout_s: float, retries: int) -> "openai.OpenAI":
    """A client of `address`. `timeout_s` is for one try, from its first byte to its last.

    Raises MissingDependency where the openai package is not installed.
    """
    try:
        import openai
    except ImportError:
        raise MissingDependency(
            "an endpoint needs the openai package", fix='pip install "medlab-workbench[endpoints]"'
        ) from None
    wire = _wire_class()(
        timeout=openai.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
        follow_redirects=False,
        trust_env=not address.here,
    )
    wire.secret, wire.timeout_s = secret, timeout_s
    # The package wants a key of its own; `Wire.send` replaces the header that it makes of this word.
    return openai.OpenAI(
        api_key="unused", base_url=address.url, http_client=wire, max_retries=retries, timeout=wire.timeout
    )


@functools.cache
def _wire_class() -> type:
    """Made when first needed: openai takes a second to import, and its transport is httpx or httpx2 by version."""
    import openai

    late = sys.modules[openai.DefaultHttpxClient.__base__.__module__.partition(".")[0]].ReadTimeout

    class Wire(openai.DefaultHttpxClient):
        secret: Secret
        timeout_s: float

        def send(self, request, *, stream: bool = False, **options):
            """Send `request`, and hand back its response: read whole, or being read where `stream` is set."""
            asked = request.headers.copy()  # the package finds notes to itself among them when the reply is there
            for name in [name for name in request.headers if name.lower() not in HEADERS]:
                del request.headers[name]
            request.headers["user-agent"] = f"medlab/{__version__}"
            request.headers["accept-encoding"] = "identity"  # nothing is unpacked, so nothing can be a bomb
            request.headers["connection"] = "close"  # each request its own, for the watch to hang up
            if key := self.secret.reveal():
                request.headers["authorization"] = f"Bearer {key}"
            watch = _Watch(self.timeout_s)
            request.extensions = {**request.extensions, "trace": watch.see}
            try:
                response = super().send(request, stream=True, **options)
            except Exception:
                watch.end()
                if watch.is_up:
                    raise late("the time was up", request=request) from None  # which the package tries again
                raise
            finally:
                request.headers = asked
            kept = [
                (name, b"".join(without(key, iter([value.encode("utf-8", "replace")]))))
                for name, value in response.headers.items()
                if name.lower() not in _OF_THE_BYTES
            ]
            whole = not stream or response.status_code != 200
            content = without(key, _bounded(response, watch))
            content = content if whole else _named(content)
            bounded = type(response)(response.status_code, headers=kept, content=content, request=request)
            if whole:
                bounded.read()
            return bounded

    return Wire


_OF_THE_BYTES = frozenset(("content-encoding", "content-length", "transfer-encoding"))
"""headers that speak of the bytes on the wire, no longer true of the bytes handed on"""


class _Watch:
    """Hangs up when the time of one request is over, whatever it waits for then."""

    def __init__(self, seconds: float):
        self.is_up = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True
        self._timer.start()

    def see(self, event: str, told: dict[str, Any]) -> None:
        """What the transport tells of its doings; of the connection a second handle is kept."""
        if not event.endswith("connect_tcp.complete"):
            return
        with self._lock:
            self._close()
            self._socket = told["return_value"].get_extra_info("socket").dup()
        if self.is_up:
            self._hang_up()

    def end(self) -> None:
        """The reply is there, or is given up."""
        self._timer.cancel()
        with self._lock:
            self._close()

    def _hang_up(self) -> None:
        with self._lock:
            self.is_up = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            self._close()

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _bounded(response, watch: _Watch) -> Iterator[bytes]:
    """The unpacked bytes of `response`. Raises ReplyTooLarge, ReplyCut where the time is up, and what httpx raises,
    which the package answers with another try."""
    size = 0
    try:
        for piece in response.iter_bytes():
            size += len(piece)
            if size > MAX_REPLY_BYTES:
                raise ReplyTooLarge(f"more than {MAX_REPLY_BYTES >> 20} MB")
            yield piece
    except Exception:
        if watch.is_up:
            raise ReplyCut("the time was up") from None
        raise
    finally:
        response.close()
        watch.end()
    if watch.is_up:  # what ends with the connection looks whole
        raise ReplyCut("the time was up")


def _named(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """`pieces` of a stream, of which the package does not catch what breaks it: everything becomes ReplyCut."""
    try:
        yield from pieces
    except (ReplyTooLarge, ReplyCut):
        raise
    except Exception as error:
        cut = type(error).__name__
    else:
        return
    raise ReplyCut(cut)
