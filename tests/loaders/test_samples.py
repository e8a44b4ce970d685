"""The real files of the notebooks are found offline, or the command that brings them is named."""

import hashlib
import importlib.metadata

import pytest

from medlab.core.errors import MissingDependency, UnknownName
from medlab.loaders.samples import SAMPLES, sample_path


@pytest.fixture
def installed():
    try:
        importlib.metadata.version("pydicom-data")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("pydicom-data is not installed: pip install 'medlab-workbench[samples]'")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_a_dicom_file(name):
    assert sample_path(name).read_bytes()[128:132] == b"DICM"


@pytest.mark.usefixtures("installed")
def test_the_chest_film_is_the_one_of_the_fixtures(fixtures):
    mine, theirs = sample_path("chest-cr").read_bytes(), fixtures("dicom/RG1_UNCR.dcm").read_bytes()
    assert hashlib.sha256(mine).digest() == hashlib.sha256(theirs).digest()


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match=r"did you mean 'chest-cr'"):
        sample_path("chest_cr")


def test_without_the_package_the_install_command_is_named(monkeypatch):
    def gone(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", gone)
    with pytest.raises(MissingDependency, match=r'pip install "medlab-workbench\[samples\]"'):
        sample_path("chest-cr")
