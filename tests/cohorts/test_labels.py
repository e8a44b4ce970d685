"""States and yes/no labels: nothing is counted as "no" unless a person says so."""

import numpy as np
import pytest

from medlab.cohorts.cohort import load_cohort
from medlab.cohorts.labels import binary_labels, finding_names, finding_states
from medlab.core.case import Case, Finding
from medlab.core.errors import SpecError, UnknownName

STATES = ("present", "absent", "uncertain", "not_mentioned", None)


@pytest.fixture
def five():
    """One case a state, the last with no word on effusion; every second also has a nodule."""
    cases = []
    for number, state in enumerate(STATES):
        findings = [Finding("effusion", state)] if state else []
        findings += [Finding("nodule", "present")] if number % 2 else []
        cases.append(Case(str(number), findings=tuple(findings)))
    return load_cohort(cases)


def test_each_case_has_one_state_and_silence_is_not_mentioned(five):
    assert finding_states(five, "effusion").tolist() == [
        "present",
        "absent",
        "uncertain",
        "not_mentioned",
        "not_mentioned",
    ]
    assert finding_states(five, "nodule").tolist() == ["not_mentioned", "present"] * 2 + ["not_mentioned"]
    assert finding_names(five) == ["effusion", "nodule"]


def test_states_follow_a_filter_and_a_shuffle(five):
    assert finding_states(five.select([2, 0]), "effusion").tolist() == ["uncertain", "present"]


def test_a_finding_said_twice_takes_the_stronger_state():
    twice = Case("a", findings=(Finding("nodule", "uncertain"), Finding("nodule", "present")))
    assert finding_states(load_cohort([twice]), "nodule").tolist() == ["present"] == [twice.state_of("nodule")]


def test_a_finding_that_nobody_lists_is_an_unknown_name(five):
    with pytest.raises(UnknownName, match="did you mean 'effusion'"):
        finding_states(five, "efusion")


@pytest.mark.parametrize(
    ("uncertain", "not_mentioned", "rows", "values"),
    [
        ("exclude", "exclude", [0, 1], [1, 0]),
        ("ones", "exclude", [0, 1, 2], [1, 0, 1]),
        ("zeros", "exclude", [0, 1, 2], [1, 0, 0]),
        ("exclude", "zeros", [0, 1, 3, 4], [1, 0, 0, 0]),
        ("ones", "zeros", [0, 1, 2, 3, 4], [1, 0, 1, 0, 0]),
    ],
)
def test_a_policy_decides_who_takes_part_and_as_what(five, uncertain, not_mentioned, rows, values):
    labels = binary_labels(five, "effusion", uncertain=uncertain, not_mentioned=not_mentioned)
    assert labels.rows.tolist() == rows
    assert labels.values.tolist() == [bool(value) for value in values]
    assert (labels.uncertain, labels.not_mentioned) == (uncertain, not_mentioned)
    assert f"{sum(values)} of {len(values)}" in repr(labels)


def test_a_policy_must_be_one_of_three_and_must_leave_somebody(five):
    with pytest.raises(SpecError, match="exclude, ones, zeros"):
        binary_labels(five, "effusion", uncertain="nan")
    with pytest.raises(SpecError, match="no case is left"):
        binary_labels(five.select([2]), "effusion")


def test_labels_are_never_nan(five):
    assert binary_labels(five, "effusion", not_mentioned="zeros").values.dtype == np.bool_
