"""Maps that know nothing of the model: by chance, by the middle of the film, by its edges. What a method must beat.

An edge filter alone does well in several of the tests that explanations are judged by, so no map is judged without
these beside it.
"""

import dataclasses
import hashlib

import numpy as np

from medlab.core.errors import CapabilityError
from medlab.core.grid import Grid, to_cells
from medlab.core.record import check_number
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.glass import look_into

CONTROLS = ("random", "centre", "edges")
"""every test of trust shows them beside the methods"""
CELLS = 16
"""rows and columns of a control's map for a model whose image tokens are not known"""


class Control(Method):
    """A map that would be the same whatever the model had learned."""

    family = "control"
    passes = "none"
    needs = "nothing"

    def cost(self, request: Request) -> Cost:
        return Cost(self.name)


@dataclasses.dataclass(frozen=True)
class Random(Control):
    """Numbers from 0 to 1 by chance: by the request's seed, the scan, the question and the words."""

    name = "random"
    question = "What would chance say?"
    not_this = "Anything about the model, the scan or the words."

    def draw(self, request: Request) -> Map:
        told = (request.seed, request.aim.query.fingerprint, request.aim.words, request.scan)
        seed = int.from_bytes(hashlib.blake2b(repr(told).encode(), digest_size=8).digest(), "big")
        return Map(np.random.default_rng(seed).random(grid_for(request)))


@dataclasses.dataclass(frozen=True)
class Centre(Control):
    """A bell round the middle of the square: where findings mostly are, whatever was asked.

    spread  standard deviation of the bell, as a share of the square's side
    """

    spread: float = 0.25

    name = "centre"
    question = "What would someone say who knows only that films are centred?"
    not_this = "Anything about the model, the scan or the words."

    def __post_init__(self):
        check_number("spread", self.spread, 1e-3, 10)

    def draw(self, request: Request) -> Map:
        down, across = ((np.arange(cells) + 0.5) / cells - 0.5 for cells in grid_for(request))
        return Map(np.exp(-(down[:, None] ** 2 + across[None] ** 2) / (2 * self.spread**2)))


@dataclasses.dataclass(frozen=True)
class Edges(Control):
    """Local contrast of the scan: how far each pixel is from the mean of those around it, without any model.

    reach  side of the neighbourhood, as a share of the scan's longer side
    """

    reach: float = 0.1

    name = "edges"
    question = "Where does the scan differ from its surroundings?"
    not_this = "Anything about the model or the words."

    def __post_init__(self):
        check_number("reach", self.reach, 1e-3, 1)

    def draw(self, request: Request) -> Map:
        from scipy.ndimage import uniform_filter

        scan = request.aim.query.scans[request.scan]
        grey = scan.pixels if scan.pixels.ndim == 2 else scan.pixels.mean(2)
        side = max(3, round(self.reach * max(grey.shape)))
        contrast = np.abs(grey - uniform_filter(grey, side, mode="nearest"))
        return Map(to_cells(contrast, request.model.fit_of(scan), grid_for(request)))


def grid_for(request: Request) -> Grid:
    """The grid of the model's image tokens where it can be looked into, so that all maps compare; else a fixed one."""
    try:
        return look_into(request.model, request.aim.query).grid
    except CapabilityError:
        return CELLS, CELLS
