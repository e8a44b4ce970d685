"""Every sample file of the pydicom wheel and of pydicom-data, ours against pydicom's own floating-point path.

pydicom is called step by step, as its documentation says, and the result scaled to 0..255 by the range that each step
defines; ours must be within one grey level. Where the two differ on purpose, the file is listed here with the reason.
"""

import io
import shutil
import subprocess
import warnings

import numpy as np
import pytest

from medlab.core.errors import DataError
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.dicom.reader import read

WINDOW_MISSES_DATA = "17166", "17196"
"""the file's window lies wholly outside its data: we show the data range and say so, pydicom shows a flat picture"""
JPEG_BEYOND_PYDICOM = tuple(f"1.2.840.10008.1.2.4.{end}" for end in (51, 57, 70))
BIG_ENDIAN_PALETTE = {"OBXXXX1A_expb.dcm": "OBXXXX1A.dcm", "OBXXXX1A_expb_2frame.dcm": "OBXXXX1A_2frame.dcm"}
"""pydicom 3.0.2 reads the palette of a big-endian file in the wrong order; compared with the little-endian twin"""
MISREAD = {"emri_small_jpeg_2k_lossless_too_short.dcm": "emri_small_jpeg_2k_lossless.dcm"}
"""without its end marker pydicom finds no pixel data; compared with the complete twin"""
REFUSED = {
    "MR_truncated.dcm": "truncated",  # pydicom pads what is missing
    "JPEG2000-embedded-sequence-delimiter.dcm": "decode",  # a size of 3,722,445,056 columns in the stream
    "rtplan_truncated.dcm": "truncated",
}
NO_PICTURE = ("no_pixels", "geometry", "unsupported")
"""reports, plans, palettes, waveforms; 32 bits allocated"""


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_greys_are_within_one_level_and_colours_within_two(sample):
    import pydicom

    ours, error = _ours(sample)
    if error is not None:
        expected = REFUSED.get(sample.name)
        assert error.code == expected if expected else error.code in NO_PICTURE, str(error)
        if error.code != "unsupported":
            return
        assert pydicom.dcmread(sample).BitsAllocated == 32
        return
    twin = (BIG_ENDIAN_PALETTE | MISREAD).get(sample.name, sample.name)
    ds = pydicom.dcmread(sample.with_name(twin))
    stored = _stored(ds, sample)
    if ours.ndim == 3:
        assert np.abs(_colour(ds, stored) - ours).max() <= 2
        return
    if sample.name in WINDOW_MISSES_DATA:
        assert np.ptp(_grey(ds, stored)) == 0
        assert np.ptp(ours) == 255
        return
    assert np.abs(_grey(ds, stored) - ours).max() <= 1


def test_the_samples_are_there(sample_names):
    assert len(sample_names) > 60, "the pydicom wheel ships more than 60 files"


@pytest.fixture
def sample_names(request):
    return {item.name for item in request.session.items if "sample" in getattr(item, "fixturenames", ())}


def _ours(path) -> tuple[np.ndarray | None, DataError | None]:
    """Our picture as int levels, or the error; the first frame of several."""
    data = path.read_bytes()
    try:
        try:
            decoded = read(data, ReadOptions(), path.name)
        except DataError as error:
            if error.code != "needs_frame":
                raise
            decoded = read(data, ReadOptions(frame=0), path.name)
    except DataError as error:
        return None, error
    return decoded.to_uint8().astype(int), None


def _stored(ds, path) -> np.ndarray:
    """pydicom's stored values of the first frame; decompressed by dcmtk first where pydicom has no free decoder."""
    import pydicom

    if ds.file_meta.TransferSyntaxUID in JPEG_BEYOND_PYDICOM:
        if shutil.which("dcmdjpeg") is None:
            pytest.skip("dcmdjpeg (dcmtk) is not on PATH: pydicom has no free decoder for this JPEG")
        plain = subprocess.run(["dcmdjpeg", str(path), "-"], capture_output=True, check=True).stdout
        return pydicom.dcmread(io.BytesIO(plain)).pixel_array
    return pydicom.pixels.pixel_array(ds, index=0)


def _colour(ds, stored: np.ndarray) -> np.ndarray:
    """pydicom's RGB as int levels."""
    from pydicom.pixels import apply_color_lut

    if ds.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, ds)
    return np.round(stored / np.iinfo(stored.dtype).max * 255).astype(int)


def _grey(ds, stored: np.ndarray) -> np.ndarray:
    """pydicom's floating-point path, scaled to the range that its last step defines, as int levels."""
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    if ds.BitsAllocated == 1:
        return stored.astype(int) * 255
    ds = _with_frame_groups(ds)
    units = apply_modality_lut(stored, ds)
    shown = apply_voi_lut(units, ds).astype(float)
    low, high = _range(ds, stored, units)
    levels = np.clip((shown - low) / ((high - low) or 1), 0, 1)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        levels = 1 - levels
    return np.round(levels * 255).astype(int)


def _with_frame_groups(ds):
    """pydicom 3.0 ignores the functional groups of enhanced objects: their first frame's values put on top."""
    for name in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for group in ds.get(name, [])[:1]:
            for macro in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
                for item in group.get(macro, [])[:1]:
                    for element in item:
                        ds.setdefault(element.tag, element)
    return ds


def _range(ds, stored: np.ndarray, units: np.ndarray) -> tuple[float, float]:
    if "VOILUTSequence" in ds:
        return 0, 2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1
    slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
    if "WindowCenter" in ds and "WindowWidth" in ds:
        signed = ds.PixelRepresentation == 1
        least = -(2 ** (ds.BitsStored - 1)) if signed else 0
        return least * slope + intercept, (least + 2**ds.BitsStored - 1) * slope + intercept
    if ds.BitsStored <= 8:
        return intercept, 255 * slope + intercept
    kept = units[stored != ds.PixelPaddingValue] if "PixelPaddingValue" in ds else units
    return float(kept.min()), float(kept.max())
