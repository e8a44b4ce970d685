"""Files that are broken, absurd or malicious: each gives one stated error, or a picture with one stated note.

The numbers are those of the project's list of bad inputs (1 to 60 are DICOM; 58 and 59 are series, see test_series).
"""

import io
import os
import struct
import subprocess
import sys
import traceback
import zlib

import numpy as np
import pytest

from medlab.core.errors import DataError
from medlab.loaders.dicom.frames import MAX_FRAGMENTS

PIXELS = b"\xe0\x7f\x10\x00OW"


def _deep(depth: int) -> bytes:
    """An undefined-length sequence in an item in a sequence ..., `depth` times, explicit little endian."""
    start = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    return start * depth + end * depth


def _before_pixels(f, extra: bytes) -> bytes:
    good = f.dicom()
    place = good.index(PIXELS)
    return good[:place] + extra + good[place:]


def _declaring(f, length: bytes) -> bytes:
    good = f.dicom()
    place = good.index(PIXELS) + 8
    return good[:place] + length + good[place + 4 :]


def _many_fragments(f) -> bytes:
    """Empty fragments: 8 bytes of file each, and hundreds of memory."""
    end = b"\xfe\xff\xdd\xe0"
    made = f.encapsulated([b"ab"], "rle")
    return made.replace(end, b"\xfe\xff\x00\xe0\0\0\0\0" * MAX_FRAGMENTS + end)


def _deflate_bomb(f) -> bytes:
    """64 x 64 pixels that say they are 1 GiB, and are: about 1 MB of file."""
    plain, deflated = f.dicom(), f.compressed("deflated")
    meta_end = 144 + struct.unpack("<I", deflated[140:144])[0]
    body = plain[plain.index(b"\x08\x00\x16\x00UI") : plain.index(PIXELS) + 8] + struct.pack("<I", 1 << 30)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = squeeze.compress(body) + squeeze.flush(zlib.Z_FULL_FLUSH)
    # after a full flush a piece stands alone, so one that makes a megabyte of zeros can be repeated
    megabyte = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return deflated[:meta_end] + head + megabyte * 1024 + squeeze.flush()


def _stream_of(data: bytes) -> int:
    """Where the first compressed frame begins: after the pixel data element, the offset table and an item header."""
    table = data.index(b"\xfe\xff\x00\xe0", data.index(b"\xe0\x7f\x10\x00"))
    return table + 8 + struct.unpack_from("<I", data, table + 4)[0] + 8


def _garbled(f, kind: str) -> bytes:
    data = f.compressed(kind)
    place = _stream_of(data) + (64 if kind == "rle" else 30)
    return data[:place] + bytes(255 - byte for byte in data[place : place + 200]) + data[place + 200 :]


def _cut(f, kind: str) -> bytes:
    data = f.compressed(kind)
    return data[: len(data) * 3 // 4]


def _enlarged(f, kind: str, side: int) -> bytes:
    """Header says side x side, the stream 64 x 64."""
    data = f.compressed(kind)
    for tag in (b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x11\x00US\x02\x00"):
        data = data.replace(tag + struct.pack("<H", 64), tag + struct.pack("<H", side))
    return data


def _huge_j2k(f) -> bytes:
    data = bytearray(_enlarged(f, "jpeg 2000", 60000))
    size = data.index(b"\xff\x4f\xff\x51") + 8
    struct.pack_into(">II", data, size, 60000, 60000)
    struct.pack_into(">II", data, size + 16, 60000, 60000)
    return bytes(data)


def _many_tiles(f) -> bytes:
    data = bytearray(f.compressed("jpeg 2000"))
    struct.pack_into(">II", data, data.index(b"\xff\x4f\xff\x51") + 24, 0, 1)
    return bytes(data)


def _with_syntax(f, kind: str, uid: str) -> bytes:
    """A file whose meta information names another transfer syntax than its pixels have."""
    data = f.compressed(kind)
    place = data.index(b"\x02\x00\x10\x00UI") + 6
    length = struct.unpack_from("<H", data, place)[0]
    name = uid.encode() + b"\0" * (len(uid) % 2)
    return data[:place] + struct.pack("<H", len(name)) + name + data[place + 2 + length :]


def _png(f) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray((f.ramp() % 256).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


ERRORS = {
    "1 empty": (lambda f: b"", "not_dicom"),
    "2 preamble and DICM only": (lambda f: bytes(128) + b"DICM", "no_pixels"),
    "3 random bytes": (lambda f: np.random.default_rng(3).bytes(5000), "not_dicom"),
    "4 cut in half": (lambda f: f.dicom()[: len(f.dicom()) // 2], "truncated"),
    "5 last byte missing": (lambda f: f.dicom()[:-1], "truncated"),
    "6 text": (lambda f: b"hello world", "not_dicom"),
    "7 no preamble": (lambda f: f.dicom()[132:], "not_dicom"),
    "8 a PNG": (_png, "not_dicom"),
    "11 65535 x 65535": (lambda f: f.dicom(Rows=65535, Columns=65535), "too_large"),
    "12 no rows": (lambda f: f.dicom(Rows=0), "geometry"),
    "13 rows missing": (lambda f: f.dicom(Rows=None), "geometry"),
    "14 0 bits stored": (lambda f: f.dicom(BitsStored=0, HighBit=0), "geometry"),
    "15 12 bits allocated": (lambda f: f.dicom(BitsAllocated=12), "unsupported"),
    "16 3 samples of grey": (lambda f: f.dicom(SamplesPerPixel=3), "geometry"),
    "17 a billion frames": (lambda f: f.dicom(NumberOfFrames=999_999_999), "too_large"),
    "18 no photometric, MR": (lambda f: f.dicom(PhotometricInterpretation=None, Modality="MR"), "geometry"),
    "19 photometric FOO": (lambda f: f.dicom(PhotometricInterpretation="FOO"), "unsupported"),
    "23 no pixel data": (lambda f: f.dicom(PixelData=None), "no_pixels"),
    "24 empty pixel data": (lambda f: f.dicom(PixelData=b""), "no_pixels"),
    "25 4 GB declared": (lambda f: _declaring(f, b"\xfe\xff\xff\xff"), "truncated"),
    "26 native of undefined length": (lambda f: _declaring(f, b"\xff\xff\xff\xff"), "decode"),
    "27 sequences 5,000 deep": (lambda f: _before_pixels(f, _deep(5000)), "too_deep"),
    "28 sequences 100,000 deep": (lambda f: _before_pixels(f, _deep(100_000)), "too_deep"),
    "31 garbled RLE": (lambda f: _garbled(f, "rle"), "decode"),
    "31 garbled JPEG 2000": (lambda f: _garbled(f, "jpeg 2000"), "decode"),
    "31 garbled JPEG-LS": (lambda f: _garbled(f, "jpeg-ls"), "decode"),
    "32 cut RLE": (lambda f: _cut(f, "rle"), "truncated"),
    "32 cut JPEG 2000": (lambda f: _cut(f, "jpeg 2000"), "truncated"),
    "32 cut JPEG-LS": (lambda f: _cut(f, "jpeg-ls"), "truncated"),
    "32 cut JPEG lossless": (lambda f: _cut(f, "jpeg lossless"), "truncated"),
    "33 header 30,000, JPEG 2000 64": (lambda f: _enlarged(f, "jpeg 2000", 30000), "mismatch"),
    "33 header 30,000, JPEG-LS 64": (lambda f: _enlarged(f, "jpeg-ls", 30000), "mismatch"),
    "33 header 30,000, JPEG lossless 64": (lambda f: _enlarged(f, "jpeg lossless", 30000), "mismatch"),
    "33 header 30,000, RLE": (lambda f: _enlarged(f, "rle", 30000), "too_large"),
    "33 header 9,000, RLE 64": (lambda f: _enlarged(f, "rle", 9000), "mismatch"),
    "34 JPEG 2000 of 60,000": (_huge_j2k, "too_large"),
    "34 JPEG 2000 of 1-pixel tiles": (_many_tiles, "decode"),
    "35 RLE called JPEG lossless": (lambda f: _with_syntax(f, "rle", "1.2.840.10008.1.2.4.70"), "decode"),
    "35 JPEG 2000 called RLE": (lambda f: _with_syntax(f, "jpeg 2000", "1.2.840.10008.1.2.5"), "decode"),
    "35 native called JPEG 2000": (lambda f: _with_syntax(f, "explicit", "1.2.840.10008.1.2.4.90"), "decode"),
    "36 unknown transfer syntax": (lambda f: _with_syntax(f, "explicit", "1.2.3.4.5"), "unsupported"),
    "36 MPEG-4": (lambda f: _with_syntax(f, "explicit", "1.2.840.10008.1.2.4.102"), "unsupported"),
    "52 32 bits": (lambda f: f.dicom(np.zeros((4, 4), np.uint32), BitsStored=32), "unsupported"),
    "52 floating point": (
        lambda f: f.dicom(PixelData=None, FloatPixelData=bytes(64 * 64 * 4), BitsAllocated=16),
        "unsupported",
    ),
    "54 several frames": (
        lambda f: f.dicom(NumberOfFrames=60, PixelData=bytes(60 * 64 * 64 * 2)),
        "needs_frame",
    ),
    "pixel data shorter than the header says": (lambda f: f.dicom(Rows=128), "mismatch"),
    "a palette without colours": (lambda f: f.dicom(PhotometricInterpretation="PALETTE COLOR"), "decode"),
    "odd columns in 4:2:2": (
        lambda f: f.dicom(np.zeros((4, 5, 3), np.uint8), PhotometricInterpretation="YBR_FULL_422"),
        "geometry",
    ),
    "more fragments than any honest file": (_many_fragments, "too_large"),
    "a sequence that holds no items": (
        lambda f: _before_pixels(f, b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\x10\0\x10\0UN\0\0\xff\xff\xff\xff"),
        "decode",
    ),
}

NOTES = {
    "9 ZIP in the preamble": (lambda f: b"PK\x03\x04" + f.dicom()[4:], "polyglot_preamble"),
    "10 program in the preamble": (lambda f: b"MZ" + f.dicom()[2:], "polyglot_preamble"),
    "18 no photometric": (lambda f: f.dicom(PhotometricInterpretation=None), "photometric_missing"),
    "20 window of width 0": (lambda f: f.dicom(WindowCenter=2048, WindowWidth=0), "window_invalid"),
    "21 window nan": (
        lambda f: f.dicom(WindowCenter=2048, WindowWidth=100).replace(b"2048", b"nan "),
        "window_invalid",
    ),
    "21 window of words": (
        lambda f: f.dicom(WindowCenter=2048, WindowWidth=100).replace(b"2048", b"wide"),
        "window_invalid",
    ),
    "21 window 1e300": (lambda f: f.dicom(WindowCenter=0, WindowWidth="1e300"), "window_invalid"),
    "22 slope 0": (lambda f: f.dicom(RescaleSlope=0, RescaleIntercept=5), "slope_zero"),
    "37 unknown character set": (lambda f: f.dicom(SpecificCharacterSet="ISO_IR FOO"), "charset"),
    "39 two windows": (lambda f: f.dicom(WindowCenter=[2000, 400], WindowWidth=[900, 900]), "several_windows"),
    "40 more centres than widths": (lambda f: f.dicom(WindowCenter=[2000, 400], WindowWidth=[900]), "window_invalid"),
    "41 window outside the data": (lambda f: f.dicom(WindowCenter=90000, WindowWidth=10), "window_ignored"),
    "43 unknown VOI function": (
        lambda f: f.dicom(WindowCenter=2000, WindowWidth=900, VOILUTFunction="CUBIC"),
        "voi_function_unknown",
    ),
    "47 INVERSE on MONOCHROME2": (lambda f: f.dicom(PresentationLUTShape="INVERSE"), "inverted"),
    "50 overlay in the high bits": (lambda f: f.dicom(f.ramp() | 0x8000), "high_bits"),
    "57 view missing": (lambda f: f.dicom(ViewPosition=None), "view_unknown"),
    "57 laterality missing": (lambda f: f.dicom(Modality="MG"), "laterality_unknown"),
    "60 burned in": (lambda f: f.dicom(BurnedInAnnotation="YES"), "burned_in_text"),
    "60 ultrasound that does not deny it": (
        lambda f: f.dicom(Modality="US", BurnedInAnnotation=None),
        "burned_in_text",
    ),
    "more pixel data than accounted for": (lambda f: f.dicom(Rows=32), "extra_pixel_data"),
    "no transfer syntax": (
        lambda f: f.dicom().replace(b"\x02\x00\x10\x00UI\x14\x00", b"\x02\x00\x11\x00UI\x14\x00"),
        "transfer_syntax_missing",
    ),
    "implicit called explicit": (
        lambda f: _with_syntax(f, "implicit", "1.2.840.10008.1.2.1"),
        "transfer_syntax_wrong",
    ),
    "modality is a name": (lambda f: f.dicom(Modality="SMITH"), "modality_unknown"),
    "spacing 0": (lambda f: f.dicom(PixelSpacing=[0, 0]), "spacing_unusable"),
    "spacing at the detector": (lambda f: f.dicom(ImagerPixelSpacing=[0.14, 0.14]), "spacing_at_detector"),
    "oblong pixels": (lambda f: f.dicom(PixelSpacing=[0.5, 1.0]), "not_square"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_bad_file_gives_its_error(forge, name):
    build, code = ERRORS[name]
    with pytest.raises(DataError) as caught:
        forge.picture(build(forge))
    assert caught.value.code == code, str(caught.value)
    assert "test.dcm" in str(caught.value)


@pytest.mark.parametrize("name", NOTES)
def test_a_doubtful_file_gives_a_picture_and_its_note(forge, name):
    build, code = NOTES[name]
    decoded = forge.picture(build(forge))
    assert code in forge.codes(decoded), decoded.notes
    assert np.ptp(decoded.to_uint8()) > 200, "the picture is lost"


def test_a_sound_file_gives_no_note(forge):
    """The twin of the two tests above: what they look for is not always there."""
    decoded = forge.picture(forge.dicom(WindowCenter=2048, WindowWidth=4096, PixelSpacing=[0.2, 0.2]))
    assert decoded.notes == []
    assert decoded.to_scan().spacing_mm == (0.2, 0.2)


@pytest.mark.parametrize("kind", ["explicit", "implicit", "big endian", "deflated", "rle", "jpeg lossless", "jpeg-ls"])
def test_30_the_same_picture_comes_out_of_every_lossless_syntax(forge, kind):
    expected = forge.picture(forge.dicom()).to_uint8()
    assert np.array_equal(forge.picture(forge.compressed(kind)).to_uint8(), expected)


@pytest.mark.parametrize("kind", ["jpeg 2000", "htj2k"])
def test_30_the_same_picture_comes_out_of_jpeg_2000(forge, kind):
    expected = forge.picture(forge.dicom()).to_uint8()
    assert np.array_equal(forge.picture(forge.compressed(kind)).to_uint8(), expected)


BOMB_SCRIPT = """
import pathlib, re, sys
from medlab.core.errors import DataError
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.dicom.reader import read

try:
    read(pathlib.Path(sys.argv[1]).read_bytes(), ReadOptions(), "bomb.dcm")
except DataError as error:
    # the peak of this program alone: what getrusage tells includes the process that started it
    peak_kib = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text()).group(1)
    print(error.code, peak_kib)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_29_a_deflate_bomb_is_refused_within_bounded_memory(forge, tmp_path):
    bomb = _deflate_bomb(forge)
    assert len(bomb) < 2 << 20
    path = tmp_path / "bomb.dcm"
    path.write_bytes(bomb)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", BOMB_SCRIPT, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    code, peak_kib = done.stdout.split()
    assert code == "too_large"
    assert int(peak_kib) < 300 * 1024


def test_a_deflated_file_of_more_than_one_piece_is_read_whole(forge):
    """3,000 x 3,000 pixels: beyond what is inflated before the header must have said how large the file is."""
    pixels = np.resize(forge.ramp(), (3000, 3000))
    decoded = forge.picture(forge.compressed("deflated", pixels))
    assert np.array_equal(decoded.stored, pixels)


def test_7_the_fix_for_a_bare_data_set_works(forge):
    bare = forge.dicom()[132:]
    assert np.array_equal(
        forge.picture(b"\0" * 128 + b"DICM" + bare).to_uint8(), forge.picture(forge.dicom()).to_uint8()
    )


@pytest.mark.parametrize(("text", "named"), [("HSV", True), ("J SMITH", False)])
def test_19_a_photometric_that_is_not_read_is_named_only_where_it_is_one_of_dicom_s(forge, text, named):
    with pytest.raises(DataError) as caught:
        forge.picture(forge.dicom(PhotometricInterpretation=text))
    assert (text in str(caught.value)) == named


def test_a_codec_that_panics_gives_a_data_error(forge, monkeypatch):
    """PanicException of Rust is a BaseException; so is this one."""

    class Panic(BaseException):
        pass

    def decode_frame(*_):
        raise Panic("Patient^Name")

    monkeypatch.setattr("rle.rle.decode_frame", decode_frame)
    with pytest.raises(DataError, match="decode") as caught:
        forge.picture(forge.compressed("rle"))
    assert "Patient^Name" not in "".join(traceback.format_exception(caught.value))


def test_an_interrupt_is_not_swallowed(forge, monkeypatch):
    def decode_frame(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("rle.rle.decode_frame", decode_frame)
    with pytest.raises(KeyboardInterrupt):
        forge.picture(forge.compressed("rle"))
