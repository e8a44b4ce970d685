"""medlab's own words for what a film shows, in English and in Chinese: the one place where they are paired.

Phantom reports, figures, prompts and scores take them from here. No record is held to the list: a source may call a
finding what it likes, and a name that is not here is shown as the source wrote it. Sentences live with whoever speaks.
"""

from typing import NamedTuple


class Term(NamedTuple):
    """What one thing is called; the fields are languages of a Report."""

    en: str
    zh: str


FINDING_TERMS = {
    "cardiomegaly": Term("cardiomegaly", "心影增大"),
    "effusion": Term("pleural effusion", "胸腔积液"),
    "consolidation": Term("consolidation", "实变"),
    "nodule": Term("nodule", "结节"),
    "pneumothorax": Term("pneumothorax", "气胸"),
    "atelectasis": Term("atelectasis", "肺不张"),
    "pacemaker": Term("pacemaker", "起搏器"),
    "central_line": Term("central venous line", "中心静脉导管"),
    "endotracheal_tube": Term("endotracheal tube", "气管插管"),
}
"""by Finding.name"""
ORGAN_TERMS = {
    "heart": Term("heart", "心脏"),
    "lung": Term("lung", "肺"),
    "left_lung": Term("left lung", "左肺"),
    "right_lung": Term("right lung", "右肺"),
    "mediastinum": Term("mediastinum", "纵隔"),
}
"""by Mask.label"""
ARTEFACT_TERMS = {
    "distractor": Term("distractor", "干扰物"),
    "marker": Term("marker", "标记"),
    "spurious": Term("spurious token", "伪标记"),
}
"""by Mask.label: what lies on a film without belonging to the patient"""

SIDE_TERMS = {"right": Term("right", "右"), "left": Term("left", "左"), "both": Term("both", "双")}
"""the patient's; in Chinese before 侧 or 肺"""
ZONE_TERMS = {"upper": Term("upper", "上"), "mid": Term("mid", "中"), "lower": Term("lower", "下")}
"""in Chinese before 野"""

DEGREE_TERMS = {
    "mild": Term("mild", "轻度"),
    "moderate": Term("moderate", "中度"),
    "severe": Term("severe", "重度"),
}
AMOUNT_TERMS = {
    "small": Term("small", "少量"),
    "moderate": Term("moderate", "中等量"),
    "large": Term("large", "大量"),
}
SCALES = {"cardiomegaly": DEGREE_TERMS, "effusion": AMOUNT_TERMS, "pneumothorax": AMOUNT_TERMS}
"""how the severity of a finding is said, from least to most: fluid and air are measured out, the rest has degrees"""

_ALONE = {
    **FINDING_TERMS,
    **ORGAN_TERMS,
    **ARTEFACT_TERMS,
    **{name: term._replace(zh=term.zh + "侧") for name, term in SIDE_TERMS.items()},
    **{name: term._replace(zh=term.zh + "野") for name, term in ZONE_TERMS.items()},
}


def term(name: str) -> Term | None:
    """What a finding, organ, artefact, side or zone is called where it stands alone; None where it is not known."""
    return _ALONE.get(name)


def severity_term(severity: str, finding: str) -> Term | None:
    """What a severity of that finding is called; None where it is not known.

    "moderate" is a degree of one finding and an amount of another, which Chinese tells apart.
    """
    return SCALES.get(finding, DEGREE_TERMS).get(severity) or (DEGREE_TERMS | AMOUNT_TERMS).get(severity)
