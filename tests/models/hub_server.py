"""A hub on this machine: a real HTTP server that answers as the Hugging Face hub does, for the tests of fetching.

It serves one whole repository, and others that are gated, missing, private, or behind a fault.
"""

import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"model_type": "gemma3_text"}',
    "model.safetensors": b"the weights",
    "training_args.bin": b"a pickle that nobody asked for",
}
REFUSALS = {
    "gated": (403, "GatedRepo"),
    "google/medgemma-4b-it": (401, "GatedRepo"),
    "missing": (404, "RepoNotFound"),
    "private": (401, "RepoNotFound"),
    "out-of-order": (500, ""),
}
"""what the part of an address stands for: (status, X-Error-Code)"""


class Hub(http.server.BaseHTTPRequestHandler):
    asked: list[str]
    """paths, in order; set by `running`"""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.asked.append(path)
        listing = path.startswith("/api/models/")
        for part, (status, code) in REFUSALS.items():
            # the hub lists a gated repository for everyone; its files are what is gated
            if part in path and not (listing and code == "GatedRepo"):
                return self.reply(status, b"", {"X-Error-Code": code} if code else {})
        if "no-such-tag" in path:
            return self.reply(404, b"", {"X-Error-Code": "RevisionNotFound"})
        if listing:
            return self.reply(200, json.dumps(self.listed(path)).encode())
        name = path.rpartition("/")[2]
        if name not in FILES:
            return self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
        etag = hashlib.sha256(FILES[name]).hexdigest()
        return self.reply(200, FILES[name], {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def listed(self, path: str):
        if "/tree/" in path:
            return [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in FILES.items()
            ]
        return {"id": "org/name", "sha": COMMIT, "siblings": [{"rfilename": name} for name in FILES]}

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running() -> Iterator[tuple[str, list[str]]]:
    """(its address, the paths that it is asked for)."""
    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Hub,), {"asked": asked}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
