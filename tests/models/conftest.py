"""Tiny random checkpoints for every test of models: folders as save_pretrained writes them, made once a session."""

import pathlib

import pytest

from tests.models import tiny


@pytest.fixture(scope="session")
def tiny_gemma3(tmp_path_factory) -> pathlib.Path:
    """Folder of a Gemma3ForConditionalGeneration: MedGemma 4B in small, 112 pixels, 16 tokens a scan."""
    return tiny.save_tiny_gemma3(tmp_path_factory.mktemp("tiny") / "gemma3")


@pytest.fixture(scope="session")
def tiny_gemma3_text(tmp_path_factory) -> pathlib.Path:
    """Folder of a Gemma3ForCausalLM: MedGemma 27B's text-only form in small."""
    return tiny.save_tiny_gemma3_text(tmp_path_factory.mktemp("tiny") / "gemma3_text")
