"""Tests that need no lesion: a map of another thing must be another map, that of the same thing the same.

Each compares maps of one method by rank correlation, on one film. It draws through a Bench, which remembers; whether a
likeness is too much is the card's to say.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np

from medlab.core.errors import CapabilityError
from medlab.core.grid import Grid
from medlab.explainers.aims import aim_at
from medlab.explainers.base import Method
from medlab.explainers.trust.bench import SCORES, Bench
from medlab.explainers.trust.localise import tells_apart
from medlab.explainers.trust.probes import Probe, absent_from, naming, probe_about, with_noise
from medlab.explainers.trust.scrambling import STAGES, scrambling

NOISES = 2
"""films with invisible noise that each map is compared with"""


@dataclasses.dataclass(frozen=True)
class Unit:
    """One film of these tests."""

    probe: Probe
    other: Probe | None = None
    """about another finding that is there too, and that the model is right about"""

    @property
    def absent(self) -> str | None:
        """A finding that is known not to be there: any, but always the same."""
        known = absent_from(self.probe.case)
        return known[int(self.probe.film[:8], 16) % len(known)] if known else None


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two maps of one grid; 0 where one of them is flat."""
    from scipy.stats import spearmanr

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def plain(bench: Bench, method: Method, probe: Probe) -> np.ndarray:
    """The map of the probe itself."""
    return bench.map(method, probe, "plain", functools.partial(probe.aim, bench.model))


def comparisons(bench: Bench, method: Method, unit: Unit) -> Iterator[tuple[str, float]]:
    """(test, correlation of two maps that should differ).

    "finding"         another finding of the same film, asked about in the same way
    "absent finding"  a question about what is not there, where the model says so: the picture alone is the same
    "word"            two findings' names as replies to one question: the words alone differ
    """
    probe, model = unit.probe, bench.model
    if unit.other is not None and unit.other.scan == probe.scan:
        yield "finding", correlation(plain(bench, method, probe), plain(bench, method, unit.other))
    if unit.absent is not None:
        about = probe_about(model, probe.case, unit.absent, probe.language)
        if bench.score(about) > 0:
            aim = functools.partial(aim_at, model, about.query, probe.replies)
            yield (
                "absent finding",
                correlation(plain(bench, method, probe), bench.map(method, probe, "absent finding", aim)),
            )
    against = unit.other.finding if unit.other is not None else unit.absent
    if against is not None:
        names = {"word": probe.finding, "other word": against}
        pair = [
            bench.map(method, probe, test, functools.partial(naming, model, probe, name))
            for test, name in names.items()
        ]
        yield "word", correlation(*pair)


def apart(bench: Bench, method: Method, unit: Unit, grid: Grid) -> float | None:
    """Whether the maps of the film's two findings point each at its own, on `grid`; None where there are no two."""
    probe, other = unit.probe, unit.other
    if other is None or other.scan != probe.scan:
        return None
    maps = [plain(bench, method, one) for one in (probe, other)]
    fit = bench.model.fit_of(probe.case.scans[probe.scan])
    return tells_apart(maps, fit, [probe.truth, other.truth], grid)


def change_under_noise(bench: Bench, method: Method, probe: Probe) -> float | None:
    """The largest distance of the map from those of the film with invisible noise, over its own length.

    Max-sensitivity (Yeh 2019) by sampling. None for a map of zeros.
    """
    own = plain(bench, method, probe).astype(np.float64)
    size = np.linalg.norm(own)
    noisy = [
        bench.map(method, probe, f"noise {number}", functools.partial(with_noise, bench.model, probe, number))
        for number in range(NOISES)
    ]
    return float(max(np.linalg.norm(other - own) for other in noisy) / size) if size else None


def shuffled(
    bench: Bench, methods: Sequence[Method], units: Sequence[Unit]
) -> Iterator[tuple[str, Unit, dict[Method, np.ndarray]]]:
    """(test, unit, each method's map) as the weights are shuffled stage by stage, where the answer changed too.

    What the model did not use may be forgotten without a trace: a map that stays the same is then right. The answer
    has changed where its margin has lost or gained at least half of itself. A method that finds no finite numbers in
    the shuffled model is missing. At the end, or where the loop is left, the weights are what they were.
    """
    tests = [f"shuffled: {stage}" for stage in STAGES]
    missing = any(not bench.has(o, (*u.probe.key, t)) for o in (*methods, SCORES) for u in units for t in tests)
    model = bench.model
    with scrambling(model, bench.seed) if missing else contextlib.nullcontext(lambda stage: None) as scramble:
        for stage, test in zip(STAGES, tests, strict=True):
            scramble(stage)
            for unit in units:
                before, after = bench.score(unit.probe), bench.score(unit.probe, test)
                maps = {}
                for method in methods:
                    with contextlib.suppress(CapabilityError):
                        maps[method] = bench.map(method, unit.probe, test, functools.partial(unit.probe.aim, model))
                yield test, unit, maps if abs(after - before) >= before / 2 else {}
