"""Where models go: each row is a machine and a wish, and what is decided. No GPU is touched."""

import pytest

from medlab import machine as facts
from medlab.core.errors import CapabilityError, MissingDependency, SpecError
from medlab.models.catalog import shape_of
from medlab.models.memory import need_of
from medlab.models.placement import Machine, Placement, place, this_machine

GB = 10**9
LAPTOP = Machine("cpu", 16 * GB, ram_bytes=16 * GB)
SERVER = Machine("cpu", 256 * GB, ram_bytes=256 * GB, bf16=True)
SMALL_LAPTOP = Machine("cpu", 8 * GB, ram_bytes=8 * GB)
MAC = Machine("mps", 32 * GB, ram_bytes=32 * GB, bf16=True)
T4 = Machine("cuda", 15 * GB, ram_bytes=13 * GB, bitsandbytes=True)
L4 = Machine("cuda", 23 * GB, ram_bytes=50 * GB, bf16=True, bitsandbytes=True)
H100 = Machine("cuda", 80 * GB, ram_bytes=128 * GB, bf16=True, bitsandbytes=True)
TWO_L4 = L4.replace(others_bytes=46 * GB, ram_bytes=8 * GB)
UNKNOWN = Machine("cpu")


def weigh(name: str):
    return lambda dtype, quantize: need_of(shape_of(name), dtype, quantize).total


def small(dtype: str, quantize: str | None) -> int:
    """A model of a million parameters."""
    return 4_000_000 if dtype == "float32" else 2_000_000


@pytest.mark.parametrize(
    ("machine", "name", "device", "dtype", "spread", "warned"),
    [
        (H100, "medgemma-4b-it", "cuda", "bfloat16", False, ""),
        (H100, "medgemma-27b-it", "cuda", "bfloat16", False, ""),
        (L4, "medgemma-4b-it", "cuda", "bfloat16", False, ""),
        (L4, "medgemma-27b-it", "cuda", "bfloat16", True, "spread over"),
        (TWO_L4, "medgemma-27b-it", "cuda", "bfloat16", True, "spread over"),
        (T4, "medgemma-4b-it", "cuda", "bfloat16", False, "through float32"),
        (T4, "medsiglip-448", "cuda", "float32", False, ""),
        (SERVER, "medgemma-4b-it", "cpu", "bfloat16", False, ""),
        (LAPTOP, "medgemma-4b-it", "cpu", "bfloat16", False, "through float32"),
        (LAPTOP, "gemma-3-1b-it", "cpu", "float32", False, ""),
        (MAC, "medgemma-4b-it", "mps", "bfloat16", False, ""),
        (MAC.replace(bf16=False), "medgemma-4b-it", "mps", "float32", False, ""),
        (UNKNOWN, "medgemma-27b-it", "cpu", "float32", False, ""),
    ],
)
def test_what_is_chosen_of_itself(machine, name, device, dtype, spread, warned):
    chosen = place(machine, weigh(name))
    assert (chosen.device, chosen.dtype, chosen.spread, chosen.attention) == (device, dtype, spread, "sdpa")
    assert chosen.quantize is None
    assert (warned in chosen.warnings[0]) if warned else not chosen.warnings


@pytest.mark.parametrize("machine", [LAPTOP, SERVER, MAC, T4, H100, UNKNOWN])
def test_a_small_model_is_float32_everywhere_so_that_it_answers_alike(machine):
    assert place(machine, small) == Placement(machine.device, "float32")


@pytest.mark.parametrize("machine", [LAPTOP, SERVER, MAC, T4, L4, H100, TWO_L4, UNKNOWN])
@pytest.mark.parametrize("name", ["medgemma-4b-it", "medsiglip-448"])
def test_float16_is_never_chosen_of_itself(machine, name):
    assert place(machine, weigh(name)).dtype != "float16"


def test_float16_is_given_when_asked_for_with_a_warning():
    chosen = place(L4, weigh("medgemma-4b-it"), dtype="float16")
    assert chosen.dtype == "float16"
    assert "overflows" in chosen.warnings[0]


def test_a_dtype_of_torch_is_understood():
    import torch

    assert place(H100, weigh("medgemma-4b-it"), dtype=torch.float32).dtype == "float32"


@pytest.mark.parametrize(
    ("machine", "quantize", "computes", "warned"),
    [(H100, "4bit", "bfloat16", ""), (T4, "4bit", "float32", ""), (H100, "8bit", "bfloat16", "float16")],
)
def test_quantized_weights_are_computed_with_in_bfloat16_or_float32(machine, quantize, computes, warned):
    chosen = place(machine, weigh("medgemma-4b-it"), quantize=quantize)
    assert (chosen.quantize, chosen.dtype) == (quantize, computes)
    assert (warned in chosen.warnings[0]) if warned else not chosen.warnings


def test_quantizing_without_a_cuda_gpu_is_refused_before_anything_is_loaded():
    with pytest.raises(CapabilityError, match="CUDA"):
        place(LAPTOP, weigh("medgemma-4b-it"), quantize="4bit")
    with pytest.raises(CapabilityError, match="CUDA"):
        place(H100, weigh("medgemma-4b-it"), quantize="4bit", device="cpu")


def test_quantizing_without_bitsandbytes_gives_the_command_that_installs_it():
    with pytest.raises(MissingDependency) as missing:
        place(H100.replace(bitsandbytes=False), weigh("medgemma-4b-it"), quantize="4bit")
    assert missing.value.fix == 'pip install "medlab-workbench[quantized]"'


@pytest.mark.parametrize(
    ("machine", "name", "advice"),
    [
        (SMALL_LAPTOP, "medgemma-4b-it", 'MODEL = "demo"'),
        (Machine("cuda", 8 * GB, ram_bytes=1 * GB, bf16=True), "medgemma-4b-it", 'quantize="4bit"'),
        (LAPTOP, "medgemma-27b-it", "endpoint:URL"),
    ],
)
def test_what_cannot_fit_is_refused_with_what_would(machine, name, advice):
    with pytest.raises(CapabilityError) as refused:
        place(machine, weigh(name))
    assert advice in refused.value.fix
    assert "GB in bfloat16" in refused.value.given


def test_a_dtype_that_is_too_large_is_refused_and_the_one_that_fits_is_named():
    with pytest.raises(CapabilityError) as refused:
        place(LAPTOP, weigh("medgemma-4b-it"), dtype="float32")
    assert refused.value.fix.startswith('dtype="bfloat16" or')


def test_a_quantized_model_is_not_spread_into_the_machines_memory():
    with pytest.raises(CapabilityError):
        place(T4, weigh("medgemma-27b-it"), quantize="4bit")


@pytest.mark.parametrize("attentions", [False, True])
def test_eager_attention_only_where_attention_weights_are_wanted(attentions):
    assert place(H100, small, attentions=attentions).attention == ("eager" if attentions else "sdpa")


def test_a_gpu_that_is_not_there_is_refused_and_the_cpu_beside_one_is_float32():
    with pytest.raises(CapabilityError, match="medlab doctor"):
        place(LAPTOP, small, device="cuda")
    chosen = place(H100, weigh("medgemma-4b-it"), device="cpu")
    assert (chosen.device, chosen.dtype) == ("cpu", "float32")


@pytest.mark.parametrize("wish", [{"dtype": "int8"}, {"device": "tpu"}, {"quantize": "2bit"}])
def test_a_wish_that_nobody_knows_is_refused(wish):
    with pytest.raises(SpecError, match="accepted"):
        place(H100, small, **wish)


def test_this_machine_tells_its_memory_and_device():
    here = this_machine()
    assert here.device == facts.device()
    assert here.ram_bytes == facts.memory_bytes()


@pytest.mark.parametrize(
    ("cpuinfo", "does"),
    [("flags : fpu avx512f amx_bf16", True), ("Features : fp asimd bf16 sve", True), ("flags : avx512f f16c", False)],
)
def test_a_processor_that_multiplies_in_bfloat16_is_told_from_one_that_does_not(tmp_path, cpuinfo, does):
    path = tmp_path / "cpuinfo"
    path.write_text(cpuinfo)
    assert facts.cpu_computes_bf16(path) is does
    assert facts.cpu_computes_bf16(tmp_path / "nothing") is False
