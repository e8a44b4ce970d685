"""The doctor: each check as it should be on a sound machine and on one that lacks what it looks for."""

import json
import os
import subprocess
import sys

import pytest

from medlab import doctor, machine
from medlab.core.errors import SpecError
from medlab.core.provenance import installed_version
from medlab.doctor import Check


def test_python_older_than_the_floor_stops_everything():
    assert doctor.check_python((3, 11, 0)).state == "ok"
    assert doctor.check_python((3, 10, 14)).stops


def test_the_floor_is_the_one_of_the_project():
    import pathlib
    import tomllib

    project = tomllib.loads((pathlib.Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=" + ".".join(map(str, doctor.OLDEST_PYTHON))


def test_a_package_that_is_missing_or_too_old_stops_and_says_the_command():
    assert doctor.check_requirement("pydicom>=3.0.1", "3.0.2").state == "ok"
    missing = doctor.check_requirement("pydicom>=3.0.1", None)
    old = doctor.check_requirement("pydicom>=3.0.1", "2.4.4")
    assert (missing.state, old.state) == ("missing", "broken")
    assert missing.stops
    assert old.stops
    assert missing.fix == old.fix == 'pip install "pydicom>=3.0.1"'
    assert old.found == "2.4.4, needs >=3.0.1"


def test_a_local_build_of_a_package_satisfies_its_floor():
    assert doctor.check_requirement("torch>=2.4", "2.13.0+cpu").state == "ok"


def test_medlab_that_is_only_a_folder_is_noted():
    assert doctor.check_medlab((), "0.1.0").fix == "pip install -e ."
    assert doctor.check_medlab(("numpy>=1.26",), "0.1.0").state == "ok"


@pytest.mark.parametrize(
    ("build", "device", "state"),
    [
        (None, "none", "missing"),
        ("cpu", "cpu", "ok"),
        ("cuda 12.8", "cuda", "ok"),
        ("cuda 12.8", "cpu", "note"),
        ("cpu", "mps", "ok"),
    ],
)
def test_a_gpu_build_that_sees_no_gpu_is_noted(build, device, state):
    check = doctor.check_device(build, device, 2)
    assert check.state == state
    assert check.stops == (build is None)


@pytest.mark.parametrize(
    ("torch", "vision", "built_for", "state"),
    [
        ("2.13.0+cpu", None, None, "ok"),
        ("2.11.0+cu128", "0.26.0+cu128", "2.11.0", "ok"),
        ("2.13.0", "0.28.0", "2.13.0", "ok"),
        ("2.13.0+cpu", "0.28.0", "2.13.0", "broken"),
        ("2.13.0+cpu", "0.28.0+cpu", "2.12.0", "broken"),
        ("2.13.0+cpu", "0.28.0+cu128", "2.13.0", "broken"),
        ("2.13.0+cpu", "0.28.0+cpu", None, "ok"),
        (None, "0.28.0", "2.13.0", "broken"),
    ],
)
def test_a_torchvision_that_does_not_fit_torch_is_found(torch, vision, built_for, state):
    check = doctor.check_torchvision(torch, vision, built_for)
    assert check.state == state
    assert check.fix == ("pip uninstall -y torchvision" if state == "broken" else "")


def test_a_transfer_syntax_without_a_decoder_says_what_to_install():
    check = doctor.check_codec("JPEG Lossless", "imagecodecs", "pip install imagecodecs")
    assert (check.state, check.found, check.fix) == ("missing", "needs imagecodecs", "pip install imagecodecs")
    assert not check.stops
    assert doctor.check_codec("JPEG Lossless", "imagecodecs", "").state == "ok"


def test_jupyterlab_is_needed_for_the_notebooks_and_needs_a_kernel():
    assert doctor.check_lab(None, ()).state == "missing"
    assert doctor.check_lab("4.6.6", ()).state == "broken"
    assert doctor.check_lab("4.6.6", ("python3",)).found == "4.6.6, kernels: python3"


def test_font_samples_and_room():
    assert doctor.check_font(()).state == "missing"
    assert doctor.check_font(("a.otf",)).state == "ok"
    assert doctor.check_samples(None).state == "missing"
    assert doctor.check_samples("1.0.0").state == "ok"
    assert doctor.check_room("memory", None, 1).state == "note"
    assert doctor.check_room("memory", 2_000_000_000, 7_000_000_000).found == "2.0 GB, 7 GB advised"
    assert doctor.check_room("memory", 8_000_000_000, 7_000_000_000).state == "ok"


@pytest.mark.parametrize(
    ("offline", "token", "state"), [(True, False, "ok"), (False, True, "ok"), (False, False, "note")]
)
def test_access_to_the_hub_is_a_note_where_it_is_missing(offline, token, state):
    assert doctor.check_hub(offline, token, 3).state == state


def test_a_check_has_one_of_the_states():
    with pytest.raises(SpecError, match="accepted: ok, note"):
        Check("x", "fine", "y")


@pytest.mark.parametrize("state", doctor.STATES)
def test_only_a_required_thing_that_is_missing_or_broken_stops(state):
    assert not Check("x", state, "y").stops
    assert Check("x", state, "y", required=True).stops == (state in ("missing", "broken"))


def test_this_machine_is_examined_and_nothing_that_is_looked_for_is_imported():
    code = (
        "import sys, json; from medlab.doctor import examine\n"
        "found = [check.to_dict() for check in examine()]\n"
        "print(json.dumps([found, 'torchvision' in sys.modules, 'transformers' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    checks, vision, transformers = json.loads(done.stdout)
    assert not vision
    assert not transformers
    names = [check["name"] for check in checks]
    assert {"python", "torch", "torchvision", "DICOM JPEG Lossless", "JupyterLab", "hub"} <= set(names)
    assert len(set(names)) == len(names)


def test_the_token_is_looked_for_and_not_shown(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HF_TOKEN_PATH", raising=False)
    assert not machine.hub_token_is_there()
    (tmp_path / "token").write_text("hf_secret")
    assert machine.hub_token_is_there()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert "hf_secret" not in "".join(check.to_json() for check in doctor.examine())


def test_models_in_the_cache_are_counted(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert machine.hub_models() == 0
    for name in ("models--a--b", "models--c--d", "datasets--e--f"):
        (tmp_path / "hub" / name).mkdir(parents=True)
    assert machine.hub_models() == 2


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_the_offline_flag_is_read_as_the_hub_reads_it(monkeypatch, value, offline):
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert machine.hub_is_offline() == offline


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("cuda: Optional[str] = None\nhip: Optional[str] = None\n", "cpu"),
        ("cuda: Optional[str] = '12.8'\nhip: Optional[str] = None\n", "cuda 12.8"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = '6.2.41133'\n", "rocm 6.2.41133"),
        ("cuda = '11.8'\n", "cuda 11.8"),
        ("", "cpu"),
    ],
)
def test_the_build_of_torch_is_read_from_its_text(text, build):
    assert machine.build_named_in(text) == build


def test_the_build_that_is_read_agrees_with_the_tag_of_the_wheel():
    tag = (installed_version("torch") or "").partition("+")[2]
    build = machine.torch_build()
    assert build is not None
    if tag:
        assert (tag == "cpu") == (build == "cpu")
    assert machine.device() in ("cuda", "mps", "cpu")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["numpy", "torch==2.13.0", "pillow!=8.3.*,>=5.3.0"], "2.13.0"),
        (["torch (==2.1.0)"], "2.1.0"),
        (["torch==2.13.0 ; extra == 'x'"], "2.13.0"),
        (["numpy"], None),
        (None, None),
    ],
)
def test_torchvisions_metadata_names_its_torch(monkeypatch, listed, expected):
    monkeypatch.setattr(machine.importlib.metadata, "requires", lambda name: listed)
    assert machine.torch_of_torchvision() == expected


def test_a_torchvision_of_another_build_is_found_without_importing_it(tmp_path):
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    metadata = tmp_path / "torchvision-0.28.0+other.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0+other\n")
    code = "from medlab.cli import main; main(['doctor'])"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 1, done.stderr
    assert "pip uninstall -y torchvision" in done.stdout
    assert "medlab cannot work here: torchvision" in done.stdout
