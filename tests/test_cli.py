"""The `medlab` command as a person uses it: what it prints, and its exit status."""

import json

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

import medlab
from medlab import cli, lab
from medlab.core.errors import DataError, MissingDependency, SpecError
from medlab.doctor import Check

runner = CliRunner()


def run(*words: str):
    return runner.invoke(cli.app, list(words), env={"COLUMNS": "100", "NO_COLOR": "1"})


def test_the_version_is_printed():
    assert run("--version").output == f"medlab {medlab.__version__}\n"


@pytest.mark.parametrize("verb", ["doctor", "lab", "models", "phantom", "scan"])
def test_each_verb_is_listed_and_explains_itself(verb):
    assert verb in run("--help").output
    assert run(verb, "--help").exit_code == 0


def test_a_wrong_verb_is_refused_and_the_near_one_named():
    result = run("doktor")
    assert result.exit_code == 2
    assert "doctor" in result.output


def test_an_error_of_medlab_is_one_clean_message(capsys, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["scan", str(tmp_path / "nothing.dcm")])
    printed = capsys.readouterr().err
    assert stopped.value.code == 2
    assert printed.startswith("DataError: [missing_file] ")
    assert "do this:" in printed
    assert "Traceback" not in printed


def test_any_other_error_is_not_hidden(monkeypatch):
    def broken():
        raise ZeroDivisionError

    monkeypatch.setattr("medlab.doctor.examine", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["doctor"])


SOUND = Check("python", "ok", "3.11.7", required=True)
NOTED = Check("hub", "note", "no token", "hf auth login")
STOPPING = Check("torch", "missing", "not installed", 'pip install "torch>=2.4"', required=True)
GROUP = tuple(Check(name, "ok", "1", group="packages") for name in ("a", "b", "c"))


def test_the_doctor_is_content_where_nothing_stops(monkeypatch):
    monkeypatch.setattr("medlab.doctor.examine", lambda: (SOUND, NOTED))
    result = run("doctor")
    assert result.exit_code == 0
    assert "medlab works here" in result.output
    assert "hf auth login" in result.output


def test_the_doctor_says_what_stops_and_how_to_mend_it(monkeypatch):
    monkeypatch.setattr("medlab.doctor.examine", lambda: (SOUND, STOPPING))
    result = run("doctor")
    assert result.exit_code == 1
    assert "medlab cannot work here: torch" in result.output
    assert 'pip install "torch>=2.4"' in result.output


def test_a_group_in_order_is_one_line_and_a_group_with_a_fault_is_not(monkeypatch):
    assert cli.folded((SOUND, *GROUP)) == [("ok", "python", "3.11.7", ""), ("ok", "packages", "all 3", "")]
    bad = Check("b", "broken", "0", "mend", group="packages")
    assert [row[1] for row in cli.folded((GROUP[0], bad, GROUP[2]))] == ["a", "b", "c"]


def test_the_doctor_speaks_json_to_programs(monkeypatch):
    monkeypatch.setattr("medlab.doctor.examine", lambda: (SOUND, STOPPING))
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert [Check.from_dict(item) for item in json.loads(result.output)] == [SOUND, STOPPING]


def test_a_scan_is_read_and_accounted_for(fixtures):
    result = run("scan", str(fixtures("dicom/RG1_UNCR.dcm")))
    assert result.exit_code == 0
    assert result.output.startswith("Scan('RG1_UNCR.dcm', ")


def test_phantoms_are_written_to_a_folder_and_a_second_run_keeps_them(tmp_path):
    out = tmp_path / "films"
    words = ("phantom", "--n", "2", "--size", "64", "--seed", "5", "--lang", "zh", "--dicom", "--out", str(out))
    first = run(*words)
    assert first.exit_code == 0
    assert f"2 cases in {out}" in first.output
    entries = [json.loads(line) for line in (out / "cases.jsonl").read_text("utf-8").splitlines()]
    assert [entry["id"] for entry in entries] == ["phantom-5", "phantom-6"]
    assert {report["language"] for entry in entries for report in entry["reports"]} == {"zh"}
    films = {path.name: path.stat().st_mtime_ns for path in (out / "images").iterdir()}
    assert sorted(films) == ["phantom-5.dcm", "phantom-5.png", "phantom-6.dcm", "phantom-6.png"]
    assert run(*words).exit_code == 0
    assert {path.name: path.stat().st_mtime_ns for path in (out / "images").iterdir()} == films


def test_an_interrupted_run_says_that_it_can_go_on(tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("medlab.phantom.export.write_phantoms", interrupted)
    stopped = run("phantom", "--n", "2", "--out", str(tmp_path))
    assert stopped.exit_code == 130
    assert "goes on where it stopped" in stopped.output


@pytest.mark.parametrize("option", [("--size", "10"), ("--lang", "fr")])
def test_phantoms_that_cannot_be_are_refused(tmp_path, option):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["phantom", "--n", "1", "--out", str(tmp_path / "x"), *option])
    assert stopped.value.code == 2


def test_a_window_is_a_preset_or_two_numbers():
    assert cli.window_of(None) is None
    assert cli.window_of("lung") == "lung"
    assert cli.window_of("-600,1500") == (-600.0, 1500.0)
    assert run("scan", "x.dcm", "--window", "a,b").exit_code == 2


def test_a_file_of_several_frames_asks_for_the_option_of_the_command(tmp_path):
    path = tmp_path / "two.tiff"
    frame = PIL.Image.fromarray(np.zeros((40, 40), np.uint8))
    frame.save(path, save_all=True, append_images=[frame])
    asked = run("scan", str(path))
    assert asked.exit_code == 2
    assert "--frame" in asked.output
    assert "holds 2" in asked.output
    assert run("scan", str(path), "--frame", "1").exit_code == 0


def test_an_address_is_called_one_on_the_command_line_too():
    with pytest.raises(DataError) as refused:
        cli.app(["scan", "https://example.org/chest.dcm"], standalone_mode=False)
    assert refused.value.code == "remote_disabled"


def test_the_notebooks_of_the_folder_one_is_in_come_first(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "a.ipynb").write_text("{}")
    assert lab.notebooks_folder(tmp_path) == tmp_path / "notebooks"


def test_without_notebooks_the_lab_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "__file__", str(tmp_path / "medlab" / "lab.py"))
    with pytest.raises(DataError, match="no notebooks/ here"):
        lab.notebooks_folder(tmp_path)


def test_without_jupyterlab_the_lab_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(lab, "installed_version", lambda package: None)
    with pytest.raises(MissingDependency, match="medlab-workbench\\[lab\\]"):
        lab.serve(tmp_path)


def test_a_port_that_is_taken_is_said_before_anything_starts():
    import socket

    with socket.socket() as taken:
        taken.bind((lab.HOST, 0))
        taken.listen()
        with pytest.raises(SpecError, match="is taken"):
            lab.free_port(taken.getsockname()[1])
    assert lab.free_port(0) > 1023


def test_the_server_is_told_nothing_that_others_may_not_see(tmp_path):
    words = lab.command(tmp_path / "notebooks", 1234, browser=False)
    assert "--no-browser" in words
    assert f"--ServerApp.ip={lab.HOST}" in words
    assert not any("token" in word for word in words)
    assert "--no-browser" not in lab.command(tmp_path / "notebooks", 1234, browser=True)


def test_the_first_notebook_is_opened_where_there_is_one(tmp_path):
    assert lab.first_page(tmp_path) == "/lab/tree/notebooks"
    (tmp_path / lab.FIRST).write_text("{}")
    assert lab.first_page(tmp_path) == "/lab/tree/notebooks/00_start_here.ipynb"


def test_about_is_one_line_and_the_same_each_time():
    line = repr(medlab.about())
    assert "\n" not in line
    assert line.startswith(f"medlab {medlab.__version__} · Python ")
    assert line == repr(medlab.about())


def test_about_says_when_the_network_is_forbidden(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert repr(medlab.about()).endswith(" · offline")
