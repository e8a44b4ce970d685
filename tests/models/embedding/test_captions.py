"""Captions: what is packaged, what is refused, and why padding is not a matter of taste."""

import numpy as np
import pytest

from medlab.core.errors import SpecError, UnknownName
from medlab.core.vocabulary import FINDING_TERMS
from medlab.models.embedding.captions import CaptionPair, CaptionWarning, captions, pairs_of


def test_every_finding_of_the_vocabulary_has_a_pair_and_says_who_chose_it():
    pairs = captions()
    assert [pair.finding for pair in pairs] == list(FINDING_TERMS)
    assert {pair.finding for pair in pairs if pair.source != "medlab"} == {"effusion", "pneumothorax"}
    assert captions(["endotracheal_tube"]) == (
        CaptionPair("endotracheal_tube", "endotracheal tube", "no endotracheal tube", "medlab"),
    )
    assert captions([]) == ()


def test_a_finding_without_a_pair_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match="did you mean 'effusion'"):
        captions(["efusion"])


def test_pairs_may_be_records_tuples_or_a_dict():
    pair = CaptionPair("fluid", "fluid", "no fluid")
    assert (
        pairs_of([pair]) == pairs_of([("fluid", "no fluid")]) == pairs_of({"fluid": ("fluid", "no fluid")}) == (pair,)
    )
    for wrong in ([], ["fluid"], [("fluid",)], [("fluid", 3)], [("fluid", "fluid")], {"x": ("", "no")}):
        with pytest.raises(SpecError):
            pairs_of(wrong)


def test_siglip_padded_to_the_batch_instead_gives_other_numbers_and_clip_does_not(checkpoints, models):
    import torch

    texts = ["fluid", "no fluid at all"]
    far = {}
    for family, (module, processor) in checkpoints.items():
        inputs = processor.tokenizer(texts, padding=True, return_tensors="pt")
        with torch.no_grad():
            rows = module.get_text_features(**inputs).pooler_output.numpy()
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        far[family] = np.abs(models[family].embed_texts(texts) - rows).max()
    assert far["siglip"] > 0.05
    assert far["siglip2"] > 0.05
    assert far["clip"] < 1e-5


def test_a_mask_and_another_side_that_the_tokenizer_has_of_its_own_are_kept_from_siglip(checkpoints, siglip):
    from medlab.models.embedding.model import EmbeddingModel

    module, processor = checkpoints["siglip"]
    tokenizer = type(processor.tokenizer)(
        tokenizer_object=processor.tokenizer.backend_tokenizer,
        pad_token="<pad>",
        eos_token="<eos>",
        padding_side="left",
    )
    alone = tokenizer(["a b"], padding="max_length", max_length=64)
    assert alone["attention_mask"][0][0] == 0  # it masks, and pads on the left
    other = EmbeddingModel(module, type(processor)(processor.image_processor, tokenizer), name="m", fingerprint="m")
    np.testing.assert_array_equal(other.embed_texts(["a b"]), siglip.embed_texts(["a b"]))


def test_a_caption_that_loses_its_end_is_warned_of_by_name_and_one_that_fits_is_not(siglip, recwarn):
    siglip.embed_texts(["x" * 63])  # and the end token: 64
    assert not recwarn
    with pytest.warns(CaptionWarning, match=r"'y{59}…' has 65 tokens; the model reads the first 64") as caught:
        siglip.embed_texts(["short", "y" * 64])
    assert caught[0].filename == __file__  # it points at who asked
