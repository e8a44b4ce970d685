"""The tiny random Gemma 3 and the noise of the tests of explanations."""

import functools

import pytest

from medlab.core.query import Decoding
from tests.explainers.conftest import load, model, scans, shared_model, tiny_folder

__all__ = ["brief_model", "load", "model", "scans", "shared_model", "tiny_folder"]


@pytest.fixture
def brief_model(model, monkeypatch):
    """The tiny Gemma 3, which would go on to the limit, cut off after twelve tokens."""
    monkeypatch.setattr(model, "ask", functools.partial(model.ask, decoding=Decoding(max_new_tokens=12)))
    return model
