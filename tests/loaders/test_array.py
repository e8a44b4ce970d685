"""Arrays, .npy files and PIL images: what each dtype means, which shapes are mistakes, and two published mistakes."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from medlab.core.errors import DataError, SpecError
from medlab.loaders.decoded import THREE_WINDOWS, ReadOptions, three_windows
from medlab.loaders.scan import load_scan

RAMP = np.arange(48 * 64).reshape(48, 64)
COLOUR = np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)


def refused(array: np.ndarray, **asked) -> DataError:
    with pytest.raises(DataError) as caught:
        load_scan(array, **asked)
    return caught.value


def npy(array: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


# what numbers mean


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (RAMP.astype(np.uint8), RAMP.astype(np.uint8) / 255),
        ((RAMP % 7 == 0), (RAMP % 7 == 0) * 1.0),
        ((RAMP * 21).astype(np.uint16), RAMP * 21 / 65535),
        (RAMP.astype(np.uint16), RAMP / 4095),
        (RAMP.astype(">u2"), RAMP / 4095),
        (RAMP.astype(np.int64), RAMP / 4095),
        ((RAMP / 3071).astype(np.float64), RAMP / 3071),
        ((RAMP / 3071).astype(">f4"), RAMP / 3071),
        ((RAMP / 3071).astype(np.float16), RAMP / 3071),
    ],
    ids=["uint8", "bool", "16 bits", "12 of 16 bits", "big-endian", "int64", "float64", "big-endian float", "float16"],
)
def test_each_dtype_has_one_meaning(array, expected):
    scan = load_scan(array)
    np.testing.assert_allclose(scan.pixels, expected, atol=5e-4 if array.dtype == np.float16 else 1e-6)
    assert scan.pixels.dtype == np.float32


@pytest.mark.parametrize(
    "array",
    [RAMP - 1000, (RAMP - 1000).astype(np.int16), RAMP / 10.0, RAMP * 1.0 - 5, RAMP * 1000],
    ids=["negative", "int16", "float beyond 1", "negative float", "more than 16 bits"],
)
def test_other_ranges_need_a_word_from_the_person(array):
    error = refused(array)
    assert error.code == "needs_window"
    assert f"{array.min():g}" in str(error)
    assert "full_range=True" in error.fix
    stretched = load_scan(array, full_range=True)
    np.testing.assert_allclose(stretched.pixels, RAMP / 3071, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e35])
def test_a_number_that_is_none_is_refused(bad):
    array = np.zeros((40, 40))
    array[3, 3] = bad
    assert refused(array).code == "decode"
    assert refused(array, full_range=True).code == "decode"


@pytest.mark.parametrize("dtype", [complex, object, "U3", "datetime64[s]"])
def test_an_array_of_other_things_is_refused(dtype):
    assert refused(np.zeros((40, 40), dtype)).code == "decode"


def test_a_constant_array_in_full_range_is_black_and_doubted():
    scan = load_scan(np.full((40, 40), 7.5), full_range=True)
    assert scan.pixels.max() == 0
    assert [note.code for note in scan.doubts] == ["flat"]


def test_a_window_is_linear_between_its_edges():
    hu = np.array([[-1000.0, -160.0, 40.0, 140.0, 240.0, 3000.0]])
    scan = load_scan(hu, window="mediastinum")
    np.testing.assert_allclose(scan.pixels[0], [0, 0, 0.5, 0.75, 1, 1], atol=1e-6)
    assert scan.window == (40.0, 400.0)


# three windows (MedGemma 1.5)


def test_three_windows_are_those_of_the_published_notebook():
    assert THREE_WINDOWS == ((-1024, 1024), (-135, 215), (0, 80))
    hu = np.array([[-2000, -1024, -135, 0, 40, 80, 215, 1024, 3000]])
    red = np.round(np.array([0, 0, 889, 1024, 1064, 1104, 1239, 2048, 2048]) / 2048 * 255)
    green = np.round(np.array([0, 0, 0, 135, 175, 215, 350, 350, 350]) / 350 * 255)
    blue = np.round(np.array([0, 0, 0, 0, 40, 80, 80, 80, 80]) / 80 * 255)
    expected = np.stack([red, green, blue], -1)[None]
    np.testing.assert_allclose(three_windows(hu) * 255, expected, atol=1e-4)
    for array in (hu.astype(np.int16), hu.astype(np.float32)):
        np.testing.assert_array_equal(load_scan(array, three_windows=True).to_uint8(), expected)


def test_three_windows_of_values_that_cannot_be_hu_are_refused():
    for array in (RAMP.astype(np.uint8), RAMP.astype(np.uint16), COLOUR, COLOUR / 255):
        with pytest.raises(SpecError):
            load_scan(array, three_windows=True)


# shapes


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_come_last(channels):
    array = np.dstack([COLOUR, np.full((48, 64), 255, np.uint8)])[..., :channels]
    expected = COLOUR[..., 0] if channels == 1 else COLOUR
    np.testing.assert_array_equal(load_scan(array).to_uint8(), expected)


@pytest.mark.parametrize(
    ("shape", "fix"),
    [
        ((3, 48, 64), "np.moveaxis(array, 0, -1)"),
        ((1, 48, 64), "np.moveaxis(array, 0, -1)"),
        ((20, 48, 64), "array[10]"),
        ((2, 3, 48, 64), "array[0]"),
        ((64,), "array.reshape(rows, cols)"),
    ],
)
def test_a_mistaken_shape_is_refused_with_the_line_that_mends_it(shape, fix):
    error = refused(np.zeros(shape, np.uint8))
    assert error.code == "geometry"
    assert fix in error.fix


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0,), (40, 40, 0)])
def test_an_empty_array_is_refused(shape):
    assert refused(np.zeros(shape)).code == "geometry"


def test_four_channels_of_reals_are_refused():
    assert "array[..., :3]" in refused(np.zeros((40, 40, 4))).fix


def test_a_frame_of_an_array_is_asked_for_by_indexing():
    assert refused(RAMP.astype(np.uint8), frame=2).accepted == "array[frame] instead"


def test_size_limits_hold_for_arrays_and_pil_images():
    options = ReadOptions(max_pixels=1000)
    assert refused(RAMP.astype(np.uint8), options=options).code == "too_large"
    assert refused(Image.new("L", (100, 100)), options=options).code == "too_large"


def test_a_scan_keeps_its_pixels_when_the_array_is_written_to():
    array = np.linspace(0, 1, 1600, dtype=np.float32).reshape(40, 40)
    scan = load_scan(array)
    array[:] = 0
    assert scan.pixels.max() == 1
    assert not scan.pixels.flags.writeable


def test_views_that_are_not_contiguous_read_as_they_look():
    array = RAMP.astype(np.uint16)
    np.testing.assert_allclose(load_scan(array[::-2, ::3].T).pixels, array[::-2, ::3].T / 4095, atol=1e-6)
    np.testing.assert_array_equal(load_scan(COLOUR[:, ::-1]).to_uint8(), COLOUR[:, ::-1])


@pytest.mark.parametrize(("shape", "code"), [((1, 1), "tiny"), ((31, 40), "tiny"), ((2000, 40), "extreme_aspect")])
def test_odd_shapes_are_doubted(shape, code):
    array = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    assert code in [note.code for note in load_scan(array).doubts]


def test_an_ordinary_array_has_no_doubt():
    assert load_scan(COLOUR).notes == ()


# .npy


@pytest.mark.parametrize("array", [RAMP.astype(np.uint16), np.asfortranarray(RAMP.astype(">i4")), COLOUR, RAMP / 3071])
def test_npy_files_read_as_the_array_does(array):
    scan = load_scan(npy(array))
    np.testing.assert_array_equal(scan.pixels, load_scan(array).pixels)
    assert scan.sha256


def test_an_npy_file_of_format_2_reads_too():
    stream = io.BytesIO()
    np.lib.format.write_array(stream, COLOUR, version=(2, 0))
    np.testing.assert_array_equal(load_scan(stream.getvalue()).to_uint8(), COLOUR)


def test_an_npy_file_that_declares_more_than_it_holds_is_truncated_without_allocating():
    data = npy(np.zeros((40, 40), np.uint8)).replace(b"(40, 40)", b"(9**9,9)"[:8])
    assert refused(data).code in ("decode", "truncated")
    data = npy(np.zeros((40, 40), np.uint8)).replace(b"(40, 40), }  ", b"(999999999, 9), }"[:13] + b"")
    assert refused(data).code in ("decode", "truncated")
    assert refused(npy(RAMP)[:-1]).code == "truncated"


# PIL images


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_a_pil_image_reads_as_the_file_it_would_make(mode):
    if mode == "I;16":
        image = Image.fromarray((RAMP * 20).astype(np.uint16))
    elif mode == "F":
        image = Image.fromarray((RAMP / 3071).astype(np.float32))
    else:
        image = Image.fromarray(COLOUR).convert(mode)
    stream = io.BytesIO()
    image.save(stream, "TIFF")
    np.testing.assert_array_equal(load_scan(image).pixels, load_scan(stream.getvalue()).pixels)


def test_a_pil_image_that_was_opened_from_a_cut_file_is_an_error():
    stream = io.BytesIO()
    Image.fromarray(COLOUR).save(stream, "JPEG")
    image = Image.open(io.BytesIO(stream.getvalue()[:-400]))
    assert refused(image).code == "decode"


# two published mistakes


def pad_image_to_square(image: Image.Image) -> np.ndarray:
    """As notebooks on MedGemma 1.5 do before `(pad_image_to_square(image) * 255).astype(np.uint8)`."""
    array = np.asarray(image)
    array = np.stack([array] * 3, -1) if array.ndim == 2 else array
    side = max(array.shape[:2])
    before = [(side - length) // 2 for length in array.shape[:2]]
    after = [side - length - start for length, start in zip(array.shape[:2], before, strict=True)]
    return np.pad(array, [*zip(before, after, strict=True), (0, 0)])


def test_the_published_line_inverts_8_bit_pictures_and_load_scan_does_not():
    grey = RAMP.astype(np.uint8)
    published = (pad_image_to_square(Image.fromarray(grey)) * 255).astype(np.uint8)[8:56, :, 0]
    # 255 v = -v modulo 256: the negative, one level off
    np.testing.assert_array_equal(published, (256 - grey.astype(int)) % 256)
    assert np.corrcoef(published[grey > 0], grey[grey > 0])[0, 1] < -0.99
    np.testing.assert_array_equal(load_scan(Image.fromarray(grey)).to_uint8(), grey)


def test_converting_16_bits_to_rgb_makes_them_white_and_load_scan_does_not():
    film = (RAMP + 300).astype(np.uint16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        published = np.asarray(Image.fromarray(film).convert("RGB"))
    assert (published == 255).all()
    np.testing.assert_allclose(load_scan(Image.fromarray(film)).pixels, film / 4095, atol=1e-6)
