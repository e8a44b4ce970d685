"""A tiny random Gemma 3 as an HFModel, and questions to it, for every test of explanations. It knows no method."""

import os

import numpy as np
import pytest

from medlab.core.query import Decoding, Message, Part, Query
from medlab.core.scan import Scan
from medlab.explainers.aims import aim_at
from medlab.explainers.base import Request
from tests.models import tiny

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def loaded(folder, **settings):
    """A fresh HFModel of a folder; settings of `from_pretrained`, such as dtype or attn_implementation."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from medlab.models.conventions import Conventions
    from medlab.models.hf.model import HFModel

    module = AutoModelForImageTextToText.from_pretrained(folder, **settings)
    processor = AutoProcessor.from_pretrained(folder)
    return HFModel(module, processor, name="tiny", conventions=Conventions(), fingerprint="f")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """Folder of a Gemma3ForConditionalGeneration: 112 pixels, 8 x 8 patches, 4 x 4 tokens a scan."""
    return tiny.save_tiny_gemma3(tmp_path_factory.mktemp("explained") / "gemma3")


@pytest.fixture(scope="session")
def load(tiny_folder):
    """`load(dtype="bfloat16")`: a fresh model, for tests that change it."""
    return lambda **settings: loaded(tiny_folder, **settings)


@pytest.fixture(scope="session")
def shared_model(tiny_folder):
    return loaded(tiny_folder)


@pytest.fixture
def model(shared_model):
    """The tiny Gemma 3, remembering nothing of earlier tests."""
    shared_model.forget()
    return shared_model


@pytest.fixture(scope="session")
def scans() -> list[Scan]:
    """Three pictures of noise, each of another shape."""
    rng = np.random.default_rng(0)
    shapes = [(90, 70), (112, 112), (60, 130)]
    return [
        Scan(rng.integers(0, 256, shape, np.uint8).astype(np.float32) / 255, f"scan{i}")
        for i, shape in enumerate(shapes)
    ]


@pytest.fixture(scope="session")
def make_query():
    """`make_query(scan, "text", scan, ...)`: one user turn of scans and texts in that order."""

    def make(*pieces) -> Query:
        told = tuple(dict.fromkeys(piece for piece in pieces if isinstance(piece, Scan)))
        parts = [Part(scan=told.index(p)) if isinstance(p, Scan) else Part(text=p) for p in pieces]
        return Query((Message("user", tuple(parts)),), told, Decoding(max_new_tokens=12))

    return make


@pytest.fixture
def ask(model, scans, make_query):
    """`ask(("yes", "no"), "text", scan, ...)`: a Request of the tiny model for forced replies.

    Without pieces the question stands before the first scan; without a target, "yes" speaks against "no".
    """

    def made(target=("yes", "no"), *pieces, model=model, scan=0, seed=0) -> Request:
        query = make_query(*(pieces or ("Is there a pleural effusion?", scans[0])))
        return Request(model, aim_at(model, query, target), scan, seed)

    return made
