"""OpenI in its three forms and two languages: sections, redactions, MeSH, and pictures that share a report."""

import json
import shutil

import pytest

import medlab
from medlab.cohorts.labels import finding_states
from medlab.cohorts.sources.mesh import findings_from_mesh
from medlab.cohorts.splits import check_leakage
from medlab.core.errors import DataError


@pytest.fixture(scope="module")
def xml(wheel):
    wheel("NLMCXR_reports.tgz")
    return medlab.load_cohort("openi", cache=False)


def test_the_reports_have_their_published_counts(xml):
    assert len(xml) == 3_955
    pictures = [len(images) for images in xml["images"][:]]
    assert sum(pictures) == 7_470
    assert pictures.count(0) == 104
    reports = [reports[0] for reports in xml["reports"][:]]
    assert sum(report["findings"] is None for report in reports) == 530
    assert sum(report["impression"] is None for report in reports) == 34
    sections = [report[key] for report in reports for key in ("findings", "impression", "indication", "comparison")]
    assert sum("XXXX" in section for section in sections if section) == 6_217


def test_a_report_is_read_section_by_section_with_its_redactions(xml):
    case = medlab.case_of(xml[0], load=False)
    assert (case.id, case.patient_id, case.licence) == ("1", "1", "CC BY-NC-ND 4.0")
    report = case.report("en")
    assert report.impression == "Normal chest x-XXXX."
    assert report.indication == "Positive TB test"
    assert [(f.name, f.state, f.raw) for f in case.findings] == [("no_finding", "present", "normal")]
    assert case.state_of("effusion") == "not_mentioned"


def test_normal_is_1391_reports_and_not_absent_of_everything(xml):
    assert (finding_states(xml, "no_finding") == "present").sum() == 1_391
    assert (finding_states(xml, "cardiomegaly") == "absent").sum() == 0


def test_terms_of_a_program_are_kept_apart_from_those_of_people(xml):
    row = xml[1]
    assert [finding["raw"] for finding in row["findings"]] == ["Cardiomegaly/borderline", "Pulmonary Artery/enlarged"]
    assert json.loads(row["meta"])["terms_found_by_program"] == ["sternotomy"]


def test_projections_come_from_the_dicom_headers_and_are_not_guessed(xml, wheel):
    wheel("nlmcxr_dicom_metadata.csv.gz")
    views = [image["view"] for images in xml["images"][:] for image in images]
    assert set(views) == {"PA", "AP", "LATERAL", "unknown"}
    assert 0.3 < views.count("unknown") / len(views) < 0.4


def test_mesh_terms_give_side_zone_and_severity():
    both = findings_from_mesh(["Pulmonary Atelectasis/base/left/mild", "Opacity/lung/apex/bilateral"])
    assert {key: both[0][key] for key in ("name", "side", "zone", "severity")} == {
        "name": "atelectasis",
        "side": "left",
        "zone": "lower",
        "severity": "mild",
    }
    assert (both[1]["name"], both[1]["side"], both[1]["zone"]) == ("Opacity", "both", "upper")
    assert findings_from_mesh(["Lung/hypoinflation"])[0]["name"] == "Lung/hypoinflation"
    assert findings_from_mesh(["No Indexing", "", " "]) == []


def test_loose_xml_files_give_the_same_as_the_archive(xml, tmp_path, wheel):
    import tarfile

    with tarfile.open(wheel("NLMCXR_reports.tgz")) as archive:
        (tmp_path / "ecgen-radiology").mkdir()
        for number in (1, 2):
            data = archive.extractfile(f"ecgen-radiology/{number}.xml").read()
            (tmp_path / "ecgen-radiology" / f"{number}.xml").write_bytes(data)
    loose = medlab.load_cohort("openi", root=tmp_path, verify=False)
    assert [{**row, "root": None} for row in loose] == [xml[0], xml[1]]


def test_the_kaggle_tables_give_the_same_sections_and_their_own_picture_names(fixtures, xml, tmp_path):
    for name in ("indiana_reports.csv", "indiana_projections.csv"):
        shutil.copy(fixtures(f"openi/{name}"), tmp_path)
    kaggle = medlab.load_cohort("openi", root=tmp_path, verify=False)
    assert len(kaggle) == 197
    row = kaggle[0]
    assert [image["path"] for image in row["images"]] == ["1_IM-0001-4001.dcm.png", "1_IM-0001-3001.dcm.png"]
    assert [image["view"] for image in row["images"]] == ["unknown", "LATERAL"]
    assert row["reports"] == xml[0]["reports"]
    assert row["findings"] == xml[0]["findings"]
    by_id = {row["id"]: row for row in xml}
    assert all(by_id[row["id"]]["reports"] == row["reports"] for row in kaggle)


def test_chinese_reports_come_with_their_pictures_and_all_pictures_of_one_text_together(fixtures):
    cohort = medlab.load_cohort("openi-zh", root=fixtures("openi/openi-zh.json").parent, verify=False)
    pictures = [image["path"] for images in cohort["images"][:] for image in images]
    assert len(pictures) == len(set(pictures)) == 154
    assert cohort.unique("language") == ["zh"]
    first = cohort[0]
    assert (first["id"], first["patient_id"]) == ("zh-162", "162")
    assert [image["path"] for image in first["images"]] == ["162_1.png", "162_2.png"]
    assert first["reports"][0]["full"].startswith("根据X射线图像，心脏大小正常")


def test_a_chinese_case_opens_its_real_film(fixtures):
    root = fixtures("openi/images/2_1.png").parent.parent
    with pytest.warns(medlab.cohorts.tables.CohortWarning, match="listed but not there"):
        cohort = medlab.load_cohort("openi-zh", root=root, on_error="skip")
    case = medlab.case_of(cohort[0])
    assert case.scans
    assert case.scans[0].rows > 200


def test_the_training_form_of_xrayglm_gives_the_same_texts_and_their_prompt(fixtures, tmp_path):
    source = json.loads(fixtures("openi/openi-zh.json").read_text(encoding="utf-8"))["annotations"]
    prompt = "通过这张胸部X光影像可以诊断出什么？"
    entries = [
        {"img": f"./data/Xray/{entry['image_id']}.png", "prompt": prompt, "label": entry["caption"]}
        for entry in source
    ]
    (tmp_path / "openi-zh-prompt.json").write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8")
    listed = medlab.load_cohort("openi-zh", root=tmp_path, verify=False)
    plain = medlab.load_cohort("openi-zh", root=fixtures("openi/openi-zh.json").parent, verify=False)
    assert listed["reports"][:] == plain["reports"][:]
    question = listed[0]["questions"][0]
    assert (question["question"], question["answer"]) == (prompt, listed[0]["reports"][0]["full"])


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"annotations": [{"image_id": "1_1"}]}, "schema"),
        ({"annotations": [{"image_id": "../1_1.png", "caption": "x"}]}, None),
        ({"annotations": [{"image_id": "one", "caption": "x"}]}, "schema"),
        ({}, "schema"),
        ([{"img": 3, "label": "x", "prompt": "y"}], "schema"),
        ("x", "schema"),
    ],
)
def test_a_wrong_document_is_refused_and_folders_in_names_are_dropped(tmp_path, document, code):
    (tmp_path / "openi-zh.json").write_text(json.dumps(document))
    if code is None:
        assert medlab.load_cohort("openi-zh", root=tmp_path, verify=False)[0]["images"][0]["path"] == "1_1.png"
        return
    with pytest.raises(DataError) as caught:
        medlab.load_cohort("openi-zh", root=tmp_path, verify=False)
    assert caught.value.code == code


def test_english_and_chinese_share_patients_and_that_is_a_leak(xml, fixtures):
    chinese = medlab.load_cohort("openi-zh", root=fixtures("openi/openi-zh.json").parent, verify=False)
    by_patient = {row["patient_id"]: row["split"] for row in xml}
    assert all(by_patient[row["patient_id"]] == row["split"] for row in chinese if row["patient_id"] in by_patient)
    with pytest.raises(DataError, match=r"share \d+ patient"):
        check_leakage(xml, chinese)
