"""The set-up script: its plan, its stamp, and what it says when a step fails. Nothing is installed here."""

import json
import pathlib
import subprocess
import sys

import installer
import pytest
import setup
import torch_choice

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def target(tmp_path, monkeypatch):
    """A target whose Python is this one, in a folder of its own; steps are recorded, not run."""
    made = setup.Target(tmp_path / ".venv", sys.executable, ours=True)
    made.folder.mkdir()
    monkeypatch.setattr(setup.Target, "venv", classmethod(lambda cls, folder: made))
    monkeypatch.setattr(setup.Target, "pip_config", lambda self: {})
    return made


@pytest.fixture
def steps(monkeypatch):
    """The steps that a set-up would run; each succeeds."""
    taken = []

    def run(step):
        taken.append(step)
        return 0

    monkeypatch.setattr(installer.Step, "run", run)
    return taken


def test_the_second_run_does_nothing(target, steps, capsys):
    assert setup.main(["lab"]) == 0
    assert steps
    steps.clear()
    assert setup.main(["lab"]) == 0
    assert steps == []
    assert "up to date" in capsys.readouterr().out


def test_what_a_group_adds_is_installed_and_what_was_there_is_kept(target, steps):
    setup.main(["lab"])
    steps.clear()
    setup.main(["test"])
    assert any("[lab,test]" in part for step in steps for part in step.command)
    steps.clear()
    setup.main(["lab"])
    assert steps == []


def test_a_changed_project_is_installed_again(target, steps):
    setup.main(["lab"])
    stamp = json.loads((target.folder / "medlab-setup.json").read_text())
    stamp["key"] = "of another pyproject.toml"
    (target.folder / "medlab-setup.json").write_text(json.dumps(stamp))
    steps.clear()
    setup.main(["lab"])
    assert steps


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "scripts/setup.py"])
def test_the_key_changes_with_each_file_that_decides(target, tmp_path, monkeypatch, name):
    for copied in ("pyproject.toml", "constraints.txt", "scripts/setup.py"):
        (tmp_path / copied).parent.mkdir(exist_ok=True)
        (tmp_path / copied).write_bytes((CHECKOUT / copied).read_bytes())
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    before = setup.Stamp(target).key()
    (tmp_path / name).write_text("changed")
    assert setup.Stamp(target).key() != before


def test_torch_is_pinned_for_every_later_step(target, steps):
    setup.main(["lab", "test"])
    version = target.installed("torch")
    assert (target.folder / "torch-constraint.txt").read_text() == f"torch=={version}\n"
    project = next(step for step in steps if step.says == "medlab")
    assert str(target.folder / "torch-constraint.txt") in project.command
    assert str(setup.ROOT / "constraints.txt") in project.command


def test_what_would_bring_torchvision_comes_without_its_dependencies(target, steps):
    setup.main(["test"])
    last = steps[-1]
    assert "--no-deps" in last.command
    assert last.command[-1].startswith("torchxrayvision==")


def test_the_environment_of_another_keeps_its_versions(target, steps, monkeypatch, tmp_path):
    other = setup.Target(tmp_path, sys.executable, ours=False)
    monkeypatch.setattr(setup.Target, "here", classmethod(lambda cls: other))
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    for copied in ("pyproject.toml", "constraints.txt", "scripts/setup.py"):
        (tmp_path / copied).parent.mkdir(exist_ok=True)
        (tmp_path / copied).write_bytes((CHECKOUT / copied).read_bytes())
    setup.main(["--here", "lab"])
    assert not any("constraints.txt" in part for step in steps for part in step.command)
    assert not (tmp_path / "medlab-setup.json").exists()


def test_torch_is_installed_first_and_from_the_place_that_the_plan_names(target, steps, monkeypatch):
    plan = torch_choice.TorchPlan("cpu index", "torch>=2.4", "why", torch_choice.CPU_INDEX)
    monkeypatch.setattr(torch_choice, "torch_plan", lambda facts, wanted: plan)
    setup.main(["lab"])
    assert steps[0].says == "torch"
    assert torch_choice.CPU_INDEX in steps[0].command


def test_a_cpu_index_that_cannot_be_reached_leaves_a_way_on(target, monkeypatch, capsys):
    plan = torch_choice.TorchPlan("cpu index", "torch>=2.4", "why", torch_choice.CPU_INDEX)
    monkeypatch.setattr(torch_choice, "torch_plan", lambda facts, wanted: plan)
    monkeypatch.setattr(installer.Step, "run", lambda step: 1 if step.says == "torch" else 0)
    assert setup.main(["lab"]) == 1
    said = capsys.readouterr().err
    assert "make setup TORCH=default" in said
    assert "PIP_FIND_LINKS" in said
    assert not (target.folder / "medlab-setup.json").exists()


def test_a_step_that_fails_leaves_no_stamp_so_that_the_next_run_resumes(target, monkeypatch, capsys):
    monkeypatch.setattr(installer.Step, "run", lambda step: 1 if step.says == "medlab" else 0)
    assert setup.main(["lab"]) == 1
    assert "run the same command again" in capsys.readouterr().err
    assert not setup.Stamp(target).covers(["lab"])


def test_a_run_that_is_stopped_says_so_quietly_and_can_be_resumed(target, monkeypatch, capsys):
    def stopped(step):
        raise KeyboardInterrupt

    monkeypatch.setattr(installer.Step, "run", stopped)
    assert setup.main(["lab"]) == 130
    assert "run the same command again" in capsys.readouterr().err
    assert not setup.Stamp(target).covers(["lab"])


def test_a_dry_run_prints_the_plan_and_changes_nothing(target, steps, capsys):
    before = sorted(target.folder.iterdir())
    assert setup.main(["--dry-run", "lab", "test"]) == 0
    assert steps == []
    assert sorted(target.folder.iterdir()) == before
    said = capsys.readouterr().out
    assert "torch: kept" in said
    assert "[lab,test]" in said


def test_an_environment_whose_python_is_gone_is_not_up_to_date(target, steps, tmp_path):
    setup.main(["lab"])
    assert setup.Stamp(target).covers(["lab"])
    target.python = str(tmp_path / "gone" / "python")
    assert not target.works()
    assert not setup.Stamp(target).covers(["lab"])


def test_where_no_torch_can_be_had_it_says_so(target, steps, monkeypatch, capsys):
    def none(facts, wanted):
        raise torch_choice.NoTorch("use conda")

    monkeypatch.setattr(torch_choice, "torch_plan", none)
    assert setup.main(["lab"]) == 1
    assert "use conda" in capsys.readouterr().err


def test_versions_are_read_without_importing(target):
    assert target.installed("medlab-no-such-package") is None
    assert target.installed("pytest") == pytest.__version__


def test_an_old_python_is_told_before_anything_else_is_imported():
    source = (CHECKOUT / "scripts" / "setup.py").read_text("utf-8")
    asks = "import sys, collections; sys.version_info = collections.namedtuple('V', 'a b c')(3, 9, 2)\n"
    done = subprocess.run([sys.executable, "-c", asks + source], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("medlab needs Python 3.11 or newer; this is 3.9.2.")
