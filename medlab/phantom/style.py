"""PhantomStyle: what kind of films a Phantom draws, and which traps it sets. A spec; it draws nothing."""

from medlab.core.errors import SpecError, shown
from medlab.core.record import Record, check_choice, check_number, check_tuple, record
from medlab.phantom.vocabulary import FINDINGS

HABITUS = ("thin", "average", "large")
MARKERS = ("correct", "none", "wrong")
PREVALENCE = (
    ("cardiomegaly", 0.30),
    ("effusion", 0.34),
    ("consolidation", 0.30),
    ("nodule", 0.28),
    ("pneumothorax", 0.22),
    ("atelectasis", 0.20),
    ("pacemaker", 0.18),
    ("central_line", 0.20),
    ("endotracheal_tube", 0.15),
)


@record
class PhantomStyle(Record):
    """Options of the phantom. Chances are from 0 to 1."""

    normal_fraction: float = 0.2
    """chance that a case without chosen findings shows none at all"""
    prevalence: tuple[tuple[str, float], ...] = PREVALENCE
    """(finding, chance) among the cases that are not normal; a finding left out never occurs by chance"""
    habitus: tuple[str, ...] = HABITUS
    """which builds occur, in equal parts; a large patient has more soft tissue, scatter and noise"""
    noise: float = 1.0
    """quantum noise, as a multiple of a well exposed film's"""
    pose: float = 1.0
    """how much patients differ in position and inspiration; 0 centres everyone"""
    marker: str = "correct"
    """one of MARKERS: the R or L letter; "wrong" puts it on the other side"""
    distractors: float = 0.3
    """chance of ECG leads, buttons or a necklace: visible, and no finding"""
    collimation: float = 0.15
    """chance of a black, unexposed border"""
    spurious: str | None = None
    """finding whose presence a small token in the upper corner betrays: the bait for shortcut learning"""
    spurious_if_present: float = 0.95
    """chance of the token where the finding is present"""
    spurious_if_absent: float = 0.05
    """chance of the token where it is absent"""

    def __post_init__(self):
        for name in ("normal_fraction", "distractors", "collimation", "spurious_if_present", "spurious_if_absent"):
            check_number(name, getattr(self, name), 0, 1)
        check_number("noise", self.noise, 0, 10)
        check_number("pose", self.pose, 0, 1.5)
        check_choice("marker", self.marker, MARKERS)
        check_tuple("habitus", self.habitus, str)
        if not self.habitus:
            raise SpecError("habitus is empty", accepted="one or more of " + ", ".join(HABITUS))
        for name in self.habitus:
            check_choice("habitus", name, HABITUS)
        if self.spurious is not None:
            check_choice("spurious", self.spurious, FINDINGS)
        check_tuple("prevalence", self.prevalence, tuple)
        for pair in self.prevalence:
            if len(pair) != 2:
                raise SpecError(f"prevalence holds {shown(pair)}", accepted='pairs such as ("nodule", 0.3)')
            check_choice("prevalence", pair[0], FINDINGS)
            check_number(f"prevalence of {pair[0]}", pair[1], 0, 1)
