"""What every test may ask for: the real files, where the checkout has them. It knows no format and reads no file."""

import os
import pathlib
from collections.abc import Callable

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]


def fixtures_folder() -> pathlib.Path:
    """The folder of real files: $MEDLAB_FIXTURES, else `shared/fixtures` beside the checkout."""
    named = os.environ.get("MEDLAB_FIXTURES")
    return pathlib.Path(named) if named else CHECKOUT.parent / "shared" / "fixtures"


@pytest.fixture(scope="session")
def fixtures() -> Callable[[str], pathlib.Path]:
    """`fixtures("dicom/RG1_UNCR.dcm")` is that file's path; a file that is not there skips the test by name."""

    def find(name: str) -> pathlib.Path:
        path = fixtures_folder() / name
        if not path.exists():
            pytest.skip(f"the fixture {name} is missing; set MEDLAB_FIXTURES to the folder that holds it")
        return path

    return find
