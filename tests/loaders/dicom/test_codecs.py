"""Which decoder is chosen, and what is said where one is missing."""

import importlib.util

import numpy as np
import pytest

from medlab.core.errors import DataError, MissingDependency
from medlab.loaders.dicom import codecs

COMPRESSED = ["rle", "jpeg", "jpeg lossless", "jpeg 12 bit", "jpeg-ls", "jpeg 2000", "htj2k"]


def test_the_table_names_every_syntax_and_its_decoder_once():
    rows = codecs.codec_table()
    assert len({row.syntax_uid for row in rows}) == len(rows) == len(codecs.SYNTAXES)
    assert {row.decoder for row in rows} == {"built in", "PIL", "rle", "imagecodecs", "jpeg_ls", "openjpeg"}
    assert all(row.fix.startswith("pip install ") or row.fix == "" for row in rows)


def test_names_are_those_of_the_standard():
    from pydicom.uid import UID

    for row in codecs.codec_table():
        ours = row.name.lower().replace("-", " ").split()[0]
        assert ours in UID(row.syntax_uid).name.lower().replace("-", " "), row


def test_what_is_installed_needs_no_fix(monkeypatch):
    assert all(row.fix == "" for row in codecs.codec_table() if importlib.util.find_spec(row.decoder))


@pytest.mark.parametrize(
    ("kind", "package"),
    [
        ("rle", "pylibjpeg-rle"),
        ("jpeg lossless", "imagecodecs"),
        ("jpeg 12 bit", "imagecodecs"),
        ("jpeg-ls", "pyjpegls"),
        ("jpeg 2000", "pylibjpeg-openjpeg"),
    ],
)
def test_a_missing_decoder_gives_the_install_command(forge, monkeypatch, kind, package):
    data = forge.compressed(kind)
    monkeypatch.setattr(codecs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=f"pip install {package}"):
        forge.picture(data)
    assert all(row.fix for row in codecs.codec_table() if row.decoder != "built in")


def test_a_native_file_needs_no_package(forge, monkeypatch):
    data = forge.dicom()
    monkeypatch.setattr(codecs.importlib.util, "find_spec", lambda name: None)
    assert forge.picture(data).stored.shape == (64, 64)


def test_the_stream_and_not_the_transfer_syntax_chooses_the_jpeg_decoder(forge):
    """A lossless stream that its file calls baseline is read all the same."""
    data = forge.compressed("jpeg lossless")
    wrong = data.replace(b"1.2.840.10008.1.2.4.70", b"1.2.840.10008.1.2.4.50")
    assert np.array_equal(forge.picture(wrong).stored, forge.ramp())


def test_jpeg_of_12_bits_is_close(forge):
    smooth = np.linspace(0, 4000, 64 * 64, dtype=np.uint16).reshape(64, 64)
    decoded = forge.picture(forge.compressed("jpeg 12 bit", smooth))
    assert np.abs(decoded.stored.astype(int) - smooth).max() < 40
    assert "lossy" in forge.codes(decoded)


@pytest.mark.parametrize("kind", ["rle", "jpeg-ls", "jpeg 2000"])
def test_signed_values_survive_every_lossless_compression(forge, kind):
    values = (np.arange(32 * 32).reshape(32, 32) - 512).astype(np.int16)
    plain = forge.picture(forge.dicom(values)).to_uint8()
    assert np.array_equal(forge.picture(forge.compressed(kind, values)).to_uint8(), plain)


@pytest.mark.parametrize("table", [True, False])
def test_frames_in_several_fragments_are_put_together_by_the_offset_table_or_by_their_beginnings(forge, table):
    """Three JPEG-LS frames, each cut in two fragments; then also without the table."""
    import io

    import pydicom
    from pydicom.encaps import encapsulate, generate_frames

    frames = [(forge.ramp() + shift) % 4096 for shift in range(3)]
    streams = []
    for frame in frames:
        made = pydicom.dcmread(io.BytesIO(forge.compressed("jpeg-ls", frame.astype(np.uint16))))
        streams.append(next(generate_frames(made.PixelData, number_of_frames=1)))
    made = forge.dataset(NumberOfFrames=3)
    made.file_meta.TransferSyntaxUID = forge.TRANSFER_SYNTAXES["jpeg-ls"]
    made.PixelData = encapsulate(streams, fragments_per_frame=2, has_bot=table)
    made["PixelData"].VR = "OB"
    data = forge.saved(made)
    for number, frame in enumerate(frames):
        assert np.array_equal(forge.picture(data, frame=number).stored, frame)


def test_fragments_that_cannot_be_told_apart_are_refused(forge):
    data = forge.encapsulated([b"\0\1" * 40] * 5, "rle", NumberOfFrames=3)
    with pytest.raises(DataError) as caught:
        forge.picture(data, frame=0)
    assert caught.value.code == "mismatch"
