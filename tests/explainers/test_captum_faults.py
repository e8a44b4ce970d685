"""captum on a Gemma 3: where it is right, and where it is wrong without a word. Every claim of docs/captum.md is run.

The faults are captum's. A test of one fails when captum has mended it, and then says what medlab should do about it.
"""

import importlib.metadata
import inspect
import warnings

import numpy as np
import pytest
import torch
from captum import attr

from medlab.explainers.gradients import InputXGradient, Saliency
from medlab.explainers.integrated import IntegratedGradients
from medlab.explainers.methods import REFUSED
from tests.explainers.oracle import close, pooled, whole_model

QUARTERS = (torch.arange(112)[:, None] // 56 * 2 + torch.arange(112)[None] // 56).int()
"""(112, 112): each quarter of the picture is one segment"""
WHITE = 1.0
"""of a normalised pixel: what LLMAttribution paints a segment with"""


@pytest.fixture(autouse=True)
def silent():
    """What captum warns of while it works (hooks, gradients of inputs) is not what is tested here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def whole(ask):
    """The tiny Gemma 3 as a torch module from pixels to the score, as captum's module-wise methods need it."""
    return Whole(ask())


class Whole(torch.nn.Module):
    def __init__(self, request):
        super().__init__()
        self.inside = request.model.module
        self.score, self.pixels = whole_model(request), request.glass.pixels.clone()

    def forward(self, pixels):
        return self.score(pixels)


def mended(fault: str, then: str) -> str:
    return f"captum {importlib.metadata.version('captum')} no longer {fault}. {then}, and docs/captum.md with it."


# where captum is right: the same numbers by other means


@pytest.mark.parametrize(
    ("theirs", "method"),
    [
        (lambda one: attr.Saliency(one).attribute(one.pixels), Saliency()),
        (lambda one: attr.InputXGradient(one).attribute(one.pixels), InputXGradient("pixels", "zero")),
        (
            lambda one: attr.IntegratedGradients(one).attribute(one.pixels, n_steps=3),
            IntegratedGradients("pixels", 3, "zero"),
        ),
    ],
    ids=["Saliency", "InputXGradient", "IntegratedGradients"],
)
def test_gradients_of_pixels_are_right(whole, ask, theirs, method):
    assert close(method.draw(ask()).values, pooled(theirs(whole).detach(), 8))


@pytest.mark.parametrize("kind", ["Occlusion", "FeatureAblation"])
def test_hiding_pixels_is_right_and_tells_each_channel_the_same(whole, kind):
    masks = QUARTERS.long().expand(1, 3, -1, -1).contiguous()
    with torch.no_grad():
        if kind == "Occlusion":
            found = attr.Occlusion(whole).attribute(whole.pixels, (3, 56, 56), strides=(3, 56, 56))
        else:
            found = attr.FeatureAblation(whole).attribute(whole.pixels, feature_mask=masks)
        lost = [float(whole(whole.pixels) - whole(whole.pixels * (masks != part))) for part in range(4)]
    assert close(found[0, 0, ::56, ::56].ravel(), lost)
    assert torch.equal(found[0, 0], found[0, 2])  # summed over channels, it counts three times


# where it runs, and is wrong without a word


@pytest.mark.parametrize(("kind", "name"), [("GuidedBackprop", "guided_backprop"), ("Deconvolution", "deconvolution")])
def test_guided_backprop_is_the_plain_gradient(whole, kind, name):
    plain = attr.Saliency(whole).attribute(whole.pixels, abs=False)
    found = getattr(attr, kind)(whole).attribute(whole.pixels)
    assert torch.equal(found, plain), mended(
        f"gives the plain gradient as {kind} of a Gemma 3", f"Look at what it does now; REFUSED[{name!r}] may go"
    )
    assert name in REFUSED


def test_deep_lift_is_input_x_gradient(whole):
    zero = torch.zeros_like(whole.pixels)
    plain = attr.InputXGradient(whole).attribute(whole.pixels)
    found = attr.DeepLift(whole).attribute(whole.pixels, baselines=zero)
    assert close(found.detach(), plain.detach()), mended(
        "gives input x gradient as DeepLift of a Gemma 3",
        "Test whether it is complete now; REFUSED['deep_lift'] may go",
    )
    with torch.no_grad():
        change = float(whole(whole.pixels) - whole(zero))
    assert abs(float(found.sum()) - change) > 0.1 * abs(change), "yet DeepLift promises that its values add up"
    assert "deep_lift" in REFUSED


def test_layer_gradcam_takes_its_mean_over_the_wrong_axis(whole):
    layer = whole.inside.model.vision_tower.encoder.layers[-1]
    found = attr.LayerGradCam(whole, layer).attribute(whole.pixels)
    width = whole.inside.config.vision_config.hidden_size
    assert found.shape == (1, 1, width), mended(
        f"gives a number for each of {width} channels as LayerGradCam of a SigLIP layer",
        "Where it gives one for each of 64 patches, it may be the engine of cam.py",
    )


def test_layer_methods_see_the_last_run_of_a_layer_alone(ask):
    def at_the_projector(request):
        layer = request.model.module.model.multi_modal_projector
        kind = attr.LayerGradientXActivation(whole_model(request), layer)
        return kind.attribute(request.glass.pixels.clone()).detach()

    # the model is run once for "yes" and once for "no", and the score is the difference of the two
    both, against = at_the_projector(ask(("yes", "no"))), at_the_projector(ask("no"))
    assert close(both, -against), mended("forgets all but the last run of a layer", "The note on layer methods may go")


@pytest.fixture
def said(model, ask):
    """(LLMAttribution's input, target, the log-probability that each quarter's whitening costs) for a forced reply."""
    from PIL import Image

    request = ask("no")
    inputs, reply = model.inputs(request.aim.query), request.aim.strands[0].reply
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (112, 112, 3), np.uint8))

    def read(shown):
        pixels = torch.tensor(np.array(shown)).permute(2, 0, 1)[None] / 127.5 - 1
        return inputs | {"pixel_values": pixels}

    whole, pixels = whole_model(request), read(picture)["pixel_values"]
    with torch.no_grad():
        lost = [float(whole(pixels) - whole(torch.where(part == QUARTERS, WHITE, pixels))) for part in range(4)]
    return attr.ImageMaskInput(picture, mask=QUARTERS, processor_fn=read), torch.tensor(reply), lost


def by_word(model, said, **options):
    """LLMAttribution's values for the reply, one a quarter."""
    engine = attr.LLMAttribution(attr.FeatureAblation(model.module), model.processor.tokenizer)
    return engine.attribute(said[0], target=said[1], **options).seq_attr


def test_llm_attribution_gives_zeros_by_default(model, said):
    assert max(map(abs, said[2])) > 1e-3, "the picture does count"
    found = by_word(model, said)
    assert not found.any(), mended(
        "loses the picture in LLMAttribution with its defaults", "Its defaults may be compared with in benchmarks"
    )


@pytest.mark.parametrize("way", ["use_cached_outputs", "forward_in_tokens"])
def test_llm_attribution_is_right_without_its_defaults(model, said, way):
    assert close(by_word(model, said, **{way: False}), said[2])


def test_transformers_makes_image_tokens_causal_without_their_types(model, ask):
    inputs = model.inputs(ask().aim.query)
    with torch.no_grad():
        whole = model.module(**inputs).logits
        inputs.pop("token_type_ids")
        assert not torch.allclose(model.module(**inputs).logits, whole, atol=1e-2)


# where it fails aloud


def test_lrp_has_no_rule(whole):
    with pytest.raises(TypeError, match="no rule"):
        attr.LRP(whole).attribute(whole.pixels)
    assert "lrp" in REFUSED


def test_layer_gradcam_of_the_tower_takes_no_output_of_transformers(whole):
    with pytest.raises(AssertionError, match="not a torch"):
        attr.LayerGradCam(whole, whole.inside.model.vision_tower).attribute(whole.pixels)


def test_llm_attribution_takes_one_picture_at_a_time(model, said):
    with pytest.raises(AssertionError, match="perturbations_per_eval > 1"):
        by_word(model, said, use_cached_outputs=False, perturbations_per_eval=4)


def test_grey_pictures_are_refused_as_masks(said):
    grey = said[0].image.convert("L")
    masked = attr.ImageMaskInput(grey, mask=QUARTERS)
    with pytest.raises(ValueError, match="cannot assign"):
        masked.to_model_input(torch.zeros(1, 4))


def test_words_have_no_gradients_of_pictures():
    assert attr.ImageMaskInput not in attr.LLMGradientAttribution.SUPPORTED_INPUTS
    assert "feature_mask" not in inspect.signature(attr.LLMGradientAttribution.attribute).parameters
