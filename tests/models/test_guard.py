"""The guard: familiar scans pass, unfamiliar ones are named, and the arithmetic is what it says."""

import numpy as np
import pytest
import torch

from medlab.core.errors import DataError
from medlab.models.guard import FILE, Guard, describe

RNG = np.random.default_rng(0)
KNOWN = RNG.normal(5, 2, (4000, 3))
OTHERS = RNG.normal(5, 2, (2000, 3))


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard.fit(KNOWN, OTHERS, quantile=0.99, trained_on="round numbers")


def test_a_scan_is_described_by_mean_and_spread_of_its_patches():
    features = torch.tensor([[1.0, 10.0], [3.0, 10.0]])
    assert describe(features).tolist() == pytest.approx([2.0, 10.0, 2**0.5, 0.0])


def test_distances_are_in_standard_deviations_a_feature(guard):
    # Two deviations off in each of three independent features: sqrt((4 + 4 + 4) / 3) = 2.
    assert guard._distance(np.array([9.0, 9.0, 9.0])) == pytest.approx(2, rel=0.05)
    assert guard._distance(np.array([5.0, 5.0, 5.0])) == pytest.approx(0, abs=0.1)


def test_one_in_a_hundred_of_the_held_out_is_beyond_the_threshold(guard):
    beyond = np.mean([guard._distance(row) > guard.threshold for row in OTHERS])
    assert beyond == pytest.approx(0.01, abs=0.002)


def test_the_warning_names_what_is_familiar(guard):
    assert guard.warning(guard.threshold) is None
    told = guard.warning(guard.threshold + 3)
    assert "unlike the round numbers" in told
    assert "means nothing" in told


def test_a_guard_is_read_back_as_it_was_saved(guard, tmp_path):
    assert Guard.load(tmp_path) is None
    guard.save(tmp_path)
    assert Guard.load(tmp_path) == guard


def test_a_file_that_is_no_guard_is_refused_by_name(tmp_path):
    (tmp_path / FILE).write_bytes(b"not safetensors")
    with pytest.raises(DataError, match=FILE):
        Guard.load(tmp_path)
