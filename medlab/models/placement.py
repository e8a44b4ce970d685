"""Where a model goes, and in which numbers: device, dtype, quantization, attention.

`place` is a function of a described machine; only `this_machine` looks around. It does not know whether the answers
are any good in those numbers: the model checks that what it computes is finite.
"""

from collections.abc import Callable

from medlab.core.errors import CapabilityError, MissingDependency
from medlab.core.record import Record, check_choice, record
from medlab.models.memory import BYTES, QUANTIZED

DEVICES = ("cuda", "mps", "cpu")
RESERVED = 1 << 30
"""bytes left to the driver, the system and torch itself"""
SMALL = 1 << 30
"""bytes of float32 weights up to which rounding buys nothing: such a model answers alike on every machine"""
INSTALL_BITSANDBYTES = 'pip install "medlab-workbench[quantized]"'
FLOAT16 = (
    "float16 was asked for: Gemma 3 overflows in it and then says nothing, or nonsense; "
    'bfloat16 has the range that these models were trained in: dtype="auto"'
)
LLM_INT8 = "8bit computes in float16 inside bitsandbytes, where Gemma 3 may overflow; 4bit computes in {dtype}"


@record
class Machine(Record):
    """What decides where a model fits."""

    device: str
    """one of DEVICES: the fastest there is"""
    memory_bytes: int | None = None
    """free on that device; of the cpu, physical memory; None where the system does not tell"""
    others_bytes: int = 0
    """free on the other GPUs, over which a large model may be spread"""
    ram_bytes: int | None = None
    """physical memory of the machine, whatever the device"""
    bf16: bool = False
    """whether the device itself computes in bfloat16, rather than through float32"""
    bitsandbytes: bool = False
    """whether the package that quantizes is installed"""
    name: str = ""

    def __post_init__(self):
        check_choice("device", self.device, DEVICES)


@record
class Placement(Record):
    """How a model is loaded."""

    device: str
    dtype: str
    """a name of torch's; of a quantized model, what it computes in"""
    quantize: str | None = None
    attention: str = "sdpa"
    """"sdpa" is fast and tells no attention weights; "eager" tells them"""
    spread: bool = False
    """over several GPUs and the memory of the machine, by accelerate"""
    warnings: tuple[str, ...] = ()


Weigh = Callable[[str, str | None], int]
"""(dtype, quantize) -> bytes that the model needs in them"""


def place(
    machine: Machine,
    weigh: Weigh,
    *,
    dtype: str = "auto",
    device: str = "auto",
    quantize: str | None = None,
    attentions: bool = False,
) -> Placement:
    """Where and in what to load, on the described machine.

    weigh       what the model needs in each dtype; its float32 need tells whether it is small
    dtype       "auto": float32 where the model is small; else bfloat16 where the device computes in it, else float32,
                else bfloat16 through float32: the first that fits. float16 only if asked for, with a warning
    device      "auto": the machine's
    quantize    None, "4bit" or "8bit": bitsandbytes, on CUDA
    attentions  whether attention weights are wanted

    Raises CapabilityError where it cannot fit, MissingDependency for bitsandbytes.
    """
    wanted = str(dtype).removeprefix("torch.")
    check_choice("dtype", wanted, ("auto", *BYTES))
    check_choice("device", device, ("auto", *DEVICES))
    where = _on(machine, device)
    if quantize is not None:
        _check_quantizable(where, quantize)
    candidates = _candidates(where, weigh, wanted, quantize)
    chosen = next((one for one in candidates if _fits(weigh(one, quantize), where.memory_bytes)), None)
    spread = chosen is None
    if spread:
        chosen = min(candidates, key=lambda one: weigh(one, quantize))
        _check_spreadable(where, weigh, chosen, quantize)
    warnings = _warnings(where, chosen, quantize, spread, small=weigh("float32", None) <= SMALL)
    attention = "eager" if attentions else "sdpa"
    return Placement(where.device, chosen, quantize, attention, spread, warnings)


def _on(machine: Machine, device: str) -> Machine:
    """The machine as seen from `device`. Raises CapabilityError where it has no such device."""
    if device in ("auto", machine.device):
        return machine
    if device != "cpu":
        raise CapabilityError(
            f'device="{device}" on a machine that has none',
            accepted=f'"auto" or "{machine.device}"',
            fix="medlab doctor",
        )
    # the processor beside an accelerator is not asked what it computes in: float32 is right on any
    return machine.replace(device="cpu", memory_bytes=machine.ram_bytes, others_bytes=0, bf16=False)


def _check_quantizable(machine: Machine, quantize: str) -> None:
    check_choice("quantize", quantize, QUANTIZED)
    if machine.device != "cuda":
        raise CapabilityError(
            f'quantize="{quantize}" on {machine.device}',
            accepted="a CUDA GPU: bitsandbytes quantizes there",
            fix='quantize=None, or a smaller model: "medlab models --fits" lists what fits',
        )
    if not machine.bitsandbytes:
        raise MissingDependency(f'quantize="{quantize}" needs bitsandbytes', fix=INSTALL_BITSANDBYTES)


def _candidates(machine: Machine, weigh: Weigh, wanted: str, quantize: str | None) -> tuple[str, ...]:
    """The dtypes to try, best first."""
    if wanted != "auto":
        return (wanted,)
    if quantize is not None:
        return ("bfloat16",) if machine.bf16 else ("float32", "bfloat16")
    if weigh("float32", None) <= SMALL:
        return ("float32",)
    return ("bfloat16",) if machine.bf16 else ("float32", "bfloat16")


def _fits(need: int, have: int | None) -> bool:
    """Where nobody knows what there is, it is tried."""
    return have is None or need + RESERVED <= have


def _check_spreadable(machine: Machine, weigh: Weigh, dtype: str, quantize: str | None) -> None:
    """Raises CapabilityError where the model does not fit even over device and memory together."""
    need, have = weigh(dtype, quantize), machine.memory_bytes or 0
    together = have + machine.others_bytes
    if machine.device == "cuda" and quantize is None:  # bitsandbytes computes on GPUs alone
        together += machine.ram_bytes or 0
    if need + RESERVED <= together:
        return
    smaller = [one for one in BYTES if one != "float16" and weigh(one, quantize) + RESERVED <= have]
    advice = [f'dtype="{one}"' for one in smaller]
    if machine.device == "cuda" and quantize is None and weigh("bfloat16", "4bit") + RESERVED <= have:
        advice.append('quantize="4bit"')
    advice.append('MODEL = "demo", or an endpoint ("endpoint:URL"); "medlab models --fits" lists what fits')
    kept = f"{gigabytes(RESERVED)} of it for the system"
    raise CapabilityError(
        f"needs {gigabytes(need)} in {quantize or dtype}; {machine.device} has {gigabytes(have)}, {kept}",
        accepted="weights and one question that fit",
        fix=" or ".join(advice),
    )


def _warnings(machine: Machine, dtype: str, quantize: str | None, spread: bool, *, small: bool) -> tuple[str, ...]:
    told = []
    if dtype == "float16":
        told.append(FLOAT16)
    if quantize == "8bit":
        told.append(LLM_INT8.format(dtype=dtype))
    if dtype == "bfloat16" and not machine.bf16 and not small:
        told.append(f"this {machine.device} computes bfloat16 through float32: right, and slow")
    if spread:
        told.append("more than one GPU has free: it is spread over the others and the machine's memory, and slower")
    return tuple(told)


def gigabytes(count: int) -> str:
    """ "8.6 GB": of 10**9 bytes, as checkpoints are listed."""
    return f"{count / 1e9:.1f} GB"


def this_machine(device: str = "auto") -> Machine:
    """The machine that this runs on. torch is imported only where its build could use a GPU.

    device  "cpu" looks at no GPU
    """
    import importlib.util

    from medlab import machine

    kind = "cpu" if device == "cpu" else machine.device().replace("none", "cpu")
    ram = machine.memory_bytes()
    quantizes = importlib.util.find_spec("bitsandbytes") is not None
    if kind == "cuda":
        import torch

        free = [torch.cuda.mem_get_info(index)[0] for index in range(torch.cuda.device_count())]
        bf16 = torch.cuda.get_device_capability(0)[0] >= 8
        return Machine("cuda", free[0], sum(free[1:]), ram, bf16, quantizes, torch.cuda.get_device_name(0))
    if kind == "mps":  # a Mac's memory is one
        return Machine("mps", ram, 0, ram, _mps_bf16(), quantizes, "Apple GPU")
    return Machine("cpu", ram, 0, ram, machine.cpu_computes_bf16(), quantizes)


def _mps_bf16() -> bool:
    """Metal has had bfloat16 since macOS 14; asking is the test."""
    import torch

    try:
        torch.ones(1, dtype=torch.bfloat16, device="mps")
    except (TypeError, RuntimeError):
        return False
    return True


def describe(machine: Machine) -> str:
    """One line on the machine."""
    have = "memory unknown" if machine.memory_bytes is None else gigabytes(machine.memory_bytes)
    numbers = "bfloat16" if machine.bf16 else "float32"
    return f"{machine.name or machine.device}, {have}, computes in {numbers}"
