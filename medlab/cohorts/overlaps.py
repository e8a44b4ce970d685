"""Which public data sets hold the same pictures or patients. Data, from their own publications; it opens nothing."""

from medlab.core.record import Record, check_text, record

SAME_PATIENT_NUMBERS = {
    "chest-imagenome": "mimic-cxr",
    "chexlocalize": "chexpert",
    "chexpert-plus": "chexpert",
    "google2019": "nih",
    "ms-cxr": "mimic-cxr",
    "openi-zh": "openi",
}
"""data set -> the one whose patient numbers it uses, so that numbers of the two may be compared"""


@record
class Overlap(Record):
    part: str
    whole: str
    how: str

    def __post_init__(self):
        for field in ("part", "whole", "how"):
            check_text(field, getattr(self, field))


OVERLAPS = (
    Overlap("chest-imagenome", "mimic-cxr", "scene graphs of MIMIC-CXR's frontal pictures"),
    Overlap("chestmnist", "nih", "ChestX-ray14, scaled down"),
    Overlap("chexlocalize", "chexpert", "outlines on CheXpert's validation and test parts: never train on those"),
    Overlap("chexpert-plus", "chexpert", "the same studies with reports and DICOM files"),
    Overlap("google2019", "nih", "new labels for ChestX-ray14 pictures"),
    Overlap("ms-cxr", "mimic-cxr", "phrases and boxes on MIMIC-CXR pictures"),
    Overlap("openi-zh", "openi", "OpenI's pictures with reports put into Chinese"),
    Overlap("rsna", "nih", "pictures taken from ChestX-ray14, under new names"),
    Overlap("siim", "nih", "pictures taken from ChestX-ray14, under new names"),
)


def known_overlap(a: str, b: str) -> str | None:
    """Why data sets `a` and `b` may share pictures, in one sentence; None where nothing is known of it."""
    if a == b:
        return None
    wholes = {name: {o.whole: o.how for o in OVERLAPS if o.part == name} for name in (a, b)}
    for part, whole in ((a, b), (b, a)):
        if whole in wholes[part]:
            return f"{part} overlaps {whole}: {wholes[part][whole]}"
    shared = sorted(set(wholes[a]) & set(wholes[b]))
    return f"{a} and {b} both come from {shared[0]}" if shared else None


def patient_space(source: str) -> str:
    """The data set whose patient numbers `source` uses."""
    return SAME_PATIENT_NUMBERS.get(source, source)
