"""NIfTI: slices hung as a radiologist hangs them, whatever way the voxels lie, against SimpleITK and nibabel."""

import gzip
import itertools
import struct
import zlib

import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.core.errors import DataError, MedlabError, SpecError
from medlab.core.scan import Scan
from medlab.loaders.decoded import ReadOptions, three_windows
from medlab.loaders.scan import load_scan

RNG = np.random.default_rng(11)
HU = RNG.integers(-1024, 2000, (7, 9, 5)).astype(np.int16)
RAS = np.diag([1.0, 1.0, 1.0, 1.0])


def nifti(voxels: np.ndarray, affine: np.ndarray = RAS, *, unit: str = "mm", **fields) -> bytes:
    """A NIfTI-1 file, with `fields` of its header set afterwards: nibabel would tidy them up."""
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units(unit)
    data = image.to_bytes()
    header = nibabel.Nifti1Header(data[:348], check=False)
    for key, value in fields.items():
        header[key] = value
    return header.binaryblock + data[348:]


def refused(*given, **asked) -> DataError:
    with pytest.raises(DataError) as caught:
        load_scan(*given, **asked)
    return caught.value


def codes(scan: Scan) -> list[str]:
    return [note.code for note in scan.notes if note.code != "tiny"]


def planes(plane: str) -> ReadOptions:
    return ReadOptions(plane=plane)


# how a slice hangs


def marked() -> np.ndarray:
    """A volume whose voxel (R, A, S) tells where it is: 100 at the far right, 10 far front, 1 far top."""
    volume = np.zeros((4, 5, 6), np.uint8)
    volume[-1] += 100
    volume[:, -1] += 10
    volume[:, :, -1] += 1
    return volume


@pytest.mark.parametrize(
    ("plane", "shape", "left", "top"),
    [("axial", (5, 4), 100, 10), ("coronal", (6, 4), 100, 1), ("sagittal", (6, 5), 10, 1)],
)
def test_the_patients_right_is_at_the_left_and_front_or_head_at_the_top(plane, shape, left, top):
    scan = load_scan(nifti(marked()), frame=0, window=(127.5, 255), options=planes(plane))
    picture = scan.to_uint8()
    assert picture.shape == shape
    assert picture[-1, 0] == left
    assert picture[0, -1] == top
    assert picture[-1, -1] == 0


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_slices_are_counted_from_the_feet_from_the_back_and_from_the_left(plane):
    scan = load_scan(nifti(marked()), frame=0, window=(127.5, 255), options=planes(plane))
    last = load_scan(nifti(marked()), frame=scan.frames - 1, window=(127.5, 255), options=planes(plane))
    step = {"axial": 1, "coronal": 10, "sagittal": 100}[plane]
    assert (last.to_uint8() == scan.to_uint8() + step).all()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, -1, -1)])
def test_every_order_of_axes_gives_simpleitks_picture(tmp_path, order, signs):
    affine = np.eye(4)
    affine[:3, :3] = (np.diag(signs) * [0.5, 0.7, 3.0])[:, order]
    path = tmp_path / "volume.nii"
    path.write_bytes(nifti(HU, affine))
    image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(path)), "LPS")
    volume = SimpleITK.GetArrayFromImage(image)  # superior, posterior, left
    across, down, up = image.GetSpacing()
    for plane, pictures, spacing in (
        ("axial", volume, (down, across)),
        ("coronal", volume.transpose(1, 0, 2)[::-1, ::-1], (up, across)),
        ("sagittal", volume.transpose(2, 0, 1)[::-1, ::-1], (up, down)),
    ):
        for frame in (0, len(pictures) - 1):
            scan = load_scan(path, frame=frame, window=(0, 4096), options=planes(plane))
            np.testing.assert_allclose(scan.pixels, np.clip((pictures[frame] + 2048) / 4096, 0, 1), atol=1e-6)
            assert scan.spacing_mm == pytest.approx(spacing)
            assert (scan.frame, scan.frames) == (frame, len(pictures))


def test_a_tilted_volume_is_cut_along_its_own_axes_with_a_doubt():
    tilt = np.radians(20)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]
    scan = load_scan(nifti(HU, affine), frame=0, window="lung")
    assert codes(scan) == ["oblique"]
    assert "20 degrees" in scan.notes[0].text
    np.testing.assert_array_equal(scan.pixels, load_scan(nifti(HU), frame=0, window="lung").pixels)


def test_a_single_slice_needs_no_frame_whichever_axis_is_thin():
    for axis, plane in ((2, "axial"), (1, "coronal"), (0, "sagittal")):
        thin = np.take(HU, [2], axis=axis)
        scan = load_scan(nifti(thin), window="lung")
        assert scan.frames == 1
        assert scan.frame is None
        expected = load_scan(nifti(HU), frame=2, window="lung", options=planes(plane))
        np.testing.assert_array_equal(scan.pixels, expected.pixels)


def test_a_file_of_two_axes_is_one_picture():
    image = load_scan(nifti(HU[..., 0]), window="lung")
    assert (image.rows, image.cols) == (9, 7)


# what the numbers are


def test_slope_and_intercept_are_those_of_nibabel():
    stored = (HU + 1024).astype(np.uint16)
    data = nifti(stored, scl_slope=0.5, scl_inter=-100.0)
    values = nibabel.Nifti1Image.from_bytes(data).get_fdata()
    scan = load_scan(data, frame=1, window=(500, 1000))
    np.testing.assert_allclose(scan.pixels, np.clip(values[::-1, ::-1, 1].T / 1000, 0, 1), atol=1e-6)
    assert "times 0.5 plus -100" in scan.steps


def test_a_negative_slope_does_not_swap_black_and_white():
    data = nifti(HU, scl_slope=-2.0, scl_inter=10.0)
    scan = load_scan(data, frame=0)
    values = nibabel.Nifti1Image.from_bytes(data).get_fdata()
    expected = (values - values.min()) / (values.max() - values.min())
    np.testing.assert_allclose(scan.pixels, expected[::-1, ::-1, 0].T, atol=1e-6)


def test_without_a_window_the_whole_volume_sets_the_range_and_a_doubt_says_so():
    scan = load_scan(nifti(HU), frame=2)
    low, high = int(HU.min()), int(HU.max())
    np.testing.assert_allclose(scan.pixels, ((HU[::-1, ::-1, 2].T - low) / (high - low)), atol=1e-6)
    assert codes(scan) == ["no_window"]
    assert "looks like CT" in scan.notes[0].text
    brain = load_scan(nifti(np.abs(HU)), frame=2)
    assert "looks like CT" not in brain.notes[0].text


def test_full_range_is_the_slices_own():
    scan = load_scan(nifti(HU), frame=2, full_range=True)
    assert (scan.pixels.min(), scan.pixels.max()) == (0, 1)
    assert codes(scan) == []


def test_three_windows_are_made_of_hu():
    scan = load_scan(nifti(HU, scl_slope=1.0, scl_inter=-24.0), frame=2, three_windows=True)
    np.testing.assert_array_equal(scan.pixels, three_windows(HU[::-1, ::-1, 2].T - 24.0))
    assert scan.is_colour


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("order", "<>")
def test_every_number_format_reads(dtype, kind, order):
    values = RNG.integers(0, 100, (4, 5, 6)).astype(dtype)
    header = kind.header_class(endianness=order)
    image = kind(values, RAS, header, dtype=dtype)
    scan = load_scan(image.to_bytes(), frame=1)
    expected = (values[::-1, ::-1, 1].T.astype(float) - values.min()) / (float(values.max()) - float(values.min()))
    np.testing.assert_allclose(scan.pixels, expected, atol=1e-6)
    assert scan.bits == 8 * np.dtype(dtype).itemsize


def test_voxels_without_a_number_are_black_with_a_note():
    values = RNG.random((4, 5, 6)).astype(np.float32)
    values[0, 0, 0] = np.nan
    scan = load_scan(nifti(values), frame=0)
    assert scan.pixels[-1, -1] == 0
    assert "nan_as_black" in codes(scan)
    assert refused(nifti(np.full((4, 5, 6), np.nan, np.float32)), frame=0).code == "decode"


def test_colour_voxels_are_colour():
    pixels = RNG.integers(0, 256, (4, 5, 1, 3), np.uint8)
    stored = np.ascontiguousarray(pixels).view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    scan = load_scan(nifti(stored))
    np.testing.assert_array_equal(scan.to_uint8(), pixels[::-1, ::-1, 0].transpose(1, 0, 2))
    with pytest.raises(SpecError):
        load_scan(nifti(stored), window="lung")


def test_complex_voxels_are_unsupported():
    assert refused(nifti(np.zeros((4, 5, 6), np.complex64)), frame=0).code == "unsupported"


# frames


def test_a_volume_needs_a_frame_and_says_how_many_there_are():
    error = refused(nifti(HU))
    assert error.code == "needs_frame"
    assert "5 slices" in str(error)
    assert "frame=0 to frame=4" in error.accepted
    assert refused(nifti(HU), frame=5).code == "geometry"


def test_a_second_volume_goes_on_counting():
    movie = np.stack([HU, HU + 7], axis=-1)
    assert "in each of 2 volumes" in str(refused(nifti(movie)))
    scan = load_scan(nifti(movie), frame=5 + 3, window=(0, 5000))
    np.testing.assert_array_equal(scan.pixels, load_scan(nifti(HU + 7), frame=3, window=(0, 5000)).pixels)
    assert scan.frames == 10


def test_a_wrong_plane_is_refused():
    with pytest.raises(SpecError, match="axial, coronal, sagittal"):
        ReadOptions(plane="oblique")


# what the header does not say


def test_no_orientation_and_no_unit_are_doubts():
    scan = load_scan(nifti(HU, sform_code=0, qform_code=0, unit="unknown"), frame=0, window="lung")
    assert codes(scan) == ["no_orientation", "unit_unknown"]
    scan = load_scan(nifti(HU, unit="micron"), frame=0, window="lung")
    assert scan.spacing_mm == pytest.approx((0.001, 0.001))


@pytest.mark.parametrize("row", [[np.nan] * 4, [0.0] * 4, [np.inf, 0, 0, 0], [0.0, 1.0, 0.0, 0.0]])
def test_a_map_to_the_patient_that_is_none_shows_the_voxels_as_stored(row):
    scan = load_scan(nifti(HU, srow_x=row), frame=0, window="lung")
    assert "no_orientation" in codes(scan)
    assert scan.pixels.shape == (9, 7)


def test_what_nibabel_mends_in_a_header_is_a_doubt_and_is_not_printed(capfd):
    pixdim = [0.0, 1.0, -2.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    scan = load_scan(nifti(HU, pixdim=pixdim), frame=0, window="lung")
    assert codes(scan) == ["header_mended"]
    assert "qfac" in scan.notes[0].text
    assert capfd.readouterr() == ("", "")


# hostile files


def test_a_truncated_volume_is_an_error_gzipped_or_not():
    data = nifti(HU)
    assert refused(data[:-1], frame=0).code == "truncated"
    assert refused(data[:200], frame=0).code in ("not_image", "truncated")
    packed = gzip.compress(data)
    for cut in (len(packed) - 1, len(packed) - 9, len(packed) // 2):
        assert refused(packed[:cut], frame=0).code == "truncated"


def test_a_flipped_bit_in_a_gzip_is_an_error():
    packed = bytearray(gzip.compress(nifti(HU), 0))
    packed[len(packed) // 2] ^= 1
    assert refused(bytes(packed), frame=0).code == "decode"


def test_a_gzip_bomb_is_let_out_only_as_far_as_its_header_declares():
    engine = zlib.compressobj(9, wbits=31)
    packed = engine.compress(nifti(HU)) + b"".join(engine.compress(bytes(1 << 20)) for _ in range(64)) + engine.flush()
    assert len(packed) < 100_000
    assert refused(packed, frame=0).code == "too_large"


def test_a_gzip_of_several_members_reads_whole():
    data = nifti(HU)
    packed = b"".join(gzip.compress(data[at : at + 400]) for at in range(0, len(data), 400))
    np.testing.assert_array_equal(
        load_scan(packed, frame=1, window="lung").pixels, load_scan(data, frame=1, window="lung").pixels
    )


def test_a_volume_that_declares_too_much_is_refused_before_unpacking():
    data = bytearray(nifti(HU))
    struct.pack_into("<8h", data, 40, 4, 30000, 30000, 30000, 30000, 1, 1, 1)
    assert refused(bytes(data), frame=0).code == "too_large"
    assert refused(gzip.compress(bytes(data)), frame=0).code == "too_large"
    assert refused(nifti(HU), frame=0, options=ReadOptions(max_pixels=60)).code == "too_large"


@pytest.mark.parametrize("shape", [(0, 5, 5), (-1, 5, 5)])
def test_an_axis_without_length_is_no_geometry(shape):
    data = bytearray(nifti(HU))
    struct.pack_into("<4h", data, 40, 3, *shape)
    assert refused(bytes(data), frame=0).code == "geometry"


def test_a_header_whose_voxels_are_elsewhere_says_how_to_join_them():
    data = bytearray(nifti(HU))
    data[344:348] = b"ni1\0"
    error = refused(bytes(data), frame=0)
    assert error.code == "unsupported"
    assert "nibabel.save" in error.fix


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6), st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_a_mutated_header_gives_a_scan_or_one_family_of_error(changes, packed):
    data = bytearray(nifti(HU))
    for at, value in changes:
        data[at] = value
    data = gzip.compress(bytes(data), 1) if packed else bytes(data)
    try:
        scan = load_scan(data, frame=0, options=ReadOptions(max_bytes=1 << 24))
    except MedlabError:
        return
    assert np.isfinite(scan.pixels).all()
