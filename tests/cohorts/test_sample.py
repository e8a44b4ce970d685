"""The committed cohort is what it says it is, and phantoms drawn on the spot are of the same kind."""

import hashlib
import json
import pathlib
import re
import shutil

import numpy as np
import pytest

import medlab
from medlab.cohorts.labels import finding_states
from medlab.cohorts.sources import sample
from medlab.core.case import SPLITS
from medlab.core.errors import DataError, SpecError
from medlab.phantom import check_case

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
README = (DATA / "README.md").read_text(encoding="utf-8")


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def cohort():
    return medlab.load_cohort("sample", cache=False)


def test_every_file_has_the_sha256_that_is_written_down():
    stated = dict(re.findall(r"\| `(phantoms/[^`]+)` \| `([0-9a-f]{64})` \|", README))
    assert set(stated) == {"phantoms/cases.jsonl", "phantoms/manifest.sha256"}
    manifest = (DATA / "phantoms" / "manifest.sha256").read_text().splitlines()
    stated |= {f"phantoms/{name}": digest for digest, name in (line.split("  ") for line in manifest)}
    there = {
        path.relative_to(DATA).as_posix(): sha256(path) for path in (DATA / "phantoms").rglob("*") if path.is_file()
    }
    assert there == stated


def test_it_is_small_and_its_readme_gives_origin_and_licence(cohort):
    assert sum(path.stat().st_size for path in DATA.glob("phantoms/**/*") if path.is_file()) < 4_000_000
    assert "**Origin**" in README
    assert "Apache-2.0" in README
    assert f"{len(cohort)} synthetic chest X-rays" in README
    assert set(cohort["licence"][:]) == {"Apache-2.0"}


def test_the_readme_counts_findings_as_they_are(cohort):
    for name, count in re.findall(r"\| (\w+) \| (\d+) \|", README):
        assert (finding_states(cohort, name) == "present").sum() == int(count), name


def test_all_parts_of_the_split_have_cases_and_visits_stay_together(cohort):
    assert set(cohort["split"][:]) == set(SPLITS)
    parts: dict[str, set[str]] = {}
    for patient, part in zip(cohort["patient_id"][:], cohort["split"][:], strict=True):
        parts.setdefault(patient, set()).add(part)
    assert {len(part) for part in parts.values()} == {1}
    assert len(cohort) - len(parts) == 2


def test_every_case_opens_and_agrees_with_itself(cohort):
    for row in cohort:
        case = medlab.case_of(row)
        assert case.scans[0].pixels.shape == (512, 512)
        assert {report.language for report in case.reports} == {"en", "zh"}
        assert check_case(case) == []


def test_the_sample_is_what_the_phantom_draws_today(cohort):
    row = cohort[0]
    case = medlab.case_of(row)
    drawn = medlab.Phantom(512).draw(int(case.id.split("-")[1]), view=case.scans[0].view)
    again = "the drawing has changed since: run python scripts/make_data.py"
    assert drawn.findings == case.findings, again
    assert drawn.reports == case.reports, again
    difference = np.abs(drawn.scans[0].pixels - case.scans[0].pixels)
    assert np.quantile(difference, 0.999) < 1.5 / 255, again


def test_the_sample_can_be_moved(cohort, tmp_path):
    shutil.copytree(DATA / "phantoms", tmp_path / "elsewhere")
    moved = medlab.load_cohort(tmp_path / "elsewhere")
    assert medlab.case_of(moved[3]).masks == medlab.case_of(cohort[3]).masks
    assert [row["id"] for row in moved] == cohort["id"][:]


def test_without_a_checkout_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(sample, "sample_folder", lambda: tmp_path)
    with pytest.raises(DataError, match="checkout") as caught:
        medlab.load_cohort("sample")
    assert 'medlab.load_cohort("phantom"' in caught.value.fix


def test_phantoms_are_drawn_with_labels_masks_and_a_split_by_patient():
    cohort = medlab.load_cohort("phantom", n=3, seed=5, size=64)
    assert cohort["id"][:] == ["phantom-5", "phantom-6", "phantom-7"]
    assert set(cohort["split_source"][:]) == {"hash"}
    case = medlab.case_of(cohort[1])
    drawn = medlab.Phantom(64).draw(6)
    assert case.findings == drawn.findings
    assert case.masks == drawn.masks
    assert case.reports == drawn.reports
    assert np.abs(case.scans[0].pixels - drawn.scans[0].pixels).max() <= 0.5 / 255 + 1e-6


def test_pairs_of_visits_belong_to_one_patient():
    cohort = medlab.load_cohort("phantom", n=4, seed=5, size=64, visits=True)
    patients = cohort["patient_id"][:]
    assert patients[0] == patients[1] != patients[2] == patients[3]


@pytest.mark.parametrize("wrong", [{"n": 0}, {"seeds": 3}, {"seed": -1}])
def test_wrong_wishes_for_phantoms_are_refused(wrong):
    with pytest.raises(SpecError):
        medlab.load_cohort("phantom", **wrong)


def test_rows_of_the_sample_are_plain_json():
    lines = (DATA / "phantoms" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(json.loads(line)["source"] == "phantom" for line in lines)
