"""Bench: a model under test, the methods, and every map and score that was already drawn of them.

Nothing is drawn twice, in this process or after a kill: rows are kept by model, method, options, seed and medlab's
version, and found again by question, film and test. It judges nothing.
"""

import base64
import hashlib
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from medlab.core.cache_folder import cache_folder
from medlab.core.errors import CapabilityError
from medlab.explainers.aims import Aim
from medlab.explainers.base import Method, Request
from medlab.explainers.trust.ledger import Key, Ledger
from medlab.explainers.trust.probes import Probe
from medlab.version import __version__

TESTS = 1
"""of the tests themselves: a change of what a row means takes the next number"""
SCORES = "scores"
"""the ledger of what belongs to no method"""


def trust_folder() -> pathlib.Path:
    """Where cards and ledgers are kept unless another folder is given."""
    return cache_folder("trust")


def digest_of(*told: object) -> str:
    """12 hex digits over what was told."""
    return hashlib.blake2b(repr(told).encode(), digest_size=6).hexdigest()


class Bench:
    """Draws, scores, and remembers.

    folder  of the ledgers; None is `trust_folder()`. A model without a fingerprint is remembered in memory alone
    """

    def __init__(
        self,
        model,
        methods: Sequence[Method],
        *,
        seed: int = 0,
        folder: pathlib.Path | None = None,
        again: bool = False,
    ):
        self.model, self.seed = model, seed
        home = (folder or trust_folder()) / model.fingerprint if model.fingerprint else None
        mark = (TESTS, __version__, seed)
        self._ledgers: dict[Method | str, Ledger] = {}
        for method in methods:
            name = f"{method.name}-{digest_of(method.settings, *mark)}.jsonl"
            self._ledgers[method] = Ledger(home and home / name)
        self._ledgers[SCORES] = Ledger(home and home / f"{SCORES}-{digest_of(*mark)}.jsonl")
        if again:
            for ledger in self._ledgers.values():
                ledger.forget()

    def request(self, aim: Aim, scan: int) -> Request:
        return Request(self.model, aim, scan, self.seed)

    def has(self, method: Method | str, key: Key) -> bool:
        return key in self._ledgers[method]

    def kept(self, method: Method | str, key: Key, work: Callable[[], object]) -> object:
        """The row of a key, worked out now where it is not there; plain JSON values."""
        ledger = self._ledgers[method]
        if key not in ledger:
            ledger.add(key, work())
        return ledger[key]

    def map(self, method: Method, probe: Probe, test: str, aim: Callable[[], Aim]) -> np.ndarray:
        """(rows, cols) float32: a method's map of an aim, on the probe's scan.

        Raises CapabilityError where the method cannot work, or finds what is not finite.
        """

        def work() -> dict:
            values = np.asarray(method.draw(self.request(aim(), probe.scan)).values, np.float32)
            if not np.isfinite(values).all():
                raise CapabilityError(f"{method.name} found numbers that are not finite")
            return {"shape": values.shape, "float32": base64.b64encode(values.astype("<f4").tobytes()).decode()}

        row = self.kept(method, (*probe.key, test), work)
        return np.frombuffer(base64.b64decode(row["float32"]), "<f4").reshape(row["shape"])

    def score(self, probe: Probe, test: str = "plain") -> float:
        """By how many nats the model finds the right reply likelier than the other; above 0 it is right."""

        def work() -> float:
            right, other = self.model.score(probe.query, probe.replies).logprobs_nats
            return right - other

        return self.kept(SCORES, (*probe.key, test), work)

    def scores(self, probes: Sequence[Probe]) -> list[float]:
        """`score` of several probes, those that are missing asked together."""
        missing = [probe for probe in probes if not self.has(SCORES, (*probe.key, "plain"))]
        for replies in dict.fromkeys(probe.replies for probe in missing):
            mine = [probe for probe in missing if probe.replies == replies]
            for probe, told in zip(mine, self.model.score_many([p.query for p in mine], replies), strict=True):
                right, other = told.logprobs_nats
                self.kept(SCORES, (*probe.key, "plain"), lambda margin=right - other: margin)
        return [self.score(probe) for probe in probes]
