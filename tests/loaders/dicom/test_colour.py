"""Colour: RGB, YBR, palettes, planes; values worked out by hand, or from a picture whose colours are known."""

import io

import numpy as np
import pytest

from medlab.core.errors import DataError

COLOURS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [200, 100, 50]]], np.uint8)
# PS3.3, C.7.6.3.1.2: Y = .299 R + .587 G + .114 B, and so on, by hand for pure red, green, blue
YBR = np.array([[[76, 85, 255], [150, 44, 21]], [[29, 255, 107], [124, 86, 182]]], np.uint8)


def shown(forge, data: bytes, **options) -> np.ndarray:
    return forge.picture(data, **options).to_uint8().astype(int)


def test_rgb_comes_out_as_it_is(forge):
    assert np.array_equal(shown(forge, forge.dicom(COLOURS)), COLOURS)


def test_colour_by_plane_is_the_same_picture(forge):
    planes = np.ascontiguousarray(COLOURS.transpose(2, 0, 1)).tobytes()
    assert np.array_equal(shown(forge, forge.dicom(COLOURS, PlanarConfiguration=1, PixelData=planes)), COLOURS)


def test_ybr_full_becomes_rgb(forge):
    data = forge.dicom(YBR, PhotometricInterpretation="YBR_FULL")
    assert np.abs(shown(forge, data) - COLOURS).max() <= 2
    assert "YBR to RGB" in forge.picture(data).steps


def test_55_ybr_full_422_shares_colour_between_two_pixels(forge):
    """Y Y B R: pixels of grey 10 and 200, both without colour."""
    data = forge.dicom(
        np.zeros((1, 2, 3), np.uint8),
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=bytes([10, 200, 128, 128]),
    )
    assert shown(forge, data).tolist() == [[[10, 10, 10], [200, 200, 200]]]


def _palette(**changes):
    entries = {
        f"{name}PaletteColorLookupTable{part}": value
        for name, colours in (("Red", [0, 65535]), ("Green", [0, 32768]), ("Blue", [65535, 0]))
        for part, value in (("Descriptor", [2, 10, 16]), ("Data", np.array(colours, "<u2").tobytes()))
    }
    return {"PhotometricInterpretation": "PALETTE COLOR", **entries, **changes}


def test_56_a_palette_gives_its_colours(forge):
    """Index 10 is blue, 11 orange; indices below and above take the ends (C.7.6.3.1.5)."""
    data = forge.dicom(np.array([[0, 10, 11, 99]], np.uint8), **_palette())
    blue, orange = [0, 0, 255], [255, 128, 0]
    assert shown(forge, data)[0].tolist() == [blue, blue, orange, orange]


def test_a_segmented_palette_gives_its_colours(forge):
    """Discrete (0, 100), then a line of two steps to 300 (C.7.9.2)."""
    segments = np.array([0, 2, 0, 100, 1, 2, 300], "<u2").tobytes()
    plain = {f"{name}PaletteColorLookupTableData": None for name in ("Red", "Green", "Blue")}
    parts = {f"Segmented{name}PaletteColorLookupTableData": segments for name in ("Red", "Green", "Blue")}
    sizes = {f"{name}PaletteColorLookupTableDescriptor": [4, 0, 16] for name in ("Red", "Green", "Blue")}
    data = forge.dicom(np.array([[0, 1, 2, 3]], np.uint8), **_palette(**plain, **parts, **sizes))
    decoded = forge.picture(data)
    assert decoded.stored[0, :, 0].tolist() == [0, 100, 200, 300]


def test_a_segment_of_an_unknown_kind_is_an_error(forge):
    segments = np.array([7, 2, 0, 100], "<u2").tobytes()
    plain = {f"{name}PaletteColorLookupTableData": None for name in ("Red", "Green", "Blue")}
    parts = {f"Segmented{name}PaletteColorLookupTableData": segments for name in ("Red", "Green", "Blue")}
    with pytest.raises(DataError, match="palette"):
        forge.picture(forge.dicom(np.zeros((2, 2), np.uint8), **_palette(**plain, **parts)))


def _jpeg(colours: np.ndarray, **options) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(colours).save(buffer, "JPEG", quality=100, subsampling=0, **options)
    return buffer.getvalue()


@pytest.fixture
def flat_red() -> np.ndarray:
    return np.full((16, 16, 3), (200, 40, 30), np.uint8)


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "YBR_FULL", "RGB"])
def test_a_jpeg_that_says_what_it_is_beats_the_header(forge, flat_red, photometric):
    """Pillow writes a JFIF marker, which means YBR: a header of RGB is wrong, and corrected."""
    data = forge.encapsulated([_jpeg(flat_red)], "jpeg", pixels=flat_red, PhotometricInterpretation=photometric)
    assert np.abs(shown(forge, data) - flat_red).max() <= 3
    assert ("photometric_mismatch" in forge.codes(forge.picture(data))) == (photometric == "RGB")


def test_a_jpeg_that_says_nothing_follows_the_header(forge, flat_red):
    """The same stream without its JFIF marker: its samples are red, green and blue if the header says so."""
    stream = _jpeg(flat_red)
    marker = stream.index(b"\xff\xe0")
    bare = stream[:marker] + stream[marker + 2 + int.from_bytes(stream[marker + 2 : marker + 4], "big") :]
    as_ybr = forge.encapsulated([bare], "jpeg", pixels=flat_red, PhotometricInterpretation="YBR_FULL")
    assert np.abs(shown(forge, as_ybr) - flat_red).max() <= 3
    as_rgb = forge.encapsulated([bare], "jpeg", pixels=flat_red, PhotometricInterpretation="RGB")
    luma = 0.299 * 200 + 0.587 * 40 + 0.114 * 30
    assert abs(shown(forge, as_rgb)[8, 8, 0] - luma) <= 2


@pytest.mark.parametrize("kind", ["rle", "jpeg-ls", "jpeg 2000", "jpeg lossless"])
def test_colour_survives_every_lossless_compression(forge, kind):
    colours = np.random.default_rng(1).integers(0, 256, (32, 48, 3), np.uint8)
    assert np.array_equal(shown(forge, forge.compressed(kind, colours)), colours)


def test_colour_of_16_bits_keeps_them(forge):
    colours = np.array([[[0, 32768, 65535], [257, 514, 771]]], np.uint16)
    decoded = forge.picture(forge.dicom(colours, BitsStored=16))
    assert decoded.to_uint8().tolist() == [[[0, 128, 255], [1, 2, 3]]]
    assert decoded.to_scan().pixels[0, 1, 0] == pytest.approx(257 / 65535)


def test_a_window_on_colour_is_not_applied_and_doubted(forge):
    decoded = forge.picture(forge.dicom(COLOURS), window=(10, 20))
    assert np.array_equal(decoded.to_uint8(), COLOURS)
    assert "window_on_colour" in forge.codes(decoded)


def test_colour_whose_bits_lie_high_is_the_same_picture(forge):
    """12 bits of 16 in bits 4 to 15."""
    deep = COLOURS.astype(np.uint16) * 16
    high = forge.dicom(deep << 4, BitsStored=12, HighBit=15)
    assert np.array_equal(shown(forge, high), shown(forge, forge.dicom(deep, BitsStored=12)))


def _grey_palette(kind: str, entries: bytes, count: int, bits: int) -> dict[str, object]:
    made: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        made[f"{name}PaletteColorLookupTableDescriptor"] = [count, 0, bits]
        made[f"{kind}{name}PaletteColorLookupTableData"] = entries
    return made


def test_a_palette_of_16_bits_that_calls_itself_one_of_8_keeps_its_colours(forge):
    """As some scanners write it: the low byte of every entry is 0."""
    entries = np.array([0, 128 << 8, 255 << 8], "<u2").tobytes()
    data = forge.dicom(np.array([[0, 1, 2, 2]], np.uint8), **_grey_palette("", entries, 3, 8))
    assert shown(forge, data)[0, :, 0].tolist() == [0, 128, 254, 254]


def test_a_repeat_in_a_segmented_palette_of_8_bits_names_its_place_in_four_bytes(forge):
    """Two values, a line of two, then that line once more from where the last one ended."""
    segments = bytes([0, 2, 10, 20]) + bytes([1, 2, 40]) + bytes([0, 1, 20]) + bytes([2, 1, 4, 0, 0, 0])
    data = forge.dicom(np.arange(8, dtype=np.uint8).reshape(2, 4), **_grey_palette("Segmented", segments, 7, 8))
    assert shown(forge, data)[..., 0].ravel().tolist() == [10, 20, 30, 40, 20, 30, 40, 40]


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422", "YBR_RCT", "RGB"])
def test_jpeg_2000_whose_decoder_already_made_rgb_is_not_converted_again(forge, photometric):
    imagecodecs = pytest.importorskip("imagecodecs", reason="writes the compressed test file")
    colours = np.kron(COLOURS, np.ones((16, 16, 1), np.uint8))
    stream = imagecodecs.jpeg2k_encode(colours, codecformat="j2k", reversible=True, level=0, mct=True)
    data = forge.encapsulated([stream], "jpeg 2000", pixels=colours, PhotometricInterpretation=photometric)
    assert np.array_equal(shown(forge, data), colours)
    assert ("photometric_mismatch" in forge.codes(forge.picture(data))) == photometric.startswith("YBR_FULL")


def test_jpeg_2000_without_a_transform_follows_the_header(forge):
    """The twin of the test above."""
    imagecodecs = pytest.importorskip("imagecodecs", reason="writes the compressed test file")
    stored = np.kron(YBR, np.ones((16, 16, 1), np.uint8))
    stream = imagecodecs.jpeg2k_encode(stored, codecformat="j2k", reversible=True, level=0, mct=False)
    data = forge.encapsulated([stream], "jpeg 2000", pixels=stored, PhotometricInterpretation="YBR_FULL")
    assert np.abs(shown(forge, data) - np.kron(COLOURS, np.ones((16, 16, 1), np.uint8))).max() <= 2
