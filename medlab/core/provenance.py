"""Which versions, machine and seed made a result. Reads package metadata; imports none of the packages."""

import hashlib
import importlib.metadata
import pathlib
import platform
import sys

from medlab.core.record import Record, check_text, record
from medlab.version import __version__

TRACKED = ("torch", "transformers", "datasets", "captum", "numpy", "pillow", "pydicom", "matplotlib", "peft")


@record
class Provenance(Record):
    medlab: str
    """medlab's version"""
    python: str
    """such as "3.11.7" """
    system: str
    """such as "Linux x86_64"; never a host or user name"""
    packages: tuple[tuple[str, str], ...] = ()
    """(name, version) of each tracked package that is installed"""
    seed: int | None = None
    """the one seed the work was started with; None where chance had no part"""

    def __post_init__(self):
        for name in ("medlab", "python", "system"):
            check_text(name, getattr(self, name))


def installed_version(package: str) -> str | None:
    """The version in the package's metadata, or None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def collect(seed: int | None = None) -> Provenance:
    """The provenance of work done now, in this process."""
    found = tuple((name, version) for name in TRACKED if (version := installed_version(name)))
    system = f"{platform.system()} {platform.machine()}"
    return Provenance(__version__, ".".join(map(str, sys.version_info[:3])), system, found, seed)


def sha256_of(source: bytes | pathlib.Path) -> str:
    """Hex sha256 of bytes, or of a file read in blocks."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
