"""Phantoms as DICOM: valid, said to be synthetic, and read back by the loader as the pixels that were drawn."""

import io

import numpy as np
import pydicom
import pytest

import medlab
from medlab.core.errors import SpecError
from medlab.phantom import Phantom, present
from medlab.phantom.dicom import PHOTOMETRICS, SYNTAXES, to_dicom


@pytest.fixture(scope="module")
def case():
    return Phantom(96).draw(8, [present("effusion", "left", severity="large")], view="AP")


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("photometric", PHOTOMETRICS)
def test_the_loader_gives_the_drawn_pixels_back(case, photometric, syntax):
    scan = medlab.load_scan(to_dicom(case, photometric=photometric, syntax=syntax))
    assert np.abs(scan.pixels - case.scans[0].pixels).max() <= 0.5 / 4095 + 1e-6
    assert (scan.modality, scan.view, scan.bits) == ("DX", "AP", 12)


def test_pydicom_alone_reads_the_stored_values(case):
    data = pydicom.dcmread(io.BytesIO(to_dicom(case)))
    assert data.pixel_array.dtype == np.uint16
    assert np.array_equal(data.pixel_array, np.rint(case.scans[0].pixels * 4095).astype(int))


def test_the_header_says_synthetic_and_names_nobody(case):
    data = pydicom.dcmread(io.BytesIO(to_dicom(case)))
    assert str(data.PatientName) == "Synthetic^Phantom"
    assert data.PatientID == "phantom-patient-8"
    assert "Synthetic" in data.ImageComments
    assert data.PatientBirthDate == ""
    assert data.StudyInstanceUID != data.SeriesInstanceUID != data.SOPInstanceUID


def test_the_same_case_gives_the_same_file(case):
    assert to_dicom(case) == to_dicom(case)


@pytest.mark.parametrize("options", [{"syntax": "gif"}, {"photometric": "RGB"}])
def test_other_syntaxes_are_refused(case, options):
    with pytest.raises(SpecError, match=next(iter(options))):
        to_dicom(case, **options)


def test_a_case_without_a_scan_is_refused(case):
    with pytest.raises(SpecError, match="no grey scan"):
        to_dicom(case.replace(scans=(), boxes=(), masks=()))
