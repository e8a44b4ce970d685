"""A written folder: the cohort loader reads it back whole, an interrupted run goes on, damage is repaired."""

import hashlib
import json

import numpy as np
import pytest

import medlab
from medlab.core.errors import SpecError
from medlab.phantom import Phantom, check_case, write_phantoms

OPTIONS = {"n": 3, "seed": 40, "size": 64, "visits": 1}


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_phantoms(tmp_path_factory.mktemp("phantoms"), **OPTIONS)


def test_the_cohort_loader_reads_the_cases_that_were_drawn(folder):
    rows = medlab.load_cohort(str(folder))
    assert len(rows) == 5
    for row in rows:
        case = medlab.case_of(row)
        assert check_case(case) == []
        if "visit" not in case.id:
            drawn = Phantom(64).draw(int(case.id.split("-")[1]), view=case.scans[0].view)
            assert [m.label for m in case.masks] == [m.label for m in drawn.masks]
            assert np.array_equal(case.masks[0].pixels, drawn.masks[0].pixels)
            assert np.abs(case.scans[0].pixels - drawn.scans[0].pixels).max() <= 0.5 / 255 + 1e-6
            assert case.reports == drawn.reports


def test_both_visits_are_written_for_one_patient(folder):
    entries = [json.loads(line) for line in (folder / "cases.jsonl").read_text("utf-8").splitlines()]
    assert [e["id"] for e in entries][-2:] == ["phantom-43-visit-1", "phantom-43-visit-2"]
    assert entries[-1]["patient_id"] == entries[-2]["patient_id"] == "phantom-patient-43"


def test_the_manifest_names_every_file_with_its_sha256(folder):
    lines = (folder / "manifest.sha256").read_text().splitlines()
    named = {path: digest for digest, path in (line.split("  ") for line in lines)}
    for path, content in contents(folder).items():
        if path != "manifest.sha256":
            assert named.pop(path) == hashlib.sha256(content).hexdigest()
    assert named == {}


def test_a_run_cut_off_in_the_middle_of_a_line_goes_on_and_ends_the_same(folder, tmp_path):
    write_phantoms(tmp_path, **OPTIONS)
    table = tmp_path / "cases.jsonl"
    lines = table.read_bytes().splitlines(keepends=True)
    table.write_bytes(b"".join(lines[:2]) + lines[2][:100])
    (tmp_path / "manifest.sha256").unlink()
    write_phantoms(tmp_path, **OPTIONS)
    assert contents(tmp_path) == contents(folder)


def test_good_files_are_kept_and_a_damaged_one_is_drawn_again(tmp_path):
    write_phantoms(tmp_path, n=2, size=64)
    kept, damaged = tmp_path / "images/phantom-0.png", tmp_path / "images/phantom-1.png"
    before, when = damaged.read_bytes(), kept.stat().st_mtime_ns
    damaged.write_bytes(before[:-20])
    write_phantoms(tmp_path, n=2, size=64)
    assert damaged.read_bytes() == before
    assert kept.stat().st_mtime_ns == when


def test_another_recipe_draws_everything_again(tmp_path):
    write_phantoms(tmp_path, n=1, size=64)
    write_phantoms(tmp_path, n=1, size=80)
    assert medlab.load_scan(tmp_path / "images/phantom-0.png").rows == 80


def test_a_folder_of_other_cases_is_left_alone_and_a_longer_run_goes_on(tmp_path):
    write_phantoms(tmp_path, n=2, size=64)
    before = (tmp_path / "cases.jsonl").read_bytes()
    for other in ({"n": 1}, {"n": 2, "seed": 7}):
        with pytest.raises(SpecError, match="other case"):
            write_phantoms(tmp_path, size=64, **other)
    assert (tmp_path / "cases.jsonl").read_bytes() == before
    write_phantoms(tmp_path, n=3, size=64)
    assert (tmp_path / "cases.jsonl").read_bytes().startswith(before)


def test_somebody_s_own_table_is_not_written_over(tmp_path):
    (tmp_path / "cases.jsonl").write_text('{"id": "mine", "image": "a.png"}\n', encoding="utf-8")
    with pytest.raises(SpecError, match="'mine'"):
        write_phantoms(tmp_path, n=1, size=64)
    assert not (tmp_path / "images").exists()


def test_dicom_films_and_one_language_on_request(tmp_path):
    write_phantoms(tmp_path, n=1, size=64, dicom=True, languages=("zh",))
    case = medlab.case_of(medlab.load_cohort(str(tmp_path))[0])
    assert case.scans[0].modality == "DX"
    assert [report.language for report in case.reports] == ["zh"]
    assert {question.language for question in case.questions} == {"zh"}


@pytest.mark.parametrize("options", [{"bits": 12}, {"n": -1}, {"languages": ("fr",)}])
def test_options_that_cannot_be_met_are_refused_before_anything_is_written(tmp_path, options):
    with pytest.raises(SpecError):
        write_phantoms(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()
