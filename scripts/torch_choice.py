"""Which build of torch to install, decided before anything that needs torch is resolved.

On Linux a plain `pip install torch` brings some 3 GB of CUDA libraries, wanted or not. The choice is made from facts
that are handed in, so that every branch can be tested on any machine. This module installs nothing.
"""

import dataclasses
import pathlib
import re

FLOOR = (2, 4)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WANTED = ("auto", "default", "cpu")


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the choice rests on."""

    installed: str | None
    """version of the torch that the environment has, or None"""
    wheels: tuple[pathlib.PurePath, ...]
    """torch wheels that lie in local wheel folders (pip's find-links)"""
    system: str
    """platform.system(): "Linux", "Darwin", "Windows" """
    machine: str
    """platform.machine(): "x86_64", "AMD64", "arm64", "aarch64" """
    python: str
    """tag of the interpreter, such as "cp311" """
    nvidia: bool
    """True where nvidia-smi is on PATH"""


@dataclasses.dataclass(frozen=True)
class TorchPlan:
    """What to install, from where, and why."""

    build: str
    """ "kept", "local wheel", "default" or "cpu index" """
    requirement: str
    """such as "torch>=2.4"; empty where nothing is to be installed"""
    why: str
    index: str | None = None
    """the only index to use, or None for the configured ones"""
    find_links: str | None = None
    """the local wheel folder to look into"""


class NoTorch(Exception):
    """No build of torch fits this machine; the message says what to do."""


def torch_plan(facts: Facts, wanted: str = "auto") -> TorchPlan:
    """The build for a machine with these `facts`.

    `wanted` is "auto", or "default" (whatever the package index gives) or "cpu" to overrule it. A torch that is there
    already is kept in every case, unless it is older than medlab's floor. Raises NoTorch where none can be had.
    """
    if wanted not in WANTED:
        raise ValueError(f"torch build {wanted!r}; accepted: {', '.join(WANTED)}")
    if facts.installed and _release(facts.installed) >= FLOOR:
        return TorchPlan("kept", "", f"torch {facts.installed} is here already")
    floor = "torch>=" + ".".join(map(str, FLOOR))
    fitting = [wheel for wheel in facts.wheels if _fits(wheel, facts)]
    if fitting and wanted == "auto":
        wheel = max(fitting, key=lambda path: (_release(_version(path)), path.name))
        requirement = f"torch=={_version(wheel)}"
        return TorchPlan(
            "local wheel", requirement, f"a local wheel folder holds {wheel.name}", None, str(wheel.parent)
        )
    if facts.system == "Darwin" and facts.machine == "x86_64":
        raise NoTorch("torch has no build for Intel Macs since 2.3; use conda: conda env create -f environment.yml")
    if facts.system != "Linux":
        return TorchPlan("default", floor, f"the package index's build is right on {facts.system}")
    if wanted == "default":
        return TorchPlan("default", floor, "asked for; on Linux this brings CUDA, some 3 GB")
    if facts.nvidia and wanted == "auto":
        return TorchPlan("default", floor, "nvidia-smi is on PATH: the CUDA build")
    why = "asked for" if wanted == "cpu" else "no NVIDIA GPU: the CPU build, without 3 GB of CUDA"
    return TorchPlan("cpu index", floor, why, CPU_INDEX)


def _version(wheel: pathlib.PurePath) -> str:
    return wheel.name.split("-")[1]


def _release(version: str) -> tuple[int, ...]:
    """(2, 13, 0) of "2.13.0+cpu"; (0,) of anything else, so that it is older than every floor."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else (0,)


def _fits(wheel: pathlib.PurePath, facts: Facts) -> bool:
    parts = wheel.name.removesuffix(".whl").split("-")
    if len(parts) not in (5, 6) or parts[0] != "torch" or _release(parts[1]) < FLOOR:
        return False
    python, abi, platform = parts[-3:]
    systems = {"Linux": "linux", "Darwin": "macosx", "Windows": "win"}
    return (
        facts.python in python.split(".")
        and facts.python in abi.split(".")
        and systems.get(facts.system, "?") in platform
        and facts.machine.lower() in platform
    )
