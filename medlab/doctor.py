"""`medlab doctor`: what works here, what is missing, and the command that mends it.

Each check is a function from facts to one `Check`, so that its failure can be tested on a healthy machine;
`examine` collects the facts of this one. Nothing is installed, and torchvision, whose breakage is looked for, is never
imported. The Hugging Face token is looked for, not read.
"""

import os
import pathlib
import sys

from medlab import machine
from medlab.core.provenance import installed_version
from medlab.core.record import Record, check_choice, check_text, record
from medlab.version import __version__

STATES = ("ok", "note", "missing", "broken")
OLDEST_PYTHON = (3, 11)
ENOUGH_DISK_BYTES = 5_000_000_000
ENOUGH_MEMORY_BYTES = 7_000_000_000


@record
class Check(Record):
    """One line of the doctor's account."""

    name: str
    state: str
    """one of STATES: "note" is worth knowing and stops nothing"""
    found: str
    """what is here"""
    fix: str = ""
    """the command that mends it"""
    required: bool = False
    """whether medlab's main job (scans, phantoms, cohorts, models) needs it"""
    group: str = ""
    """checks of one group that are all in order may be shown as one line"""

    def __post_init__(self):
        check_text("name", self.name)
        check_choice("state", self.state, STATES)
        check_text("found", self.found)

    @property
    def stops(self) -> bool:
        """Whether medlab cannot do its main job because of this."""
        return self.required and self.state in ("missing", "broken")


def check_python(version: tuple[int, ...]) -> Check:
    found = ".".join(map(str, version[:3]))
    if version[:2] < OLDEST_PYTHON:
        return Check("python", "broken", found, "install Python 3.11 or newer", required=True)
    return Check("python", "ok", found, required=True)


def check_requirement(requirement: str, version: str | None) -> Check:
    """One line of medlab's own metadata, such as "pydicom>=3.0.1", against what is installed."""
    from packaging.requirements import Requirement

    wanted = Requirement(requirement)
    fix = f'pip install "{wanted.name}{wanted.specifier}"'
    if version is None:
        return Check(wanted.name, "missing", "not installed", fix, required=True, group="packages")
    if not wanted.specifier.contains(version, prereleases=True):
        found = f"{version}, needs {wanted.specifier}"
        return Check(wanted.name, "broken", found, fix, required=True, group="packages")
    return Check(wanted.name, "ok", version, required=True, group="packages")


def check_medlab(requirements: tuple[str, ...], version: str) -> Check:
    if not requirements:
        return Check("medlab", "note", f"{version}, not installed as a package", "pip install -e .")
    return Check("medlab", "ok", version)


def check_device(build: str | None, device: str, cores: int) -> Check:
    if build is None:
        return Check("device", "missing", "no torch", "make setup", required=True)
    if build.startswith(("cuda", "rocm")) and device == "cpu":
        found = f"cpu: torch is built for {build}, but sees no GPU"
        return Check("device", "note", found, "nvidia-smi   (is the driver there?)")
    return Check("device", "ok", f"{device} (torch built for {build}; {cores} cores)")


def check_torchvision(torch: str | None, torchvision: str | None, built_for: str | None) -> Check:
    """Whether an installed torchvision fits torch. One that does not makes transformers fail to load any model.

    `built_for` is the torch version in torchvision's metadata. Builds differ too: "+cpu" beside "+cu128", or beside
    the package index's, which bears no such tag.
    """
    if torchvision is None:
        return Check("torchvision", "ok", "not installed, and not needed")
    public, _, tag = (torch or "").partition("+")
    if (built_for and built_for.partition("+")[0] != public) or torchvision.partition("+")[2] != tag:
        found = f"{torchvision} does not fit torch {torch}: transformers cannot load models beside it"
        return Check("torchvision", "broken", found, "pip uninstall -y torchvision", required=True)
    return Check("torchvision", "ok", f"{torchvision} (medlab does not use it)")


def check_codec(name: str, decoder: str, fix: str) -> Check:
    """Whether a DICOM transfer syntax can be decoded; `fix` is empty where it can."""
    state, found = ("missing", f"needs {decoder}") if fix else ("ok", decoder)
    return Check(f"DICOM {name}", state, found, fix, group="DICOM transfer syntaxes")


def check_lab(version: str | None, kernels: tuple[str, ...]) -> Check:
    fix = 'pip install "medlab-workbench[lab]"'
    if version is None:
        return Check("JupyterLab", "missing", "not installed", fix)
    if not kernels:
        return Check("JupyterLab", "broken", f"{version}, but no kernel", "python -m ipykernel install --user")
    return Check("JupyterLab", "ok", f"{version}, kernels: {', '.join(kernels)}")


def check_font(files: tuple[str, ...]) -> Check:
    """Whether the font that draws Chinese in figures came with medlab."""
    if not files:
        return Check(
            "Chinese font", "missing", "not with this medlab", "pip install --force-reinstall medlab-workbench"
        )
    return Check("Chinese font", "ok", ", ".join(files))


def check_samples(version: str | None) -> Check:
    if version is None:
        return Check("sample films", "missing", "no pydicom-data", 'pip install "medlab-workbench[samples]"')
    return Check("sample films", "ok", f"pydicom-data {version}")


def check_room(name: str, available: int | None, enough: int) -> Check:
    """Free disk or memory, in bytes."""
    if available is None:
        return Check(name, "note", "this system does not tell")
    found = f"{available / 1e9:.1f} GB"
    return (
        Check(name, "ok", found)
        if available >= enough
        else Check(name, "note", f"{found}, {enough / 1e9:.0f} GB advised")
    )


def check_hub(offline: bool, token: bool, models: int) -> Check:
    """Access to Hugging Face, which only real checkpoints need."""
    found = f"{'offline' if offline else 'online'}, {'a' if token else 'no'} token, {models} model(s) in the cache"
    if offline or token:
        return Check("hub", "ok", found)
    return Check("hub", "note", found, "hf auth login   (only for gated checkpoints such as MedGemma)")


def examine() -> tuple[Check, ...]:
    """All checks, on this machine, in the order in which one would mend them."""
    from packaging.requirements import Requirement

    from medlab.loaders.dicom.codecs import codec_table

    requirements = machine.own_requirements()
    versions = [installed_version(Requirement(requirement).name) for requirement in requirements]
    fonts = tuple(path.name for path in sorted(pathlib.Path(__file__).parent.glob("plots/fonts/*.[ot]tf")))
    vision = installed_version("torchvision")
    return (
        check_python(sys.version_info[:3]),
        check_medlab(requirements, __version__),
        *(
            check_requirement(requirement, version)
            for requirement, version in zip(requirements, versions, strict=True)
        ),
        check_device(machine.torch_build(), machine.device(), os.cpu_count() or 1),
        check_torchvision(installed_version("torch"), vision, machine.torch_of_torchvision()),
        *(check_codec(row.name, row.decoder, row.fix) for row in codec_table()),
        check_lab(installed_version("jupyterlab"), machine.kernels()),
        check_font(fonts),
        check_samples(installed_version("pydicom-data")),
        check_room("free disk", machine.free_disk_bytes(pathlib.Path.cwd()), ENOUGH_DISK_BYTES),
        check_room("memory", machine.memory_bytes(), ENOUGH_MEMORY_BYTES),
        check_hub(machine.hub_is_offline(), machine.hub_token_is_there(), machine.hub_models()),
    )
