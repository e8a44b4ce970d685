"""Provenance: versions without importing what they belong to, and nothing that names a person or a machine."""

import hashlib
import platform

import numpy
import pytest

from medlab.core.errors import SpecError
from medlab.core.provenance import Provenance, collect, installed_version, sha256_of
from medlab.version import __version__


def test_it_has_the_versions_that_the_packages_themselves_tell():
    made = collect(seed=7)
    assert made.medlab == __version__
    assert made.python == platform.python_version()
    assert dict(made.packages)["numpy"] == numpy.__version__
    assert made.seed == 7


def test_work_done_twice_here_has_the_same_provenance():
    assert collect() == collect()
    assert collect(1) != collect(2)


def test_of_the_machine_it_names_the_system_and_the_processor_and_no_more():
    assert collect().system == f"{platform.system()} {platform.machine()}"


def test_a_package_that_is_not_there_has_no_version():
    assert installed_version("medlab-no-such-package") is None


def test_it_reads_back_from_json():
    assert Provenance.from_json(collect(3).to_json()) == collect(3)


def test_empty_words_are_refused():
    with pytest.raises(SpecError, match="system is ''"):
        Provenance("0.1", "3.11", "")


def test_the_sha256_of_bytes_and_of_a_file_is_the_standard_one(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(b"abc") == sha256_of(path) == expected == hashlib.sha256(b"abc").hexdigest()
