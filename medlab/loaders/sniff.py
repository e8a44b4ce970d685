"""What a file is, from its bytes. It knows signatures, not formats: whether the rest decodes is the reader's to say.

A name decides nothing here; it is only compared afterwards, because a wrong one is worth a doubt.
"""

import struct
import zlib

from medlab.core.errors import DataError, shown

GZIP = b"\x1f\x8b"
_ENDINGS = {
    "dicom": (".dcm", ".dicom"),
    "gif": (".gif",),
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "nifti": (".nii", ".nii.gz"),
    "npy": (".npy",),
    "png": (".png", ".apng"),
    "tiff": (".tif", ".tiff"),
}
_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NIFTI_MAGICS = {348: (344, b"n+1\0", b"ni1\0"), 540: (4, b"n+2\0", b"ni2\0")}
# (signature, where, what it is, what to do)
_OTHERS = (
    (b"%PDF-", 0, "a PDF document", "export the picture in it as PNG"),
    (b"PK\x03\x04", 0, "a ZIP archive", "unpack it and give one picture of it"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive", "unpack it and give one picture of it"),
    (b"ustar", 257, "a TAR archive", "unpack it and give one picture of it"),
    (b"BM", 0, "a BMP picture", "convert it to PNG"),
    (b"WEBP", 8, "a WebP picture", "convert it to PNG"),
    (b"ftyp", 4, "a HEIC/AVIF picture or an MP4 video", "convert it to PNG"),
    (b"\0\0\0\x0cjP  \r\n", 0, "a JPEG 2000 picture", "convert it to PNG or wrap it in DICOM"),
    (b"\xff\x4f\xff\x51", 0, "a bare JPEG 2000 codestream", "convert it to PNG or wrap it in DICOM"),
    (b"\x89HDF", 0, "an HDF5 file", "read it with h5py and give the array"),
    (b"version https://git-lfs", 0, "a Git LFS pointer, not the file itself", "git lfs pull"),
    (b"NRRD", 0, "an NRRD volume", "convert it to NIfTI (.nii.gz)"),
)
_MARKUP = (
    (b"<svg", "an SVG drawing (markup that may carry scripts)", "export it as PNG"),
    (b"<!doctype html", "a web page, perhaps a failed download", "download the picture itself"),
    (b"<html", "a web page, perhaps a failed download", "download the picture itself"),
    (b"<?xml", "an XML document", "give a picture; medlab.load_cohort reads tables of reports"),
)
_PICKLE_FIX = "never open it; ask its author for .npy, .png or .safetensors"
_ACCEPTED = "DICOM, PNG, JPEG, TIFF, GIF, NIfTI (.nii, .nii.gz), NumPy .npy"


def sniff(data: bytes, name: str = "bytes") -> str:
    """The format of `data`: "dicom", "gif", "jpeg", "nifti", "npy", "png" or "tiff".

    Raises DataError: "not_image" saying what it looks like ("not_dicom" where `name` promises DICOM), "pickle" for a
    pickle, "decode" for a broken gzip.
    """
    if data[128:132] == b"DICM":
        return "dicom"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:4] in _TIFF_HEADS:
        return "tiff"
    if data[:6] in (b"GIF87a", b"GIF89a") and 0 not in struct.unpack("<HH", data[6:10].ljust(4, b"\0")):
        return "gif"
    if data[:6] == b"\x93NUMPY":
        return "npy"
    if is_nifti(unzipped_head(data, name) if data[:2] == GZIP else data):
        return "nifti"
    if _starts_like_dicom(data):
        return "dicom"
    raise _refusal(data, name)


def disagreement(name: str, found: str) -> str | None:
    """The format that `name` promises where it is not `found`; None where they agree or the name promises none."""
    lower = name.lower()
    promised = [kind for kind, endings in _ENDINGS.items() if lower.endswith(endings)]
    return promised[0] if promised and promised[0] != found else None


def unzipped_head(data: bytes, name: str, size: int = 1024) -> bytes:
    """The first `size` bytes inside a gzip. Raises DataError "decode" where there is no gzip stream."""
    try:
        return zlib.decompressobj(wbits=31).decompress(data[: 64 * 1024], size)
    except zlib.error as error:
        raise DataError("decode", f"{shown(name)}: begins like a gzip file but does not unpack") from error


def is_nifti(head: bytes) -> bool:
    """Whether `head` begins with a NIfTI-1 or NIfTI-2 header, of either byte order."""
    for order in "<>":
        size = struct.unpack(f"{order}i", head[:4])[0] if len(head) >= 4 else 0
        where, *magics = _NIFTI_MAGICS.get(size, (0,))
        if head[where : where + 4] in magics:
            return True
    return False


def _starts_like_dicom(data: bytes) -> bool:
    """Whether a data set begins at byte 0: group 0002 or 0008, then a value representation or a short length."""
    if len(data) < 16:
        return False
    group, element, length = struct.unpack("<HHI", data[:8])
    explicit = data[4:6] in (b"UI", b"UL", b"CS", b"SH", b"LO", b"DA", b"TM", b"OB", b"SQ")
    return group in (2, 8) and element < 0x100 and (explicit or length <= 128)


def _refusal(data: bytes, name: str) -> DataError:
    what, fix = _looks(data)
    code = "not_dicom" if disagreement(name, "nothing") == "dicom" else "not_image"
    if "Python pickle" in what:
        code = "pickle"
    return DataError(code, f"{shown(name)} is {what}", accepted=_ACCEPTED, fix=fix)


def _looks(data: bytes) -> tuple[str, str]:
    """(what `data` looks like, what to do about it)."""
    if not data:
        return "empty: 0 bytes", "copy or download it again"
    if data.startswith(b"PK") and b"data.pkl" in data[:256]:
        return "a PyTorch file with a Python pickle in it", _PICKLE_FIX
    for signature, where, what, fix in _OTHERS:
        if data[where : where + len(signature)] == signature:
            return what, fix
    head = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for tag, what, fix in _MARKUP:
        if tag in head and head.startswith(b"<"):
            return what, fix
    if data[0] == 0x80 and data[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return "a Python pickle", _PICKLE_FIX
    if data[:2] == GZIP:
        return "a gzip file without NIfTI in it", "gunzip it and give the file inside"
    if data[:3] == b"GIF":
        return "a GIF header without a picture", "copy or download it again"
    if head.startswith((b"{", b"[")):
        return "text, perhaps JSON", "medlab.load_cohort reads JSON and CSV tables"
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in data[:1024]):
        first, second = (*head.splitlines(), b"", b"")[:2]
        if any(0 < first.count(comma) == second.count(comma) for comma in (b",", b";", b"\t")):
            return "text, perhaps a table", "medlab.load_cohort reads CSV and JSON tables"
        return "text", "open it in a text editor: it may be a message that was saved in the picture's place"
    return f"of no kind known here (it begins {data[:8].hex(' ')})", "check that it was copied whole"
