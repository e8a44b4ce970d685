"""Films that nobody was trained or measured on, to test explanations with. It asks nothing of them."""

from collections.abc import Iterator

from medlab.core.case import Case
from medlab.core.record import check_whole
from medlab.phantom.worker import VIEWS, Phantom

FIRST_SEED = 600_000
"""the demo model is measured on phantoms from 500,000, and trained on those from 1,000,000"""
APART = 10_000
COHORTS = 40


def phantoms(seed: int = 0, *, size: int = 224) -> Iterator[Case]:
    """Phantoms with at least one finding, without end: PA and AP by turns. `seed` is one of COHORTS different rows."""
    check_whole("seed", seed, 0, COHORTS - 1)
    phantom = Phantom(size)
    for number in range(FIRST_SEED + APART * seed, FIRST_SEED + APART * (seed + 1)):
        if phantom.choose(number):
            yield phantom.draw(number, view=VIEWS[number % 2])
