"""The same numbers as transformers' Pillow processor for Gemma 3, and what goes wrong with other people's pictures."""

import io

import numpy as np
import pytest
from PIL import Image

import medlab


def processor(size: int, **changes):
    """transformers' own class, with MedGemma's published settings."""
    from transformers import Gemma3ImageProcessorPil

    settings = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2} | changes
    return Gemma3ImageProcessorPil(size={"height": size, "width": size}, **settings)


def theirs(image: Image.Image, size: int, **changes) -> np.ndarray:
    return processor(size, **changes)(image, return_tensors="np")["pixel_values"][0]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, np.uint8)


SHAPES = [
    (896, 896),
    (2048, 2048),
    (1841, 1955),
    (333, 901),
    (901, 333),
    (64, 48),
    (7, 5),
    (1, 1),
    (1000, 3),
    (897, 895),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("colour", [False, True], ids=["grey", "rgb"])
def test_stretching_is_bit_identical_to_the_pillow_processor(shape, colour):
    picture = noise(*shape, 3) if colour else noise(*shape)
    ours = medlab.prepare(picture, size=896, fit="stretch").pixels
    # float32 numbers that are equal and not merely close: every bit.
    assert np.array_equal(ours, theirs(Image.fromarray(picture).convert("RGB"), 896))


@pytest.mark.parametrize("size", [31, 224, 448, 1023])
def test_any_side_is_bit_identical(size):
    picture = noise(517, 402)
    ours = medlab.prepare(picture, size=size, fit="stretch").pixels
    assert np.array_equal(ours, theirs(Image.fromarray(picture).convert("RGB"), size))


def test_other_means_are_bit_identical():
    picture = noise(120, 90, 3)
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    ours = medlab.prepare(picture, size=100, fit="stretch", mean=mean, std=std).pixels
    them = theirs(Image.fromarray(picture), 100, image_mean=list(mean), image_std=list(std))
    assert np.array_equal(ours, them)


def test_padding_is_bit_identical_to_padding_first_and_then_asking_the_processor():
    picture = noise(300, 451)
    padded = np.zeros((451, 451), np.uint8)
    padded[75:375] = picture
    ours = medlab.prepare(picture, size=224).pixels
    assert np.array_equal(ours, theirs(Image.fromarray(padded).convert("RGB"), 224))


def test_parity_can_fail_one_grey_level_away():
    picture = noise(64, 64)
    other = picture.copy()
    other[10, 10] ^= 128
    ours = medlab.prepare(picture, size=64, fit="stretch").pixels
    assert not np.array_equal(ours, theirs(Image.fromarray(other).convert("RGB"), 64))


def published_pad_to_square(image: Image.Image) -> np.ndarray:
    """The step before the published line: whatever the picture's numbers are, laid on a square of zeros."""
    picture = np.asarray(image)
    side = max(picture.shape[:2])
    square = np.zeros((side, side, *picture.shape[2:]), picture.dtype)
    top, left = (side - picture.shape[0]) // 2, (side - picture.shape[1]) // 2
    square[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return square


def test_the_published_times_255_line_inverts_8_bit_pictures_and_ours_does_not():
    ramp = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    published = (published_pad_to_square(Image.fromarray(ramp)) * 255).astype(np.uint8)
    # 255 is -1 modulo 256, so v becomes -v: black stays black, and all else is turned round.
    assert published[0].tolist() == [(256 - level) % 256 for level in range(256)]
    assert (np.diff(published[0, 1:].astype(int)) == -1).all()
    ours = medlab.prepare(ramp, size=256).pixels[0, 0]
    assert (np.diff(ours) > 0).all()


def sixteen_bit_png(stored: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(stored).save(data, "PNG")
    return data.getvalue()


def test_a_16_bit_png_saturates_in_the_processor_and_not_here():
    stored = np.tile(np.linspace(0, 65535, 512).astype(np.uint16), (512, 1))
    data = sixteen_bit_png(stored)
    image = Image.open(io.BytesIO(data))
    assert image.mode == "I;16"
    them = theirs(image, 512)
    assert (them[0, 0, 2:] == 1).all()  # every stored value of 255 and above is white: all but the first two columns
    ours = medlab.prepare(medlab.load_scan(data), size=512).pixels[0, 0]
    assert (ours == 1).mean() < 0.02
    assert (np.diff(ours) >= 0).all()
    assert np.allclose(ours, stored[0] / 32767.5 - 1, atol=1 / 127)
