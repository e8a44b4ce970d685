"""`medlab.load_model` on folders of contrastive checkpoints, as save_pretrained writes them."""

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
    texts = ["fluid", "nofluid"]  # no space: Siglip2Tokenizer has a mark of its own for it
    np.testing.assert_allclose(loaded.embed_texts(texts), models[family].embed_texts(texts), atol=1e-6)
