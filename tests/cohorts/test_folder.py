"""One's own folder: JSON Lines, CSV, or nothing but pictures."""

import json
import os
import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

import medlab
from medlab.cohorts.masks import png_of_mask
from medlab.cohorts.tables import CohortWarning
from medlab.core.errors import DataError, SpecError


def code_of(action) -> str:
    with pytest.raises(DataError) as caught:
        action()
    return caught.value.code


FULL = {
    "id": "case 1",
    "patient_id": 17,
    "images": [{"path": "a.png", "view": "PA", "modality": "DX", "rows": 8, "cols": 6}, "b.png"],
    "findings": [{"name": "effusion", "state": "present", "side": "left"}, "nodule"],
    "reports": [{"language": "zh", "findings": "左侧胸腔积液。"}],
    "boxes": [{"label": "effusion", "box_px": [1, 2, 3, 4], "side": "left"}],
    "masks": [{"label": "effusion", "path": "m.png", "side": "left"}],
    "questions": [{"question": "Is there an effusion?", "answer": "yes", "kind": "yes_no", "about": "effusion"}],
    "split": "train",
    "colour": "red",
}


@pytest.fixture
def full(folder):
    root = folder([FULL], ["a.png", "b.png"])
    mask = np.zeros((8, 6), bool)
    mask[1:3, 2:4] = True
    (root / "m.png").write_bytes(png_of_mask(mask))
    return root


def test_a_full_line_becomes_a_case(full):
    row = medlab.load_cohort(full)[0]
    case = medlab.case_of(row)
    assert (case.id, case.patient_id, case.split, case.split_source) == ("case 1", "17", "train", "official")
    assert [scan.name for scan in case.scans] == ["a.png", "b.png"]
    assert [scan.view for scan in case.scans] == ["PA", "unknown"]
    assert case.state_of("effusion") == case.state_of("nodule") == "present"
    assert case.report("zh").text == "左侧胸腔积液。"
    assert case.boxes[0].box_px == (1, 2, 3, 4) == case.masks[0].box_px
    assert case.questions[0].about == "effusion"
    assert row["meta"] == '{"colour": "red"}'
    assert row["source"] == "mine"


def test_pixels_are_those_of_the_file(full):
    case = medlab.case_of(medlab.load_cohort(full)[0])
    expected = np.asarray(Image.open(full / "b.png"))
    assert (case.scans[1].to_uint8() == expected).all()


def test_without_loading_no_file_is_opened(full):
    row = medlab.load_cohort(full)[0]
    for name in ("a.png", "b.png", "m.png"):
        (full / name).unlink()
    case = medlab.case_of(row, load=False)
    assert case.scans == case.masks == ()
    assert case.boxes[0].label == "effusion"


def test_short_forms_are_understood(folder):
    root = folder(
        [
            {"file_name": "a.png", "findings": {"effusion": "uncertain"}, "view": "AP"},
            {"image": "b.png", "report": "Clear.", "question": "Normal?", "answer": "yes"},
            {"id": "t", "findings": "Heart is normal.", "impression": "Normal."},
        ],
        ["a.png", "b.png"],
    )
    first, second, third = medlab.load_cohort(root)
    assert (first["id"], first["images"][0]["view"]) == ("a.png", "AP")
    assert first["findings"][0]["state"] == "uncertain"
    assert second["reports"][0]["full"] == "Clear."
    assert second["questions"][0]["answer"] == "yes"
    assert (third["reports"][0]["findings"], third["reports"][0]["impression"]) == ("Heart is normal.", "Normal.")


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"images": ["../x.png"]}, "unsafe_path", "x.png"),
        ({"images": ["http://x/y.png"]}, "remote_disabled", "address"),
        ({"images": [3]}, "schema", "image 3"),
        ({"images": "a"}, "schema", "images is 'a'"),
        ({"patient_id": 3.1e38}, "schema", "patient_id"),
        ({"patient_id": True}, "schema", "patient_id"),
        ({"findings": [{"name": "x", "state": "perhaps"}]}, "schema", "perhaps"),
        ({"findings": [{"name": "x", "state": "absent", "sied": "left"}]}, "schema", "sied"),
        ({"findings": [3]}, "schema", "findings[0]"),
        ({"boxes": [{"label": "x", "box_px": [1, 2, 3]}]}, "schema", "box_px"),
        ({"boxes": [{"label": "x", "box_px": [3, 2, 1, 4]}]}, "schema", "no area"),
        ({"boxes": [{"label": "x", "box_px": [0, 0, 1, 1], "scan": 2}]}, "schema", "scan is 2"),
        ({"masks": [{"label": "x"}]}, "schema", "neither path nor data"),
        ({"masks": [{"label": "x", "path": "/m.png"}]}, "unsafe_path", "m.png"),
        ({"questions": ["Why?"]}, "schema", "questions[0]"),
        ({"age_years": "old"}, "schema", "age_years"),
        ({"split": "dev"}, "schema", "dev"),
        ({"patient_id": None}, "no_patient", "patient_id"),
        ({"id": None, "images": []}, "schema", "neither id nor image"),
    ],
)
def test_a_wrong_line_is_told_with_its_place(folder, change, code, told):
    line = {key: value for key, value in {**FULL, "masks": [], **change}.items() if value is not None}
    if "images" in change:
        line["boxes"] = []
    root = folder([line], ["a.png", "b.png"])
    with pytest.raises(DataError) as caught:
        medlab.load_cohort(root, verify=False)
    assert caught.value.code == code
    assert told in str(caught.value)


def test_a_box_beyond_the_picture_is_clipped_and_what_stood_there_is_kept(folder):
    line = {**FULL, "masks": [], "boxes": [{"label": "x", "box_px": [-2, 1, 20, 4]}]}
    box = medlab.load_cohort(folder([line], ["a.png", "b.png"]))[0]["boxes"][0]
    assert [box[name] for name in ("top", "left", "bottom", "right")] == [0, 1, 8, 4]
    assert box["raw"] == "[-2, 1, 20, 4]"


def test_two_lines_of_one_id_are_a_schema_error(folder):
    assert code_of(lambda: medlab.load_cohort(folder([{"id": "a"}, {"id": "a"}]))) == "schema"


def test_pictures_that_are_listed_but_not_there_are_counted_or_skipped(folder):
    root = folder([{"image": "a.png"}, {"image": "gone.png"}, {"image": "b.png"}], ["a.png", "b.png"])
    with pytest.raises(DataError, match=r"\[missing_file\] folder: 1 of 3") as caught:
        medlab.load_cohort(root)
    assert "on_error" in caught.value.fix
    with pytest.warns(CohortWarning, match=r"1 of 3 .*gone.png"):
        assert medlab.load_cohort(root, on_error="skip")["id"][:] == ["a.png", "b.png"]
    assert len(medlab.load_cohort(root, verify=False)) == 3


def test_a_limit_looks_no_further(folder):
    root = folder([{"image": "a.png"}, {"image": "gone.png"}], ["a.png"])
    assert len(medlab.load_cohort(root, limit=1)) == 1


def test_a_cohort_of_which_no_picture_is_there_is_an_error_even_when_skipping(folder):
    root = folder([{"image": "gone.png"}])
    assert code_of(lambda: medlab.load_cohort(root, on_error="skip")) == "missing_file"


def test_a_picture_in_another_folder_is_found_by_its_name_where_that_is_unique(folder):
    root = folder([{"image": "a.png"}, {"image": "b.png"}], ["deep/a.png", "one/b.png", "two/b.png"])
    with pytest.warns(CohortWarning, match=r"1 of 2 .*b.png"):
        cohort = medlab.load_cohort(root, on_error="skip")
    assert cohort[0]["images"][0]["path"] == "deep/a.png"


def test_a_csv_with_labels_keeps_four_states_and_unknown_headings(tmp_path):
    (tmp_path / "metadata.csv").write_text(
        "id,patient_id,Pleural Effusion,nodule,findings,who\na,007,1.0,-1,Clear.,me\nb,008,0,,,\n"
    )
    cohort = medlab.load_cohort(tmp_path, labels=["Pleural Effusion", "nodule"])
    first, second = cohort
    assert first["patient_id"] == "007"
    assert [(f["name"], f["state"], f["raw"]) for f in first["findings"]] == [
        ("effusion", "present", "1.0"),
        ("nodule", "uncertain", "-1"),
    ]
    assert [(f["name"], f["state"]) for f in second["findings"]] == [("effusion", "absent")]
    assert first["reports"][0]["findings"] == "Clear."
    assert first["meta"] == '{"who": "me"}'


def test_headings_of_a_csv_can_be_renamed(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("Subject,File\n1,a.png\n")
    assert code_of(lambda: medlab.load_cohort(path, verify=False)) == "schema"
    row = medlab.load_cohort(path, columns={"patient_id": "Subject", "image": "File"}, verify=False)[0]
    assert (row["patient_id"], row["images"][0]["path"]) == ("1", "a.png")
    assert code_of(lambda: medlab.load_cohort(path, columns={"image": "Picture"})) == "schema"
    with pytest.raises(SpecError, match="patient_id"):
        medlab.load_cohort(path, columns={"patient": "Subject"})


@pytest.mark.parametrize("cell", ["maybe", "2", "yes"])
def test_a_label_that_is_no_state_is_told(tmp_path, cell):
    (tmp_path / "metadata.csv").write_text(f"id,nodule\na,{cell}\n")
    with pytest.raises(DataError, match=f"line 2: 'nodule' is '{cell}'"):
        medlab.load_cohort(tmp_path, labels=["nodule"])


def test_a_folder_of_mere_pictures_is_a_cohort(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("b.png", "in/a.png"):
        Image.new("L", (3, 2)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    cohort = medlab.load_cohort(tmp_path)
    assert cohort["id"][:] == ["b.png", "in/a.png"]
    assert medlab.case_of(cohort[1]).scans[0].pixels.shape == (2, 3)


def test_what_cannot_be_a_cohort_says_what_can(tmp_path):
    assert code_of(lambda: medlab.load_cohort(tmp_path)) == "missing_file"
    assert code_of(lambda: medlab.load_cohort(tmp_path / "nowhere")) == "missing_file"
    (tmp_path / "a.pkl").write_bytes(b"x")
    assert code_of(lambda: medlab.load_cohort(tmp_path / "a.pkl")) == "pickle"
    (tmp_path / "a.xlsx").write_bytes(b"x")
    assert code_of(lambda: medlab.load_cohort(tmp_path / "a.xlsx")) == "unsupported"


@pytest.mark.parametrize(
    ("written", "view"),
    [("AP Supine", "AP"), ("pa", "PA"), ("L", "LATERAL"), ("Left-Lateral", "LATERAL"), ("Axial", "OTHER")],
)
def test_a_view_in_other_words_is_understood_and_kept_as_it_was_written(folder, written, view):
    row = medlab.load_cohort(folder([{"image": "a.png", "view": written}], ["a.png"]), cache=False)[0]
    assert row["images"][0]["view"] == view
    assert json.loads(row["meta"]) == {"view_as_written": written}


def test_a_view_that_is_not_understood_is_refused_and_not_guessed(folder):
    with pytest.raises(DataError, match="'from above'"):
        medlab.load_cohort(folder([{"image": "a.png", "view": "from above"}], ["a.png"]), cache=False)


@pytest.mark.parametrize("address", ["https://x.org/cases.jsonl", "s3://bucket/films"])
def test_a_cohort_at_an_address_is_refused_as_one(address):
    for source in (address, pathlib.Path(address)):
        with pytest.raises(DataError) as refused:
            medlab.load_cohort(source)
        assert refused.value.code == "remote_disabled"


def test_what_is_no_source_says_what_is_one():
    with pytest.raises(SpecError, match="NoneType"):
        medlab.load_cohort(None)
    case = medlab.Phantom(64).draw(0)
    with pytest.raises(SpecError) as refused:
        medlab.load_cohort(case)
    assert refused.value.fix == "load_cohort([case])"


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text on this system")
def test_a_name_that_is_no_text_is_told_in_a_folder_of_pictures(tmp_path):
    (tmp_path / os.fsdecode(b"\xff\xfe.png")).write_bytes(b"")
    with pytest.raises(DataError) as refused:
        medlab.load_cohort(tmp_path)
    assert refused.value.code == "encoding"
