"""What of the catalog fits a machine, in which numbers, and what it will not do there. It loads nothing."""

from medlab.core.errors import CapabilityError
from medlab.core.record import Record, record
from medlab.models.catalog import Entry, shape_of
from medlab.models.memory import Ask, Need, need_of
from medlab.models.placement import INSTALL_BITSANDBYTES, Machine, Placement, Weigh, gigabytes, place

WAYS = (("float32", None), ("bfloat16", None), ("bfloat16", "4bit"), ("bfloat16", "8bit"))
"""(dtype, quantize) that the tables tell of. 4bit before 8bit: it computes in bfloat16, 8bit in float16"""


@record
class Way(Record):
    """One way to hold a model, and what that needs."""

    dtype: str
    quantize: str | None
    need: Need

    @property
    def words(self) -> str:
        """ "bfloat16" or "4bit"."""
        return self.quantize or self.dtype


@record
class Fit(Record):
    """Whether an entry of the catalog fits a machine."""

    name: str
    ways: tuple[Way, ...]
    """each of WAYS; empty where the catalog keeps no shape"""
    choice: Placement | None
    """what `load_model` would do of itself; None where it would refuse"""
    call: str
    """what to write; empty where nothing helps"""
    will_not: tuple[str, ...] = ()
    """what it will not do here, and why"""


def ways_of(one: Entry, *, ask: Ask | None = None) -> tuple[Way, ...]:
    """What the entry needs in each of WAYS; empty where the catalog keeps no shape of it."""
    shape = shape_of(one.name)
    if shape is None:
        return ()
    ways = WAYS if one.task != "image-embedding" else [way for way in WAYS if way[1] is None]
    return tuple(Way(dtype, quantize, need_of(shape, dtype, quantize, ask=ask)) for dtype, quantize in ways)


def fits(one: Entry, machine: Machine, *, ask: Ask | None = None) -> Fit:
    """Whether and how the entry fits the machine, with the call that loads it.

    ask  the question to be answered; one scan, 200 tokens of text and a reply of 300 if None
    """
    if one.port is not None:
        return Fit(one.name, (), None, "", (f"cannot be loaded by this version: {one.port}",))
    call = f'load_model("{one.name}")'
    if one.shape is None:  # it comes with medlab, and is small
        return Fit(one.name, (), Placement(machine.device, "float32"), call)
    ways = ways_of(one, ask=ask)
    try:
        choice = place(machine, weigher(one, ask=ask))
    except CapabilityError as error:
        return _squeezed(one, machine, ways, ask) or Fit(one.name, ways, None, "", (error.given,))
    if choice.spread:
        return _squeezed(one, machine, ways, ask) or Fit(one.name, ways, choice, call, choice.warnings)
    return Fit(one.name, ways, choice, call, choice.warnings)


def _squeezed(one: Entry, machine: Machine, ways: tuple[Way, ...], ask: Ask | None) -> Fit | None:
    """The fit with quantized weights, which have to be asked for; None where they do not help."""
    equipped = machine.replace(bitsandbytes=True)
    for quantize in [way.quantize for way in ways if way.quantize]:
        try:
            choice = place(equipped, weigher(one, ask=ask), quantize=quantize)
        except CapabilityError:
            continue
        told = [f"{way.words} needs {gigabytes(way.need.total)}" for way in ways if way.words == "bfloat16"]
        told += choice.warnings
        if not machine.bitsandbytes:
            told.append(f"{quantize} needs bitsandbytes: {INSTALL_BITSANDBYTES}")
        return Fit(one.name, ways, choice, f'load_model("{one.name}", quantize="{quantize}")', tuple(told))
    return None


def weigher(one: Entry, *, ask: Ask | None = None) -> Weigh:
    """The bytes that an entry with a shape needs, as `place` asks for them."""
    shape = shape_of(one.name)
    return lambda dtype, quantize: need_of(shape, dtype, quantize, ask=ask).total
