"""`import medlab` is light and has no side effect; each public name is there when it is asked for."""

import json
import subprocess
import sys

import pytest

import medlab

HEAVY_NAMES = "torch transformers datasets pydicom matplotlib scipy pandas captum PIL IPython pyarrow numpy"
HEAVY = set(HEAVY_NAMES.split())


def modules_after(statement: str) -> set[str]:
    """Names of the modules that a fresh Python holds after `statement`."""
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_medlab_loads_no_heavy_library():
    assert modules_after("import medlab") & HEAVY == set()


def test_the_check_would_see_a_heavy_library():
    assert "numpy" in modules_after("import numpy")


def test_a_record_needs_numpy_and_no_more():
    loaded = modules_after("import medlab; medlab.Scan, medlab.Case, medlab.SquareFit, medlab.MedlabError")
    assert loaded & HEAVY == {"numpy"}


def test_help_of_the_command_line_loads_neither_torch_nor_numpy():
    code = "import medlab.cli\ntry:\n    medlab.cli.main(['--help'])\nexcept SystemExit: pass"
    assert modules_after(code) & HEAVY == set()


@pytest.mark.parametrize("name", dir(medlab))
def test_every_public_name_is_there(name):
    assert getattr(medlab, name) is not None


def test_at_most_twenty_five_public_names():
    assert len(medlab.__all__) <= 25


def test_a_wrong_name_says_which_names_there_are():
    with pytest.raises(AttributeError, match="load_scan"):
        _ = medlab.load_scam
