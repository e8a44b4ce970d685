"""Linear probe: how much of a finding can be read off an embedding by a straight cut, and how sure one may be of that.

Logistic regression, each finding alone. What it scores is always a patient that it did not learn from: standardising,
the strength of the penalty and the fit see the training patients of their fold only. It takes embeddings, whoever made
them, and runs no model.
"""

import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from medlab.core.errors import DataError, SpecError, shown
from medlab.core.record import Record, check_number, check_whole, frozen_array, record
from medlab.core.score import Score
from medlab.models.embedding.folds import Fold, auc, auc_interval, patient_folds

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
"""Values of C, the inverse of the penalty, that are tried inside each fold. Embeddings have many columns and cohorts
few patients: the small ones often win."""
TUNING_FOLDS = 3


@record
class LinearProbe(Record):
    """What was learnt, from all patients, and how well the same recipe did on patients it had not seen.

    Plain numbers: `save` writes JSON, which holds no code.
    """

    findings: tuple[str, ...]
    weights: np.ndarray
    """(findings, dim) float64, for embeddings as they are: standardising is folded in"""
    offsets: np.ndarray
    """(findings,) float64"""
    strengths: tuple[float, ...]
    """C of each finding, chosen by AUC inside the training patients"""
    scores: tuple[Score, ...]
    """AUC of each finding on patients not learnt from, over the pairs within each fold; n is patients"""
    folds: int
    seed: int

    def __post_init__(self):
        for name, ndims in (("weights", (2,)), ("offsets", (1,))):
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), np.float64, ndims))
        sizes = {len(self.findings), len(self.weights), len(self.offsets), len(self.strengths), len(self.scores)}
        if len(sizes) != 1:
            raise SpecError(f"a probe with parts for {sorted(sizes)} findings", accepted="every part for each finding")

    def predict(self, embeddings: np.ndarray) -> np.ndarray:
        """(n, findings) float32 in 0..1: the probability of each finding, at the prevalence it was learnt at.

        embeddings  (n, dim) of the model and fit that it was learnt from
        """
        rows = frozen_array("embeddings", embeddings, np.float64, (2,))
        if rows.shape[1] != self.weights.shape[1]:
            given = f"embeddings of {rows.shape[1]} numbers for a probe of {self.weights.shape[1]}"
            raise SpecError(given, accepted="embeddings of the model that it was learnt from")
        return (0.5 * (1 + np.tanh(0.5 * (rows @ self.weights.T + self.offsets)))).astype(np.float32)

    def save(self, path: str | os.PathLike) -> pathlib.Path:
        """Write it as JSON; `load` reads it back equal."""
        path = pathlib.Path(path)
        path.write_text(self.to_json(), "utf-8")
        return path

    @classmethod
    def load(cls, path: str | os.PathLike) -> "LinearProbe":
        """Read what `save` wrote. Raises DataError for anything else."""
        path = pathlib.Path(path)
        try:
            return cls.from_json(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise DataError("missing_file", f"no file {shown(path.name)}", fix="probe.save(path)") from error
        except UnicodeDecodeError as error:
            raise DataError("schema", f"{shown(path.name)} is no text", accepted="what probe.save wrote") from error

    def __repr__(self) -> str:
        head = f"LinearProbe({len(self.findings)} finding(s), {self.folds} folds; AUC on patients it had not seen)"
        return "\n".join([head, *(f"  {score}" for score in self.scores)])


def linear_probe(
    embeddings: np.ndarray,
    labels: np.ndarray,
    patients: Sequence[str],
    findings: Sequence[str],
    *,
    folds: int = 5,
    strengths: Sequence[float] = STRENGTHS,
    resamples: int = 1000,
    seed: int = 0,
    progress: bool = True,
) -> LinearProbe:
    """Learn each finding from embeddings, and measure it on patients not learnt from.

    embeddings  (n, dim), a row a scan
    labels      (n, findings), or (n,) for one: 1 present, 0 absent, NaN not known; see `label_matrix`. Rows not known
                are left out for that finding alone
    patients    whose scan each row is: a patient is never on both sides of a fold
    strengths   values of C to choose from inside each fold; one value: no choice is made
    resamples   bootstrap resamples of patients for the 95 % interval, which holds the fits fixed: it tells how the AUC
                varies with who is tried, not with who is learnt from, and so is somewhat too narrow

    Raises DataError no_patient for a row without a patient; SpecError, naming every finding concerned, where fewer
    than `folds` patients have it or fewer do not, which includes a finding of one label only.
    """
    from tqdm.auto import tqdm

    rows, table, people = _checked(embeddings, labels, patients, findings)
    plan = Plan(folds, tuple(map(float, strengths)), resamples, seed)
    _check_enough(table, people, findings, folds)
    learnt = []
    for column, finding in enumerate(tqdm(findings, desc="probing", delay=2, disable=not progress)):
        known = np.isfinite(table[:, column])
        learnt.append(_learn(finding, rows[known], table[known, column], people[known], plan))
    weights, offsets, chosen, scores = zip(*learnt, strict=True)
    return LinearProbe(tuple(findings), np.stack(weights), np.array(offsets), chosen, scores, folds, seed)


@record
class Plan(Record):
    """How a probe is learnt and measured: the options of `linear_probe`."""

    folds: int
    strengths: tuple[float, ...]
    resamples: int
    seed: int

    def __post_init__(self):
        for name, low in (("folds", 2), ("resamples", 100), ("seed", 0)):
            check_whole(name, getattr(self, name), low)
        if not self.strengths:
            raise SpecError("no strength", accepted="one or more values of C", fix="strengths=(0.01,)")
        for strength in self.strengths:
            check_number("strength", strength, low=1e-12)


def _learn(
    finding: str, x: np.ndarray, y: np.ndarray, who: np.ndarray, plan: Plan
) -> tuple[np.ndarray, float, float, Score]:
    """(weights, offset, C, AUC) of one finding: the AUC from folds, the rest from all patients."""

    def strength_of(rows: np.ndarray) -> float:
        return _strength(x[rows], y[rows], who[rows], plan)

    values, fold = _unseen(x, y, patient_folds(y, who, plan.folds, plan.seed), strength_of)
    chosen = strength_of(np.arange(len(y)))
    scaler, regression = (step for _, step in _regression(chosen).fit(x, y).steps)
    weights = regression.coef_[0] / scaler.scale_
    offset = float(regression.intercept_[0] - weights @ scaler.mean_)
    return weights, offset, chosen, _score(finding, y, values, fold, who, plan)


def _strength(x: np.ndarray, y: np.ndarray, who: np.ndarray, plan: Plan) -> float:
    """C of the largest AUC over folds of these patients alone, the smallest of equals."""
    if len(plan.strengths) == 1:
        return plan.strengths[0]
    inner = patient_folds(y, who, TUNING_FOLDS, plan.seed)
    found = {c: auc(y, *_unseen(x, y, inner, lambda _, c=c: c)) for c in sorted(plan.strengths)}
    return max(found, key=found.get)


def _unseen(
    x: np.ndarray, y: np.ndarray, folds: Sequence[Fold], strength_of: Callable[[np.ndarray], float]
) -> tuple[np.ndarray, np.ndarray]:
    """(value, fold) of each row, from the fit of the fold that did not learn from it."""
    values, fold = np.empty(len(y)), np.empty(len(y), int)
    for number, (train, test) in enumerate(folds):
        fitted = _regression(strength_of(train)).fit(x[train], y[train])
        values[test], fold[test] = fitted.decision_function(x[test]), number
    return values, fold


def _regression(c: float):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=2000))


def _score(finding: str, y: np.ndarray, values: np.ndarray, fold: np.ndarray, who: np.ndarray, plan: Plan) -> Score:
    value = auc(y, values, fold)
    low, high, mean = auc_interval(y, values, fold, who, resamples=plan.resamples, seed=plan.seed)
    return Score(
        finding,
        value,
        len(np.unique(who)),
        low,
        high,
        question="AUC of a linear probe on patients it had not seen",
        interval="95 % bootstrap over patients",
        bias=None if low <= value <= high else mean - value,
    )


def _checked(
    embeddings: np.ndarray, labels: np.ndarray, patients: Sequence[str], findings: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows float64, table float64, people) of agreeing shapes."""
    rows = frozen_array("embeddings", embeddings, np.float64, (2,))
    table = np.asarray(labels, np.float64)
    table = table[:, None] if table.ndim == 1 else table
    if isinstance(findings, str) or table.shape != (len(rows), len(findings)) or not len(findings):
        given = f"labels has shape {table.shape} for {len(rows)} embeddings and findings {shown(findings)}"
        raise SpecError(given, accepted="(embeddings, findings), findings a list of names")
    if not np.isin(table[np.isfinite(table)], (0, 1)).all() or np.isinf(table).any():
        raise SpecError("labels holds other values than 0, 1 and NaN", accepted="1 present, 0 absent, NaN not known")
    if len(patients) != len(rows):
        raise SpecError(f"{len(patients)} patients for {len(rows)} embeddings", accepted="one a row")
    nameless = sum(patient is None or not str(patient).strip() for patient in patients)
    if nameless:
        raise DataError(
            "no_patient",
            f"{nameless} of {len(rows)} rows have no patient",
            accepted="a patient for every row: scans of one person must not be on both sides of a fold",
            fix="leave those rows out",
        )
    return rows, table, np.array([str(patient) for patient in patients])


def _check_enough(table: np.ndarray, people: np.ndarray, findings: Sequence[str], folds: int) -> None:
    need = max(folds, TUNING_FOLDS + 1)
    short = []
    for column, finding in enumerate(findings):
        having, lacking = (len(np.unique(people[table[:, column] == value])) for value in (1, 0))
        if min(having, lacking) < need:
            short.append(f"{shown(finding, 40)} {having} with and {lacking} without")
    if short:
        raise SpecError(
            f"too few patients: {'; '.join(short)}",
            accepted=f"at least {need} patients with a finding and {need} without, for {folds} folds",
            fix="leave those findings out, or give more patients",
        )
