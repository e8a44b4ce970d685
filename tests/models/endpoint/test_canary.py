"""A file that holds a mark in every place where a patient may stand is asked about: no mark is in what was sent."""

import io
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import medlab
from medlab.loaders.decoded import ReadOptions
from medlab.models.endpoint.model import EndpointModel
from medlab.phantom.dicom import to_dicom

TEXT = {
    "PN": ("PatientName", "ReferringPhysicianName", "OperatorsName", "PhysiciansOfRecord", "OtherPatientNames"),
    "LO": ("PatientID", "InstitutionName", "StudyDescription", "SeriesDescription", "PatientAddress"),
    "LT": (
        "AdditionalPatientHistory",
        "ImageComments",
        "PatientComments",
        "StationName",
        "AccessionNumber",
        "StudyID",
    ),
}
DATES = ("PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")


def marked_film() -> tuple[bytes, list[str]]:
    """(a DICOM file, the marks that it holds)."""
    marks: list[str] = []

    def mark(pattern: str = "ZQ{:03d}XMARK") -> str:
        marks.append(pattern.format(len(marks)))
        return marks[-1]

    film = pydicom.dcmread(io.BytesIO(to_dicom(medlab.Phantom(size=64).draw(3))))
    for names in TEXT.values():
        for name in names:
            setattr(film, name, mark())
    for name in DATES:
        setattr(film, name, mark("19{:02d}0411"))
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(film, name, mark("1.2.826.0.1.99.7777{:03d}.1"))
    inner = Dataset()
    inner.PatientID = mark()
    film.OtherPatientIDsSequence = Sequence([inner])
    block = film.private_block(0x0009, "ACME 1.1", create=True)
    block.add_new(1, "LO", mark())
    film.add_new(0x60000022, "LO", mark())
    film.preamble = mark().encode().ljust(128, b"\0")
    stream = io.BytesIO()
    film.save_as(stream, enforce_file_format=True)
    assert [m for m in marks if m.encode() not in stream.getvalue()] == []
    return stream.getvalue(), marks


def unpacked(png: bytes) -> bytes:
    """A PNG with its compressed pixels inflated: everything in it that could hold a word."""
    data, at = b"", 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        body = png[at + 8 : at + 8 + length]
        data += png[at + 4 : at + 8] + (zlib.decompress(body) if png[at + 4 : at + 8] == b"IDAT" else body)
        at += 12 + length
    return data


@pytest.fixture
def asked_about(server, tmp_path):
    """(the marks, everything that the server received, pictures unpacked) after questions about the marked film."""

    def ask(question: str) -> tuple[list[str], bytes]:
        film, marks = marked_film()
        path = tmp_path / "ZQ900XMARK Miller 19310411.dcm"
        path.write_bytes(film)
        scan = medlab.load_scan(path, options=ReadOptions(salt="ZQ902XMARK"))
        assert "ZQ900XMARK" in scan.name
        model = EndpointModel(server.url)
        model.ask(scan, question)
        list(model.ask_batch([model.query(scan, "Devices?")], progress=False))
        received = b"".join(server.received + [unpacked(png) for png in server.pictures()])
        assert len(server.pictures()) == 2
        marks += ["ZQ900XMARK", "Miller", "19310411", "ZQ902XMARK", str(tmp_path), scan.patient, scan.sha256]
        return marks, received + received.decode("latin-1").encode("utf-16-le")

    return ask


def test_no_mark_of_the_file_its_name_or_its_folder_is_sent(asked_about):
    marks, received = asked_about("Effusion?")
    assert len(marks) > 30
    found = [mark for mark in marks if mark.encode() in received or mark.encode("utf-16-le") in received]
    assert found == []


def test_a_mark_that_is_written_into_the_question_is_found_by_the_same_search(asked_about):
    marks, received = asked_about("Is ZQ000XMARK ill?")
    assert [mark for mark in marks if mark.encode() in received] == ["ZQ000XMARK"]


def test_the_picture_that_is_sent_holds_pixels_and_nothing_else(server, scan):
    EndpointModel(server.url).ask(scan, "Effusion?")
    (png,) = server.pictures()
    kinds, at = [], 8
    while at < len(png):
        kinds.append(png[at + 4 : at + 8])
        at += 12 + int.from_bytes(png[at : at + 4], "big")
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


def test_the_pixels_that_are_sent_are_those_of_the_scan_padded_for_medgemma(server, scan):
    from PIL import Image

    EndpointModel(server.url).ask(scan, "Effusion?")
    EndpointModel(server.url, family="plain").ask(scan, "Effusion?")
    padded, plain = (np.asarray(Image.open(io.BytesIO(png))) for png in server.pictures())
    assert padded.shape == (40, 40)
    np.testing.assert_array_equal(padded[5:35], scan.to_uint8())
    assert not padded[:5].any()
    assert not padded[35:].any()
    np.testing.assert_array_equal(plain, scan.to_uint8())
