"""The public tables in torchxrayvision's wheel: counts made independently, and labels that stay in their rows."""

import ast
import csv
import gzip
import importlib.util
import io
import itertools
import pathlib

import numpy as np
import pyarrow.compute as pc
import pytest

import medlab
from medlab.cohorts.cohort import SOURCES, source_card
from medlab.cohorts.integrity import label_integrity
from medlab.cohorts.labels import finding_names, finding_states
from medlab.cohorts.splits import arrow_of
from medlab.core.errors import DataError

BENCHMARK = pathlib.Path(__file__).resolve().parents[2] / "benchmarks" / "label_integrity.py"
TABLES = {
    "chexpert": "chexpert_train.csv.gz",
    "nih": "Data_Entry_2017_v2020.csv.gz",
    "padchest": "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz",
    "rsna": "kaggle_stage_2_train_labels.csv.zip",
    "siim": "siim-pneumothorax-train-rle.csv.gz",
    "vindr": "vinbigdata-train.csv.gz",
}


@pytest.fixture(scope="module")
def opened(wheel):
    """`opened("nih")`: that cohort, read once."""
    kept = {}

    def get(name: str):
        wheel(TABLES[name])
        if name not in kept:
            kept[name] = medlab.load_cohort(name, cache=False)
        return kept[name]

    return get


def counts(dataset, column: str, field: str) -> dict[str, int]:
    values = pc.struct_field(pc.list_flatten(arrow_of(dataset, (column,))[column]), field)
    return {pair["values"]: pair["counts"] for pair in pc.value_counts(values).to_pylist()}


def raw_rows(path: pathlib.Path, every: int = 1) -> list[dict[str, str]]:
    """Rows 0, `every`, 2 x `every`, … of the table by Python's own csv reader."""
    with io.TextIOWrapper(gzip.open(path), "utf-8-sig", newline="") as stream:
        lines = csv.reader(stream)
        names = next(lines)
        return [dict(zip(names, line, strict=True)) for line in itertools.islice(lines, 0, None, every)]


def test_chexpert_has_its_published_counts_of_rows_and_states(opened):
    cohort = opened("chexpert")
    assert len(cohort) == 223_414
    assert len(cohort.unique("patient_id")) == 64_540
    states = counts(cohort, "findings", "state")
    assert states == {"present": 515_589, "absent": 194_275, "uncertain": 139_958}
    assert 14 * len(cohort) - sum(states.values()) == 2_277_974


def test_chexpert_pneumonia_is_mostly_not_mentioned(opened):
    states = finding_states(opened("chexpert"), "Pneumonia")
    found = dict(zip(*(part.tolist() for part in np.unique(states, return_counts=True)), strict=True))
    assert found == {"present": 6_039, "absent": 2_799, "uncertain": 18_770, "not_mentioned": 195_806}


def test_chexpert_hashed_by_patient_gives_the_parts_counted_before(opened, wheel):
    patients = opened("chexpert").unique("patient_id")
    from medlab.cohorts.splits import split_of

    parts = [split_of(patient) for patient in patients]
    assert [parts.count(part) for part in ("train", "validation", "test")] == [51_584, 6_482, 6_474]


def test_every_chexpert_picture_has_the_labels_of_its_own_row(opened, wheel):
    integrity = _module()
    table = integrity.chexpert_table()
    cohort = opened("chexpert")
    claims = {label: finding_states(cohort, integrity.finding_name(label)) for label in integrity.LABELS}
    paths = [f"CheXpert-v1.0-small/{path}" for path in cohort["id"][:]]
    ours = label_integrity("medlab", paths, claims, table["Path"].tolist(), integrity.states(table))
    assert (ours.items, ours.wrong_items, ours.wrong_cells) == (223_414, 0, 0)
    theirs = integrity.of_torchxrayvision(table, ("PA", "AP"))
    assert (theirs.items, theirs.wrong_items) == (64_534, 24_844)
    theirs = integrity.of_torchxrayvision(table, ("PA",))
    assert (theirs.items, theirs.wrong_items) == (20_543, 3_197)


def _module():
    spec = importlib.util.spec_from_file_location("label_integrity_benchmark", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nih_has_its_counts_and_984_boxes_in_labels_of_one_spelling(opened, wheel):
    cohort = opened("nih")
    assert len(cohort) == 112_120
    assert len(cohort.unique("patient_id")) == 30_805
    assert sum(counts(cohort, "boxes", "label").values()) == 984
    assert "Infiltration" in counts(cohort, "boxes", "label")
    assert "Infiltrate" not in counts(cohort, "boxes", "label")
    assert set(counts(cohort, "findings", "state")) == {"present"}


def test_nih_boxes_are_those_of_the_list(opened, wheel):
    cohort = opened("nih")
    with gzip.open(wheel("BBox_List_2017.csv.gz"), "rt", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    place = {name: number for number, name in enumerate(cohort["id"][:])}
    for name, _, x, y, width, height in (row[:6] for row in rows[::50]):
        found = cohort[place[name]]["boxes"]
        edges = np.array([float(y), float(x), float(y) + float(height), float(x) + float(width)])
        boxes = np.array([[box[key] for key in ("top", "left", "bottom", "right")] for box in found])
        assert np.abs(boxes - edges.clip(0, 1024)).max(1).min() < 1e-3


def test_padchest_keeps_39_digits_and_the_terms_as_python_would_read_them(opened, wheel):
    cohort = opened("padchest")
    assert len(cohort) == 160_861
    patients = cohort.unique("patient_id")
    assert len(patients) == 67_625
    assert max(map(len, patients)) >= 36
    assert not any("e" in patient.lower() for patient in patients)
    views = counts(cohort, "images", "view")
    assert (views["PA"], views["LATERAL"], views["AP"]) == (91_728, 49_579, 14_346 + 4_559)
    for number, row in enumerate(raw_rows(wheel(TABLES["padchest"]), every=4001)):
        ours = cohort[4001 * number]
        terms = [term.strip() for term in ast.literal_eval(row["Labels"] or "[]")]
        assert [finding["raw"] for finding in ours["findings"]] == [term for term in terms if term]
        assert ours["patient_id"] == row["PatientID"]
        assert ours["language"] == "es"


def test_rsna_has_one_case_a_picture_all_boxes_and_no_patient(opened):
    cohort = opened("rsna")
    assert len(cohort) == 26_684
    assert sum(counts(cohort, "boxes", "label").values()) == 9_555
    boxed = np.array([len(boxes) > 0 for boxes in cohort["boxes"][:]])
    assert (boxed == (finding_states(cohort, "Lung Opacity") == "present")).all()
    assert cohort.unique("patient_id") == [None]
    with pytest.raises(DataError, match="no_patient"):
        medlab.load_cohort("rsna", split="test", cache=False)


def test_siim_keeps_every_outline_of_every_picture(opened):
    cohort = opened("siim")
    assert len(cohort) == 12_047
    numbers = np.array([len(masks) for masks in cohort["masks"][:]])
    assert numbers.sum() == 3_576
    assert ((numbers > 0).sum(), (numbers > 1).sum()) == (2_669, 624)
    assert (finding_states(cohort, "pneumothorax") == "present").sum() == 2_669


def test_a_siim_mask_is_the_union_drawn_by_hand(opened, wheel):
    cohort = opened("siim")
    number = next(n for n, masks in enumerate(cohort["masks"][:]) if len(masks) > 1)
    case = medlab.case_of(cohort[number], load=False)
    union = np.logical_or.reduce([mask.pixels for mask in case.masks])
    rows = [row for row in raw_rows(wheel(TABLES["siim"])) if row["ImageId"] == case.id]
    expected = np.zeros(1024 * 1024, bool)
    for row in rows:
        position = 0
        numbers = [int(word) for word in row[" EncodedPixels"].split()]
        for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
            position += gap
            expected[position : position + length] = True
            position += length
    assert (union == expected.reshape(1024, 1024).T).all()
    assert union.sum() > case.masks[-1].pixels.sum()


def test_vindr_keeps_every_reader_apart(opened, wheel):
    cohort = opened("vindr")
    rows = raw_rows(wheel(TABLES["vindr"]))
    assert len(rows) == 67_914
    assert len(cohort) == 15_000
    assert len(counts(cohort, "boxes", "rater")) <= 17
    assert sum(counts(cohort, "boxes", "rater").values()) == sum(row["x_min"] != "" for row in rows)
    place = {name: number for number, name in enumerate(cohort["id"][:])}
    by_image: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_image.setdefault(row["image_id"], []).append(row)
    for name in list(by_image)[::500]:
        readers = {row["rad_id"] for row in by_image[name]}
        for finding in cohort[place[name]]["findings"]:
            term = "No finding" if finding["name"] == "no_finding" else finding["name"]
            votes = {row["rad_id"] for row in by_image[name] if row["class_name"].lower() == term.lower()}
            votes |= {
                row["rad_id"]
                for row in by_image[name]
                if row["class_name"] == "Pleural effusion" and term == "effusion"
            }
            state = "absent" if not votes else "present" if 2 * len(votes) > len(readers) else "uncertain"
            assert finding["state"] == state
            assert set(finding["raw"].partition(" of ")[2].split()) == readers


def test_splitting_by_picture_would_have_leaked_most_patients(opened):
    patients = np.array(opened("chexpert")["patient_id"][:])
    test = np.random.default_rng(0).random(len(patients)) < 0.2
    shared = np.isin(patients[test], patients[~test]).mean()
    assert shared == pytest.approx(0.861, abs=0.005)


def test_every_source_has_a_card_that_says_how_it_is_had():
    for name in SOURCES:
        card = source_card(name)
        assert card.name == name
        assert card.labels


def test_findings_of_one_kind_have_one_name_in_all_data_sets(opened):
    for name in ("chexpert", "nih", "padchest", "vindr"):
        assert "effusion" in finding_names(opened(name))
        assert "no_finding" in finding_names(opened(name)) or name == "vindr"
