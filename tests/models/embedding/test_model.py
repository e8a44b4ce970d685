"""EmbeddingModel against transformers itself: its plain forward and its zero-shot pipeline, on tiny random towers."""

import numpy as np
import pytest

from medlab.core.case import Case
from medlab.core.errors import CapabilityError, SpecError
from medlab.core.query import Message, Part, Query
from medlab.core.scan import Scan
from medlab.models.base import Model
from medlab.models.embedding.model import EmbeddingModel

CAPTIONS = ["pleural effusion", "no pleural effusion", "a heart of normal size"]
FAMILIES = ["clip", "siglip", "siglip2"]
pytestmark = pytest.mark.filterwarnings("ignore:Using the `zero-shot-image-classification`")


def picture(scan: Scan):
    from PIL import Image

    return Image.fromarray(scan.to_uint8()).convert("RGB")


def oblong(rows: int, cols: int, *channels: int) -> Scan:
    return Scan(np.random.default_rng(rows).random((rows, cols, *channels), np.float32))


def logits_of(model: EmbeddingModel, scans, texts) -> np.ndarray:
    return model.logits(model.embed_scans(scans), model.embed_texts(texts))


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_equal_those_of_a_plain_forward(models, checkpoints, scans, family):
    import torch

    module, processor = checkpoints[family]
    pictures = processor.image_processor(images=[picture(scan) for scan in scans], return_tensors="pt")
    texts = processor.tokenizer(CAPTIONS, padding="max_length", max_length=64, return_tensors="pt")
    with torch.no_grad():
        theirs = module(**texts, **pictures).logits_per_image
    ours = logits_of(models[family], scans, CAPTIONS)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4, rtol=1e-5)  # logits of some tens: 1e-5 of them


@pytest.mark.parametrize("family", FAMILIES)
def test_probabilities_equal_those_of_the_zero_shot_pipeline(models, checkpoints, scans, family):
    from transformers import pipeline

    module, processor = checkpoints[family]
    parts = {"tokenizer": processor.tokenizer, "image_processor": processor.image_processor}
    ask = pipeline("zero-shot-image-classification", model=module, device="cpu", **parts)
    told = ask(picture(scans[1]), candidate_labels=CAPTIONS, hypothesis_template="a film with {}")
    theirs = {row["label"]: row["score"] for row in told}
    model = models[family]
    if family == "clip":
        choices = model.score(model.query(scans[1], "a film with {}"), CAPTIONS)
        ours = dict(zip(choices.options, choices.probabilities, strict=True))
    else:
        logits = logits_of(model, [scans[1]], [f"a film with {caption}" for caption in CAPTIONS])[0]
        ours = dict(zip(CAPTIONS, 1 / (1 + np.exp(-logits.astype(float))), strict=True))
    assert ours == pytest.approx(theirs, abs=1e-5)


def test_parity_can_fail_by_one_grey_level_of_one_pixel(siglip, scans):
    pixels = scans[0].pixels.copy()
    pixels[32, 32] = 1 - pixels[32, 32]
    ours, other = logits_of(siglip, [scans[0], Scan(pixels)], CAPTIONS)
    assert np.abs(ours - other).max() > 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_an_oblong_scan_left_to_the_processor_equals_a_plain_forward(checkpoints, family):
    import torch

    module, processor = checkpoints[family]
    model = EmbeddingModel(module, processor, name=family, fingerprint="x", fit="own")
    scan = oblong(50, 80)
    with torch.no_grad():
        features = module.get_image_features(**processor.image_processor(images=picture(scan), return_tensors="pt"))
    rows = features.pooler_output.numpy()
    np.testing.assert_allclose(model.embed_scans([scan]), rows / np.linalg.norm(rows), atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_scan_alone_and_in_a_batch_gives_the_same_row(models, scans, family):
    model = models[family]
    many = [*scans, oblong(40, 90), oblong(90, 40, 3)]
    together = model.embed_scans(many, batch_size=4)
    alone = np.concatenate([model.embed_scans(scan) for scan in many])
    assert together.shape == (7, {"clip": 16}.get(family, 32))
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_caption_gives_the_same_row_whatever_captions_stand_beside_it(models, family):
    texts = ["a", "a much longer caption beside it", "no pneumothorax"]
    together = models[family].embed_texts(texts, batch_size=3)
    alone = np.concatenate([models[family].embed_texts([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_have_length_1(models, scans, family):
    rows = models[family].embed_scans(scans), models[family].embed_texts(CAPTIONS)
    for row in np.concatenate(rows):
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)


def test_scans_may_come_from_a_generator_a_case_or_alone(siglip, scans):
    expected = siglip.embed_scans(scans[:3])
    np.testing.assert_array_equal(siglip.embed_scans(scan for scan in scans[:3]), expected)
    np.testing.assert_array_equal(siglip.embed_scans(Case("c", scans=tuple(scans[:3]))), expected)
    np.testing.assert_allclose(siglip.embed_scans(scans[0]), expected[:1], atol=1e-6)


def test_a_generator_is_read_a_batch_at_a_time(siglip, scans):
    read = []

    def loading():
        for number, scan in enumerate(scans):
            read.append(number)
            if number == 3:
                raise OSError("the fourth file is broken")
            yield scan

    with pytest.raises(OSError, match="fourth"):
        siglip.embed_scans(loading(), batch_size=2)
    assert read == [0, 1, 2, 3]


def test_a_grey_scan_and_its_three_equal_channels_give_the_same_row(models, scans):
    grey = scans[0]
    colour = Scan(np.repeat(grey.pixels[..., None], 3, axis=2))
    for model in models.values():
        np.testing.assert_array_equal(model.embed_scans([grey]), model.embed_scans([colour]))


def test_bfloat16_towers_give_float32_rows_near_those_of_float32(build, siglip, scans):
    import torch

    module, processor = build()
    half = EmbeddingModel(module.to(torch.bfloat16), processor, name="half", fingerprint="half")
    rows, texts = half.embed_scans(scans), half.embed_texts(CAPTIONS)
    assert rows.dtype == texts.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    cosines = (rows * siglip.embed_scans(scans)).sum(1)
    assert cosines.min() > 0.999
    assert np.abs(rows - siglip.embed_scans(scans)).max() > 1e-5  # it was another precision


def test_numbers_that_are_not_finite_are_refused_with_the_precision_named(build, scans):
    import torch

    module, processor = build()
    with torch.no_grad():
        module.vision_model.post_layernorm.weight.fill_(1e6)
    module = module.to(torch.float16)  # as an overflowing tower does: 1e6 is infinite there
    model = EmbeddingModel(module, processor, name="over", fingerprint="over")
    with pytest.raises(CapabilityError) as caught:
        model.embed_scans(scans[:1])
    assert "image tower of over, in torch.float16, gave NaN or infinity" in str(caught.value)
    assert 'dtype="float32"' in caught.value.fix


def test_it_is_a_model_that_says_before_the_work_that_it_writes_no_text(siglip, scans):
    assert isinstance(siglip, Model)
    assert (siglip.capabilities.images, siglip.capabilities.logprobs) == (1, "none")
    assert siglip.capabilities.gradients
    with pytest.raises(CapabilityError, match="writes no text"):
        siglip.ask(scans[0], "What do you see?")


def test_its_rows_can_be_differentiated_through_the_module(siglip, scans):
    inputs = siglip.pictures.inputs(scans[:1])["pixel_values"].requires_grad_()
    siglip.module.get_image_features(pixel_values=inputs).pooler_output.sum().backward()
    assert inputs.grad.abs().max() > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_the_softmax_of_the_logits_of_the_captions(models, scans, family):
    model = models[family]
    choices = model.score(model.query(scans[2], ""), CAPTIONS)
    logits = logits_of(model, scans[2:3], CAPTIONS)[0].astype(float)
    expected = np.exp(logits - logits.max())
    assert choices.probabilities == pytest.approx(expected / expected.sum(), abs=1e-6)
    assert sum(np.exp(choices.logprobs_nats)) == pytest.approx(1)
    assert choices.best == CAPTIONS[int(logits.argmax())]
    assert choices.model_fingerprint == model.fingerprint


def test_a_template_puts_each_option_into_the_caption(siglip, scans):
    filled = siglip.score(siglip.query(scans[0], "film with {}"), ["fluid", "no fluid"])
    plain = siglip.score(siglip.query(scans[0], ""), ["film with fluid", "film with no fluid"])
    assert filled.probabilities == plain.probabilities
    assert filled.options == ("fluid", "no fluid")


def test_many_scores_equal_single_ones_and_embed_each_caption_once(siglip, scans, monkeypatch):
    queries = [siglip.query(scan, template) for scan in scans[:3] for template in ("film with {}", "")]
    alone = [siglip.score(query, CAPTIONS) for query in queries]
    asked = []
    embed = siglip.embed_texts
    monkeypatch.setattr(siglip, "embed_texts", lambda texts: asked.append(texts) or embed(texts))
    together = siglip.score_many(queries, CAPTIONS)
    assert len(asked) == 2  # one call a template
    for one, other in zip(alone, together, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        assert one.query_fingerprint == other.query_fingerprint
    assert siglip.score_many([], CAPTIONS) == []


def test_a_question_two_scans_or_no_scan_are_refused(siglip, scans):
    text = Query((Message("user", (Part(text="effusion"),)),))
    for query in (siglip.query(scans[0], "Is there an effusion?"), siglip.query(scans[:2], ""), text):
        with pytest.raises(CapabilityError) as caught:
            siglip.score(query, ["yes", "no"])
        assert "reads no question" in str(caught.value)
        assert "{}" in caught.value.fix


def test_a_text_model_and_a_lone_tower_are_refused_at_birth(checkpoints):
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, SiglipVisionModel

    module, processor = checkpoints["siglip"]
    small = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    text = Gemma3ForCausalLM(Gemma3TextConfig(vocab_size=16, num_key_value_heads=1, head_dim=8, **small))
    for other in (text, SiglipVisionModel(module.config.vision_config)):
        with pytest.raises(CapabilityError) as caught:
            EmbeddingModel(other, processor, name="other", fingerprint="other")
        assert f"other is a {type(other).__name__}" in str(caught.value).replace("'", "")
        assert "both towers" in caught.value.accepted
    with pytest.raises(CapabilityError, match="no tokenizer"):
        EmbeddingModel(module, processor.image_processor, name="half", fingerprint="half")


def test_nothing_and_what_is_no_scan_are_refused(siglip, scans):
    with pytest.raises(SpecError, match="no scan"):
        siglip.embed_scans([])
    with pytest.raises(SpecError, match="a ndarray where a Scan was expected"):
        siglip.embed_scans([scans[0], np.zeros((4, 4))])
    with pytest.raises(SpecError, match="batch_size"):
        siglip.embed_scans(scans, batch_size=0)
    for texts in ([], "a caption", [""], ["a", None]):
        with pytest.raises(SpecError):
            siglip.embed_texts(texts)


def test_fit_is_part_of_the_fingerprint(checkpoints):
    made = {
        EmbeddingModel(*checkpoints["siglip"], name="m", fingerprint=print_, fit=fit).fingerprint
        for print_ in ("a", "b")
        for fit in ("pad", "own")
    }
    assert len(made) == 4


def test_repr_is_one_safe_line(checkpoints):
    model = EmbeddingModel(*checkpoints["clip"], name="evil\x1b[2J\nname", fingerprint="x")
    assert repr(model) == r"EmbeddingModel('evil\x1b[2J\nname', CLIPModel, fit='pad')"
