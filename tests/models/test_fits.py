"""What fits: memory by arithmetic is held against the bytes that torch allocates, and the verdicts are tables."""

import pytest

from medlab.core.errors import SpecError
from medlab.models.catalog import entries, entry, shape_of
from medlab.models.fits import fits, ways_of
from medlab.models.memory import COPIES, Ask, activation_bytes, cache_bytes, need_of, weights_bytes
from medlab.models.placement import Machine
from medlab.models.sizes import Sizes, sizes_of
from tests.memory import peak_bytes

GB = 10**9
L4 = Machine("cuda", 23 * GB, ram_bytes=50 * GB, bf16=True, bitsandbytes=True)
LAPTOP = Machine("cpu", 16 * GB, ram_bytes=16 * GB)


def mid_shape() -> dict:
    """MedGemma's shape in small, large enough that the big tensors outweigh the odd ones."""
    local, whole = "sliding_attention", "full_attention"
    return {
        "model_type": "gemma3",
        "mm_tokens_per_image": 64,
        "vision_config": {
            "hidden_size": 64,
            "intermediate_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_channels": 3,
            "image_size": 448,
            "patch_size": 14,
            "vision_use_head": False,
        },
        "text_config": {
            "model_type": "gemma3_text",
            "vocab_size": 512,
            "hidden_size": 64,
            "intermediate_size": 256,
            "num_hidden_layers": 5,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "sliding_window": 24,
            "layer_types": [local, local, whole, local, whole],
        },
    }


@pytest.fixture(scope="module")
def module():
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    torch.manual_seed(0)
    shape = {key: value for key, value in mid_shape().items() if key != "model_type"}
    return Gemma3ForConditionalGeneration(Gemma3Config(**shape)).eval()


def test_weights_are_the_bytes_of_the_parameters(module):
    real = sum(parameter.numel() * parameter.element_size() for parameter in module.parameters())
    assert weights_bytes(sizes_of(mid_shape()), "float32") == real
    assert weights_bytes(sizes_of(mid_shape()), "bfloat16") == real // 2


@pytest.mark.parametrize("tokens", [10, 23, 24, 40, 100])
def test_the_cache_is_the_bytes_that_are_kept_of_a_text(module, tokens):
    import torch
    from transformers import DynamicCache

    from medlab.models.hf.states import cut

    cache = DynamicCache()
    with torch.no_grad():
        module.model.language_model(input_ids=torch.randint(3, 200, (1, tokens)), past_key_values=cache)
    (state,) = cut(cache, [(0, tokens)])
    assert cache_bytes(mid_shape(), tokens, "float32") == state.bytes


def test_what_the_image_tower_holds_is_told_to_a_tenth(module):
    import torch

    real = peak_bytes(lambda: module.model.vision_tower(torch.randn(1, 3, 448, 448)))
    assert activation_bytes(mid_shape(), 0, 1, "float32") == pytest.approx(real, rel=0.1)


@pytest.mark.parametrize("tokens", [128, 512])
def test_what_a_prompt_holds_is_at_most_what_is_told_and_not_a_third_less(module, tokens):
    import torch

    ids = torch.randint(3, 200, (1, tokens))
    real = peak_bytes(lambda: module.model.language_model(input_ids=ids, use_cache=False))
    told = activation_bytes(mid_shape(), tokens, 0, "float32")
    assert told * 2 / 3 < real <= told


def test_four_bits_are_worked_out_by_hand():
    sizes = Sizes(text=164 * 64, vision=100, projector=10, quantizable=64 * 64)
    # 4096 weights: 2048 bytes of 4 bits, 64 blocks of one byte, a quarter of a float32
    assert weights_bytes(sizes, "bfloat16", "4bit") == 2048 + 64 + 1 + 2 * (100 * 64 + 110)
    assert weights_bytes(sizes, "bfloat16", "8bit") == 4096 + 2 * (100 * 64 + 110)


def test_the_cache_of_medgemma_is_worked_out_by_hand():
    # all 34 layers keep 2000 tokens; keys and values of 4 heads x 256 in 2 bytes
    assert cache_bytes(shape_of("medgemma-4b-it"), 2000, "bfloat16") == 2 * 34 * 2000 * 4 * 256 * 2


def test_85_slices_need_what_two_copies_of_their_keys_and_values_take():
    # 85 x 260 + 200 tokens of prompt and 300 of reply: 3.15 GB, and twice that
    need = need_of(shape_of("medgemma-1.5-4b-it"), "bfloat16", ask=Ask(images=85))
    assert need.cache == COPIES * 2 * 34 * (85 * 260 + 500) * 4 * 256 * 2
    assert need.cache / GB == pytest.approx(6.3, abs=0.1)


@pytest.mark.parametrize(
    ("name", "dtype", "quantize", "gigabytes"),
    [
        ("medgemma-4b-it", "bfloat16", None, 8.6),
        ("medgemma-27b-it", "bfloat16", None, 54.9),
        ("medgemma-27b-text-it", "bfloat16", None, 54.0),
        ("medgemma-4b-it", "float32", None, 17.2),
    ],
)
def test_weights_of_medgemma_have_the_size_that_its_downloads_have(name, dtype, quantize, gigabytes):
    assert need_of(shape_of(name), dtype, quantize).weights / GB == pytest.approx(gigabytes, abs=0.05)


def test_more_scans_need_more_and_less_precision_needs_less():
    shape = shape_of("medgemma-1.5-4b-it")
    one, many = need_of(shape, "bfloat16"), need_of(shape, "bfloat16", ask=Ask(images=85))
    assert many.cache > one.cache
    assert many.activations > one.activations
    totals = [way.need.total for way in ways_of(entry("medgemma-1.5-4b-it"))]
    assert [way.words for way in ways_of(entry("medgemma-1.5-4b-it"))] == ["float32", "bfloat16", "4bit", "8bit"]
    assert totals[0] > totals[1] > totals[3] > totals[2]


def test_scans_for_a_model_of_text_alone_are_refused():
    with pytest.raises(SpecError, match="images=0"):
        need_of(shape_of("medgemma-27b-text-it"), "bfloat16", ask=Ask(images=1))


@pytest.mark.parametrize(
    ("name", "machine", "call"),
    [
        ("medgemma-4b-it", L4, 'load_model("medgemma-4b-it")'),
        ("medgemma-27b-it", L4, 'load_model("medgemma-27b-it", quantize="4bit")'),
        ("medgemma-27b-it", LAPTOP, ""),
        ("medgemma-4b-it", LAPTOP, 'load_model("medgemma-4b-it")'),
        ("xrayglm-300", L4, ""),
        ("demo", LAPTOP, 'load_model("demo")'),
    ],
)
def test_the_verdict_is_a_call_that_can_be_pasted(name, machine, call):
    fit = fits(entry(name), machine)
    assert fit.call == call
    assert (fit.choice is None) == (call == "")
    assert call or fit.will_not


def test_a_missing_bitsandbytes_is_named_with_its_command():
    fit = fits(entry("medgemma-27b-it"), L4.replace(bitsandbytes=False))
    assert 'pip install "medlab-workbench[quantized]"' in fit.will_not[-1]


@pytest.mark.parametrize("one", entries(), ids=lambda one: one.name)
def test_every_entry_has_a_verdict_on_every_machine(one):
    for machine in (L4, LAPTOP, Machine("cpu"), Machine("mps", 8 * GB, ram_bytes=8 * GB)):
        fit = fits(one, machine)
        assert fit.from_json(fit.to_json()) == fit
        assert fit.choice is None or fit.choice.dtype != "float16"
