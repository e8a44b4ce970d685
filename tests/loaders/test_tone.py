"""Which number is black and which is white in pictures of 16 bits, of signed and of real numbers."""

import io
import struct
import sys

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from medlab.core.errors import DataError, MissingDependency, SpecError
from medlab.core.scan import Scan
from medlab.loaders.scan import load_scan

RNG = np.random.default_rng(8)
COLOUR = RNG.integers(0, 256, (48, 64, 3), np.uint8)


def written(pixels: np.ndarray, kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def tiff(pixels: np.ndarray, photometric: int, orientation: int = 1, order: str = "<") -> bytes:
    """An uncompressed TIFF by hand (TIFF 6.0, section 2): one strip, then its directory."""
    rows, cols, channels = (*pixels.shape, 1)[:3]
    body = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    directory = 8 + len(body)
    depths_at = directory + 2 + 11 * 12 + 4
    bits = 8 * pixels.itemsize
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    tags = [(256, 4, 1, cols), (257, 4, 1, rows), (258, 3, channels, bits if channels == 1 else depths_at)]
    tags += [(259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, 8), (274, 3, 1, orientation)]
    tags += [(277, 3, 1, channels), (278, 4, 1, rows), (279, 4, 1, len(body)), (339, 3, 1, kind)]
    entries = b""
    for tag, width, count, value in tags:
        # a single SHORT lies in the first two of the four bytes
        layout = f"{order}HHIHH" if width == 3 and count == 1 else f"{order}HHII"
        entries += struct.pack(layout, tag, width, count, value, *([0] if width == 3 and count == 1 else []))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", directory)
    depths = struct.pack(f"{order}{channels}H", *[bits] * channels) if channels > 1 else b""
    return head + body + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + depths


def codes(scan: Scan) -> list[str]:
    return [note.code for note in scan.notes]


@pytest.mark.parametrize(("bits", "kind"), [(b, k) for b in (8, 10, 12, 14, 16) for k in ("PNG", "TIFF")])
def test_the_bits_in_use_of_a_16_bit_picture_are_its_range(bits, kind):
    pixels = np.linspace(0, (1 << bits) - 1, 48 * 64).reshape(48, 64).round().astype(np.uint16)
    scan = load_scan(written(pixels, kind))
    assert scan.bits == bits
    assert scan.pixels[0, 0] == 0
    assert scan.pixels[-1, -1] == 1
    np.testing.assert_allclose(scan.pixels, pixels / ((1 << bits) - 1), atol=1e-6)
    assert ("bits_guessed" in codes(scan)) == (bits < 16)


def test_a_dark_12_bit_picture_in_16_bits_is_neither_black_nor_white():
    pixels = np.full((48, 64), 1000, np.uint16)
    pixels[0, 0] = 3000
    scan = load_scan(written(pixels, "PNG"))
    assert scan.pixels[5, 5] == pytest.approx(1000 / 4095)


def test_pillow_and_so_many_processors_make_a_16_bit_png_white():
    pixels = np.linspace(300, 4095, 48 * 64).reshape(48, 64).astype(np.uint16)
    data = written(pixels, "PNG")
    published = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    ours = load_scan(data).to_uint8()
    assert (published == 255).all()
    assert len(np.unique(ours)) > 200


@pytest.mark.parametrize("order", "<>")
def test_16_bit_tiffs_of_either_byte_order_equal_imagecodecs(order):
    data = tiff(RNG.integers(0, 1 << 16, (48, 64), np.uint16), photometric=1, order=order)
    np.testing.assert_allclose(load_scan(data).pixels, imagecodecs.tiff_decode(data) / 65535, atol=1e-6)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_png_colour_of_16_bits_keeps_its_16_bits(channels):
    pixels = RNG.integers(0, 1 << 16, (48, 64, channels), np.uint16)
    if channels != 3:
        pixels[..., -1] = 65535
    scan = load_scan(imagecodecs.png_encode(pixels))
    expected = pixels[..., 0] if channels == 2 else pixels[..., :3]
    np.testing.assert_allclose(scan.pixels, expected / 65535, atol=1e-6)
    assert scan.bits == 16


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_colour_of_16_bits_keeps_its_16_bits_and_is_turned(orientation, order):
    pixels = RNG.integers(0, 1 << 16, (48, 64, 3), np.uint16)
    scan = load_scan(tiff(pixels, photometric=2, orientation=orientation, order=order))
    expected = load_scan(tiff((pixels >> 8).astype(np.uint8), photometric=2, orientation=orientation, order=order))
    np.testing.assert_array_equal(np.round(scan.pixels * 65535).astype(int) >> 8, expected.to_uint8())
    assert codes(scan) == codes(expected) == ([] if orientation == 1 else ["exif_rotation"])


def test_colour_of_16_bits_without_its_reader_names_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    data = imagecodecs.png_encode(RNG.integers(0, 1 << 16, (40, 40, 3), np.uint16))
    with pytest.raises(MissingDependency, match=r"pip install \"medlab-workbench\[codecs\]\""):
        load_scan(data)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_tiff_that_stores_white_as_zero_is_inverted_once(dtype):
    scale = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    pixels = (np.linspace(0, 1, 48 * 64).reshape(48, 64) * scale).astype(dtype)
    scan = load_scan(tiff(pixels, photometric=0))
    np.testing.assert_allclose(scan.pixels, 1 - pixels / scale, atol=1e-6)


def test_a_float_tiff_from_0_to_1_is_taken_as_it_is():
    pixels = RNG.random((48, 64), np.float32)
    np.testing.assert_array_equal(load_scan(written(pixels, "TIFF")).pixels, pixels)


def test_a_signed_tiff_needs_a_window():
    pixels = RNG.integers(-1000, 1000, (48, 64)).astype(np.int16)
    data = tiff(pixels, photometric=1)
    with pytest.raises(DataError, match="which value is black") as caught:
        load_scan(data)
    assert caught.value.code == "needs_window"
    scan = load_scan(data, window=(0, 2000))
    np.testing.assert_allclose(scan.pixels, np.clip((pixels + 1000.0) / 2000, 0, 1), atol=1e-6)


def test_full_range_and_window_lay_the_least_and_greatest_value_at_black_and_white():
    pixels = np.linspace(100, 300, 48 * 64).reshape(48, 64).astype(np.uint16)
    by_range = load_scan(written(pixels, "PNG"), full_range=True)
    by_window = load_scan(written(pixels, "PNG"), window=(200, 200))
    np.testing.assert_allclose(by_range.pixels, (pixels - 100) / 200, atol=1e-6)
    np.testing.assert_array_equal(by_range.pixels, by_window.pixels)
    assert (by_range.window, by_window.window) == (None, (200.0, 200.0))
    assert "window_outside_data" in codes(load_scan(written(pixels, "PNG"), window=(-600, 1000)))


@pytest.mark.parametrize("preset", ["lung", "mediastinum", "bone", "brain"])
def test_a_preset_in_hu_on_a_plain_picture_is_doubted_and_a_window_of_one_s_own_is_not(preset):
    ramp = np.linspace(0, 255, 48 * 64).reshape(48, 64).astype(np.uint8)
    assert codes(load_scan(written(ramp, "PNG"), window=preset)) == ["window_in_hu"]
    assert codes(load_scan(written(ramp, "PNG"), window=(128, 300))) == []
    assert codes(load_scan(ramp.astype(np.int16), window=preset)) == []


@pytest.mark.parametrize("asked", [{"window": (100, 50)}, {"three_windows": True}, {"window": 2}])
def test_windows_on_colour_are_refused(asked):
    with pytest.raises(SpecError):
        load_scan(written(COLOUR, "PNG"), **asked)
