"""Write constraints.txt: the exact versions that medlab was tested with, for every supported Python and system.

torch, and what only torch needs, are left out: scripts/setup.py chooses torch before anything else, and a machine that
has one keeps it. Needs uv.
"""

import datetime
import pathlib
import subprocess
import sys
import tempfile

import installer

ROOT = pathlib.Path(__file__).resolve().parents[1]
OLDEST_PYTHON = "3.11"


def compile_pins(uv: str) -> str:
    """What uv resolves pyproject.toml with all its extras to, torch left out; one requirement a line."""
    with tempfile.TemporaryDirectory() as folder:
        no_torch = pathlib.Path(folder, "no-torch.txt")
        no_torch.write_text('torch ; python_version < "3"\n', "utf-8")
        command = [uv, "pip", "compile", "--universal", "--python-version", OLDEST_PYTHON, "--all-extras", "--upgrade"]
        command += ["--no-header", "--no-annotate", "--quiet", "--override", str(no_torch), "pyproject.toml"]
        return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    uv = installer.find_uv(sys.executable)
    if uv is None:
        sys.exit("uv is needed to resolve for every system at once\n  do this:  pip install uv")
    header = (
        f"# The versions that medlab is tested with, resolved {datetime.date.today():%Y-%m-%d} by `make constraints`\n"
        "# from pyproject.toml with all its extras. torch and what only torch needs are left out on purpose:\n"
        "# scripts/setup.py chooses the build of torch that fits the machine.\n"
    )
    (ROOT / "constraints.txt").write_text(header + compile_pins(uv), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
