"""Bytes and bits in big-endian words, as archives from before 2006 hold them: every pair of bytes is swapped."""

import io

import numpy as np
import pytest


def _in_big_endian_words(forge, packed: np.ndarray, **elements) -> bytes:
    """A file whose pixel data is these bytes, written as big-endian words: each pair of bytes is swapped."""
    from pydicom.filewriter import dcmwrite

    made = forge.dataset(np.zeros((5, 5), np.uint8), **elements)
    made.file_meta.TransferSyntaxUID = forge.TRANSFER_SYNTAXES["big endian"]
    made.PixelData = np.resize(packed.ravel(), packed.size + packed.size % 2).view("<u2").astype(">u2").tobytes()
    made["PixelData"].VR = "OW"
    buffer = io.BytesIO()
    dcmwrite(buffer, made, implicit_vr=False, little_endian=False, force_encoding=True)
    return buffer.getvalue()


@pytest.mark.parametrize("frame", [0, 1, 2])
def test_bytes_in_big_endian_words_are_turned_also_where_a_frame_begins_within_a_word(forge, frame):
    frames = np.arange(75, dtype=np.uint8).reshape(3, 5, 5)
    data = _in_big_endian_words(forge, frames, NumberOfFrames=3)
    assert np.array_equal(forge.picture(data, frame=frame).stored, frames[frame])


@pytest.mark.parametrize("frame", [0, 1, 2])
def test_bits_in_big_endian_words_are_turned_too(forge, frame):
    frames = np.arange(75).reshape(3, 5, 5) % 7 % 2
    packed = np.packbits(frames.ravel(), bitorder="little")
    data = _in_big_endian_words(forge, packed, NumberOfFrames=3, BitsAllocated=1, BitsStored=1, HighBit=0)
    assert np.array_equal(forge.picture(data, frame=frame).stored, frames[frame])
