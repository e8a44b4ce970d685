"""Probe: one question about one finding that is on a film, with the truth to hold a map against.

The question is asked closed, and explained as the contrast of its two replies. A map is judged only where the model is
right: where it is wrong, nobody knows where it should have looked. It draws no map.
"""

import dataclasses

import numpy as np

from medlab.core.case import Case, Question
from medlab.core.query import Query
from medlab.core.vocabulary import term
from medlab.explainers.aims import Aim, aim_at
from medlab.explainers.trust.localise import Truth, truth_of

REPLIES = {"en": ("Yes", "No"), "zh": ("是", "否")}
WORDINGS = {"en": "Is there {name}?", "zh": "是否有{name}？"}
"""for a case that has no question of its own about a finding"""
NAMING = {"en": "List the findings and devices.", "zh": "请列出异常发现和置入物。"}
"""the one question of which two replies, each the name of a finding, are compared"""
NOISE = 0.01
"""largest change of a pixel, of the scale from black to white, that counts as invisible"""


@dataclasses.dataclass(frozen=True)
class Probe:
    """One question about one film."""

    case: Case
    finding: str
    query: Query
    replies: tuple[str, str]
    """(the right one, the other)"""
    language: str = "en"

    @property
    def key(self) -> tuple[str, str]:
        return self.query.fingerprint, self.finding

    @property
    def film(self) -> str:
        return self.case.fingerprint

    @property
    def scan(self) -> int:
        """On which of the case's scans the finding is first outlined."""
        return min(mask.scan for mask in self.case.masks if mask.label == self.finding and mask.pixels.any())

    @property
    def truth(self) -> Truth:
        return truth_of(self.case, self.finding, self.scan)

    def aim(self, model) -> Aim:
        return aim_at(model, self.query, self.replies)


def probes_of(model, case: Case, language: str = "en") -> list[Probe]:
    """A probe of each present finding that has a mask, whether or not the model is right about it."""
    outlined = {mask.label for mask in case.masks if mask.pixels.any()}
    present = dict.fromkeys(f.name for f in case.findings if f.state == "present" and f.name in outlined)
    return [probe_about(model, case, name, language) for name in present]


def probe_about(model, case: Case, finding: str, language: str = "en") -> Probe:
    """The probe of one finding, there or not: of one that is not, the right reply is that it is absent."""
    question = question_about(case, finding, language)
    others = [option for option in question.options if option != question.answer]
    return Probe(case, finding, model.query(case, question.question), (question.answer, others[0]), language)


def question_about(case: Case, finding: str, language: str) -> Question:
    """The case's own closed question about a finding; a plain one where it has none."""
    for one in case.questions:
        closed = one.kind == "yes_no" and len(one.options) == 2 and one.answer in one.options
        if closed and one.about == finding and one.language == language:
            return one
    yes, no = REPLIES[language]
    name = term(finding)
    wording = WORDINGS[language].format(name=getattr(name, language) if name else finding.replace("_", " "))
    there = case.state_of(finding) == "present"
    return Question(wording, yes if there else no, "yes_no", language, (yes, no), finding)


def absent_from(case: Case) -> list[str]:
    """Findings that are known not to be there."""
    present = {f.name for f in case.findings if f.state != "absent"}
    return [f.name for f in case.findings if f.state == "absent" and f.name not in present]


def naming(model, probe: Probe, finding: str) -> Aim:
    """The name of a finding, put into the model's mouth as the reply to the same open question of every finding."""
    name = term(finding)
    words = getattr(name, probe.language) if name else finding.replace("_", " ")
    return aim_at(model, model.query(probe.case, NAMING[probe.language]), words)


def with_noise(model, probe: Probe, seed: int) -> Aim:
    """The probe's aim on the film with each pixel changed by up to NOISE, by chance."""
    scan = probe.case.scans[probe.scan]
    shift = np.random.default_rng(seed).uniform(-NOISE, NOISE, scan.pixels.shape).astype(np.float32)
    scans = list(probe.case.scans)
    scans[probe.scan] = scan.replace(pixels=np.clip(scan.pixels + shift, 0, 1), sha256="")
    return aim_at(model, probe.query.replace(scans=tuple(scans)), probe.replies)
