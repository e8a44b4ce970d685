"""Splits by patient: the same for ever, none without a patient, and a leak is an error that counts."""

import collections

import pytest

from medlab.cohorts.cohort import cohort_of, load_cohort
from medlab.cohorts.overlaps import OVERLAPS, known_overlap
from medlab.cohorts.splits import check_leakage, split_of
from medlab.core.case import Case
from medlab.core.errors import DataError, SpecError


def code_of(action) -> str:
    with pytest.raises(DataError) as caught:
        action()
    return caught.value.code


def cohort(*patients: str | None, source: str = "x", prefix: str = "", **fields):
    cases = [Case(f"{prefix}{n}", patient_id=p, source=source, **fields) for n, p in enumerate(patients)]
    return load_cohort(cases)


def test_a_patient_keeps_its_part_whatever_else_is_in_the_cohort():
    alone = {row["patient_id"]: row["split"] for row in cohort("p1", "p2", "p3")}
    among = {row["patient_id"]: row["split"] for row in cohort(*(f"p{n}" for n in range(9, 0, -1)))}
    assert alone == {patient: among[patient] for patient in alone}
    assert alone == {patient: split_of(patient) for patient in alone}


def test_parts_have_the_sizes_asked_for_and_another_salt_gives_others():
    patients = [str(number) for number in range(20_000)]
    counts = collections.Counter(split_of(patient) for patient in patients)
    # 20,000 draws: three standard errors are 170 for train, 127 for the others
    assert abs(counts["train"] - 16_000) < 170
    assert abs(counts["validation"] - 2_000) < 127
    other = [split_of(patient, salt="another") for patient in patients]
    assert other != [split_of(patient) for patient in patients]
    assert {split_of(patient, ratios=(0, 0, 1)) for patient in patients[:50]} == {"test"}


def test_ratios_must_add_up():
    with pytest.raises(SpecError, match="add up to 1"):
        load_cohort([Case("a", patient_id="p")], ratios=(0.8, 0.1, 0.2))


def test_all_pictures_of_a_patient_are_in_one_part():
    dataset = cohort(*[f"p{n % 40}" for n in range(200)])
    parts = collections.defaultdict(set)
    for row in dataset:
        parts[row["patient_id"]].add(row["split"])
    assert {len(part) for part in parts.values()} == {1}


def test_a_case_without_a_patient_is_in_no_part_and_asking_for_one_is_an_error():
    dataset = cohort(None, None)
    assert dataset["split"][:] == [None, None]
    assert dataset["split_source"][:] == ["none", "none"]
    with pytest.raises(DataError) as caught:
        load_cohort([Case("a")], split="test")
    assert caught.value.code == "no_patient"


def test_an_official_split_is_kept_unless_one_asks_otherwise():
    cases = [Case("a", patient_id="p", split="test", split_source="official")]
    assert load_cohort(cases)[0]["split"] == "test"
    assert load_cohort(cases)[0]["split_source"] == "official"
    hashed = load_cohort(cases, official=False)[0]
    assert (hashed["split"], hashed["split_source"]) == (split_of("p"), "hash")


def test_an_official_split_that_leaks_is_an_error_that_counts_patients():
    cases = [
        Case(f"{n}", patient_id=patient, split=split, split_source="official")
        for n, (patient, split) in enumerate(
            [("p", "train"), ("p", "test"), ("q", "train"), ("r", "test"), ("r", "train")]
        )
    ]
    with pytest.raises(DataError, match=r"\[leak\] cases: 2 patient") as caught:
        load_cohort(cases)
    assert "official=False" in str(caught.value)
    with pytest.raises(DataError, match="leak"):
        cohort_of(cases)
    assert len(load_cohort(cases, official=False)) == 5


def test_the_same_number_in_two_data_sets_is_two_patients():
    cases = [
        Case("a", patient_id="1", source="nih", split="train", split_source="official"),
        Case("b", patient_id="1", source="openi", split="test", split_source="official"),
    ]
    assert len(load_cohort(cases)) == 2


def test_cohorts_that_share_nothing_pass():
    assert check_leakage(cohort("p", "q"), cohort("r", None, prefix="b")) is None


def test_a_shared_patient_is_a_leak_also_between_a_data_set_and_its_translation():
    with pytest.raises(DataError, match="1 patient"):
        check_leakage(cohort("p", "q"), cohort("q", "r"))
    with pytest.raises(DataError, match="2 patient"):
        check_leakage(cohort("1", "2", source="openi"), cohort("1", "2", source="openi-zh"))
    assert check_leakage(cohort("1", source="nih"), cohort("1", source="openi")) is None


def test_a_shared_study_or_picture_is_a_leak(folder):
    pictures = ["a.png", "b.png"]
    lines = [{"id": n, "images": [{"path": n, "sha256": n[0] * 64}]} for n in pictures]
    first = load_cohort(folder(lines, pictures, "one"))
    second = load_cohort(folder([{**lines[0], "id": "other"}], pictures[:1], "two"))
    with pytest.raises(DataError, match="1 picture"):
        check_leakage(first, second)
    studies = [load_cohort(folder([{"id": n, "study_id": "s", "source": "x"}], (), n)) for n in ("three", "four")]
    with pytest.raises(DataError, match="1 study"):
        check_leakage(*studies)


def test_the_same_pictures_of_a_data_set_that_names_no_patient_are_a_leak(folder):
    names = ("a.png", "b.png")
    first, second = (
        load_cohort(folder([{"id": n, "source": "rsna", "access": "competition"} for n in ids], (), ids[0]))
        for ids in (names, names[1:])
    )
    with pytest.raises(DataError, match="1 case"):
        check_leakage(first, second)
    assert check_leakage(first.select([0]), second) is None
    # names in folders of one's own are nobody's numbering
    mine = [load_cohort(folder([{"id": "a.png", "source": "images"}], (), n)) for n in ("five", "six")]
    assert check_leakage(*mine) is None


def test_a_sha256_in_capitals_is_the_same_picture(folder):
    lower, upper = ([{"id": n, "images": [{"path": "a.png", "sha256": n * 64}]}] for n in "aA")
    with pytest.raises(DataError, match="1 picture"):
        check_leakage(load_cohort(folder(lower, ["a.png"], "l")), load_cohort(folder(upper, ["a.png"], "u")))


def test_the_check_sees_what_a_filter_left_and_not_more():
    both = cohort("p", "q")
    only_p = both.filter(lambda row: row["patient_id"] == "p")
    assert check_leakage(only_p, cohort("q")) is None
    assert code_of(lambda: check_leakage(both, cohort("q"))) == "leak"


def test_data_sets_known_to_overlap_under_other_names_are_refused_unless_one_says_so():
    nih, siim = cohort("1", source="nih"), cohort(None, source="siim")
    with pytest.raises(DataError, match="siim overlaps nih"):
        check_leakage(nih, siim)
    assert check_leakage(nih, siim, known="ignore") is None


def test_known_overlaps_go_both_ways_and_through_a_common_origin():
    assert known_overlap("rsna", "nih") == known_overlap("nih", "rsna")
    assert "nih" in known_overlap("rsna", "siim")
    assert known_overlap("openi", "nih") is None
    assert known_overlap("nih", "nih") is None
    assert all(known_overlap(overlap.part, overlap.whole) for overlap in OVERLAPS)


def test_a_dataset_that_is_no_cohort_is_told_so():
    dataset = cohort("p").remove_columns("images")
    assert code_of(lambda: check_leakage(dataset, dataset)) == "schema"
