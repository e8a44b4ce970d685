"""Write environment.yml (for conda and mamba users) from pyproject.toml; with --check, fail where the two differ.

Names are conda-forge's. What conda-forge lacks, or may lack, stands under `pip:`; torch and numpy never do, because
pip's builds of them beside conda's break both.
"""

import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
PIP_ONLY = ("captum", "pydicom-data", "pyjpegls", "pylibjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle")
HEADER = """\
# Made from pyproject.toml by `make environment`: edit that, not this.
#   conda env create -f environment.yml && conda activate medlab && medlab lab
# conda-forge chooses the CPU or the CUDA build of pytorch by what the machine has.
name: medlab
channels:
  - conda-forge
dependencies:
"""


def requirements(project: dict, extra: str | None = None) -> list[str]:
    """The requirements of the project, or of one extra with the extras that it names."""
    listed = project["optional-dependencies"][extra] if extra else project["dependencies"]
    found = []
    for requirement in listed:
        nested = re.fullmatch(rf"{re.escape(project['name'])}\[([\w,-]+)\]", requirement)
        if nested:
            found += [inner for name in nested[1].split(",") for inner in requirements(project, name)]
        else:
            found.append(requirement)
    return found


def split_requirement(requirement: str) -> tuple[str, str]:
    """("torch", ">=2.4") of "torch>=2.4"."""
    name = re.match(r"[\w.-]+", requirement)[0]
    return name, requirement.removeprefix(name)


def render(pyproject: str) -> str:
    """environment.yml for the text of pyproject.toml."""
    project = tomllib.loads(pyproject)["project"]
    wanted = sorted({*requirements(project), *requirements(project, "lab")}, key=str.lower)
    conda = [f"python{project['requires-python']}", "pip"]
    pip = []
    for requirement in wanted:
        name, versions = split_requirement(requirement)
        if name in PIP_ONLY:
            pip.append(requirement)
        else:
            conda.append(CONDA_NAMES.get(name, name) + versions)
    lines = [f"  - {item}\n" for item in conda] + ["  - pip:\n"]
    lines += [f"      - {item}\n" for item in [*pip, "-e ."]]
    return HEADER + "".join(lines)


def main(arguments: list[str]) -> int:
    path = ROOT / "environment.yml"
    text = render((ROOT / "pyproject.toml").read_text("utf-8"))
    if arguments == ["--check"]:
        same = path.read_text("utf-8") == text
        if not same:
            print("environment.yml differs from pyproject.toml\n  do this:  make environment", file=sys.stderr)
        return 0 if same else 1
    path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
