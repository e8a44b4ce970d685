"""A phantom as a DICOM file: digital radiography for presentation, twelve bits, said to be synthetic in its header.

It uses what real files use (rescale, window, MONOCHROME1, compression), so that reading one back tests a loader from
end to end. PS3.3 A.26 (DX image), C.8.11 (DX modules), C.11 (look-up tables); PS3.5 A.4 (transfer syntaxes).
"""

import io

import numpy as np

from medlab.core.case import Case
from medlab.core.errors import SpecError
from medlab.core.record import check_choice
from medlab.phantom.exposure import WHITE
from medlab.version import __version__

ROOT = "2.25."
"""UIDs made from a hash, PS3.5 B.2"""
SYNTAXES = ("raw", "rle", "jpeg2000", "jpegls")
PHOTOMETRICS = ("MONOCHROME1", "MONOCHROME2")


def to_dicom(case: Case, *, photometric: str = "MONOCHROME2", syntax: str = "raw") -> bytes:
    """The case's first scan as a DX file.

    photometric  one of PHOTOMETRICS; in MONOCHROME1 the stored values are inverted, the picture is the same
    syntax       one of SYNTAXES, all of them lossless

    Stored values are the scan's times 4095; rescale slope 1 and intercept 0; the window spans the twelve bits, so that
    a reader gets the scan's pixels back to within half a grey level. Raises SpecError for a case without a grey scan.
    """
    import pydicom.uid
    from pydicom.dataset import FileDataset, FileMetaDataset

    check_choice("photometric", photometric, PHOTOMETRICS)
    check_choice("syntax", syntax, SYNTAXES)
    if not case.scans or case.scans[0].is_colour:
        raise SpecError(f"{case!r} has no grey scan", accepted="a case that a Phantom drew")
    scan = case.scans[0]
    stored = np.rint(scan.pixels * np.float32(WHITE)).astype("<u2")
    if photometric == "MONOCHROME1":
        stored = WHITE - stored

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = pydicom.uid.DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = _uid(case.id, "image", scan.sha256)
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.ImplementationClassUID = _uid("medlab")
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    _identify(data, case)
    _describe(data, case)
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, photometric
    data.Rows, data.Columns = stored.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "US"
    data.PresentationLUTShape = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
    data.PixelIntensityRelationship = "LOG"
    data.PixelIntensityRelationshipSign = -1 if photometric == "MONOCHROME2" else 1
    # Linear windows map centre - 0.5 -+ (width - 1) / 2: these are exactly 0 and 4095 (PS3.3 C.11.2.1.2).
    data.WindowCenter, data.WindowWidth = (WHITE + 1) / 2, WHITE + 1
    data.WindowCenterWidthExplanation = "FULL"
    data.PixelData = stored.tobytes()
    if syntax != "raw":
        data.compress(_transfer_syntax(syntax), generate_instance_uid=False)
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _identify(data, case: Case) -> None:
    """Fictitious identity, plainly synthetic; the fields a patient module must have."""
    data.PatientID = (case.patient_id or case.id)[:64]
    data.PatientName = "Synthetic^Phantom"
    data.PatientBirthDate, data.PatientSex = "", ""
    data.PatientIdentityRemoved = "YES"
    data.DeidentificationMethod = "synthetic, no patient"
    data.StudyInstanceUID, data.SeriesInstanceUID = _uid(case.id, "study"), _uid(case.id, "series")
    data.StudyID, data.SeriesNumber, data.InstanceNumber, data.AccessionNumber = "1", 1, 1, ""
    data.StudyDate, data.StudyTime, data.ReferringPhysicianName = "", "", ""
    data.ContentDate, data.ContentTime = "", ""
    data.StudyDescription = "SYNTHETIC CHEST PHANTOM"
    data.ImageComments = "Synthetic image, drawn by medlab. Not a patient; not for diagnosis."


def _describe(data, case: Case) -> None:
    scan = case.scans[0]
    data.Modality, data.PresentationIntentType = "DX", "FOR PRESENTATION"
    data.ImageType = ["DERIVED", "PRIMARY", ""]
    data.Manufacturer, data.ManufacturerModelName, data.SoftwareVersions = "medlab", "phantom", __version__
    data.BodyPartExamined, data.ViewPosition = "CHEST", scan.view
    data.ImageLaterality, data.PatientOrientation = "B", ["L", "F"]
    data.BurnedInAnnotation = "NO"
    data.LossyImageCompression = "00"
    if scan.spacing_mm is not None:
        data.ImagerPixelSpacing = [f"{value:.6g}" for value in scan.spacing_mm]


def _transfer_syntax(name: str) -> str:
    import pydicom.uid

    return {
        "rle": pydicom.uid.RLELossless,
        "jpeg2000": pydicom.uid.JPEG2000Lossless,
        "jpegls": pydicom.uid.JPEGLSLossless,
    }[name]


def _uid(*words: str) -> str:
    """A UID that is always the same for the same words."""
    import pydicom.uid

    return pydicom.uid.generate_uid(prefix=ROOT, entropy_srcs=["medlab-phantom", *words])
