"""Paths of a few real, public, de-identified files that come with the `samples` extra; nothing is downloaded.

The files are those of the package pydicom-data (MIT licence). This module knows their names and where they came
from, not how to read them.
"""

import dataclasses
import importlib.metadata
import pathlib

from medlab.core.errors import MissingDependency, UnknownName

PACKAGE = "pydicom-data"


@dataclasses.dataclass(frozen=True)
class Sample:
    """One file, and what a reader should know before using it."""

    file: str
    about: str


SAMPLES = {
    "chest-cr": Sample("RG1_UNCR.dcm", "PA chest film with nodules, 15 bits, stored as MONOCHROME1 (NEMA test set)"),
    "chest-cr-jpeg2000": Sample("RG1_J2KR.dcm", "the same film, losslessly compressed"),
    "limb-cr": Sample("RG3_UNCR.dcm", "AP film of a limb, 10 bits, stored as MONOCHROME1 (NEMA test set)"),
    "spine-ct": Sample("bad_sequence.dcm", "CT slice at a vertebra, with two windows; its header calls it a neck"),
    "whole-body-nm": Sample("JPEG2000_UNC.dcm", "bone scan of a whole body, four times as tall as it is wide"),
}


def sample_path(name: str) -> pathlib.Path:
    """Where one of SAMPLES lies on this machine.

    Raises UnknownName for another name, MissingDependency where pydicom-data is not installed.
    """
    if name not in SAMPLES:
        raise UnknownName("sample", name, sorted(SAMPLES))
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    paths = (pathlib.Path(entry.locate()) for entry in files if entry.name == SAMPLES[name].file)
    found = next(filter(pathlib.Path.is_file, paths), None)
    if found is None:
        raise MissingDependency(
            f"sample {name!r} is a file of the package {PACKAGE}, which is not installed",
            accepted="any version from 1.0",
            fix='pip install "medlab-workbench[samples]"',
        )
    return found
