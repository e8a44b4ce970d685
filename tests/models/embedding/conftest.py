"""Tiny random checkpoints of the very classes: SigLIP, SigLIP 2 (NaFlex) and CLIP, with the scale and bias of trained
ones, so that logits spread as they do there. The words of the tokenizer are letters."""

import string

import pytest

SIDE, PATCH, WORDS = 32, 8, 64
TEXT = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": WORDS,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 1,
    "projection_size": 32,
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": PATCH,
}
SQUARE = {"height": SIDE, "width": SIDE}


def letters(**options):
    """A fast tokenizer: every character a token, the end token last."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    marks = ["<pad>", "<eos>", "<bos>", "<unk>"]
    vocabulary = {mark: i for i, mark in enumerate(marks + list(string.ascii_lowercase + string.digits + " .,-"))}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    core.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    named = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=core, model_max_length=WORDS, **named, **options)


def trained_like(module, scale: float = 30.0, bias: float = -5.0):
    """The module with a learnt scale and bias, and with weights large enough that outputs differ."""
    import torch

    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim > 1:
                parameter.mul_(2)
        module.logit_scale.fill_(float(torch.tensor(scale).log()))
        if hasattr(module, "logit_bias"):
            module.logit_bias.fill_(bias)
    return module.eval()


def build_siglip(resample: int = 3, channels: int = 3):
    """(module, processor) as MedSigLIP has them; 3 is Pillow's bicubic filter, 2 the bilinear one."""
    import torch
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel, SiglipProcessor

    torch.manual_seed(0)
    config = SiglipConfig(text_config=TEXT, vision_config=VISION | {"num_channels": channels})
    pictures = SiglipImageProcessorPil(size=SQUARE, resample=resample)
    processor = SiglipProcessor(pictures, letters(model_input_names=["input_ids"]))
    return trained_like(SiglipModel(config)), processor


def build_siglip2():
    import torch
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model, Siglip2Processor

    torch.manual_seed(1)
    vision = VISION | {"num_patches": 16}
    vision.pop("image_size")
    config = Siglip2Config(text_config=TEXT, vision_config=vision)
    pictures = Siglip2ImageProcessorPil(patch_size=PATCH, max_num_patches=16)
    return trained_like(Siglip2Model(config)), Siglip2Processor(pictures, letters(model_input_names=["input_ids"]))


def build_clip():
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

    torch.manual_seed(2)
    config = CLIPConfig(text_config=TEXT, vision_config=VISION, projection_dim=16)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=SQUARE)
    return trained_like(CLIPModel(config)), CLIPProcessor(pictures, letters())


BUILDERS = {"siglip": build_siglip, "siglip2": build_siglip2, "clip": build_clip}


@pytest.fixture(scope="session")
def checkpoints():
    """{family: (module, processor)}; not to be changed."""
    return {family: build() for family, build in BUILDERS.items()}


@pytest.fixture(params=sorted(BUILDERS))
def family(request):
    return request.param


@pytest.fixture(scope="session")
def models(checkpoints):
    """{family: EmbeddingModel}"""
    from medlab.models.embedding.model import EmbeddingModel

    return {
        family: EmbeddingModel(module, processor, name=f"tiny-{family}", fingerprint=family)
        for family, (module, processor) in checkpoints.items()
    }


@pytest.fixture(scope="session")
def siglip(models):
    return models["siglip"]


@pytest.fixture(scope="session")
def build():
    """The function that builds a SigLIP of other settings."""
    return build_siglip


@pytest.fixture(scope="session")
def scans():
    """Five phantoms, 64 px."""
    from medlab.phantom import Phantom

    return [Phantom(64).draw(seed).scans[0] for seed in range(5)]
