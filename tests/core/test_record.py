"""Records: frozen, typed and checked at birth, equal by fingerprint, and the same after JSON and pickle."""

import copy
import dataclasses
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from medlab.core.case import Box, Case, Finding, Mask, Question, Report
from medlab.core.errors import DataError, MedlabError, SpecError
from medlab.core.kinds import test_of as kind_test
from medlab.core.kinds import words_for
from medlab.core.record import (
    Record,
    check_choice,
    check_number,
    check_text,
    check_tuple,
    check_whole,
    frozen_array,
    record,
)
from medlab.core.scan import Note, Scan


@record
class Inner(Record):
    word: str = "a"
    size: float = 0.0


@record
class Outer(Record):
    number: int
    parts: tuple[Inner, ...] = ()
    pair: tuple[float, float] | None = None
    flag: bool = False
    inner: Inner | None = None


def small_scan(value: float = 0.5, **fields) -> Scan:
    return Scan(np.full((2, 3), value, np.float32), **fields)


def full_case() -> Case:
    """A Case with something in every field."""
    scan = small_scan(name="胸片.dcm", window=(40.0, 400.0), spacing_mm=(0.5, 0.5), notes=(Note("doubt", "x", "why"),))
    return Case(
        "c1",
        scans=(scan,),
        patient_id="p1",
        findings=(Finding("effusion", "present", side="left", zone="lower", severity="small"),),
        reports=(Report(findings="Small effusion."), Report(language="zh", findings="少量积液")),
        boxes=(Box("effusion", (0.0, 1.0, 2.0, 3.0), side="left"),),
        masks=(Mask("effusion", np.eye(2, 3) > 0),),
        questions=(Question("Effusion?", "yes", kind="yes_no", options=("yes", "no")),),
        split="test",
        split_source="hash",
        licence="CC0",
    )


def test_a_record_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Inner().word = "b"


def test_the_arrays_of_a_record_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        small_scan().pixels[0, 0] = 1


@pytest.mark.parametrize("journey", [copy.deepcopy, lambda scan: pickle.loads(pickle.dumps(scan))])
def test_nor_after_a_copy_or_a_journey_through_pickle(journey):
    scan = journey(small_scan())
    assert scan == small_scan()
    with pytest.raises(ValueError, match="read-only"):
        scan.pixels[0, 0] = 1


def test_a_case_read_back_from_json_is_equal():
    case = full_case()
    again = Case.from_json(case.to_json())
    assert again == case
    assert again.scans[0].pixels.dtype == np.float32
    assert again.masks[0].pixels.tolist() == [[True, False, False], [False, True, False]]


def test_json_keeps_chinese_readable():
    assert "胸片" in full_case().to_json()


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(0, 1, width=32)))
def test_any_picture_is_the_same_after_json(pixels):
    again = Scan.from_json(Scan(pixels).to_json())
    assert np.array_equal(again.pixels, pixels)
    assert again.fingerprint == Scan(pixels).fingerprint


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_number_is_the_same_after_json(word, size):
    made = Inner(word, size)
    assert Inner.from_json(made.to_json()) == made


def test_the_fingerprint_is_the_same_in_another_process():
    code = "from medlab.core.case import Finding; print(Finding('effusion', 'present', side='left').fingerprint)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == Finding("effusion", "present", side="left").fingerprint


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "c2"),
        ("scans", (small_scan(0.25),)),
        ("patient_id", "p2"),
        ("findings", ()),
        ("reports", ()),
        ("boxes", (Box("effusion", (0.0, 1.0, 2.0, 3.5), side="left"),)),
        ("masks", (Mask("effusion", np.eye(2, 3) < 1),)),
        ("questions", ()),
        ("language", "zh"),
        ("source", "openi"),
        ("licence", None),
        ("split", "train"),
        ("split_source", "official"),
    ],
)
def test_the_fingerprint_changes_with_each_field(field, value):
    case = full_case()
    assert case.replace(**{field: value}).fingerprint != case.fingerprint


def test_the_list_above_names_every_field():
    marks = test_the_fingerprint_changes_with_each_field.pytestmark
    named = [field for mark in marks for field, _ in mark.args[1]]
    assert named == [field.name for field in dataclasses.fields(Case)]


def test_where_one_text_ends_and_the_next_begins_is_part_of_the_fingerprint():
    one, other = (Inner("ab"), Inner("c")), (Inner("a"), Inner("bc"))
    assert Outer(1, one).fingerprint != Outer(1, other).fingerprint


def test_the_shape_of_an_array_is_part_of_the_fingerprint():
    flat, tall = np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float32)
    assert Scan(flat).fingerprint != Scan(tall).fingerprint


def test_equal_numbers_are_equal_whatever_python_calls_them():
    assert Inner("a", 1) == Inner("a", 1.0) == Inner("a", np.float32(1)) == Inner("a", np.int64(1))
    assert Inner("a", -0.0) == Inner("a", 0.0)
    assert Inner("a", 1) != Inner("a", 1.5)


def test_records_of_different_classes_are_different():
    @record
    class Twin(Record):
        word: str = "a"
        size: float = 0.0

    assert Twin() != Inner()
    assert Inner() != "a"


def test_equal_records_are_one_member_of_a_set():
    assert len({Inner("a"), Inner("a"), Inner("b")}) == 2


def test_replace_checks_again():
    with pytest.raises(SpecError, match="state is 'maybe'"):
        Finding("effusion", "present").replace(state="maybe")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"number": "1"}, r"Outer.number is '1'\n  accepted: a whole number"),
        ({"number": True}, "Outer.number is True"),
        ({"number": 1.0}, "Outer.number is 1.0"),
        ({"number": 1, "parts": [Inner()]}, "accepted: a tuple of Inner"),
        ({"number": 1, "parts": (1,)}, "accepted: a tuple of Inner"),
        ({"number": 1, "pair": (1.0,)}, r"accepted: \(a number, a number\) or None"),
        ({"number": 1, "flag": 1}, "accepted: True or False"),
        ({"number": 1, "inner": {"word": "a"}}, "accepted: Inner or None"),
    ],
)
def test_a_field_of_another_type_is_refused_by_name(fields, message):
    with pytest.raises(SpecError, match=message):
        Outer(**fields)


def test_a_record_that_inherits_keeps_the_checks_of_both():
    @record
    class Part(Record):
        low: int

        def __post_init__(self):
            check_whole("low", self.low, 5)

    @record
    class Whole(Part):
        high: int = 9

    assert Whole(5).high == 9
    with pytest.raises(SpecError, match="low is 4"):
        Whole(4)
    with pytest.raises(SpecError, match=r"Whole\.high is '9'"):
        Whole(5, "9")


def test_types_are_said_in_words():
    assert words_for(tuple[Note, ...]) == "a tuple of Note"
    assert words_for(str | None) == "text or None"
    assert words_for(tuple[str, int]) == "(text, a whole number)"


def test_a_type_that_is_not_known_is_never_refused():
    assert kind_test(np.ndarray)("anything")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "expected an object"),
        ('{"word": "a", "sise": 1}', "unknown field 'sise'"),
        ('{"word": 5}', "Inner.word is 5"),
        ('{"size": "1"}', "Inner.size is '1'"),
    ],
)
def test_json_that_is_not_the_record_is_refused(text, message):
    with pytest.raises(MedlabError, match=message):
        Inner.from_json(text)


def test_a_missing_field_is_named():
    with pytest.raises(DataError, match="number"):
        Outer.from_dict({})


def test_a_wrong_value_deep_inside_is_named_by_its_place():
    data = full_case().to_dict()
    data["boxes"][0]["sde"] = "left"
    with pytest.raises(DataError, match=r"Case\.boxes\[0\]: unknown field 'sde'"):
        Case.from_dict(data)


def test_a_list_of_the_wrong_length_is_named_by_its_place():
    data = full_case().to_dict()
    data["boxes"][0]["box_px"] = [1, 2]
    with pytest.raises(DataError, match=r"Case\.boxes\[0\]\.box_px: expected 4 values, got 2"):
        Case.from_dict(data)


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "O"},
        {"dtype": "V8"},
        {"dtype": "nonsense"},
        {"dtype": {"names": ["a"], "formats": ["O"]}},
        {"shape": [2, 4]},
        {"shape": [-2, -3]},
        {"shape": [1 << 40, 1 << 40]},
        {"shape": ["two", 3]},
        {"zlib64": "!!"},
        {"zlib64": "AAAA"},
        {"zlib64": None},
    ],
    ids=json.dumps,
)
def test_an_array_that_is_not_what_it_says_is_refused(change):
    data = small_scan().to_dict()
    data["pixels"].update(change)
    with pytest.raises(DataError, match=r"\[decode\] Scan.pixels"):
        Scan.from_dict(data)


def test_an_array_that_unpacks_to_more_than_it_says_is_cut_off():
    data = Scan(np.zeros((1000, 1000), np.float32)).to_dict()
    data["pixels"]["shape"] = [2, 2]
    with pytest.raises(DataError, match="decode"):
        Scan.from_dict(data)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1, 11, "5", True, None, 10**400])
def test_a_number_out_of_its_range_is_refused(value):
    with pytest.raises(SpecError, match=r"x is .*\n  accepted: a finite number from 0 to 10"):
        check_number("x", value, 0, 10)


@pytest.mark.parametrize("value", [0, 10, 2.5, np.float32(3), np.int16(4)])
def test_a_number_in_its_range_is_accepted(value):
    check_number("x", value, 0, 10)


@pytest.mark.parametrize("value", [0.0, "1", True, -1, 11])
def test_a_whole_number_is_whole_and_in_its_range(value):
    check_whole("x", 5, 0, 10)
    with pytest.raises(SpecError, match="a whole number from 0 to 10"):
        check_whole("x", value, 0, 10)


@pytest.mark.parametrize("value", ["", "  \n", 5, None])
def test_text_is_not_empty_unless_it_may_be(value):
    check_text("x", "", empty=True)
    with pytest.raises(SpecError, match="text that is not empty"):
        check_text("x", value)


def test_a_choice_near_an_accepted_one_suggests_it():
    with pytest.raises(SpecError, match=r"view is 'lateral'\n  accepted: PA, LATERAL\n  do this:  view='LATERAL'"):
        check_choice("view", "lateral", ("PA", "LATERAL"))


@pytest.mark.parametrize("value", [None, 5, np.array(["PA", "AP"]), ["PA"]])
def test_a_choice_that_is_not_text_is_refused(value):
    with pytest.raises(SpecError, match="accepted: PA"):
        check_choice("view", value, ("PA",))


def test_a_tuple_is_a_tuple_of_its_kind():
    check_tuple("x", (1, 2.0), (int, float))
    with pytest.raises(SpecError, match="a tuple of int or float"):
        check_tuple("x", [1], (int, float))


def test_an_array_of_the_right_type_is_not_copied():
    pixels = np.zeros((2, 2), np.float32)
    assert np.shares_memory(frozen_array("x", pixels, np.float32, (2,)), pixels)
    assert pixels.flags.writeable


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1.0]], "x is a list"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
        (np.array([["a"]]), "dtype <U1"),
        (np.array([[1j]]), "dtype complex128"),
        (np.array([[np.nan]]), "NaN or infinity"),
        (np.array([[np.inf, -np.inf]]), "NaN or infinity"),
        (np.array([[1e300]]), "NaN or infinity"),
        (np.ma.zeros((2, 2)), "masked array"),
    ],
)
def test_an_array_that_cannot_be_pixels_is_refused(value, message):
    with pytest.raises(SpecError, match=message):
        frozen_array("x", value, np.float32, (2,))


def test_a_mask_of_numbers_is_refused_with_the_way_to_make_it_one():
    with pytest.raises(SpecError, match="do this:  x > 0"):
        frozen_array("x", np.zeros((2, 2)), bool, (2,))


def test_a_whole_number_without_an_upper_bound_is_not_told_one():
    with pytest.raises(SpecError) as error:
        check_whole("n", 0, 1)
    assert error.value.accepted == "a whole number of at least 1"


@pytest.mark.parametrize("shape", ["[1e999]", "[NaN]", "[1]"])
@pytest.mark.parametrize("dtype", ["<f4", "f4,(", "(", "O", "c8"])
def test_an_array_of_another_kind_or_of_no_size_is_refused(shape, dtype):
    with pytest.raises(DataError):
        Scan.from_json(f'{{"pixels": {{"dtype": "{dtype}", "shape": {shape}, "zlib64": ""}}}}')
