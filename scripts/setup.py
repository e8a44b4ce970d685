#!/usr/bin/env python3
"""Make medlab's environment: `python3 scripts/setup.py [lab] [test]`. Needs Python and nothing else.

It makes .venv beside the checkout (or, with --here, uses the environment of the Python that runs it: conda, Colab, a
lab's image), installs torch first (torch_choice.py says which build), then medlab with the versions of
constraints.txt. A second run does nothing and needs no network. An interrupted run is resumed by running it again.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (this file alone is run by whatever Python a stranger has)
    version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(f"medlab needs Python 3.11 or newer; this is {version}.\n  do this:  make setup PYTHON=python3.12")

import argparse
import hashlib
import json
import os
import pathlib
import platform
import shutil
import subprocess
import typing

import installer
import torch_choice

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXTRAS = ("lab", "test")
WITHOUT_DEPENDENCIES = {
    # its label files are test data; its dependency torchvision is never wanted, and the package is never imported
    "test": ("torchxrayvision==1.5.7",),
}


class SetupFailed(Exception):
    """A step did not succeed; the message says what to do."""


def main(argv=None) -> int:
    chosen = parse(argv)
    target = Target.here() if chosen.here else Target.venv(ROOT / ".venv")
    stamp = Stamp(target)
    extras = tuple(sorted({*chosen.extras, *stamp.extras()}))
    if stamp.covers(chosen.extras) and not chosen.force:
        print(f"medlab's environment is up to date ({target.folder})")
        return 0
    try:
        if not chosen.dry_run:
            target.make()
        install(target, extras, chosen.torch, dry_run=chosen.dry_run)
    except (SetupFailed, torch_choice.NoTorch) as error:
        print(f"\nset-up did not finish: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up was stopped; what is done is kept: run the same command again", file=sys.stderr)
        return 130
    if not chosen.dry_run:
        stamp.write(extras)
        print(f"medlab is ready in {target.folder} (torch {target.installed('torch')})")
    return 0


def parse(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extras", nargs="*", choices=EXTRAS, default=["lab"], help="which groups of packages")
    parser.add_argument("--here", action="store_true", help="install into the environment of this Python")
    parser.add_argument("--torch", choices=torch_choice.WANTED, default="auto", help="overrule the choice of build")
    parser.add_argument("--dry-run", action="store_true", help="print the plan, change nothing")
    parser.add_argument("--force", action="store_true", help="install even where nothing has changed")
    return parser.parse_args(argv)


class Target:
    """The environment to install into."""

    def __init__(self, folder: pathlib.Path, python: str, ours: bool):
        self.folder, self.python, self.ours = folder, python, ours

    @classmethod
    def venv(cls, folder: pathlib.Path) -> typing.Self:
        return cls(folder, str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")), True)

    @classmethod
    def here(cls) -> typing.Self:
        return cls(pathlib.Path(sys.prefix), sys.executable, False)

    def works(self) -> bool:
        """Whether its Python runs at all: it does not where making it was interrupted or its base has gone."""
        try:
            probe = subprocess.run([self.python, "-c", ""], capture_output=True, check=False)
        except OSError:
            return False
        return probe.returncode == 0

    def make(self) -> None:
        if not self.ours or self.works():
            return
        print(f"$ {sys.executable} -m venv --clear {self.folder}", flush=True)
        if subprocess.call([sys.executable, "-m", "venv", "--clear", str(self.folder)]) == 0:
            return
        uv = shutil.which("uv")
        if uv and subprocess.call([uv, "venv", "--clear", "--python", sys.executable, str(self.folder)]) == 0:
            return
        raise SetupFailed("no virtual environment could be made\n  do this:  sudo apt install python3-venv  (Debian)")

    def installed(self, package: str) -> str | None:
        """The version of `package` in this environment, or None. Nothing is imported there."""
        code = (
            f"import importlib.metadata as m\ntry: print(m.version({package!r}))\nexcept m.PackageNotFoundError: pass"
        )
        try:
            probe = subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=False)
        except OSError:
            return None
        return probe.stdout.strip() or None

    def pip_config(self) -> dict[str, str]:
        """pip's settings; those of the Python that runs this where the environment has no pip yet."""
        for python in (self.python, sys.executable):
            try:
                listed = subprocess.run(
                    [python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
                )
            except OSError:
                continue
            if listed.returncode == 0:
                return installer.read_pip_config(listed.stdout)
        return {}


class Stamp:
    """What was installed last, so that nothing is done twice."""

    def __init__(self, target: Target):
        self.target, self.path = target, target.folder / "medlab-setup.json"

    def key(self) -> str:
        """Changes with everything that decides what is installed, and where."""
        digest = hashlib.sha256(f"{ROOT}|{sys.version_info[:2]}".encode())
        for name in ("pyproject.toml", "constraints.txt", "scripts/setup.py"):
            digest.update((ROOT / name).read_bytes())
        return digest.hexdigest()

    def read(self) -> dict:
        try:
            return json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    def extras(self) -> list[str]:
        return self.read().get("extras", [])

    def covers(self, extras) -> bool:
        return self.read().get("key") == self.key() and set(extras) <= set(self.extras()) and self.target.works()

    def write(self, extras) -> None:
        if self.target.ours:
            self.path.write_text(json.dumps({"key": self.key(), "extras": list(extras)}), "utf-8")


def install(target: Target, extras, wanted: str, *, dry_run: bool) -> None:
    """Torch, then medlab with `extras`, then what must come without its dependencies."""
    config = target.pip_config()
    tool = installer.Installer(target.python, choose_uv(target, dry_run), config)
    plan = torch_choice.torch_plan(torch_facts(target, config), wanted)
    print(f"packages: {tool.name}\ntorch: {plan.build} ({plan.why})", flush=True)
    if plan.requirement:
        links = ("--find-links", plan.find_links) if plan.find_links else ()
        run(tool.step("torch", *links, plan.requirement, index=plan.index), dry_run, offer(plan))
    keep = target.folder / "torch-constraint.txt" if target.ours else ROOT / ".torch-constraint.txt"
    if not dry_run:
        keep.write_text(f"torch=={target.installed('torch')}\n", "utf-8")
    # another's environment keeps the versions it has: only ours follows constraints.txt
    pins = ("-c", str(ROOT / "constraints.txt"), "-c", str(keep)) if target.ours else ("-c", str(keep))
    run(tool.step("medlab", "-e", f"{ROOT}[{','.join(extras)}]", *pins), dry_run)
    for extra in extras:
        for requirement in WITHOUT_DEPENDENCIES.get(extra, ()):
            run(tool.step(requirement, "--no-deps", requirement), dry_run)


def choose_uv(target: Target, dry_run: bool) -> str | None:
    """uv, installed into the environment where it is not on PATH; None where it cannot be had."""
    uv = installer.find_uv(target.python)
    if uv or dry_run:
        return uv
    step = installer.Installer(target.python, None, {}).step("uv", "--quiet", "uv")
    print(f"$ {step}", flush=True)
    if step.run() != 0:
        print("uv cannot be had here: pip installs, more slowly", flush=True)
    return installer.find_uv(target.python)


def torch_facts(target: Target, pip_config: dict[str, str]) -> torch_choice.Facts:
    folders = installer.wheel_folders(pip_config, dict(os.environ))
    wheels = tuple(wheel for folder in folders for wheel in sorted(folder.glob("torch-*.whl")))
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    nvidia = shutil.which("nvidia-smi") is not None
    return torch_choice.Facts(target.installed("torch"), wheels, platform.system(), platform.machine(), tag, nvidia)


def offer(plan: torch_choice.TorchPlan) -> str:
    if plan.build != "cpu index":
        return ""
    return (
        f"\n{plan.index} could not be reached, or has no build for this Python."
        "\n  do this:  make setup TORCH=default   (the package index's build: some 3 GB with CUDA)"
        "\n  or:       put a torch wheel into a folder and: PIP_FIND_LINKS=that/folder make setup"
    )


def run(step: installer.Step, dry_run: bool, offer: str = "") -> None:
    print(f"$ {step}", flush=True)
    if not dry_run and step.run() != 0:
        raise SetupFailed(f"{step.says} was not installed{offer}\n  what is done is kept: run the same command again")


if __name__ == "__main__":
    sys.exit(main())
