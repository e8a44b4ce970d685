"""The label check itself: it finds what is wrong and nothing else."""

import pytest

from medlab.cohorts.integrity import label_integrity
from medlab.core.errors import DataError

OWN = {"effusion": ["present", "absent", "not_mentioned"], "nodule": ["absent", "uncertain", "present"]}
IDS = ["a", "b", "c"]


def test_own_labels_are_right_in_any_order_and_silence_is_no_claim():
    claims = {"effusion": ["not_mentioned", "present"], "nodule": ["present", "not_mentioned"]}
    report = label_integrity("x", ["c", "a"], claims, IDS, OWN)
    assert (report.items, report.wrong_items, report.cells, report.wrong_cells) == (2, 0, 2, 0)


def test_each_label_that_is_not_in_the_own_row_counts():
    claims = {"effusion": ["present", "present", "present"], "nodule": ["absent", "absent", "present"]}
    report = label_integrity("x", IDS, claims, IDS, OWN)
    assert (report.wrong_items, report.wrong_cells) == (2, 3)
    assert report.by_label == (("effusion", 2), ("nodule", 1))
    assert "2 of 3 items (66.7%)" in str(report)


@pytest.mark.parametrize(
    ("ids", "claims", "own_ids", "code"),
    [
        (["z"], {"nodule": ["absent"]}, IDS, "mismatch"),
        (["a"], {"mass": ["absent"]}, IDS, "schema"),
        (["a"], {"nodule": ["absent"]}, ["a", "a", "b"], "schema"),
    ],
)
def test_claims_that_cannot_be_compared_are_errors(ids, claims, own_ids, code):
    with pytest.raises(DataError) as caught:
        label_integrity("x", ids, claims, own_ids, OWN)
    assert caught.value.code == code
