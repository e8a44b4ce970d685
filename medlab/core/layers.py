"""What layers, heads and words inside a language model do for an answer, in nats that the score loses without them.

Curves and tables over layers; they know no pixels. Each value is of one thing taken away alone: since others may
repeat what it does, a sum means nothing.
"""

import numpy as np

from medlab.core.errors import SpecError
from medlab.core.record import Record, check_choice, check_number, check_whole, frozen_array, record

KINDS = ("full", "sliding")
"""of layers: those whose text sees all that is behind it, and those whose text sees a window"""


@record
class LayerFlow(Record):
    """In which layers the words read the scan: nats that the score loses when no text may look at it there.

    Tokens of the scan go on seeing each other. A loss in one layer alone may be small because others repeat it; what
    is lost from one end on is not, but says where enough was read, not where it was read first.
    """

    alone: np.ndarray
    """(layers,) float32: blocked in a window of layers about each"""
    from_bottom: np.ndarray
    """(layers,) float32: blocked from layer 0 up to each, itself included"""
    from_top: np.ndarray
    """(layers,) float32: blocked from each up to the last"""
    kinds: tuple[str, ...]
    """of each layer, one of KINDS"""
    score_nats: float
    """of the words with nothing blocked"""
    words: tuple[str, ...]
    """two with `contrast`: for, against"""
    window: int = 1
    """layers that `alone` blocks at once, cut off at both ends of the model"""
    contrast: bool = False
    scan: int = 0
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    answer_fingerprint: str = ""

    def __post_init__(self):
        for name in ("alone", "from_bottom", "from_top"):
            array = frozen_array(name, getattr(self, name), np.float32, (1,))
            if len(array) != len(self.kinds):
                raise SpecError(f"{name} of {len(array)} layers", accepted=f"{len(self.kinds)}, as kinds has")
            object.__setattr__(self, name, array)
        check_whole("window", self.window, 1)
        check_whole("scan", self.scan)
        _check_shared(self)

    def __repr__(self) -> str:
        most = int(self.alone.argmax())
        told = f"most in layer {most}, {self.alone[most]:.2f} nats"
        return f"LayerFlow({' against '.join(self.words)!r}, {len(self.kinds)} layers, {told})"


@record
class HeadAblation(Record):
    """What the score loses when one head's output is zero for every token. A sum over heads means nothing."""

    lost_nats: np.ndarray
    """(layers, heads) float32; below 0 where the head spoke against the words"""
    layers: tuple[int, ...]
    """their numbers in the model"""
    kinds: tuple[str, ...]
    """of each of `layers`, one of KINDS"""
    score_nats: float
    """of the words with every head at work"""
    words: tuple[str, ...]
    """two with `contrast`: for, against"""
    contrast: bool = False
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    answer_fingerprint: str = ""

    def __post_init__(self):
        array = frozen_array("lost_nats", self.lost_nats, np.float32, (2,))
        if not len(array) == len(self.layers) == len(self.kinds):
            raise SpecError(f"lost_nats has shape {array.shape}", accepted=f"({len(self.layers)} layers, heads)")
        object.__setattr__(self, "lost_nats", array)
        _check_shared(self)

    def __repr__(self) -> str:
        row, head = np.unravel_index(self.lost_nats.argmax(), self.lost_nats.shape)
        told = f"most for head {head} of layer {self.layers[row]}, {self.lost_nats[row, head]:.2f} nats"
        return f"HeadAblation({' against '.join(self.words)!r}, {told})"


@record
class Readers(Record):
    """What the score loses when one word may not look at the scan in one layer, and all others may."""

    lost_nats: np.ndarray
    """(layers, tokens) float32; a sum over words or layers means nothing, for they repeat each other"""
    tokens: tuple[str, ...]
    """of the prompt behind the scan, as text; "" for those that are not shown, such as the end of a turn"""
    kinds: tuple[str, ...]
    """of each layer, one of KINDS"""
    score_nats: float
    """of the words explained, with nothing blinded"""
    words: tuple[str, ...]
    """two with `contrast`: for, against"""
    contrast: bool = False
    scan: int = 0
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    answer_fingerprint: str = ""

    def __post_init__(self):
        array = frozen_array("lost_nats", self.lost_nats, np.float32, (2,))
        if array.shape != (len(self.kinds), len(self.tokens)):
            raise SpecError(f"lost_nats has shape {array.shape}", accepted=f"({len(self.kinds)}, {len(self.tokens)})")
        object.__setattr__(self, "lost_nats", array)
        check_whole("scan", self.scan)
        _check_shared(self)

    def __repr__(self) -> str:
        layer, token = np.unravel_index(self.lost_nats.argmax(), self.lost_nats.shape)
        told = f"most for {self.tokens[token]!r} in layer {layer}, {self.lost_nats[layer, token]:.2f} nats"
        return f"Readers({' against '.join(self.words)!r}, {told})"


def _check_shared(made: "LayerFlow | HeadAblation | Readers") -> None:
    """Raises SpecError. Fields that such records share: `kinds`, `score_nats`, `words`, `contrast`."""
    for kind in made.kinds:
        check_choice("kind of layer", kind, KINDS)
    check_number("score_nats", made.score_nats)
    if not made.words or (made.contrast and len(made.words) != 2):
        raise SpecError(f"words are {made.words!r}", accepted="the words explained; (for, against) of a contrast")
