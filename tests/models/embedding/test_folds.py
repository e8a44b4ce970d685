"""Folds and AUC: no patient on both sides, and numbers that can be counted by hand."""

import numpy as np
import pytest

from medlab.core.errors import DataError, SpecError
from medlab.models.embedding.folds import auc, auc_interval, check_apart, patient_folds

ONE_FOLD = np.zeros(4, int)


@pytest.mark.parametrize("seed", range(20))
def test_a_patient_is_never_on_both_sides_of_a_fold(seed):
    rng = np.random.default_rng(seed)
    patients = rng.integers(0, 25, 120).astype(str)  # about five scans each
    labels = (rng.random(120) < 0.3).astype(float)
    folds = patient_folds(labels, patients, 4, seed)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(120))
    for train, test in folds:
        assert not set(patients[train]) & set(patients[test])


def test_a_shared_patient_would_be_noticed():
    patients = np.array(["a", "a", "b", "c"])
    with pytest.raises(DataError, match="fold 0: 1 patient") as caught:
        check_apart([(np.array([0, 2]), np.array([1, 3]))], patients)
    assert caught.value.code == "leak"
    check_apart([(np.array([0, 1]), np.array([2, 3]))], patients)


def test_folds_that_leave_one_label_only_are_refused():
    patients = np.array(["sick"] * 10 + [f"well {i}" for i in range(10)])
    with pytest.raises(SpecError, match="leave one label only"):
        patient_folds(np.repeat([1.0, 0.0], 10), patients, 2, 0)


def test_auc_counts_the_pairs_in_order_and_ties_as_half():
    labels = np.array([0, 0, 1, 1])
    assert auc(labels, np.array([1, 2, 3, 4]), ONE_FOLD) == 1
    assert auc(labels, np.array([4, 3, 2, 1]), ONE_FOLD) == 0
    assert auc(labels, np.array([1, 3, 2, 4]), ONE_FOLD) == 0.75
    assert auc(labels, np.array([1, 1, 1, 2]), ONE_FOLD) == 0.75  # (1/2 + 1/2 + 1 + 1) / 4
    assert np.isnan(auc(np.ones(4), np.arange(4), ONE_FOLD))


def test_auc_in_one_fold_equals_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    labels, values, weights = rng.integers(0, 2, 200), rng.integers(0, 30, 200), rng.integers(0, 4, 200)
    fold = np.zeros(200, int)
    assert auc(labels, values, fold) == pytest.approx(roc_auc_score(labels, values))
    assert auc(labels, values, fold, weights) == pytest.approx(roc_auc_score(labels, values, sample_weight=weights))


def test_values_of_different_folds_are_not_compared():
    labels, fold = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    assert auc(labels, np.array([1, 2, 11, 12]), fold) == 1
    assert auc(labels, np.array([11, 12, 1, 2]), fold) == 1
    assert auc(labels, np.array([1, 2, 11, 12]), np.zeros(4, int)) == 0.75  # where 11 beats 2


def test_the_interval_is_wider_where_rows_belong_to_few_patients():
    rng = np.random.default_rng(3)
    labels = np.tile([0.0, 1.0], 100)
    values = labels + rng.normal(scale=1.5, size=200)
    fold = np.zeros(200, int)
    alone = auc_interval(labels, values, fold, np.arange(200), resamples=400, seed=0)
    # ten copies of each of the first twenty rows: as many rows, and a tenth of the patients
    few, seen, people = np.repeat(labels[:20], 10), np.repeat(values[:20], 10), np.repeat(np.arange(20), 10)
    shared = auc_interval(few, seen, fold, people, resamples=400, seed=0)
    assert alone[0] < auc(labels, values, fold) < alone[1]
    assert alone[2] == pytest.approx(auc(labels, values, fold), abs=0.01)
    assert shared[1] - shared[0] > alone[1] - alone[0]
    assert auc_interval(labels, values, fold, np.arange(200), resamples=400, seed=0) == alone
