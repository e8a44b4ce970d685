"""Errors: three parts, safe text, near names, and the same after a journey through pickle."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlab.core import errors
from medlab.core.errors import DATA_CODES, DataError, MedlabError, SpecError, UnknownName, shown


def test_a_message_has_what_was_given_what_is_accepted_and_what_to_do():
    error = SpecError("size is 0", accepted="1 or more", fix="size=896")
    assert str(error) == "size is 0\n  accepted: 1 or more\n  do this:  size=896"
    assert (error.given, error.accepted, error.fix) == ("size is 0", "1 or more", "size=896")


def test_parts_that_are_not_given_leave_no_line():
    assert str(SpecError("size is 0")) == "size is 0"


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.SpecError, ValueError),
        (errors.DataError, ValueError),
        (errors.MissingDependency, ImportError),
        (errors.UnknownName, LookupError),
    ],
)
def test_each_is_of_the_family_and_of_the_builtin_kind_that_people_catch(kind, builtin):
    assert issubclass(kind, MedlabError)
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    "error",
    [
        SpecError("a", accepted="b", fix="c"),
        DataError("decode", "bytes", fix="look"),
        errors.MissingDependency("no gdcm", fix="pip install x"),
        errors.PrivacyError("a name"),
        errors.CapabilityError("cannot"),
        UnknownName("model", "medgema", ["medgemma", "demo"]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_after_pickling(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_data_error_starts_with_its_code():
    error = DataError("truncated", "file ends early")
    assert error.code == "truncated"
    assert str(error) == "[truncated] file ends early"


def test_a_code_that_is_not_in_the_list_is_refused():
    with pytest.raises(ValueError, match="DATA_CODES"):
        DataError("oops", "x")


def test_every_code_is_a_plain_word_with_a_meaning_and_they_are_in_order():
    assert list(DATA_CODES) == sorted(DATA_CODES)
    assert all(code.replace("_", "").isalpha() and code.islower() and meaning for code, meaning in DATA_CODES.items())


def test_shown_keeps_chinese_and_escapes_controls():
    assert shown("右侧胸腔积液") == "'右侧胸腔积液'"
    assert shown("a\x1b[31mred\n") == r"'a\x1b[31mred\n'"


def test_shown_escapes_the_marks_that_turn_text_around():
    assert "\u202e" not in shown("file\u202egnp.exe")


def test_shown_cuts_long_text_and_says_so():
    assert shown("x" * 500, 10) == "'" + "x" * 9 + "…'"


def test_shown_shows_what_is_not_text_as_python_would():
    assert shown(12.5) == "12.5"
    assert shown(None) == "None"


@given(st.text(max_size=300))
def test_whatever_is_shown_is_one_short_printable_line(text):
    line = shown(text, 50)
    assert line.isprintable()
    assert len(line) <= 52


def test_an_unknown_name_lists_the_near_ones_whatever_their_case():
    error = UnknownName("view", "lateral", ["PA", "AP", "LATERAL"])
    assert error.fix == "did you mean 'LATERAL'?"
    assert "accepted: PA, AP, LATERAL" in str(error)


def test_a_name_near_nothing_gets_the_general_advice():
    error = UnknownName("model", "qqqq", ["demo"], fix="medlab models")
    assert error.fix == "medlab models"


def test_an_empty_list_says_so():
    assert "accepted: (none)" in str(UnknownName("model", "x", []))


def test_no_part_of_a_message_can_steer_a_terminal_and_its_lines_stay():
    error = SpecError("a\x1b[2J\nb", accepted="\x9b胸部", fix="\u202e\x7f")
    assert str(error) == "a\\x1b[2J\nb\n  accepted: \\x9b胸部\n  do this:  \\u202e\\x7f"
    unknown = UnknownName("prompt", "x", ["\x1b]0;pwned\x07"])
    assert "\x1b" not in str(unknown) + unknown.accepted + unknown.fix


def test_a_number_that_python_does_not_write_is_shown_by_its_kind():
    assert shown(10**5000) == "<int>"
