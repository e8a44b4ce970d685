"""load_model on a contrastive checkpoint: what is refused. That it embeds is tested in embedding/test_loading.py."""

import pytest

from medlab.core.errors import CapabilityError
from medlab.models.load import load_model
from tests.models.embedding.conftest import build_siglip


def test_a_model_that_embeds_is_not_quantized(tmp_path):
    module, processor = build_siglip()
    module.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    with pytest.raises(CapabilityError, match="which embeds"):
        load_model(tmp_path, quantize="4bit")
