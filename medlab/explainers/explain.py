"""`medlab.explain`: why these words? One map by one method, or several maps and how far they agree.

It decides nothing about models and draws nothing itself: methods do. It adds what every map must carry: whose words,
which scan, the score, what hiding the scan does to it, and what is known of the method's trustworthiness.
"""

import dataclasses
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.answer import Answer
from medlab.core.attribution import Attribution, Explanation
from medlab.core.errors import CapabilityError, SpecError
from medlab.core.query import Query
from medlab.core.record import check_whole
from medlab.explainers.aims import Aim, Target, aim_at
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.knockout import cut_scorer
from medlab.explainers.methods import SHORT, make_method
from medlab.explainers.trust.verdicts import key_of, verdict_for

if TYPE_CHECKING:
    from medlab.models.base import Model

LONG_SECONDS = 60
"""of a method that nobody asked for by name, above which it is left out"""


def explain(
    model: "Model",
    said: Answer | Query,
    target: Target = None,
    *,
    method: str | Method | Sequence[str | Method] | None = None,
    occurrence: int = 0,
    scan: int = 0,
    query: Query | None = None,
    seed: int = 0,
    progress: bool = False,
    **options,
) -> Attribution | Explanation:
    """Which parts of the scan speak for `target`, one method's claim or several.

    said        an Answer; or a Query, on which `target` is forced as the reply
    target      words of the answer, or (for, against); None for the whole answer
    method      a name, or a Method, for an Attribution; several for an Explanation. None takes "instant", "refine" and
                "reference", the last only where it will take less than LONG_SECONDS
    occurrence  which of several equal words, from 0
    scan        which of the query's scans, from 0
    query       of an answer that does not hold it any more
    options     of the method, where there is one

    Raises SpecError for a target that the answer does not hold, CapabilityError for a model that the method cannot
    work on: both before any work.
    """
    aim = aim_at(model, said, target, occurrence=occurrence, query=query)
    request = request_for(model, aim, scan=scan, seed=seed, progress=progress)
    if isinstance(method, (str, Method)):
        return attribute(_made(method, options), request)
    if options:
        raise SpecError(f"options {sorted(options)} for several methods", accepted="options of one method")
    chosen = [make_method(name) for name in SHORT] if method is None else [_made(one, {}) for one in method]
    if not chosen:
        raise SpecError("no method", accepted='a name such as "instant", several, or None')
    left_out = []
    if method is None:
        costs = [one.cost(request) for one in chosen]
        left_out = [f"{one.method}: about {one.seconds:.0f} s" for one in costs if one.seconds > LONG_SECONDS]
        chosen = [one for one, cost in zip(chosen, costs, strict=True) if cost.seconds <= LONG_SECONDS] or chosen[:1]
    maps = tuple(attribute(one, request) for one in chosen)
    return Explanation(maps, agreement_of(maps), tuple(left_out))


def estimate(
    model: "Model", said: Answer | Query, target: Target = None, *, method: str | Method, scan: int = 0, **options
) -> Cost:
    """What `explain` will cost by one method: seconds, memory, passes. Nothing is drawn."""
    request = request_for(model, aim_at(model, said, target), scan=scan)
    return _made(method, options).cost(request)


def request_for(model: "Model", aim: Aim, *, scan: int = 0, seed: int = 0, progress: bool = False) -> Request:
    """The request, checked."""
    check_whole("scan", scan, 0, len(aim.query.scans) - 1)
    check_whole("seed", seed)
    return Request(model, aim, scan, seed, progress)


def attribute(method: Method, request: Request) -> Attribution:
    """One method's map as a record, with all that it must carry."""
    began = time.perf_counter()
    found = method.draw(request)
    return as_record(method, request, found, time.perf_counter() - began)


def as_record(method: Method, request: Request, found: Map, seconds: float) -> Attribution:
    """What `method` drew for `request` in so many seconds, as a record with all that it must carry."""
    _check(found, method)
    aim = request.aim
    score, effect = effect_of(request) if method.needs != "nothing" and request.opened else (None, None)
    return Attribution(
        np.asarray(found.values, np.float32),
        request.model.fit_of(aim.query.scans[request.scan]),
        method.name,
        aim.words,
        aim.contrast,
        aim.spans,
        request.scan,
        (*method.settings, ("seed", str(request.seed))),
        None if found.standard_error is None else np.asarray(found.standard_error, np.float32),
        method.causal,
        found.completeness_error,
        score,
        effect,
        seconds,
        request.model.fingerprint,
        aim.query.fingerprint,
        aim.answer_fingerprint,
        verdict_for(key_of(request.model), method),
    )


def effect_of(request: Request) -> tuple[float, float]:
    """(score, what it loses when no word may look at the scan), nats; kept with the opened model."""
    glass = request.glass
    key = ("effect", request.aim.strands, request.scan)
    if key not in glass.notes:
        nothing = np.zeros((1, *glass.grid), bool)
        score, blind = cut_scorer(request)(np.concatenate([nothing, ~nothing])).tolist()
        glass.notes[key] = score, score - blind
    return glass.notes[key]


def agreement_of(maps: Sequence[Attribution]) -> np.ndarray:
    """(maps, maps) float32: Spearman's rank correlation of each two, on the coarser of their grids."""
    from scipy.stats import spearmanr

    out = np.eye(len(maps), dtype=np.float32)
    for row, one in enumerate(maps):
        for col, other in enumerate(maps[:row]):
            grid = min(one.values.shape, other.values.shape)
            pair = [coarser(each.values, grid).ravel() for each in (one, other)]
            flat = any(np.ptp(values) == 0 for values in pair)
            out[row, col] = out[col, row] = 0.0 if flat else spearmanr(*pair).statistic
    return out


def coarser(values: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """(grid) float32: the mean of a map, by area, over each cell of another grid, whether or not the grids nest."""
    down, across = (_overlaps(have, wanted) for have, wanted in zip(values.shape, grid, strict=True))
    return (down @ values.astype(np.float64) @ across.T).astype(np.float32)


def _overlaps(have: int, wanted: int) -> np.ndarray:
    """(wanted, have) float64: the share of each of `wanted` equal parts of a line in each of `have`."""
    part, other = np.arange(wanted)[:, None] * have, np.arange(have)[None] * wanted
    return np.clip(np.minimum(part + have, other + wanted) - np.maximum(part, other), 0, None) / have


def _made(method: str | Method, options: dict) -> Method:
    if isinstance(method, Method):
        return dataclasses.replace(method, **options)
    return make_method(method, **options)


def _check(found: Map, method: Method) -> None:
    if not np.isfinite(found.values).all():
        raise CapabilityError(
            f"{method.name} found numbers that are not finite",
            accepted="a model whose gradients and log-probabilities are finite",
            fix='load_model(name, dtype="float32")',
        )
