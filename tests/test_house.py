"""The house around the code: what the README promises exists, generated files are in step, floors suit Colab.

Each comparison has a twin on a text that breaks it.
"""

import itertools
import pathlib
import re
import subprocess
import tomllib

import environment
import methods_table
import pytest
import stages
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from medlab import cli

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")
PYPROJECT = (CHECKOUT / "pyproject.toml").read_text("utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
EVERYTHING = [*PROJECT["dependencies"], *itertools.chain(*PROJECT["optional-dependencies"].values())]
COLAB = CHECKOUT / "tests" / "data" / "colab-2026-08.txt"
ROOMS = tuple(
    f"medlab/{room}"
    for room in (
        *("cohorts", "core", "demo", "explainers", "imaging", "loaders"),
        *("models", "phantom", "plots", "prompts", "widgets"),
    )
)


def text(name: str) -> str:
    return (CHECKOUT / name).read_text("utf-8")


# Colab


def versions_of(listed: str) -> dict[str, str]:
    pairs = (line.split("==") for line in listed.splitlines() if line and not line.startswith("#"))
    return {name.lower(): version for name, version in pairs}


def replaced_by_installing(requirements: list[str], there: dict[str, str]) -> list[str]:
    """The requirements that what is `there` does not satisfy: installing them would replace it."""
    wanted = [Requirement(requirement) for requirement in requirements]
    return [
        str(one)
        for one in wanted
        if one.name.lower() in there and not one.specifier.contains(there[one.name.lower()], prereleases=True)
    ]


def test_installing_medlab_on_colab_replaces_nothing():
    there = versions_of(COLAB.read_text("utf-8"))
    assert replaced_by_installing(PROJECT["dependencies"], there) == []
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(there["python"])


@pytest.mark.parametrize("floor", ["ipywidgets>=8", "numpy>=2.2", "transformers>=5.16", "torch>=2.12", "numpy<2"])
def test_a_floor_that_colab_does_not_satisfy_is_noticed(floor):
    there = versions_of(COLAB.read_text("utf-8"))
    assert replaced_by_installing([*PROJECT["dependencies"], floor], there) == [floor]


def test_most_of_what_medlab_needs_is_compared_with_colab():
    there = versions_of(COLAB.read_text("utf-8"))
    compared = [Requirement(one).name for one in PROJECT["dependencies"] if Requirement(one).name.lower() in there]
    assert {"torch", "transformers", "datasets", "numpy", "pillow", "matplotlib", "ipywidgets"} <= set(compared)


# pyproject.toml and what is made from it


def test_torchvision_is_no_dependency_of_any_kind():
    assert not [one for one in EVERYTHING if "torchvision" in one or "torchxrayvision" in one]


def test_environment_yml_is_the_one_that_pyproject_gives():
    assert text("environment.yml") == environment.render(PYPROJECT)


def test_the_table_of_methods_says_what_the_methods_say():
    assert methods_table.render() in text("docs/explaining.md")
    assert methods_table.render() not in text("docs/explaining.md").replace("does not mean", "means")


def test_another_pyproject_gives_another_environment():
    assert environment.render(PYPROJECT.replace("torch>=2.4", "torch>=2.5")) != environment.render(PYPROJECT)


def test_conda_is_given_torch_and_numpy_and_pip_neither():
    made = yaml.safe_load(text("environment.yml"))
    conda = [item for item in made["dependencies"] if isinstance(item, str)]
    (pip,) = (item["pip"] for item in made["dependencies"] if isinstance(item, dict))
    assert "pytorch>=2.4" in conda
    assert any(item.startswith("numpy>=") for item in conda)
    assert not [item for item in pip if Requirement(item.replace("-e .", "medlab")).name in ("torch", "numpy")]
    assert pip[-1] == "-e ."


def test_every_requirement_is_in_environment_yml_once():
    made = yaml.safe_load(text("environment.yml"))
    (pip,) = (item["pip"] for item in made["dependencies"] if isinstance(item, dict))
    conda = [item for item in made["dependencies"] if isinstance(item, str)]
    names = [environment.split_requirement(item)[0] for item in (*conda, *pip) if item != "-e ."]
    wanted = [*environment.requirements(PROJECT), *environment.requirements(PROJECT, "lab")]
    renamed = [environment.CONDA_NAMES.get(name, name) for name in (Requirement(one).name for one in wanted)]
    assert sorted(names) == sorted({"python", "pip", *renamed})


def test_constraints_satisfy_every_requirement_and_leave_torch_to_the_setup_script():
    pins = {}
    for line in text("constraints.txt").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            pins.setdefault(pin.name.lower(), []).append(pin)
    assert "torch" not in pins
    assert not [name for name in pins if name.startswith(("nvidia-", "cuda", "triton"))]
    for one in EVERYTHING:
        wanted = Requirement(one)
        if wanted.name in ("torch", PROJECT["name"]):
            continue
        versions = [next(iter(pin.specifier)).version for pin in pins[wanted.name.lower()]]
        assert all(wanted.specifier.contains(version) for version in versions), one


def test_constraints_name_their_day_and_no_place():
    head = text("constraints.txt").splitlines()[0]
    assert re.search(r"\d{4}-\d\d-\d\d", head)
    assert not re.search(r"https?://|file://|^-", text("constraints.txt"), re.MULTILINE)


# the README


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))


def verbs() -> set[str]:
    groups = {group.name for group in cli.app.registered_groups}
    return {command.name or command.callback.__name__ for command in cli.app.registered_commands} | groups


def missing_commands(page: str) -> set[str]:
    """make targets and medlab verbs that a page names and that do not exist."""
    pieces = re.findall(r"```bash\n(.*?)```|`([^`\n]+)`", page, re.DOTALL)
    code = "\n".join(block or inline for block, inline in pieces)
    made = {f"make {name}" for name in re.findall(r"\bmake ([a-z-]+)", code) if name not in targets()}
    return made | {f"medlab {name}" for name in re.findall(r"\bmedlab ([a-z]+)", code) if name not in verbs()}


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md", "docs/architecture.md"])
def test_every_command_that_a_page_names_exists(name):
    assert missing_commands(text(name)) == set()


def test_a_command_that_does_not_exist_is_noticed():
    page = "```bash\nmake lab\nmake coffee\n```\nor `medlab brew x` and `medlab doctor`, but make tea is prose"
    assert missing_commands(page) == {"make coffee", "medlab brew"}


@pytest.mark.parametrize("name", READMES)
def test_every_verb_is_in_the_readme(name):
    listed = set(re.findall(r"^\| `medlab (\w+)", text(name), re.MULTILINE))
    assert listed == verbs()


def folders_named_in(page: str) -> list[str]:
    return re.findall(r"^\| `([\w/]+)/` \|", page, re.MULTILINE)


@pytest.mark.parametrize("name", READMES)
def test_every_folder_on_the_map_is_there(name):
    named = folders_named_in(text(name))
    assert [folder for folder in named if not (CHECKOUT / folder).is_dir()] == []
    assert {folder for folder in named if folder.startswith("medlab/")} == set(ROOMS)


def top_folders() -> set[str]:
    """Folders of the project at its top, as git knows them; skips outside a checkout."""
    listed = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout
    if not listed:
        pytest.skip("not a git checkout: which folders belong to the project cannot be told")
    return {path.partition("/")[0] for path in listed.split() if "/" in path and not path.startswith(".")}


@pytest.mark.parametrize("name", READMES)
def test_every_folder_is_on_the_map(name):
    assert top_folders() - {"medlab"} <= set(folders_named_in(text(name)))


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md", "docs/architecture.md"])
def test_every_link_to_a_file_leads_somewhere(name):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text(name))
    folder = (CHECKOUT / name).parent
    assert [link for link in links if not (folder / link).exists()] == []


def test_both_readmes_have_the_same_commands():
    blocks = [re.findall(r"```(bash|python)\n(.*?)```", text(name), re.DOTALL) for name in READMES]
    # What is asked of a model is in the page's own language; it ends as a sentence does.
    said = r'"[^"\n]*[?.？。]"'
    without_words = [[re.sub(said, "…", re.sub(r" *#.*", "", code)) for _, code in found] for found in blocks]
    assert without_words[0] == without_words[1]


def test_the_readmes_first_lines_of_python_run(fixtures, capsys, monkeypatch, tmp_path):
    pytest.importorskip("IPython")
    import matplotlib

    matplotlib.use("agg")
    (code,) = re.findall(r"```python\n(.*?)```", text("README.md"), re.DOTALL)
    (tmp_path / "chest.dcm").symlink_to(fixtures("dicom/RG1_UNCR.dcm"))
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["film"].scans
    assert "Scan('chest.dcm'" in capsys.readouterr().out


@pytest.mark.parametrize("name", READMES)
def test_the_readme_says_once_that_this_is_no_clinical_device(name):
    said = {"README.md": "not a clinical device", "README.zh-CN.md": "不是医疗器械"}[name]
    assert text(name).count(said) == 1


# the rest of the house


def test_the_changelog_is_one_that_programs_can_read():
    headings = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    for heading in headings[1:]:
        version, day = re.fullmatch(r"\[(.+)\] - (\d{4}-\d\d-\d\d)", heading).groups()
        assert Version(version)
        assert day


def test_continuous_integration_is_make_test():
    script = CHECKOUT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text("utf-8").rstrip().splitlines()[-1] == "make test"


def test_make_test_is_lint_tests_and_notebooks():
    (recipe,) = re.findall(r"^test: setup-test\n\t(.+)$", text("Makefile"), re.MULTILINE)
    assert recipe.endswith("scripts/stages.py lint tests nbval")


def test_every_stage_runs_and_the_first_failure_is_the_status(capsys):
    asked = []

    def call(command):
        asked.append(command[-1])
        return {"tests": 2, "nbval": 5}.get(command[-1], 0)

    assert stages.run_stages(["lint", "tests", "nbval"], call) == 2
    assert asked == ["lint", "tests", "nbval"]
    last = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split()[:2] for line in last] == [["lint", "ok"], ["tests", "failed"], ["nbval", "failed"]]
    assert stages.run_stages(["lint"], lambda command: 0) == 0


def test_hooks_run_what_lint_runs():
    hooks = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    entries = [hook["entry"] for hook in hooks[0]["hooks"]]
    for tool in ("ruff check", "ruff format", "scripts/environment.py --check"):
        assert any(tool in entry for entry in entries)
        assert tool in text("Makefile")
