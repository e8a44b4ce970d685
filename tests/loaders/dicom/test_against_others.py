"""Real films and slices against readers that share no code with pydicom or medlab: dcmtk and SimpleITK."""

import pathlib
import shutil
import subprocess

import numpy as np
import pytest

from medlab.loaders.decoded import ReadOptions
from medlab.loaders.dicom.reader import read
from medlab.loaders.scan import load_scan

# file, how dcmtk is asked for the same window, how far 8-bit rounding may part us
FILMS = {
    "RG1_UNCR.dcm": ["+Wi", "1"],
    "693_UNCI.dcm": ["+Wi", "1"],
    "US1_UNCI.dcm": [],
    "JPEG2000_UNC.dcm": ["+Wm"],
}


def _shown_by_dcmtk(path: pathlib.Path, how: list[str]) -> np.ndarray:
    """(rows, cols) grey of 8 bits, int."""
    from PIL import Image

    if shutil.which("dcm2pnm") is None:
        pytest.skip("dcm2pnm (dcmtk) is not on PATH")
    out = path.with_suffix(".pnm")
    subprocess.run(["dcm2pnm", "+op", *how, str(path), str(out)], check=True, capture_output=True)
    return np.asarray(Image.open(out)).astype(int)


@pytest.mark.parametrize("name", FILMS)
def test_dcmtk_shows_the_same_picture(fixtures, tmp_path, name):
    path = pathlib.Path(shutil.copy(fixtures(f"dicom/{name}"), tmp_path))
    theirs = _shown_by_dcmtk(path, FILMS[name])
    ours = read(path.read_bytes(), ReadOptions(), name).to_uint8().astype(int)
    assert np.abs(ours - theirs).max() <= 1


def _lut(first: int, bits: int, entries: np.ndarray):
    from pydicom.dataset import Dataset

    made = Dataset()
    made.add_new(0x00283002, "US", [len(entries), first, bits])
    made.add_new(0x00283006, "OW", entries.astype("<u2").tobytes())
    return [made]


_RNG = np.random.default_rng(20)
_PLAIN = _RNG.integers(0, 4096, (24, 24), dtype=np.uint16)
_SIGNED = _RNG.integers(-2048, 2048, (24, 24), dtype=np.int16)
_WINDOW = {"WindowCenter": 2000, "WindowWidth": 1000}
_UP = np.arange(4096)
# name -> (stored values, header, how dcmtk is asked for the same)
MADE = {
    "modality LUT, VOI LUT": lambda: (
        _PLAIN,
        {"ModalityLUTSequence": _lut(0, 16, _UP[::-1] * 16), "VOILUTSequence": _lut(0, 12, np.arange(65535) // 16)},
        "+Wl",
    ),
    "modality LUT, window": lambda: (
        _PLAIN,
        {"ModalityLUTSequence": _lut(0, 16, _UP * 16), "WindowCenter": 30000, "WindowWidth": 20000},
        "+Wi",
    ),
    "VOI LUT that begins below zero": lambda: (
        _PLAIN,
        {"RescaleSlope": "0.5", "RescaleIntercept": "-1024", "VOILUTSequence": _lut(64512, 12, _UP[::2])},
        "+Wl",
    ),
    "several VOI LUTs": lambda: (
        _PLAIN,
        {"VOILUTSequence": _lut(0, 12, _UP) + _lut(0, 12, _UP[::-1])},
        "+Wl",
    ),
    "signed": lambda: (_SIGNED, {"BitsStored": 16, "WindowCenter": 100, "WindowWidth": 1000}, "+Wi"),
    "signed, 12 bits, MONOCHROME1": lambda: (
        (_SIGNED.view(np.uint16) & 0xFFF).view(np.int16),
        {"PhotometricInterpretation": "MONOCHROME1", "WindowCenter": 100, "WindowWidth": 1000},
        "+Wi",
    ),
    "signed, negative slope": lambda: (
        _SIGNED,
        {"BitsStored": 16, "RescaleSlope": -2, "RescaleIntercept": 10, "WindowCenter": 100, "WindowWidth": 1000},
        "+Wi",
    ),
    "sigmoid": lambda: (_PLAIN, {**_WINDOW, "VOILUTFunction": "SIGMOID"}, "+Wi"),
    "overlay in the high bits": lambda: (_PLAIN | np.uint16(0x6000), _WINDOW, "+Wi"),
    "high bit 13": lambda: (_PLAIN << 2 | 1, {**_WINDOW, "BitsStored": 12, "HighBit": 13}, "+Wi"),
    "INVERSE": lambda: (_PLAIN, {**_WINDOW, "PresentationLUTShape": "INVERSE"}, "+Wi"),
    "MONOCHROME1 and INVERSE": lambda: (
        _PLAIN,
        {**_WINDOW, "PresentationLUTShape": "INVERSE", "PhotometricInterpretation": "MONOCHROME1"},
        "+Wi",
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_dcmtk_shows_the_same_of_files_that_are_rare_in_archives(forge, tmp_path, name):
    pixels, header, asked = MADE[name]()
    path = tmp_path / "made.dcm"
    path.write_bytes(forge.dicom(pixels, **header))
    theirs = _shown_by_dcmtk(path, [asked, "1"])
    assert np.ptp(theirs) > 250, "the comparison would hold of anything"
    assert np.abs(forge.picture(path.read_bytes()).to_uint8().astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("name", ["693_UNCI.dcm", "RG1_UNCR.dcm", "RG1_J2KI.dcm"])
def test_simpleitk_rescales_to_the_same_values(fixtures, name):
    """SimpleITK gives modality values, MONOCHROME1 turned; ours are shown through a window as wide as its range."""
    sitk = pytest.importorskip("SimpleITK")
    path = fixtures(f"dicom/{name}")
    theirs = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0].astype(np.float64)
    decoded = read(path.read_bytes(), ReadOptions(full_range=True), name)
    low, high = theirs.min(), theirs.max()
    share = (theirs - low) / (high - low)
    decoded.fields["name"] = name
    scan = decoded.to_scan()
    if "padding" in {note.code for note in scan.notes}:
        pytest.fail("a padded file has another range: choose one without")
    assert np.abs(scan.pixels - share).max() < 1e-6


def test_the_real_chest_film_has_dark_lungs_and_a_bright_spine(fixtures):
    """MONOCHROME1 stores it the other way round. Regions were marked on the picture by eye."""
    scan = load_scan(fixtures("dicom/RG1_UNCR.dcm"))
    assert (scan.rows, scan.cols, scan.view, scan.modality, scan.bits) == (1955, 1841, "PA", "CR", 15)
    right_lung, spine = scan.pixels[700:1000, 450:600].mean(), scan.pixels[1300:1700, 860:980].mean()
    assert right_lung < spine
    assert "inverted" in {note.code for note in scan.corrections}
    assert "MONOCHROME1" in scan.audit()
