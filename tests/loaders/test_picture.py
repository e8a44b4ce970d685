"""PNG, JPEG, TIFF and GIF: every kind of pixel against another reader, and every correction that is made."""

import io

import imagecodecs
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile, ImageOps

from medlab.core.errors import DataError
from medlab.core.scan import Scan
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.scan import load_scan

RNG = np.random.default_rng(7)
GREY = RNG.integers(0, 256, (48, 64), np.uint8)
COLOUR = RNG.integers(0, 256, (48, 64, 3), np.uint8)


def written(image: Image.Image | np.ndarray, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(stream, kind, **options)
    return stream.getvalue()


def codes(scan: Scan) -> list[str]:
    return [note.code for note in scan.notes]


# pixels against other readers


@pytest.mark.parametrize(
    "name", ["nih/00000001_000.png", "cxr_covid/images/00cfd1c1.jpg", "vqa_rad/images/synpic29219.jpg"]
)
def test_real_grey_films_equal_simpleitk(fixtures, name):
    path = fixtures(name)
    pixels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    difference = load_scan(path).to_uint8().astype(int) - grey
    # JPEG decoders of two builds may round the last bit differently
    assert abs(difference).max() <= (1 if name.endswith("jpg") else 0)


@pytest.mark.parametrize("name", ["other/fundus_retina.jpg", "other/histo_ihc_colon.png"])
def test_real_colour_pictures_equal_pillow_and_imagecodecs(fixtures, name):
    path = fixtures(name)
    pixels = load_scan(path).to_uint8()
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(path).convert("RGB")))
    difference = pixels.astype(int) - imagecodecs.imread(str(path))[..., :3]
    assert abs(difference).max() <= (2 if name.endswith("jpg") else 0)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("array", [GREY, COLOUR], ids=["grey", "colour"])
def test_tiff_compressions_equal_imagecodecs(array, compression):
    data = written(array, "TIFF", compression=compression)
    np.testing.assert_array_equal(load_scan(data).to_uint8(), imagecodecs.tiff_decode(data))


def test_progressive_and_chroma_subsampled_jpegs_equal_pillow():
    for options in ({"progressive": True}, {"subsampling": 2}, {"quality": 30}):
        data = written(COLOUR, "JPEG", **options)
        np.testing.assert_array_equal(load_scan(data).to_uint8(), np.asarray(Image.open(io.BytesIO(data))))


@given(st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_small_pictures_of_each_mode_read_back_as_written(data):
    mode = data.draw(st.sampled_from(["1", "L", "RGB", "P", "I;16", "LA", "RGBA"]))
    kind = data.draw(st.sampled_from(["PNG", "TIFF"]))
    rows, cols = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    if mode == "I;16":
        pixels = rng.integers(0, 1 << 16, (rows, cols), np.uint16)
        pixels[0, 0] = 65535
        image, expected = Image.fromarray(pixels), pixels / 65535
    else:
        pixels = rng.integers(0, 256, (rows, cols, 4), np.uint8)
        pixels[..., 3] = 255
        image = Image.fromarray(pixels, "RGBA").convert(mode)
        expected = np.asarray(image.convert("RGB")) / 255
    pixels = load_scan(written(image, kind)).pixels
    if expected.ndim == 3 and pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, 2)
    np.testing.assert_allclose(pixels, expected, atol=1e-7)


# colour


def test_three_equal_channels_become_grey_with_a_note():
    scan = load_scan(written(np.repeat(GREY[..., None], 3, 2), "PNG"))
    np.testing.assert_array_equal(scan.to_uint8(), GREY)
    assert codes(scan) == ["grey_in_rgb"]


def test_one_tinted_pixel_in_the_last_row_keeps_colour():
    pixels = np.repeat(GREY[..., None], 3, 2)
    pixels[-1, -1] = (9, 9, 10)
    assert load_scan(written(pixels, "PNG")).is_colour


def test_transparency_falls_on_black_with_a_note():
    pixels = np.dstack([COLOUR, np.full(GREY.shape, 255, np.uint8)])
    pixels[:10, :, 3] = 0
    pixels[10:20, :, 3] = 51
    scan = load_scan(written(pixels, "PNG"))
    shown = scan.to_uint8()
    assert (shown[:10] == 0).all()
    np.testing.assert_array_equal(shown[10:20], (COLOUR[10:20].astype(int) * 51 + 127) // 255)
    np.testing.assert_array_equal(shown[20:], COLOUR[20:])
    assert codes(scan) == ["alpha_on_black"]


def test_opaque_alpha_is_dropped_without_a_note():
    pixels = np.dstack([COLOUR, np.full(GREY.shape, 255, np.uint8)])
    assert codes(load_scan(written(pixels, "PNG"))) == []


def test_a_transparent_colour_of_a_grey_png_falls_on_black():
    scan = load_scan(written(Image.fromarray(GREY), "PNG", transparency=int(GREY[0, 0])))
    expected = np.where(GREY[0, 0] == GREY, 0, GREY)
    np.testing.assert_array_equal(scan.to_uint8(), expected)
    assert codes(scan) == ["alpha_on_black"]


def test_a_palette_is_applied():
    image = Image.fromarray(COLOUR).quantize(16)
    for kind in ("PNG", "TIFF", "GIF"):
        scan = load_scan(written(image, kind))
        np.testing.assert_array_equal(scan.to_uint8(), np.asarray(image.convert("RGB")), err_msg=kind)
        assert "palette applied" in scan.steps


def test_cmyk_becomes_rgb_with_a_doubt():
    image = Image.fromarray(COLOUR).convert("CMYK")
    data = written(image, "TIFF")
    scan = load_scan(data)
    np.testing.assert_array_equal(scan.to_uint8(), np.asarray(image.convert("RGB")))
    assert codes(scan) == ["colour_converted"]
    assert codes(load_scan(written(image, "JPEG"))) == ["colour_converted"]


def test_a_profile_of_another_colour_space_is_applied():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = load_scan(written(Image.fromarray(COLOUR), "PNG", icc_profile=lab))
    np.testing.assert_array_equal(same.to_uint8(), COLOUR)
    assert codes(same) == []
    swapped = _swapped_primaries(lab)
    scan = load_scan(written(Image.fromarray(COLOUR), "PNG", icc_profile=swapped))
    by_pillow = ImageCms.profileToProfile(
        Image.fromarray(COLOUR), io.BytesIO(swapped), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    np.testing.assert_array_equal(scan.to_uint8(), np.asarray(by_pillow))
    assert abs(scan.to_uint8().astype(int) - COLOUR).max() > 50
    assert codes(scan) == ["icc_to_srgb"]


def _swapped_primaries(profile: bytes) -> bytes:
    """An sRGB profile whose red and blue change places, under another name."""
    assert b"rXYZ" in profile
    swapped = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    return swapped.replace("sRGB".encode("utf-16-be"), "tRGB".encode("utf-16-be")).replace(b"sRGB", b"tRGB")


def test_a_profile_that_is_junk_or_of_a_grey_picture_is_a_doubt():
    assert codes(load_scan(written(Image.fromarray(COLOUR), "PNG", icc_profile=b"junk" * 40))) == ["icc_ignored"]
    grey = Image.fromarray(np.repeat(GREY[..., None], 3, 2))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert codes(load_scan(written(grey, "PNG", icc_profile=profile))) == ["grey_in_rgb", "icc_ignored"]


# EXIF


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_exif_orientation_is_applied_once_and_noted(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = written(GREY, kind, exif=exif)
    scan = load_scan(data)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(scan.to_uint8(), expected)
    assert codes(scan) == ([] if orientation == 1 else ["exif_rotation"])


def test_no_word_of_exif_or_text_chunks_leaves():
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x9286] = "CANARY-DESCRIPTION", "CANARY-ARTIST", "CANARY-COMMENT"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    for kind in ("PNG", "JPEG", "TIFF"):
        assert "CANARY" not in load_scan(written(GREY, kind, exif=exif)).to_json()
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Patient", "CANARY", zip=True)
    assert "CANARY" not in load_scan(written(GREY, "PNG", pnginfo=info)).audit()


# frames


def pages(kind: str, **options) -> bytes:
    frames = [Image.fromarray(np.full((48, 64), value, np.uint8)) for value in (10, 20, 30)]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:], **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG"])
def test_a_file_with_several_pictures_needs_a_frame(kind):
    data = pages(kind)
    with pytest.raises(DataError, match="holds 3 pictures") as caught:
        load_scan(data)
    assert caught.value.code == "needs_frame"
    for frame, value in enumerate((10, 20, 30)):
        scan = load_scan(data, frame=frame)
        assert (scan.to_uint8() == value).all()
        assert (scan.frame, scan.frames) == (frame, 3)
    with pytest.raises(DataError, match="0 to 2"):
        load_scan(data, frame=3)
    with pytest.raises(DataError) as caught:
        load_scan(data, frame=0, options=ReadOptions(max_frames=2))
    assert caught.value.code == "too_large"


def test_frame_0_of_a_single_picture_is_that_picture():
    scan = load_scan(written(GREY, "PNG"), frame=0)
    assert (scan.frame, scan.frames) == (None, 1)


def test_the_second_picture_of_a_phone_photo_is_left_alone():
    stream = io.BytesIO()
    first, second = Image.fromarray(COLOUR), Image.fromarray(COLOUR[:20, :20])
    first.save(stream, "MPO", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(stream.getvalue())).n_frames == 2
    assert load_scan(stream.getvalue()).frames == 1


# what the person set for Pillow stays, and does not matter


def test_a_truncated_jpeg_is_an_error_even_where_pillow_was_told_to_fill(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = written(RNG.integers(0, 256, (300, 300), np.uint8), "JPEG")
    half = data[: len(data) // 2]
    filled = np.asarray(Image.open(io.BytesIO(half)))
    assert len(np.unique(filled[-20:])) == 1, "this build of Pillow fills no grey: the test below shows nothing"
    with pytest.raises(DataError) as caught:
        load_scan(half)
    assert caught.value.code == "truncated"
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_limits_of_pillow_are_left_as_they_were(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert load_scan(written(GREY, "PNG")).rows == 48
    assert Image.MAX_IMAGE_PIXELS == 100


def test_warnings_of_pillow_become_doubts(recwarn):
    exif = Image.Exif()
    exif[0x010E] = "x" * 40
    data = written(GREY, "JPEG", exif=exif.tobytes()[:-30])
    scan = load_scan(data)
    assert not recwarn.list
    assert codes(scan) == ["decoder_warned"]
    np.testing.assert_array_equal(scan.to_uint8(), np.asarray(Image.open(io.BytesIO(data))))
    assert recwarn.list, "Pillow by itself did not warn: this test shows nothing"
