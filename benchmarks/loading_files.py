"""The files that loading is timed on: one drawn chest-like film in the formats that archives hold, and real ones.

The drawing has the smooth areas, edges and detector noise that decide how long a codec takes; it is not meant to be
looked at (`medlab.Phantom` is). 12 bits, 2500 x 2048, as a digital radiograph.
"""

import pathlib

import numpy as np

ROWS, COLS, BITS = 2500, 2048, 12
REAL = {"real CR, raw": "RG1_UNCR.dcm", "real CR, JPEG 2000": "RG1_J2KR.dcm"}
"""of the package pydicom-data: a PA chest film of 1955 x 1841, MONOCHROME1, 15 bits"""


def make_files(folder: pathlib.Path, seed: int = 0) -> dict[str, pathlib.Path]:
    """Row name to file; the drawn ones are written into `folder`, the real ones come with pydicom-data."""
    from PIL import Image
    from pydicom.data import get_testdata_file

    folder.mkdir(parents=True, exist_ok=True)
    film = draw_film(seed)
    grey = np.round(np.clip((film - 410.0) / 3277.0, 0, 1) * 255).astype(np.uint8)
    files = {
        "JPEG q95 2500x2048": folder / "film.jpg",
        "PNG 2048x2048": folder / "film.png",
        "DICOM raw": folder / "raw.dcm",
        "DICOM JPEG lossless": folder / "jpeg_lossless.dcm",
        "DICOM JPEG 2000 lossless": folder / "jpeg2000.dcm",
    }
    Image.fromarray(grey).save(files["JPEG q95 2500x2048"], quality=95)
    top = (ROWS - COLS) // 2
    Image.fromarray(np.ascontiguousarray(grey[top : top + COLS])).save(files["PNG 2048x2048"])
    _write_dicom(film, files)
    for row, name in REAL.items():
        found = get_testdata_file(name, download=False)
        if found is not None:
            files[row] = pathlib.Path(found)
    return files


def draw_film(seed: int) -> np.ndarray:
    """(2500, 2048) uint16 of 12 bits: body, lungs, heart, spine, ribs, correlated noise."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[0:ROWS, 0:COLS].astype(np.float32)
    down, across = rows / ROWS - 0.5, cols / COLS - 0.5
    body = np.exp(-((across / 0.42) ** 6 + (down / 0.62) ** 8))
    lungs = sum(np.exp(-(((across - side) / 0.125) ** 4 + ((down + 0.02) / 0.3) ** 4)) for side in (-0.18, 0.18))
    heart = np.exp(-(((across - 0.05) / 0.12) ** 4 + ((down - 0.16) / 0.14) ** 4))
    spine = np.exp(-((across / 0.04) ** 4))
    ribs = 0.06 * np.cos(2 * np.pi * (down * 11 + 4 * across**2)) * lungs
    density = 0.15 + 0.75 * body - 0.45 * lungs + 0.25 * heart + 0.12 * spine + ribs
    noise = rng.standard_normal((ROWS, COLS), np.float32)
    noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / 1.7
    top = 2**BITS - 1
    film = np.clip(density, 0, 1.2) / 1.2 * top * 0.9 + noise * top * 0.006
    return np.clip(np.round(film), 0, top).astype(np.uint16)


def _write_dicom(film: np.ndarray, files: dict[str, pathlib.Path]) -> None:
    import imagecodecs
    from pydicom.encaps import encapsulate
    from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1

    jpeg = imagecodecs.jpeg_encode(film, lossless=True, predictor=1, bitspersample=BITS)
    jpeg2000 = imagecodecs.jpeg2k_encode(film, level=0, reversible=True, bitspersample=BITS, codecformat="j2k")
    for row, syntax, data in (
        ("DICOM raw", ExplicitVRLittleEndian, film.tobytes()),
        ("DICOM JPEG lossless", JPEGLosslessSV1, encapsulate([jpeg])),
        ("DICOM JPEG 2000 lossless", JPEG2000Lossless, encapsulate([jpeg2000])),
    ):
        dataset = _header(film.shape, syntax)
        dataset.PixelData = data
        dataset["PixelData"].VR = "OW" if syntax == ExplicitVRLittleEndian else "OB"
        dataset.save_as(files[row], enforce_file_format=True)


def _header(shape: tuple[int, int], syntax: str):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    dataset.Modality, dataset.ViewPosition = "DX", "PA"
    dataset.Rows, dataset.Columns = shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, BITS, BITS - 1
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 2 ** (BITS - 1), int(2**BITS * 0.8)
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    return dataset
