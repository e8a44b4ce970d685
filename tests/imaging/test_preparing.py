"""prepare: the shapes, the geometry and the refusals. Parity with other people's code is in test_parity.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import medlab
from medlab.core import errors
from medlab.core.scan import Scan
from medlab.imaging import Preparation, Prepared, normalise, to_square
from medlab.imaging.preparing import MAX_SIDE


def grey(rows: int, cols: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, cols), np.uint8)


def centroid(plane: np.ndarray) -> np.ndarray:
    """Centre of mass in (row, col) at pixel edges, as medlab counts points."""
    weights = plane / plane.sum()
    rows, cols = np.indices(plane.shape) + 0.5
    return np.array([(weights * rows).sum(), (weights * cols).sum()])


def test_black_is_minus_one_and_white_is_one():
    picture = np.zeros((8, 8), np.uint8)
    picture[:, 4:] = 255
    prepared = medlab.prepare(picture, size=8)
    assert prepared.pixels.shape == (3, 8, 8)
    assert prepared.pixels.dtype == np.float32
    assert (prepared.pixels[:, :, :4] == -1).all()
    assert (prepared.pixels[:, :, 4:] == 1).all()


def test_a_scan_and_its_bytes_give_the_same():
    picture = grey(37, 53)
    scan = Scan(picture / np.float32(255))
    assert np.array_equal(medlab.prepare(scan, 64).pixels, medlab.prepare(picture, 64).pixels)


def test_halving_averages_as_a_triangle_does():
    # Pillow's bilinear filter at scale 1/2 weighs four pixels 1:3:3:1, and what falls outside is left out.
    picture = np.tile(np.array([0, 80, 160, 240], np.uint8), (4, 1))
    square = to_square(picture, Preparation(size=2))
    assert square[0].tolist() == [round((3 * 0 + 3 * 80 + 160) / 7), round((80 + 3 * 160 + 3 * 240) / 7)]


def test_padding_is_black_and_lies_where_the_fit_says():
    picture = np.full((4, 8), 200, np.uint8)
    prepared = medlab.prepare(picture, size=8, channels=1)
    top, left, bottom, right = (int(v) for v in prepared.fit.content())
    assert (top, left, bottom, right) == (2, 0, 6, 8)
    assert (prepared.pixels[0, top:bottom, left:right] > 0.5).all()
    assert (prepared.pixels[0, :top] == -1).all()
    assert (prepared.pixels[0, bottom:] == -1).all()


def test_an_odd_difference_pads_the_extra_pixel_below_and_right():
    square = to_square(np.full((5, 2), 255, np.uint8), Preparation(size=5))
    assert (square[0] > 0).tolist() == [False, True, True, False, False]
    square = to_square(np.full((2, 5), 255, np.uint8), Preparation(size=5))
    assert (square[:, 0] > 0).tolist() == [False, True, True, False, False]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(24, 700),
    cols=st.integers(24, 700),
    size=st.integers(64, 300),
    fit=st.sampled_from(["pad", "stretch"]),
    at=st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8)),
)
def test_a_dot_lands_where_the_fit_says_and_maps_back(rows, cols, size, fit, at):
    picture = np.zeros((rows, cols), np.uint8)
    radius = max(1, min(rows, cols) // 16)
    row, col = int(at[0] * rows), int(at[1] * cols)
    picture[row - radius : row + radius + 1, col - radius : col + radius + 1] = 255
    prepared = medlab.prepare(picture, size=size, fit=fit, mean=0.0, std=1.0)
    there = centroid(prepared.pixels[0])
    drawn = np.array([row + 0.5, col + 0.5])
    assert np.abs(there - prepared.fit.to_square(drawn)).max() < 0.5
    assert np.abs(prepared.fit.to_original(there) - drawn).max() < 0.5 * max(1.0, *1 / np.array(prepared.fit.scale))


def test_the_dot_test_can_fail_with_padding_on_the_wrong_side():
    picture = np.zeros((60, 100), np.uint8)
    picture[28:33, 48:53] = 255
    prepared = medlab.prepare(picture, size=50, mean=0.0, std=1.0)
    wrong = medlab.SquareFit(60, 100, 50, "stretch")
    assert np.abs(centroid(prepared.pixels[0]) - wrong.to_square([30.5, 50.5])).max() < 0.5  # the centre cannot tell
    picture = np.roll(picture, -20, axis=0)
    prepared = medlab.prepare(picture, size=50, mean=0.0, std=1.0)
    assert np.abs(centroid(prepared.pixels[0]) - wrong.to_square([10.5, 50.5])).max() > 5


def test_the_channels_of_a_grey_picture_are_equal_and_a_batch_of_them_is_contiguous():
    pixels = medlab.prepare(grey(30, 40), size=32).pixels
    assert np.array_equal(pixels[0], pixels[1])
    assert np.array_equal(pixels[0], pixels[2])
    assert np.stack([pixels, pixels]).flags.c_contiguous


def test_colour_keeps_its_three_channels_in_order():
    picture = np.zeros((6, 6, 3), np.uint8)
    picture[..., 0], picture[..., 2] = 255, 128
    pixels = medlab.prepare(picture, size=6).pixels
    assert pixels[:, 3, 3].tolist() == pytest.approx([1, -1, 128 / 127.5 - 1], abs=1e-6)


def test_a_mean_for_each_channel_makes_three_planes_of_a_grey_picture():
    pixels = medlab.prepare(np.full((4, 4), 255, np.uint8), size=4, mean=(0.5, 0.25, 0.0), std=(0.5, 0.5, 2.0)).pixels
    assert pixels[:, 0, 0].tolist() == [1.0, 1.5, 0.5]


def test_what_is_prepared_cannot_be_written_to():
    prepared = medlab.prepare(grey(9, 9), size=8)
    with pytest.raises(ValueError, match="read-only"):
        prepared.pixels[0, 0, 0] = 0
    assert repr(prepared) == "Prepared(3x8x8 float32, 9x9 by pad)"


def test_equal_pictures_are_equal_records():
    assert medlab.prepare(grey(9, 12), 8) == medlab.prepare(grey(9, 12), 8)
    assert medlab.prepare(grey(9, 12), 8) != medlab.prepare(grey(9, 12, seed=1), 8)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4), np.uint16),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4), np.uint8),
        [[0, 1]],
        None,
    ],
)
def test_anything_but_8_bit_grey_or_rgb_is_refused_with_the_way_out(picture):
    with pytest.raises(errors.SpecError, match="load_scan"):
        medlab.prepare(picture)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"size": 0}, "size is 0"),
        ({"fit": "crop"}, "pad, stretch"),
        ({"channels": 2}, "1 or 3"),
        ({"mean": (0.5, 0.5)}, "mean has 2 values"),
        ({"std": 0.0}, "std is 0"),
        ({"mean": float("nan")}, "mean is nan"),
    ],
)
def test_a_wrong_wish_is_refused_before_work_starts(wrong, told):
    with pytest.raises(errors.SpecError, match=told):
        medlab.prepare(grey(4, 4), **wrong)


def test_colour_in_one_channel_is_refused():
    with pytest.raises(errors.SpecError, match="colour"):
        medlab.prepare(np.zeros((4, 4, 3), np.uint8), size=4, channels=1)


def test_a_picture_of_absurd_shape_is_not_padded():
    thread = np.zeros((1, MAX_SIDE + 1), np.uint8)
    with pytest.raises(errors.DataError, match="too_large"):
        medlab.prepare(thread, size=8)
    assert medlab.prepare(thread, size=8, fit="stretch").pixels.shape == (3, 8, 8)


def test_a_record_with_the_wrong_shape_is_refused():
    with pytest.raises(errors.SpecError, match="float32 of shape"):
        Prepared(np.zeros((3, 4, 5), np.float32), medlab.SquareFit(4, 4, 4))


def test_a_preparation_survives_json():
    wish = Preparation(224, "stretch", 3, (0.48, 0.46, 0.41), (0.27, 0.26, 0.28))
    assert Preparation.from_json(wish.to_json()) == wish


def test_normalise_gives_the_table_value_of_every_level():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = normalise(levels, Preparation(size=16, channels=1))[0].ravel()
    assert np.allclose(found, np.arange(256) / 127.5 - 1, atol=1e-6)
