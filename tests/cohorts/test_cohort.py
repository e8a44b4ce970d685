"""load_cohort, cohort_of, case_of: what a person types, and that the dataset behaves as one."""

import datasets
import numpy as np
import pytest

import medlab
from medlab.cohorts.cohort import SOURCES, cohort_of, load_cohort, with_bytes, with_root
from medlab.cohorts.features import features
from medlab.cohorts.tables import CohortWarning
from medlab.core.case import Box, Case, Finding, Mask, Question, Report
from medlab.core.errors import DataError, PrivacyError, SpecError, UnknownName
from medlab.core.scan import Scan


def a_case(name: str = "c/1", **changes) -> Case:
    pixels = (np.arange(48, dtype=np.float32).reshape(8, 6) * 5) / np.float32(255)
    mask = np.zeros((8, 6), bool)
    mask[2:5, 1:4] = True
    fields = {
        "scans": (Scan(pixels, name="x", view="PA", modality="DX"),),
        "patient_id": "p",
        "findings": (Finding("effusion", "present", side="left", severity="small", source="me"),),
        "reports": (Report("en", findings="Small effusion."), Report("zh", full="少量积液。")),
        "boxes": (Box("effusion", (2.0, 1.0, 5.0, 4.0), side="left", rater="me"),),
        "masks": (Mask("effusion", mask, side="left"),),
        "questions": (Question("Where?", "left", kind="where", options=("left", "right"), about="effusion"),),
        "source": "mine",
        "licence": "none",
    }
    return Case(name, **(fields | changes))


def test_a_case_goes_into_a_cohort_and_comes_back_the_same():
    case = a_case()
    back = medlab.case_of(cohort_of([case])[0])
    for field in ("id", "patient_id", "findings", "reports", "boxes", "masks", "questions", "source", "licence"):
        assert getattr(back, field) == getattr(case, field), field
    assert (back.scans[0].pixels == case.scans[0].pixels).all()
    assert (back.scans[0].view, back.scans[0].modality) == ("PA", "DX")


def test_a_colour_scan_and_a_case_without_scans_come_back_too():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.float32) / np.float32(255)
    colour = Case("c", scans=(Scan(pixels),))
    back = medlab.case_of(cohort_of([colour, Case("t", reports=(Report("en", full="x"),))])[0])
    assert np.abs(back.scans[0].pixels - pixels).max() < 1e-6


def test_filter_map_and_disk_keep_a_cohort_a_cohort(tmp_path):
    cohort = cohort_of([a_case(str(n), patient_id=f"p{n}") for n in range(4)])
    half = cohort.filter(lambda row: row["patient_id"] in ("p1", "p2")).map(lambda row: {"licence": "new"})
    assert half.features == features() == cohort.features
    half.save_to_disk(tmp_path / "saved")
    again = datasets.load_from_disk(tmp_path / "saved")
    assert again.features == features()
    assert medlab.case_of(again[0]).masks == a_case().masks
    cohort.to_parquet(tmp_path / "c.parquet")
    assert medlab.case_of(datasets.Dataset.from_parquet(str(tmp_path / "c.parquet"))[3]).patient_id == "p3"


def test_the_fingerprint_tells_what_was_asked(folder):
    root = folder([{"id": "a", "patient_id": "p"}, {"id": "b", "patient_id": "q"}])
    assert load_cohort(root)._fingerprint == load_cohort(root, cache=False)._fingerprint
    assert load_cohort(root)._fingerprint != load_cohort(root, limit=1)._fingerprint


def test_a_moved_folder_says_so_and_can_be_given_anew(folder, tmp_path):
    root = folder([{"image": "a.png"}], ["a.png"])
    cohort = load_cohort(root)
    moved = tmp_path / "moved"
    root.rename(moved)
    with pytest.raises(DataError, match="missing_file") as caught:
        medlab.case_of(cohort[0])
    assert "root=" in caught.value.fix
    assert medlab.case_of(cohort[0], root=moved).scans[0].name == "a.png"
    again = with_root(cohort, moved)
    assert medlab.case_of(again[0]).scans[0].name == "a.png"
    assert again.features == features()
    assert medlab.case_of(load_cohort(moved)[0]).scans[0].name == "a.png"
    with pytest.raises(DataError, match="missing_file"):
        with_root(cohort, root)


def test_a_cohort_with_its_bytes_names_no_folder_and_needs_none(folder):
    root = folder([{"image": "a.png", "masks": [{"label": "x", "path": "a.png"}]}], ["a.png"])
    carried = with_bytes(load_cohort(root))
    before = medlab.case_of(load_cohort(root)[0])
    (root / "a.png").unlink()
    after = medlab.case_of(carried[0])
    assert carried[0]["root"] is None
    assert str(root) not in str(carried[0])
    assert (after.scans[0].pixels == before.scans[0].pixels).all()
    assert after.masks == before.masks
    assert carried.features == features()


def test_a_dicom_file_is_not_carried_because_its_header_names_the_patient(tmp_path):
    import pydicom
    from pydicom.data import get_testdata_file

    made = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    made.PatientName = "ZQ^CANARY"
    made.save_as(tmp_path / "a.dcm")
    cohort = load_cohort(tmp_path)
    with pytest.raises(PrivacyError, match=r"a\.dcm"):
        with_bytes(cohort)
    shown_only = cohort_of(medlab.case_of(row) for row in cohort)
    assert shown_only[0]["images"][0]["bytes"].startswith(b"\x89PNG")
    assert "CANARY" not in str(shown_only[0])
    assert with_bytes(shown_only)[0]["images"] == shown_only[0]["images"]


def test_a_row_without_a_folder_says_how_to_give_one():
    row = load_cohort([a_case()])[0]
    row["images"][0]["bytes"] = None
    with pytest.raises(DataError, match="no folder to start from") as caught:
        medlab.case_of(row)
    assert 'root="folder"' in caught.value.fix


def test_a_file_that_is_not_the_one_described_is_a_mismatch(folder):
    root = folder([{"images": [{"path": "a.png", "sha256": "0" * 64}]}], ["a.png"])
    with pytest.raises(DataError, match="mismatch"):
        medlab.case_of(load_cohort(root)[0])


def test_boxes_on_a_picture_of_another_size_are_a_mismatch(folder):
    line = {"images": [{"path": "a.png", "rows": 16, "cols": 12}], "id": "a"}
    box = {"boxes": [{"label": "x", "box_px": [0, 0, 10, 10]}]}
    assert medlab.case_of(load_cohort(folder([line], ["a.png"]))[0]).scans[0].rows == 8
    with pytest.raises(DataError, match="16 x 12"):
        medlab.case_of(load_cohort(folder([line | box], ["a.png"]))[0])


def test_a_mask_of_another_size_than_its_picture_is_a_mask_error(folder):
    line = {"image": "a.png", "masks": [{"label": "x", "format": "siim-rle", "data": "0 3", "rows": 4, "cols": 3}]}
    with pytest.raises(DataError) as caught:
        medlab.case_of(load_cohort(folder([line], ["a.png"]))[0])
    assert caught.value.code == "mask"


def test_a_name_that_is_nearly_right_is_suggested():
    with pytest.raises(UnknownName, match="did you mean 'chexpert'"):
        load_cohort("chexprt")


def test_every_listed_source_can_be_imported_and_bears_its_name():
    assert [SOURCES.get(name).card.name for name in SOURCES] == SOURCES.names()


@pytest.mark.parametrize(
    "wrong",
    [
        {"split": "dev"},
        {"language": "fr"},
        {"limit": 0},
        {"on_error": "warn"},
        {"n": 3},
        {"root": "x"},
        {"ratios": (1, 1, 1)},
    ],
)
def test_a_wrong_wish_is_refused(wrong):
    with pytest.raises(SpecError):
        load_cohort([a_case()], **wrong)


def test_an_option_that_a_source_does_not_have_is_refused(folder):
    with pytest.raises(SpecError, match="'seed'"):
        load_cohort(folder([{"id": "a"}]), seed=3)


def test_split_language_and_limit_choose():
    cases = [a_case(str(n), patient_id=f"p{n}", language=("en", "zh")[n % 2]) for n in range(30)]
    everything = load_cohort(cases)
    train = load_cohort(cases, split="train", language="zh", limit=3)
    wanted = [row["id"] for row in everything if row["split"] == "train" and row["language"] == "zh"]
    assert train["id"][:] == wanted[:3]
    with pytest.raises(DataError, match="accepted: en, zh"):
        load_cohort(cases, language="es")


def test_a_cohort_needs_cases():
    with pytest.raises(SpecError, match="no cases"):
        load_cohort([])
    with pytest.raises(SpecError, match="Cases"):
        load_cohort([3])


def test_a_missing_root_or_table_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="missing_file"):
        load_cohort("nih", root=tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"mimic-cxr-2\.0\.0-metadata") as caught:
        load_cohort("mimic-cxr", root=tmp_path)
    assert 'load_cohort("mimic-cxr", root=' in caught.value.fix


def test_mimic_joins_labels_of_the_study_and_the_official_split(tmp_path):
    from medlab.cohorts.sources.chexpert import LABELS

    (tmp_path / "mimic-cxr-2.0.0-metadata.csv").write_text(
        "dicom_id,subject_id,study_id,ViewPosition,Rows,Columns\n"
        "aa,10000032,50414267,PA,3056,2544\nbb,10000032,50414267,LL,3056,2544\ncc,11000011,51111111,,10,10\n"
    )
    states = {"Pleural Effusion": "1.0", "Pneumonia": "-1.0", "Edema": "0.0"}
    (tmp_path / "mimic-cxr-2.0.0-chexpert.csv").write_text(
        f"subject_id,study_id,{','.join(LABELS)}\n10000032,50414267,{','.join(states.get(x, '') for x in LABELS)}\n"
    )
    (tmp_path / "mimic-cxr-2.0.0-split.csv").write_text(
        "dicom_id,study_id,subject_id,split\naa,50414267,10000032,validate\nbb,50414267,10000032,validate\n"
        "cc,51111111,11000011,train\n"
    )
    cohort = load_cohort("mimic-cxr", root=tmp_path, verify=False)
    first = cohort[0]
    assert first["images"][0]["path"] == "files/p10/p10000032/s50414267/aa.jpg"
    assert (first["split"], first["split_source"]) == ("validation", "official")
    assert [row["images"][0]["view"] for row in cohort] == ["PA", "LATERAL", "unknown"]
    assert {f["name"]: f["state"] for f in first["findings"]} == {
        "effusion": "present",
        "Pneumonia": "uncertain",
        "Edema": "absent",
    }
    assert cohort[1]["findings"] == first["findings"]
    assert cohort[2]["findings"] == []


def test_a_chexpert_folder_gives_its_parts_and_opens_its_pictures(tmp_path, folder):
    from medlab.cohorts.sources.chexpert import LABELS

    root = folder([], ["train/patient1/study1/view1_frontal.jpg", "valid/patient2/study1/view1_frontal.jpg"])
    for part in ("train", "valid"):
        patient = "patient1" if part == "train" else "patient2"
        (root / f"{part}.csv").write_text(
            f"Path,Sex,Age,Frontal/Lateral,AP/PA,{','.join(LABELS)}\n"
            f"CheXpert-v1.0-small/{part}/{patient}/study1/view1_frontal.jpg,Male,0,Frontal,PA,{',' * 13}\n"
        )
    cohort = load_cohort("chexpert", root=root)
    assert cohort["split"][:] == ["train", "validation"]
    assert cohort["age_years"][:] == [None, None]
    with pytest.raises(DataError, match="accepted: train, validation"):
        load_cohort("chexpert", root=root, split="test")
    assert medlab.case_of(cohort[1]).scans[0].rows == 8
    traversal = (root / "train.csv").read_text().replace("study1/view1", "study1/../../../../view1")
    (root / "train.csv").write_text(traversal)
    with pytest.raises(DataError, match="unsafe_path"):
        load_cohort("chexpert", root=root)


def test_a_picture_of_another_patient_never_stands_in_for_one_that_is_missing(folder):
    """One of three is there, and all three are called view1.png."""
    lines = [{"id": p, "patient_id": p, "image": f"{p}/study1/view1.png"} for p in ("p1", "p2", "p3")]
    root = folder(lines, ["p1/study1/view1.png"])
    with pytest.raises(DataError, match="2 of 3 pictures"):
        load_cohort(root)
    with pytest.warns(CohortWarning, match="2 of 3 pictures"):
        assert load_cohort(root, on_error="skip")["id"][:] == ["p1"]


def test_a_picture_that_a_copy_has_elsewhere_is_found_by_a_name_that_is_its_alone(folder):
    lines = [{"id": "a", "image": "images_001/1.png"}, {"id": "b", "image": "images_001/2.png"}]
    again = {"id": "c", "image": "images_001/1.png"}
    cohort = load_cohort(folder([*lines, again], ["flat/1.png", "flat/2.png"]))
    assert [row["images"][0]["path"] for row in cohort] == ["flat/1.png", "flat/2.png", "flat/1.png"]


def test_a_row_that_is_none_is_told_so():
    with pytest.raises(DataError, match="schema"):
        medlab.case_of({"text": "x"})
