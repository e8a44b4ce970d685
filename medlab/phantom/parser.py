"""Reads a report or answer, English or Chinese, back into findings. The inverse of `reports`, and a scorer of models.

Rules over sentences: a negation covers its sentence, and side, zone and severity belong to the finding that they stand
with. It knows the phantom's vocabulary, not radiology at large: on reports of real patients it misses much.
"""

import re

from medlab.core.case import Finding
from medlab.phantom.vocabulary import FINDINGS, KINDS

NAME = {
    "cardiomegaly": r"cardiomegaly|\b(?:heart|cardiac silhouette)\b.*\benlarge|心影?脏?[^，。；]*增大",
    "effusion": r"\beffusions?\b|积液",
    "consolidation": r"\bconsolidations?\b|实变",
    "nodule": r"\bnodules?\b|结节",
    "pneumothorax": r"\bpneumothora(?:x|ces)\b|气胸",
    "atelectasis": r"\batelecta(?:sis|tic)\b|肺不张",
    "pacemaker": r"\bpacemaker\b|起搏器",
    "central_line": r"\bcentral (?:venous )?(?:line|catheter)\b|中心静脉导管",
    "endotracheal_tube": r"\bendotracheal tube\b|气管插管",
}
SIDE = {"right": r"\bright\b|右", "left": r"\bleft\b|左"}
ZONE = {
    "upper": r"\bupper\b|[左右]肺?上",
    "mid": r"\bmid(?:dle)?\b|[左右]肺?中",
    "lower": r"\blower\b|[左右]肺?下",
}
SEVERITY = {
    "mild": r"\bmild(?:ly)?\b|轻度",
    "moderate": r"\bmoderate(?:ly)?\b|中度|中等量",
    "severe": r"\bsevere(?:ly)?\b|重度",
    "small": r"\bsmall\b|少量",
    "large": r"\blarge\b|大量",
}
NEGATION = (
    r"\b(?:no|not|without|neither|nor|clear|normal|resolved|removed)\b"
    r"|未见|没有|无|不大|正常|清晰|锐利|消失|移除"
)
NOT_NEGATION = r"\bno(?:t)? (?:significant )?(?:interval )?change\b|无变化|无明显变化"
DENIED = (
    (r"\b(?:heart|cardiac)\b.*\bnormal\b|心.*(?:不大|正常)", ("cardiomegaly",)),
    (r"\blungs\b.*(?:\bclear\b|\bno focal\b)|肺.*(?:清晰|未见局灶)", ("consolidation", "nodule", "atelectasis")),
    (r"\bpleural spaces\b.*\bclear\b|胸膜腔未见异常", ("effusion", "pneumothorax")),
    (r"\bcostophrenic angles\b.*\bclear\b|肋膈角锐利", ("effusion",)),
)
"""ways of denying that do not name the finding"""


def parse_report(text: str) -> tuple[Finding, ...]:
    """The findings that `text` says are present or absent; what it does not mention is left out.

    Present ones in the vocabulary's order, right before left, then absent ones. A finding both claimed and denied
    counts as present. Fields are None where the text does not say them.
    """
    present: dict[tuple, Finding] = {}
    absent: set[str] = set()
    for sentence in re.split(r"[.;。；\n]", text.lower()):
        if re.search(NEGATION, re.sub(NOT_NEGATION, "", sentence)):
            absent |= _denied(sentence)
            continue
        for part in _parts(sentence):
            for name in _named(part):
                finding = _read(name, part)
                present.setdefault((FINDINGS.index(name), finding.side != "right", finding.zone or ""), finding)
    found = [present[key] for key in sorted(present)]
    absent -= {finding.name for finding in found}
    return tuple(found) + tuple(Finding(name, "absent") for name in FINDINGS if name in absent)


def _named(text: str) -> list[str]:
    return [name for name in FINDINGS if re.search(NAME[name], text)]


def _denied(sentence: str) -> set[str]:
    names = set(_named(sentence))
    for pattern, meant in DENIED:
        if re.search(pattern, sentence):
            names |= set(meant)
    return names


def _parts(sentence: str) -> list[str]:
    """The sentence, or its pieces where it lists several findings; a piece that names none joins the one before."""
    pieces = re.split(r",|，|、|和|及|\band\b", sentence)
    if sum(bool(_named(piece)) for piece in pieces) < 2:
        return [sentence]
    parts: list[str] = []
    for piece in pieces:
        if parts and not _named(piece):
            parts[-1] += " " + piece
        else:
            parts.append(piece)
    return parts


def _read(name: str, part: str) -> Finding:
    kind = KINDS[name]
    return Finding(
        name,
        "present",
        side=_first(SIDE, part) if kind.sided else None,
        zone=_first({z: ZONE[z] for z in ZONE if z in kind.zones}, part),
        severity=_first({s: SEVERITY[s] for s in kind.severities}, part),
    )


def _first(patterns: dict[str, str], text: str) -> str | None:
    return next((word for word, pattern in patterns.items() if re.search(pattern, text)), None)
