"""Run lengths and polygons worked out by hand, and those that do not fit."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from medlab.cohorts.masks import coco_of_mask, decode_mask, png_of_mask
from medlab.core.errors import DataError, UnknownName

L_SHAPE = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]], bool)
"""down the columns: 1110 0010 0000"""


def test_coco_counts_go_down_the_columns_and_begin_with_nothing():
    assert (decode_mask("coco-rle", b"0 3 3 1 5", 4, 3) == L_SHAPE).all()


def test_coco_ascii_is_read_as_its_inventors_wrote_it():
    # 0 3 3 1 5 -> fourth and fifth as differences from two before: 1-3=-2, 5-3=2; each below 16 in five bits
    text = bytes([48 + 0, 48 + 3, 48 + 3, 48 + (-2 & 31), 48 + 2])
    assert (decode_mask("coco-rle", text, 4, 3) == L_SHAPE).all()


def test_a_coco_count_over_several_characters():
    # 100 zeros, 1 one on 101 x 1: 100 = 4 + 3*32, so '4' with the sixth bit, then 3
    text = bytes([48 + (4 | 32), 48 + 3, 48 + 1])
    assert np.flatnonzero(decode_mask("coco-rle", text, 101, 1)).tolist() == [100]


def test_siim_gaps_are_relative_to_the_run_before():
    assert (decode_mask("siim-rle", b"0 3 3 1", 4, 3) == L_SHAPE).all()


def test_a_polygon_covers_the_pixels_whose_centres_it_holds():
    square = b"[[[1, 1], [3, 1], [3, 2], [1, 2]]]"
    expected = np.zeros((3, 4), bool)
    expected[1, 1:3] = True
    assert (decode_mask("polygon", square, 3, 4) == expected).all()


@pytest.mark.parametrize("corners", [3, 4, 9, 40])
def test_polygons_of_any_form_are_filled_as_matplotlib_fills_them(corners):
    """Corners at random, so that edges cross: inside is what is surrounded an odd number of times."""
    from matplotlib.path import Path

    outline = np.random.default_rng(corners).uniform(-1, (31, 41), (corners, 2))
    down, across = np.mgrid[:40, :30]
    centres = np.column_stack([across.ravel() + 0.5, down.ravel() + 0.5])
    expected = Path(outline).contains_points(centres).reshape(40, 30)
    filled = decode_mask("polygon", json.dumps([outline.tolist()]).encode(), 40, 30)
    assert 20 < expected.sum() < 1180
    assert np.array_equal(filled, expected)


@pytest.mark.parametrize(
    "outline", ["[[4, 1], [4, 2], [4, 3]]", "[[-1, -1], [-1, 0], [-0.5, 0]]", "[[1, 1], [1, 1], [1, 1]]"]
)
def test_a_polygon_that_holds_no_centre_covers_nothing(outline):
    assert not decode_mask("polygon", f"[{outline}]".encode(), 3, 3).any()


def test_several_polygons_are_united():
    two = b"[[[0, 0], [1, 0], [1, 1], [0, 1]], [[2, 0], [3, 0], [3, 1], [2, 1]]]"
    assert decode_mask("polygon", two, 1, 3).tolist() == [[True, False, True]]


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_any_mask_comes_back_from_png_and_from_run_lengths(pixels):
    assert (decode_mask("png", png_of_mask(pixels), *pixels.shape) == pixels).all()
    assert (decode_mask("coco-rle", coco_of_mask(pixels), *pixels.shape) == pixels).all()


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("siim-rle", b"10 3"),
        ("siim-rle", b"0 3 3"),
        ("siim-rle", b"-1 3"),
        ("siim-rle", b"0 99999999999999999999"),
        ("siim-rle", b""),
        ("siim-rle", b"a b"),
        ("coco-rle", b"0 3 3 1 6"),
        ("coco-rle", b"0 3 3"),
        ("coco-rle", b"\xff\xfe"),
        ("coco-rle", b"garbage~~~"),
        ("coco-rle", b"o" * 50),
        ("coco-rle", b""),
        ("polygon", b"[[[0, 0], [1, 1]]]"),
        ("polygon", b"[[[0, 0], [1, 1], [1e9, 0]]]"),
        ("polygon", b"[[[0, 0], [1, 1], [NaN, 0]]]"),
        ("polygon", b"[[1, 2, 3]]"),
        ("polygon", b'{"a": 1}'),
        ("polygon", b"[" * 100_000),
        ("png", b"GIF89a"),
        ("png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40),
        ("png", png_of_mask(np.ones((2, 2), bool))),
        ("png", png_of_mask(np.eye(4, 3, dtype=bool))[:45]),
    ],
)
def test_a_mask_that_does_not_fit_is_a_mask_error(format, data):
    with pytest.raises(DataError) as caught:
        decode_mask(format, data, 4, 3)
    assert caught.value.code == "mask"


def test_a_png_bomb_is_refused_from_its_header():
    stream = io.BytesIO()
    Image.new("1", (8, 8)).save(stream, "PNG")
    data = bytearray(stream.getvalue())
    data[16:24] = (40_000).to_bytes(4, "big") * 2
    with pytest.raises(DataError, match="40000"):
        decode_mask("png", bytes(data), None, None)


@pytest.mark.parametrize("size", [(0, 3), (None, 3), (100_000, 100_000), (-4, -3)])
def test_run_lengths_need_a_size_within_reason(size):
    with pytest.raises(DataError, match="mask"):
        decode_mask("siim-rle", b"0 1", *size)


def test_an_unknown_format_lists_the_known_ones():
    with pytest.raises(UnknownName, match="coco-rle"):
        decode_mask("coco", b"", 1, 1)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["coco-rle", "siim-rle", "polygon", "png"]), st.binary(max_size=60))
def test_random_bytes_give_a_mask_or_one_kind_of_error(format, data):
    try:
        shape, code = decode_mask(format, data, 5, 7).shape, "mask"
    except DataError as error:
        shape, code = (5, 7), error.code
    assert (shape, code) == ((5, 7), "mask")
