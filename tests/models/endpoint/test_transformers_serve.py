"""An independent server of the protocol, `transformers serve`, answers as the same tiny checkpoint does here."""

import socket
import time
import urllib.request

import numpy as np
import pytest

from medlab.core.query import Decoding
from medlab.core.scan import Scan
from medlab.models.conventions.plain import Conventions
from medlab.models.endpoint.model import EndpointModel

serving = pytest.importorskip("transformers.cli.serve", reason="this transformers has no server")


@pytest.fixture(scope="module")
def served(tiny_gemma3):
    """The base URL of a running server of the tiny checkpoint."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = serving.Serve(force_model=str(tiny_gemma3), host="127.0.0.1", port=port, device="cpu", non_blocking=True)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        serve.kill_server()


@pytest.fixture(scope="module")
def films() -> list[Scan]:
    rng = np.random.default_rng(5)
    return [Scan(rng.random((112, 112), np.float32)), Scan(rng.random((90, 140), np.float32))]


def test_it_answers_as_the_same_checkpoint_does_here(served, tiny_gemma3, films):
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from medlab.models.hf.model import HFModel

    conventions = Conventions(fit="pad")
    module = AutoModelForImageTextToText.from_pretrained(tiny_gemma3)
    here = HFModel(module, AutoProcessor.from_pretrained(tiny_gemma3), name="tiny", conventions=conventions)
    there = EndpointModel(served, model=str(tiny_gemma3))
    there.conventions = conventions
    question = "Describe this chest X-ray."
    queries = [here.query(scan, question, decoding=Decoding(max_new_tokens=12)) for scan in [*films, None]]
    ours, theirs = here.answer(queries), there.answer(queries)
    assert [answer.text for answer in theirs] == [answer.text for answer in ours]
    assert [answer.truncated for answer in theirs] == [answer.truncated for answer in ours]
    assert len({answer.text for answer in ours}) == 3
    # Of the first alone: noise may hold broken characters, on which the server's stream of another reply gives up.
    assert "".join(there.stream(queries[0])) == theirs[0].text
