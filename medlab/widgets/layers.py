"""Layer and head of the methods that have them: what may be chosen on a model, and the options the choice stands for.

A method is known by its fields alone: `layers` or `layer`, and `heads`. It runs no model and draws nothing.
"""

import dataclasses
import re
from typing import TYPE_CHECKING

from medlab.core.errors import CapabilityError, SpecError, shown
from medlab.explainers.methods import METHODS, make_method

if TYPE_CHECKING:
    from medlab.models.base import Model

Options = tuple[tuple[str, str | int], ...]
"""(option, value) of a method, as `medlab.explain` takes them"""
LAYERS, HEADS = ("layers", "layer"), "heads"
"""the fields of a method that choose among layers, one of the two, and among heads"""


@dataclasses.dataclass(frozen=True)
class Stack:
    """The language model's layers, the lowest first."""

    kinds: tuple[str, ...] = ()
    """of each layer: "full" sees the whole context, "sliding" a window of it"""
    heads: int = 0
    window: int = 0
    """tokens that a sliding layer sees"""


def stack_of(model: "Model") -> Stack:
    """The layers of a model that can be looked into; of any other, none."""
    try:
        config = model.module.config
    except CapabilityError:
        return Stack()
    text = getattr(config, "text_config", None)
    kinds = tuple(kind.removesuffix("_attention") for kind in getattr(text, "layer_types", None) or ())
    return Stack(kinds, text.num_attention_heads, text.sliding_window or 0) if kinds else Stack()


def layers_of(method: str, stack: Stack) -> list[tuple[str, str]]:
    """(value, kind) of each choice of layers that a method has: its own option, and "all", "full" or "sliding"."""
    field = next((name for name in LAYERS if name in _defaults(method)), None)
    alone = [(str(number), kind) for number, kind in enumerate(stack.kinds)]
    if field is None or not alone:
        return []
    if field == "layer":  # the last one is called as the method calls it, so that one map has one name
        return [*alone[:-1], ("-1", alone[-1][1])]
    return [("all", "all"), *((kind, kind) for kind in ("full", "sliding") if kind in stack.kinds), *alone]


def heads_of(method: str, stack: Stack) -> list[str]:
    """The choices of heads that a method has; "mean" is all of them."""
    return ["mean", *map(str, range(stack.heads))] if HEADS in _defaults(method) and stack.heads else []


def chosen(method: str, options: Options = ()) -> tuple[str, str]:
    """(layer, head) that a method takes under these options, as the choices spell them; "" where it has none."""
    given = {**_defaults(method), **dict(options)}
    return str(next((given[name] for name in LAYERS if name in given), "")), str(given.get(HEADS, ""))


def options_of(method: str, layer: str | int | None, head: str | int | None) -> Options:
    """The method's options for a layer and a head; None or "" is what the method takes by itself.

    Raises SpecError for a method that has none.
    """
    known = _defaults(method)
    field = next((name for name in LAYERS if name in known), None)
    asked = [("a layer", field, layer), ("a head", HEADS if HEADS in known else None, head)]
    options = []
    for what, name, value in asked:
        if value is None or value == "":
            continue
        if name is None:
            able = [other for other in METHODS if {*LAYERS, HEADS} & set(_defaults(other))]
            raise SpecError(f"{what} ({shown(value)}) for method {method}, which has none", accepted=", ".join(able))
        options.append((name, str(value) if name == "layers" else _number(value)))
    return tuple(options)


def _defaults(method: str) -> dict[str, object]:
    """Every option of a method, and what it is by itself."""
    made = make_method(method)
    return {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}


def _number(value: str | int) -> str | int:
    """As a page sends it, or as a person writes it: a number where it is one."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,4}", value) else value
