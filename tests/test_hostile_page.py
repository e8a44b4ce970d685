"""docs/hostile.md promises a test for each hostile input: here is looked whether it is there, and the codes real."""

import ast
import functools
import pathlib
import re

import pytest

from medlab.core.errors import DATA_CODES
from medlab.loaders.dicom.notes import NOTES

TESTS = pathlib.Path(__file__).parent
PAGES = TESTS.parent / "docs"
PLAIN = {"nan", "=cmd", "unknown"}
"""words in the table that are no codes"""
_ROW = re.compile(r"\| (\d+) \| (.+?) \| (.*?) \| `(.+?)` \|")
_TEST = re.compile(r"(?P<file>[\w/]+\.py)::(?P<name>\w+)(?:\[(?P<case>.+)\])?")


def rows() -> list[tuple[int, str, str, str]]:
    """(number, input, what happens, test) of each line of the table."""
    text = (PAGES / "hostile.md").read_text(encoding="utf-8")
    return [(int(number), given, happens, test) for number, given, happens, test in _ROW.findall(text)]


@functools.cache
def parsed(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_there(test: str) -> bool:
    """Whether a file holds the test function and, where one is named, the text of the case."""
    named = _TEST.fullmatch(test)
    if not named or not (TESTS / named["file"]).is_file():
        return False
    nodes = list(ast.walk(parsed(TESTS / named["file"])))
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return named["name"] in functions and (named["case"] is None or named["case"] in texts)


def test_the_table_has_the_102_inputs_in_order():
    assert [row[0] for row in rows()] == list(range(1, 103))


@pytest.mark.parametrize("number", range(1, 103))
def test_each_input_has_its_test(number):
    test = rows()[number - 1][3]
    assert is_there(test), test


@pytest.mark.parametrize(
    "test",
    [
        "loaders/dicom/test_hostile.py::test_that_nobody_wrote",
        "loaders/dicom/test_hostile.py::test_a_bad_file_gives_its_error[103 a dragon]",
        "loaders/test_nowhere.py::test_a_bad_file_gives_its_error",
    ],
)
def test_a_test_that_is_not_there_would_be_noticed(test):
    assert not is_there(test)


def test_every_code_on_the_page_is_one():
    pictures = (PAGES / "loading.md").read_text(encoding="utf-8")
    for _, given, happens, _ in rows():
        for code in re.findall(r"`([^`]+)`", f"{given} {happens}"):
            known = code in DATA_CODES or code in NOTES or code in PLAIN or f"| `{code}` |" in pictures
            assert known, code
