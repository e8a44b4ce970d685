"""Scan: what it accepts, what it says of itself, and that text from a file cannot disturb the account."""

import numpy as np
import pytest

from medlab.core.errors import SpecError
from medlab.core.scan import Note, Scan

PIXELS = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)


def test_rows_come_before_columns():
    scan = Scan(PIXELS)
    assert (scan.rows, scan.cols, scan.is_colour) == (3, 4, False)


def test_three_channels_are_colour():
    assert Scan(np.zeros((3, 4, 3))).is_colour


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 4, 1), (3,), (0, 4), (2, 3, 4, 3)])
def test_another_shape_is_refused(shape):
    with pytest.raises(SpecError, match="pixels has shape"):
        Scan(np.zeros(shape, np.float32))


@pytest.mark.parametrize("value", [-0.01, 1.01, 255])
def test_pixels_outside_0_to_1_are_refused_with_the_way_to_scale_them(value):
    with pytest.raises(SpecError, match="load_scan"):
        Scan(np.full((2, 2), value))


def test_eight_bit_pixels_are_rounded_to_the_nearest():
    scan = Scan(np.array([[0, 1, 0.5, 100.4 / 255, 100.6 / 255]]))
    assert scan.to_uint8().tolist() == [[0, 255, 128, 100, 101]]
    assert scan.to_uint8().dtype == np.uint8


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "name is ''"),
        ({"view": "frontal"}, "accepted: PA, AP"),
        ({"laterality": "L"}, "accepted: left, right"),
        ({"bits": 0}, "bits is 0"),
        ({"frames": 0}, "frames is 0"),
        ({"frame": 2, "frames": 2}, "frame is 2"),
        ({"frame": -1}, "frame is -1"),
        ({"window": (40.0, -1.0)}, "window width is -1"),
        ({"window": (float("nan"), 1.0)}, "window centre is nan"),
        ({"window": 40.0}, r"Scan.window is 40.0"),
        ({"spacing_mm": (0.0, 1.0)}, "spacing_mm is 0"),
        ({"patient": 1234567}, "Scan.patient is 1234567"),
        ({"steps": ["a"]}, "accepted: a tuple of text"),
        ({"notes": ("a",)}, "accepted: a tuple of Note"),
    ],
)
def test_a_field_that_cannot_be_is_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        Scan(PIXELS, **fields)


@pytest.mark.parametrize("fields", [("guess", "a", "b"), ("doubt", "", "b"), ("doubt", "a", " ")])
def test_a_note_is_a_correction_or_a_doubt_with_a_code_and_a_sentence(fields):
    with pytest.raises(SpecError):
        Note(*fields)


def test_corrections_and_doubts_are_told_apart():
    fixed, unsure = Note("correction", "inverted", "It was."), Note("doubt", "clipped", "It may be.")
    scan = Scan(PIXELS, notes=(fixed, unsure))
    assert scan.corrections == (fixed,)
    assert scan.doubts == (unsure,)


def test_a_scan_says_what_it_is():
    assert repr(Scan(PIXELS, name="a.png")) == "Scan('a.png', 3x4, grey, unknown)"
    scan = Scan(
        PIXELS,
        name="b.dcm",
        modality="CT",
        view="AP",
        window=(40.0, 400.0),
        frame=1,
        frames=3,
        notes=(Note("doubt", "x", "y"),),
    )
    assert repr(scan) == "Scan('b.dcm', 3x4, grey, CT, AP, window 40/400, frame 1 of 3, 0 corrected, 1 in doubt)"


def test_the_account_has_a_line_for_each_step_and_note():
    scan = Scan(PIXELS, steps=("read", "window 40/400"), notes=(Note("correction", "inverted", "Bright is dense."),))
    assert scan.audit().splitlines() == [
        "Scan('array', 3x4, grey, unknown, 1 corrected, 0 in doubt)",
        "  step        read",
        "  step        window 40/400",
        "  correction  inverted: Bright is dense.",
    ]


def test_text_from_a_file_cannot_add_a_line_or_a_colour_to_the_account():
    scan = Scan(PIXELS, name="a\nb.dcm", steps=("x\x1b[31m\ny",), notes=(Note("doubt", "z", "p\nq"),))
    assert len(scan.audit().splitlines()) == 3
    assert "\x1b" not in scan.audit()
