"""Pictures made to do harm or harmed on their way: one family of error or a noted correction, never a wrong picture.

The numbers in the names of the first tests are those of the project's list of hostile inputs.
"""

import io
import json
import os
import pickle
import struct
import zipfile
import zlib

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from medlab.cohorts.cohort import load_cohort
from medlab.core.errors import DataError, MedlabError
from medlab.core.scan import Scan
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.scan import load_scan

RNG = np.random.default_rng(9)
GREY = RNG.integers(0, 256, (64, 80), np.uint8)
COLOUR = RNG.integers(0, 256, (64, 80, 3), np.uint8)


def written(image: Image.Image | np.ndarray, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(rows: int, cols: int, body: bytes, *more: bytes, depth: int = 8, colour_type: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", cols, rows, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(more) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def code_of(data: bytes, **asked) -> str:
    with pytest.raises(DataError) as caught:
        load_scan(data, **asked)
    return caught.value.code


def codes(scan: Scan) -> list[str]:
    return [note.code for note in scan.notes]


# the list


def test_61_a_bomb_of_a_png_is_refused_by_its_header():
    assert code_of(png(40_000, 40_000, zlib.compress(b""), depth=1)) == "too_large"


def test_62_a_truncated_png_is_an_error_at_every_length():
    data = written(GREY, "PNG")
    for end in (8, 20, 33, 40, len(data) // 2, len(data) - 12, len(data) - 1):
        assert code_of(data[:end]) in ("truncated", "decode")
    assert code_of(data[: len(data) // 2]) == "truncated"


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 20}])
def test_63_a_truncated_jpeg_is_an_error_at_every_length(options):
    data = written(GREY, "JPEG", **options)
    for end in range(700, len(data) - 2, len(data) // 16):
        assert code_of(data[:end]) == "truncated"


def test_64_four_bytes_of_jpeg_do_not_decode():
    assert code_of(b"\xff\xd8\xff\xe0") == "decode"


def test_66_transparency_is_composited_on_black_with_a_note():
    layers = np.dstack([COLOUR, np.zeros((64, 80), np.uint8)])
    scan = load_scan(written(layers, "PNG"))
    assert scan.pixels.max() == 0
    assert "alpha_on_black" in codes(scan)


def test_68_a_cmyk_jpeg_reads_with_a_doubt():
    assert "colour_converted" in codes(load_scan(written(Image.fromarray(COLOUR).convert("CMYK"), "JPEG")))


def test_69_a_float_tiff_with_nan_is_an_error():
    pixels = RNG.random((64, 80)).astype(np.float32)
    pixels[5, 5] = np.nan
    assert code_of(written(pixels, "TIFF")) == "decode"


def test_71_and_72_a_pixel_and_a_strip_are_doubted():
    assert set(codes(load_scan(written(GREY[:1, :1], "PNG")))) == {"tiny", "flat"}
    strip = np.zeros((20_000, 2), np.uint8)
    strip[0] = 255
    assert set(codes(load_scan(written(strip, "PNG")))) >= {"tiny", "extreme_aspect"}


def test_73_an_svg_is_no_picture_whatever_it_is_called(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    assert code_of(path) == "not_image"


def test_74_a_gif_header_alone_is_no_picture():
    assert code_of(b"GIF89a" + bytes(20)) == "not_image"


def test_79_an_evil_pt_is_refused_and_its_code_does_not_run(tmp_path):
    """As torch.save writes it: a ZIP whose first member is a pickle; and the bare pickle of older versions."""
    marker = tmp_path / "it ran"

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(marker),))

    bare = pickle.dumps(Evil())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", bare)
    for data in (bare, packed.getvalue()):
        (tmp_path / "model.pt").write_bytes(data)
        for opened in (load_scan, load_cohort):
            with pytest.raises(DataError) as caught:
                opened(tmp_path / "model.pt")
            assert caught.value.code == "pickle"
    assert not marker.exists()
    pickle.loads(bare)
    assert marker.exists(), "the pickle was not evil"


def test_81_a_safetensors_file_whose_header_says_a_terabyte_is_no_picture():
    assert code_of(struct.pack("<Q", 1 << 40) + b'{"a":') == "not_image"


def test_80_a_pickled_npy_is_refused_and_its_code_does_not_run(tmp_path):
    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    stream = io.BytesIO()
    np.save(stream, np.array([Harm()], dtype=object), allow_pickle=True)
    assert code_of(stream.getvalue()) == "pickle"
    assert code_of(pickle.dumps(Harm(), protocol=4)) == "pickle"
    assert not (tmp_path / "harm").exists()
    np.load(io.BytesIO(stream.getvalue()), allow_pickle=True)
    assert (tmp_path / "harm").exists(), "the file is harmless: this test shows nothing"


# more of PNG


@pytest.mark.parametrize("level", [0, 9])
def test_a_flipped_bit_in_the_pixels_of_a_png_is_an_error(level):
    data = png(64, 80, zlib.compress(b"".join(b"\0" + row.tobytes() for row in GREY), level))
    np.testing.assert_array_equal(load_scan(data).to_uint8(), GREY)
    for at in range(60, len(data) - 20, 400):
        harmed = bytearray(data)
        harmed[at] ^= 0x10
        assert code_of(bytes(harmed)) in ("decode", "truncated")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (png(0, 10, b""), "decode"),
        (png(10, 0, b""), "decode"),
        (png(64, 80, zlib.compress(bytes(100))), "truncated"),
        (png(64, 80, b"not zlib"), "decode"),
        (png(64, 80, zlib.compress(bytes(64 * 81)), depth=3), "decode"),
        (png(64, 80, zlib.compress(bytes(64 * 81)), colour_type=5), "decode"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "decode"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff\xff\xff\xffIHDR" + bytes(40), "decode"),
        (written(GREY, "PNG")[:33] + b"\xff\xff\xff\xf0IDAT" + bytes(40), "truncated"),
    ],
    ids=["no rows", "no columns", "too few pixels", "no zlib", "3 bits", "type 5", "no header", "long header", "long"],
)
def test_a_png_that_contradicts_itself_is_an_error(data, code):
    assert code_of(data) == code


def test_a_text_chunk_that_unpacks_to_a_gigabyte_does_not():
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1 << 26), 9))
    assert code_of(png(64, 80, zlib.compress(bytes(64 * 81)), text)) in ("decode", "too_large")


def test_what_follows_the_end_of_a_png_is_not_looked_at():
    np.testing.assert_array_equal(load_scan(written(GREY, "PNG") + b"PK\x03\x04 payload").to_uint8(), GREY)


# more of JPEG, TIFF and GIF


def test_a_jpeg_that_declares_a_gigapixel_is_refused_before_decoding():
    data = bytearray(written(GREY, "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 65_500, 65_500)
    assert code_of(bytes(data)) == "too_large"


def test_a_jpeg_of_12_bits_is_unsupported():
    assert code_of(imagecodecs.jpeg8_encode(GREY.astype(np.uint16) * 16, bitspersample=12)) == "unsupported"


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "packbits", "jpeg"])
def test_a_truncated_tiff_is_an_error_at_every_length(compression):
    data = written(GREY, "TIFF", compression=compression)
    for end in (4, 8, 30, len(data) // 2, len(data) - 1):
        assert code_of(data[:end]) in ("truncated", "decode")


def test_a_tiff_whose_pages_go_round_in_a_circle_ends():
    data = bytearray(written(GREY, "TIFF"))
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    np.testing.assert_array_equal(load_scan(bytes(data)).to_uint8(), GREY)


def test_a_tiff_that_declares_a_gigapixel_is_refused_before_decoding():
    data = bytearray(written(GREY, "TIFF"))
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, entry)[0] in (256, 257):
            struct.pack_into("<HHII", data, entry, *struct.unpack_from("<H", data, entry), 4, 1, 60_000)
    assert code_of(bytes(data)) == "too_large"


def test_a_gif_of_a_huge_canvas_is_refused_before_its_frames_are_drawn():
    stream = io.BytesIO()
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    data = bytearray(stream.getvalue())
    data[6:10] = struct.pack("<HH", 65_535, 65_535)
    assert code_of(bytes(data), frame=1) == "too_large"


def test_words_in_a_file_name_do_not_become_markup_or_commands(tmp_path):
    path = tmp_path / "<script>alert(1)<\\script>.png"
    path.write_bytes(written(GREY, "PNG"))
    scan = load_scan(path)
    assert json.loads(scan.to_json())["name"] == path.name
    path.write_bytes(written(GREY, "PNG")[:100])
    with pytest.raises(DataError) as caught:
        load_scan(path)
    assert str(tmp_path) not in str(caught.value)


# mutations

SEEDS = {
    "png": written(GREY, "PNG"),
    "png of 16 bits": written(GREY.astype(np.uint16) * 257, "PNG"),
    "palette png": written(Image.fromarray(COLOUR).quantize(8), "PNG", transparency=3),
    "jpeg": written(COLOUR[:32, :32], "JPEG"),
    "progressive jpeg": written(GREY[:32, :32], "JPEG", progressive=True),
    "tiff": written(GREY, "TIFF"),
    "lzw tiff": written(COLOUR[:32, :32], "TIFF", compression="tiff_lzw"),
    "gif": written(GREY, "GIF"),
    "npy": (lambda stream: (np.save(stream, GREY[:33, :33]), stream.getvalue())[1])(io.BytesIO()),
}


def survives(data: bytes) -> bool:
    """Whether `data` gave a sound Scan (True) or an error of the family (False); anything else is raised."""
    try:
        scan = load_scan(data, frame=0, options=ReadOptions(max_pixels=1_000_000, max_frames=64))
    except MedlabError:
        return False
    assert np.isfinite(scan.pixels).all()
    return True


@pytest.mark.parametrize("kind", SEEDS)
@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8), st.floats(0.2, 1))
def test_mutated_bytes_give_a_scan_or_one_family_of_error(kind, changes, kept):
    data = bytearray(SEEDS[kind])
    for share, value in changes:
        data[int(share**3 * (len(data) - 1))] = value
    survives(bytes(data))
    survives(bytes(data[: int(kept * len(data))]))


@pytest.mark.parametrize("kind", SEEDS)
def test_the_unmutated_seeds_read(kind):
    assert survives(SEEDS[kind])


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"GIF89a"]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_junk_after_a_signature_is_an_error(junk, signature):
    assert not survives(signature + junk)
