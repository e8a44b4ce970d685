"""Small DICOM files made to measure, so that what must come out can be worked out by hand."""

import importlib.util
import io
import pathlib
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from medlab.loaders.decoded import Decoded, ReadOptions
from medlab.loaders.dicom.reader import read

TRANSFER_SYNTAXES = {
    "explicit": "1.2.840.10008.1.2.1",
    "implicit": "1.2.840.10008.1.2",
    "big endian": "1.2.840.10008.1.2.2",
    "deflated": "1.2.840.10008.1.2.1.99",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg": "1.2.840.10008.1.2.4.50",
    "jpeg lossless": "1.2.840.10008.1.2.4.70",
    "jpeg 12 bit": "1.2.840.10008.1.2.4.51",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg 2000": "1.2.840.10008.1.2.4.90",
    "htj2k": "1.2.840.10008.1.2.4.201",
}


def ramp(rows: int = 64, cols: int = 64) -> np.ndarray:
    """Values 0 to 4095, 12 bits, no two neighbours alike."""
    return (np.arange(rows * cols, dtype=np.uint16) % 4096).reshape(rows, cols)


def dataset(pixels: np.ndarray | None = None, **elements):
    """A pydicom data set of a DX film: `pixels` (rows, cols[, 3]), 12 bits if 16; None deletes an element."""
    from pydicom.dataset import FileDataset, FileMetaDataset

    pixels = ramp() if pixels is None else pixels
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    meta.TransferSyntaxUID = TRANSFER_SYNTAXES["explicit"]
    made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    bits = 8 * pixels.dtype.itemsize
    stored = 12 if bits == 16 else bits
    defaults = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Modality": "DX",
        "ViewPosition": "PA",
        "BurnedInAnnotation": "NO",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "SamplesPerPixel": 3 if pixels.ndim == 3 else 1,
        "PhotometricInterpretation": "RGB" if pixels.ndim == 3 else "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": stored,
        "HighBit": elements.get("BitsStored", stored) - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.astype(pixels.dtype.newbyteorder("<")).tobytes(),
    }
    if pixels.ndim == 3:
        defaults["PlanarConfiguration"] = 0
    for name, value in (defaults | elements).items():
        if value is not None:
            setattr(made, name, value)
    if len(made.get("PixelData", b"")) % 2:
        made.PixelData += b"\0"
    return made


def saved(made) -> bytes:
    """A pydicom data set as the bytes of a file."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, about what is wrong here on purpose
        made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dicom(pixels: np.ndarray | None = None, **elements) -> bytes:
    """The bytes of `dataset(...)`."""
    return saved(dataset(pixels, **elements))


def encapsulated(frames: list[bytes], kind: str, **elements) -> bytes:
    """A file whose frames are the given compressed streams, one fragment each."""
    from pydicom.encaps import encapsulate

    made = dataset(**elements)
    made.file_meta.TransferSyntaxUID = TRANSFER_SYNTAXES[kind]
    made.PixelData = encapsulate(frames)
    made["PixelData"].VR = "OB"
    return saved(made)


def compressed(kind: str, pixels: np.ndarray | None = None, **elements) -> bytes:
    """`dicom(...)` in another transfer syntax, one of TRANSFER_SYNTAXES."""
    pixels = ramp() if pixels is None else pixels
    made = dataset(pixels, **elements)
    if kind in ("jpeg lossless", "jpeg 12 bit", "htj2k"):
        imagecodecs = pytest.importorskip("imagecodecs", reason="writes the compressed test files")
        if kind == "htj2k":
            stream = imagecodecs.htj2k_encode(pixels)
        else:
            lossless = kind == "jpeg lossless"
            bits = 8 * pixels.dtype.itemsize if pixels.dtype == np.uint8 else 12
            same = {"colorspace": "RGB", "outcolorspace": "RGB"} if pixels.ndim == 3 else {}
            stream = imagecodecs.jpeg_encode(pixels, lossless=lossless, bitspersample=bits, level=98, **same)
        return encapsulated([stream], kind, pixels=pixels, **elements)
    if kind in ("rle", "jpeg-ls", "jpeg 2000"):
        made.compress(TRANSFER_SYNTAXES[kind], generate_instance_uid=False)
        return saved(made)
    made.file_meta.TransferSyntaxUID = TRANSFER_SYNTAXES[kind]
    if kind == "big endian":
        made.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
        made["PixelData"].VR = "OW"
        from pydicom.filewriter import dcmwrite

        buffer = io.BytesIO()
        dcmwrite(buffer, made, implicit_vr=False, little_endian=False, force_encoding=True)
        return buffer.getvalue()
    return saved(made)


def picture(data: bytes, **options) -> Decoded:
    """What the reader makes of a file."""
    return read(data, ReadOptions(**options), "test.dcm")


def codes(decoded: Decoded) -> set[str]:
    return {note.code for note in decoded.notes}


@pytest.fixture(scope="session")
def forge() -> SimpleNamespace:
    """The functions above, by name."""
    return SimpleNamespace(
        ramp=ramp,
        dataset=dataset,
        saved=saved,
        dicom=dicom,
        encapsulated=encapsulated,
        compressed=compressed,
        picture=picture,
        codes=codes,
        TRANSFER_SYNTAXES=TRANSFER_SYNTAXES,
    )


def sample_files() -> list[pathlib.Path]:
    """Every file of the pydicom wheel and of pydicom-data that begins like DICOM and is small enough to be one."""
    roots = [pathlib.Path(importlib.util.find_spec("pydicom").origin).parent / "data"]
    package = importlib.util.find_spec("data_store")
    if package is not None:
        roots.append(pathlib.Path(package.origin).parent / "data")
    found = [path for root in roots for path in root.rglob("*") if path.is_file()]
    return sorted(path for path in found if path.open("rb").read(132)[128:] == b"DICM")


def pytest_generate_tests(metafunc):
    """A test that asks for `sample` runs once for each sample file."""
    if "sample" in metafunc.fixturenames:
        files = sample_files()
        metafunc.parametrize("sample", files, ids=[f"{path.parent.name}/{path.name}" for path in files])
