"""Films with one bright and one dark square, a model that knows them, and methods that do or do not. No weights."""

import dataclasses
import hashlib

import numpy as np
import pytest

from medlab.core.answer import Choices, Token
from medlab.core.case import Case, Finding, Mask, Question
from medlab.core.geometry import SquareFit
from medlab.core.grid import to_cells
from medlab.core.scan import Scan
from medlab.explainers.base import Cost, Map, Method
from medlab.models.base import Capabilities, Model

SIDE, CELL = 112, 28
SQUARES = {"nodule": 1.0, "effusion": 0.0}
"""finding -> grey of its square, on a film of noise round a half"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """No test finds or leaves anything in the cache of whoever runs it."""
    monkeypatch.setenv("MEDLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def film(seed: int, replies: dict[str, tuple[str, str]] | None = None) -> Case:
    """Both squares at random cells of a 4 x 4 grid; no pneumothorax.

    replies  of each finding, the right reply and the other
    """
    rng = np.random.default_rng(seed)
    pixels = rng.uniform(0.45, 0.55, (SIDE, SIDE)).astype(np.float32)
    masks = []
    for place, (name, grey) in zip(rng.choice(16, 2, replace=False), SQUARES.items(), strict=True):
        mask = np.zeros((SIDE, SIDE), bool)
        row, col = divmod(int(place), 4)
        mask[row * CELL : (row + 1) * CELL, col * CELL : (col + 1) * CELL] = True
        pixels[mask] = grey
        masks.append(Mask(name, mask))
    states = {"nodule": "present", "effusion": "present", "pneumothorax": "absent"}
    questions = []
    for name, state in states.items():
        right, other = (replies or {}).get(name, ("yes", "no") if state == "present" else ("no", "yes"))
        questions.append(Question(f"Is there {name}?", right, "yes_no", options=("yes", "no"), about=name))
        assert other in ("yes", "no")
    findings = tuple(Finding(name, state) for name, state in states.items())
    return Case(f"film-{seed}", (Scan(pixels),), None, findings, masks=tuple(masks), questions=tuple(questions),
                source="squares")  # fmt: skip


@pytest.fixture(scope="session")
def make_film():
    return film


class Speech:
    def ids(self, text: str) -> list[int]:
        return list(text.encode())


class Knowing(Model):
    """Gives every right reply of `film` without weights; counts how often it is asked."""

    name, fingerprint = "knowing", "0123456789abcdef"
    capabilities = Capabilities(images=1, logprobs="full")
    speech = Speech()

    def __init__(self):
        self.asked = 0

    def answer(self, queries):
        raise NotImplementedError

    def fit_of(self, scan) -> SquareFit:
        return SquareFit(scan.rows, scan.cols, SIDE)

    def score(self, query, options) -> Choices:
        self.asked += 1
        right = "no" if "pneumothorax" in text_of(query) else "yes"
        tokens = tuple((Token(0, word, -0.1 if word == right else -3.0),) for word in options)
        return Choices(tuple(options), tokens)


@pytest.fixture
def knowing():
    return Knowing()


def text_of(query) -> str:
    return " ".join(part.text for message in query.messages for part in message.parts if part.text)


@dataclasses.dataclass(frozen=True)
class Pointer(Method):
    """Points at what is asked for, and at a place by chance where it has no idea or the weights are not as learned.

    learned  first number of a layer that training left; None for a model without weights
    """

    learned: float | None = None

    name = "pointer"
    family = "perturbation"
    question = "Where is it?"
    not_this = "Nothing."
    passes = "none"
    needs = "nothing"

    def draw(self, request) -> Map:
        words = text_of(request.aim.query) + " ".join(request.aim.words)
        known = next((name for name in SQUARES if name in words), None)
        if known is None or self.weight_of(request.model) != self.learned:
            seed = int(
                hashlib.sha256(words.encode() + request.aim.query.scans[0].pixels.tobytes()).hexdigest()[:8], 16
            )
            return Map(np.random.default_rng(seed).random((4, 4)))
        return Map(self.square(request, known))

    def square(self, request, name: str) -> np.ndarray:
        scan = request.aim.query.scans[0]
        there = np.abs(scan.pixels - SQUARES[name]) < 0.2
        return to_cells(there.astype(np.float32), request.model.fit_of(scan), (4, 4))

    @staticmethod
    def weight_of(model) -> float | None:
        if isinstance(model, Knowing):
            return None
        return model.module.model.language_model.layers[-1].mlp.down_proj.weight.detach().flatten()[0].item()

    def cost(self, request) -> Cost:
        return Cost(self.name)


@dataclasses.dataclass(frozen=True)
class Deaf(Pointer):
    """Points at the first square, whatever is asked."""

    name = "deaf"

    def draw(self, request) -> Map:
        return Map(self.square(request, "nodule"))


@pytest.fixture(scope="session")
def pointer():
    return Pointer


@pytest.fixture(scope="session")
def deaf():
    return Deaf
