"""Real films and slices against readers that share no code with pydicom or medlab: dcmtk and SimpleITK."""

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


@pytest.mark.parametrize("name", FILMS)
def test_dcmtk_shows_the_same_picture(fixtures, tmp_path, name):
    from PIL import Image

    if shutil.which("dcm2pnm") is None:
        pytest.skip("dcm2pnm (dcmtk) is not on PATH")
    path, out = fixtures(f"dicom/{name}"), tmp_path / "out.pnm"
    subprocess.run(["dcm2pnm", "+op", *FILMS[name], str(path), str(out)], check=True, capture_output=True)
    theirs = np.asarray(Image.open(out)).astype(int)
    ours = read(path.read_bytes(), ReadOptions(), name).to_uint8().astype(int)
    assert np.abs(ours - theirs).max() <= 1


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
