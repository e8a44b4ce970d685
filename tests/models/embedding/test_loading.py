"""`medlab.load_model` on folders of contrastive checkpoints, as save_pretrained writes them."""

import json

import numpy as np
import pytest

import medlab
from medlab.models.embedding.model import EmbeddingModel


@pytest.mark.parametrize("family", ["clip", "siglip", "siglip2"])
def test_a_folder_is_loaded_as_an_embedding_model_that_gives_the_same_rows(
    models, checkpoints, scans, family, tmp_path
):
    for part in checkpoints[family]:
        part.save_pretrained(tmp_path)
    loaded = medlab.load_model(str(tmp_path), dtype="float32", device="cpu")
    assert isinstance(loaded, EmbeddingModel)
    np.testing.assert_allclose(loaded.embed_scans(scans), models[family].embed_scans(scans), atol=1e-6)
    texts = ["fluid", "no fluid"]
    np.testing.assert_allclose(loaded.embed_texts(texts), models[family].embed_texts(texts), atol=1e-6)


def test_a_tokenizer_named_as_the_published_ones_are_is_read_from_its_tokenizer_json(models, checkpoints, tmp_path):
    for part in checkpoints["siglip"]:
        part.save_pretrained(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenizer_class": "SiglipTokenizer"}))
    loaded = medlab.load_model(str(tmp_path), dtype="float32", device="cpu")
    np.testing.assert_allclose(loaded.embed_texts(["fluid"]), models["siglip"].embed_texts(["fluid"]), atol=1e-6)
