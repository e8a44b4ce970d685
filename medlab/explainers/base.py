"""Method: the contract of everything that draws a map, and Request: what it is asked.

A method is a frozen dataclass whose fields are its options. It says what question its map answers, what the map does
not mean and what it will cost, before it works. It knows neither plots nor tests of trust.
"""

import abc
import dataclasses
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from medlab.core.errors import CapabilityError
from medlab.core.record import Record, check_number, check_text, record
from medlab.explainers.aims import Aim

if TYPE_CHECKING:
    from medlab.explainers.glass import Glass

FAMILIES = ("attention", "gradients", "perturbation", "inside", "control")
NEEDS = ("glass", "scores", "nothing")


@dataclasses.dataclass(frozen=True)
class Request:
    """What a method is to explain."""

    model: object
    """a medlab Model"""
    aim: Aim
    scan: int = 0
    """which of the query's scans the map is drawn on"""
    seed: int = 0
    progress: bool = False
    """whether to show how far it has come"""

    @property
    def glass(self) -> "Glass":
        """The model opened, and checked against itself. Raises CapabilityError where it cannot be."""
        from medlab.explainers.glass import look_into

        glass = look_into(self.model, self.aim.query)
        glass.check(self.aim)
        return glass

    @property
    def opened(self) -> "Glass | None":
        """`glass`, or None where the model can only be asked as a whole."""
        try:
            return self.glass if self.aim.strands else None
        except CapabilityError:
            return None


@dataclasses.dataclass(frozen=True)
class Map:
    """What a method found."""

    values: np.ndarray
    """(grid_rows, grid_cols), signed, not normalised: what speaks for the aim is positive"""
    standard_error: np.ndarray | None = None
    """(grid_rows, grid_cols) of `values`, where the method samples"""
    completeness_error: float | None = None
    """|sum(values) - change of the score|, where the method promises that sum"""


@record
class Cost(Record):
    """What a map will cost, reckoned before the work."""

    method: str
    tower_passes: float = 0.0
    """pictures through the vision tower; a pass backwards counts as another"""
    language_tokens: float = 0.0
    """tokens through the language model; a pass backwards counts as another"""
    flop: float = 0.0
    """floating-point operations, a multiplication and an addition counted as two"""
    seconds: float = 0.0
    """on this machine, by its measured speed; half or double is no surprise"""
    peak_bytes: float = 0.0
    """that torch holds besides the weights ("sdpa" attention); 0.9 to 1.4 times what it held on the demo model; 0 for
    a model that cannot be opened"""

    def __post_init__(self):
        check_text("method", self.method)
        for name in ("tower_passes", "language_tokens", "flop", "seconds", "peak_bytes"):
            check_number(name, getattr(self, name), low=0)


class Method(abc.ABC):
    """One way to draw a map. Subclasses are frozen dataclasses: their fields are the options."""

    name: ClassVar[str]
    """in the registry"""
    family: ClassVar[str]
    """one of FAMILIES"""
    question: ClassVar[str]
    """that its map answers"""
    not_this: ClassVar[str]
    """what its map does not mean"""
    passes: ClassVar[str]
    """what it costs, in words"""
    needs: ClassVar[str] = "glass"
    """one of NEEDS: a model that can be looked into, one that scores given replies, or no model at all"""
    causal: ClassVar[bool] = False
    """True where it changes what the model sees and watches what it says"""

    @abc.abstractmethod
    def draw(self, request: Request) -> Map:
        """The map. Raises CapabilityError before any work where the model or the query does not allow it."""

    @abc.abstractmethod
    def cost(self, request: Request) -> Cost:
        """What `draw` will cost; nothing is drawn."""

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """(option, value): with the name, what repeats the map."""
        return tuple((field.name, str(getattr(self, field.name))) for field in dataclasses.fields(self))
