"""`medlab.about()`: the one line that stands at the head of a notebook, so that a result can be traced."""

from medlab import machine
from medlab.core.provenance import Provenance, collect
from medlab.core.record import Record, check_choice, record

DEVICES = ("cuda", "mps", "cpu", "none")


@record
class About(Record):
    """Versions, device and whether the hub may be used; the same on the same machine every time."""

    provenance: Provenance
    device: str
    """one of DEVICES: where a model would run; "none" without torch"""
    offline: bool
    """True where HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids the network"""

    def __post_init__(self):
        check_choice("device", self.device, DEVICES)

    def __repr__(self) -> str:
        versions = [f"medlab {self.provenance.medlab}", f"Python {self.provenance.python}"]
        versions += [f"{name} {version}" for name, version in self.provenance.packages]
        return " · ".join([*versions, self.device, "offline" if self.offline else "online"])


def about() -> About:
    """This machine, now. Imports torch only where its build has a GPU to ask about."""
    return About(collect(), machine.device(), machine.hub_is_offline())
