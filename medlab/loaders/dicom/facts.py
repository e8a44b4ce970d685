"""What of the header leaves the loader: a handful of coded facts, each checked against a closed list or a number.

No text of the file is passed on. The patient becomes a salted pseudonym, and only where a salt is given.
"""

import hashlib
import math
from typing import Any

from medlab.loaders.decoded import Account, ReadOptions
from medlab.loaders.dicom.elements import Elements
from medlab.loaders.dicom.frame_header import FrameHeader
from medlab.loaders.dicom.layout import Layout
from medlab.loaders.dicom.notes import note

# fmt: off
MODALITIES = frozenset((
    "AR", "AS", "BDUS", "BI", "BMD", "CF", "CR", "CT", "DG", "DMS", "DX", "ECG", "EM", "EPS", "ES", "FA", "FID",
    "FS", "GM", "HC", "IO", "IVOCT", "IVUS", "KER", "LEN", "LS", "MG", "MR", "M3D", "NM", "OAM", "OCT", "OP", "OPM",
    "OPT", "OPTBSV", "OPTENF", "OPV", "OSS", "OT", "PA", "PT", "PX", "REG", "RF", "RG", "RTDOSE", "RTIMAGE", "SEG",
    "SM", "SR", "ST", "TG", "US", "VA", "XA", "XC",
))
# fmt: on
"""PS3.3, C.7.3.1.1.1, and retired ones that archives still hold; anything else might be somebody's name"""
PROJECTIONS = frozenset(("CR", "DX", "MG", "RG"))
"""modalities where a view is expected to be stated"""
PAIRED = frozenset(("MG", "OP", "OPT", "OPM", "OPV", "KER", "AR", "LEN"))
"""modalities of breasts and eyes"""
_VIEWS = {"PA": "PA", "AP": "AP", "LL": "LATERAL", "RL": "LATERAL", "LAT": "LATERAL", "LATERAL": "LATERAL"}
# SNOMED CT and its older SRT codes for the same views (PS3.16, CID 4010)
_VIEW_CODES = {
    "272479007": "PA", "R-10214": "PA",
    "399348003": "AP", "R-10206": "AP",
    "399173006": "LATERAL", "R-10236": "LATERAL",
    "399198007": "LATERAL", "R-10232": "LATERAL",
}  # fmt: skip
_LATERALITIES = {"R": "right", "L": "left", "B": "both"}
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def read_facts(
    header: FrameHeader, layout: Layout, frame: int, options: ReadOptions, account: Account
) -> dict[str, Any]:
    """Keyword arguments of Scan that a header can fill, but for the window; doubts go to `account`."""
    top = header.top
    modality = _modality(top, account)
    _look_for_burned_in_text(top, modality, account)
    if layout.samples == 1 and "RedPaletteDescriptor" in top and layout.photometric != "PALETTE COLOR":
        note(account, "supplemental_palette")
    return {
        "modality": modality,
        "view": _view(top, modality, account),
        "laterality": _laterality(top, modality, account),
        "spacing_mm": _spacing(header, account),
        "bits": layout.bits_stored,
        "frame": frame if layout.frames > 1 else None,
        "frames": layout.frames,
        "patient": _pseudonym(top, options.salt),
    }


def _modality(top: Elements, account: Account) -> str:
    code = top.code("Modality")
    if code in MODALITIES:
        return code
    note(account, "modality_unknown")
    return "unknown"


def _view(top: Elements, modality: str, account: Account) -> str:
    stated = top.code("ViewPosition")
    if stated:
        return _VIEWS.get(stated, "OTHER")
    for item in top.items("ViewCodeSequence"):
        code = next(iter(item.texts("CodeValue")), "")
        return _VIEW_CODES.get(code, "OTHER")
    if modality in PROJECTIONS:
        note(account, "view_unknown")
    return "unknown"


def _laterality(top: Elements, modality: str, account: Account) -> str:
    stated = _LATERALITIES.get(top.code("ImageLaterality") or top.code("Laterality"), "unknown")
    if stated == "unknown" and modality in PAIRED:
        note(account, "laterality_unknown")
    return stated


def _look_for_burned_in_text(top: Elements, modality: str, account: Account) -> None:
    """The header's own word, or the kinds of object that hold screen shots and scanned paper."""
    stated = top.code("BurnedInAnnotation")
    if stated == "YES":
        note(account, "burned_in_text", "the header says so")
        return
    uid = next(iter(top.texts("SOPClassUID")), "")
    if stated != "NO" and (modality == "US" or uid == _SECONDARY_CAPTURE or uid.startswith(f"{_SECONDARY_CAPTURE}.")):
        note(account, "burned_in_text", "usual for its kind, and the header does not deny it")


def _spacing(header: FrameHeader, account: Account) -> tuple[float, float] | None:
    """(down, across) in mm in the patient's plane, or at the detector where nothing better is stated."""
    top = header.top
    calibrated = header.holder("PixelMeasuresSequence", "PixelSpacing").numbers("PixelSpacing")
    detector = top.numbers("ImagerPixelSpacing")
    scanned = top.numbers("NominalScannedPixelSpacing")
    stated = calibrated or detector or scanned
    ratio = stated or top.numbers("PixelAspectRatio")
    if len(ratio) >= 2 and all(0 < value < 1e6 for value in ratio[:2]) and not math.isclose(*ratio[:2], rel_tol=1e-3):
        note(account, "not_square", f"{ratio[0]:g} down to {ratio[1]:g} across")
    if not stated:
        return None
    if len(stated) < 2 or not all(1e-6 <= value <= 1e6 for value in stated[:2]):
        note(account, "spacing_unusable")
        return None
    # equal numbers in both mean that nobody calibrated (PS3.3, 10.7.1.3)
    if detector and stated[:2] == detector[:2]:
        note(account, "spacing_at_detector")
    return float(stated[0]), float(stated[1])


def _pseudonym(top: Elements, salt: str) -> str | None:
    """16 hex digits: the same patient and salt give the same; without the salt they cannot be searched for."""
    identity = (top.bytes("PatientID") or b"").strip(b" \0")
    if not salt or not identity:
        return None
    key = hashlib.blake2b(salt.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return hashlib.blake2b(identity, key=key, digest_size=8).hexdigest()
