"""The tiny checkpoint that benchmarks are tried on."""

import pathlib

import pytest

from tests.models import tiny


@pytest.fixture(scope="session")
def tiny_gemma3(tmp_path_factory) -> pathlib.Path:
    return tiny.save_tiny_gemma3(tmp_path_factory.mktemp("tiny") / "gemma3")
