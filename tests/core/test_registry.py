"""Registry: names to things that are imported only when they are asked for."""

import json
import sys

import pytest

from medlab.core.errors import SpecError, UnknownName
from medlab.core.registry import Registry


def test_a_name_gives_the_thing_at_its_address():
    assert Registry("reader", {"json": "json:loads"}).get("json") is json.loads


def test_nothing_is_imported_before_it_is_asked_for():
    registry = Registry("reader", {"late": "colorsys:rgb_to_hsv"})
    sys.modules.pop("colorsys", None)
    assert "late" in registry
    assert list(registry) == ["late"]
    assert "colorsys" not in sys.modules
    registry.get("late")
    assert "colorsys" in sys.modules


def test_a_wrong_name_suggests_the_near_one():
    registry = Registry("reader", {"dicom": "a:b", "nifti": "c:d"})
    with pytest.raises(UnknownName) as caught:
        registry.get("dicon")
    assert str(caught.value).splitlines() == [
        "no reader called 'dicon'",
        "  accepted: dicom, nifti",
        "  do this:  did you mean 'dicom'?",
    ]


def test_a_name_is_given_once():
    registry = Registry("reader", {"json": "json:loads"})
    with pytest.raises(SpecError, match="registered already"):
        registry.add("json", "json:dumps")


@pytest.mark.parametrize("address", ["json", "json:", ":loads", ""])
def test_an_address_is_module_and_attribute(address):
    with pytest.raises(SpecError, match="module:attribute"):
        Registry("reader", {"x": address})


def test_a_registry_lists_itself_in_order():
    assert repr(Registry("reader", {"b": "a:b", "a": "a:b"})) == "Registry(reader: a, b)"
