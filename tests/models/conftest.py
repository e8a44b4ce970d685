"""Tiny random checkpoints for every test of models: folders as save_pretrained writes them, made once a session."""

import pathlib
import shutil

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


@pytest.fixture(scope="module")
def loaded(tiny_gemma3):
    """The tiny Gemma 3 through the front door; no test changes it."""
    from medlab.models.load import load_model

    return load_model(tiny_gemma3)


@pytest.fixture
def copied(tiny_gemma3, tmp_path) -> pathlib.Path:
    """A checkpoint folder that a test may break."""
    return pathlib.Path(shutil.copytree(tiny_gemma3, tmp_path / "tiny"))
