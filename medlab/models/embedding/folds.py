"""Folds that keep a patient's scans together, and the interval of an AUC over patients. It fits nothing."""

from collections.abc import Sequence

import numpy as np

from medlab.core.errors import DataError, SpecError

Fold = tuple[np.ndarray, np.ndarray]
"""(rows to learn from, rows to be tried on)"""


def patient_folds(labels: np.ndarray, patients: np.ndarray, count: int, seed: int) -> list[Fold]:
    """`count` folds of rows with shares of the label as even as whole patients allow.

    labels, patients  (n,) 0 or 1; any values that tell patients apart

    Raises SpecError where a fold would leave one label only to learn from.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    folds = list(splitter.split(np.zeros((len(labels), 1)), labels, patients))
    check_apart(folds, patients)
    if any(len(np.unique(labels[train])) < 2 for train, _ in folds):
        raise SpecError(
            f"{count} folds of {len(np.unique(patients))} patients leave one label only to learn from",
            accepted="each label with several patients",
            fix="fewer folds, or more patients",
        )
    return folds


def check_apart(folds: Sequence[Fold], patients: np.ndarray) -> None:
    """Raises DataError leak where a patient to be tried on is also learnt from."""
    for number, (train, test) in enumerate(folds):
        shared = set(patients[train].tolist()) & set(patients[test].tolist())
        if shared:
            raise DataError("leak", f"fold {number}: {len(shared)} patient(s) both learnt from and tried on")


def auc(labels: np.ndarray, values: np.ndarray, fold: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Area under the ROC curve: how often a positive has the larger value than a negative *of its own fold*.

    labels, values, fold  (n,) 0 or 1; any numbers; which fold's fit gave the value
    weights               (n,) how often each row counts; None for once

    Ties count half. NaN where no fold has both labels. Values of different fits are not compared: a fold of more
    positives leaves fewer to learn from, its fit starts lower, and all folds in one pot would make an embedding that
    knows nothing look worse than chance.
    """
    weights = np.ones(len(labels)) if weights is None else weights
    won = pairs = 0.0
    for one in np.unique(fold):
        rows = fold == one
        rank = np.unique(values[rows], return_inverse=True)[1]
        positive = np.bincount(rank, weights[rows] * labels[rows])
        negative = np.bincount(rank, weights[rows] * (1 - labels[rows]))
        won += positive @ (np.cumsum(negative) - 0.5 * negative)
        pairs += positive.sum() * negative.sum()
    return float(won / pairs) if pairs else float("nan")


def auc_interval(
    labels: np.ndarray, values: np.ndarray, fold: np.ndarray, patients: np.ndarray, *, resamples: int, seed: int
) -> tuple[float, float, float]:
    """(2.5 % quantile, 97.5 % quantile, mean) of the AUC over bootstrap resamples of whole patients.

    A resample in which no fold has both labels has no AUC and is left out.
    """
    rng = np.random.default_rng(seed)
    kinds, row_of = np.unique(patients, return_inverse=True)
    drawn = (rng.multinomial(len(kinds), np.full(len(kinds), 1 / len(kinds))) for _ in range(resamples))
    found = np.array([auc(labels, values, fold, counts[row_of]) for counts in drawn])
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high), float(found.mean())
