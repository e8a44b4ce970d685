"""Writes the report of a phantom, in English or Chinese, from its findings and a seed. It sees no picture."""

import types

from medlab.core.case import Finding, Report
from medlab.core.record import check_choice
from medlab.core.vocabulary import severity_term
from medlab.phantom import phrases_en, phrases_zh
from medlab.phantom.chance import stream
from medlab.phantom.vocabulary import KINDS

PHRASES: dict[str, types.ModuleType] = {"en": phrases_en, "zh": phrases_zh}
"""the phrase book of each language"""
ORDER = (
    ("cardiomegaly",),
    ("consolidation", "nodule", "atelectasis"),
    ("effusion", "pneumothorax"),
    ("pacemaker",),
    ("central_line",),
    ("endotracheal_tube",),
)
"""what a report speaks of, in order; a group without a finding is denied in one sentence where there is one for it"""


def phrases(language: str) -> types.ModuleType:
    """The phrase book of a language. Raises SpecError for another than "en" and "zh"."""
    check_choice("language", language, tuple(PHRASES))
    return PHRASES[language]


def severity_word(finding: Finding, language: str) -> str:
    """The severity in words; empty where the finding has none."""
    if finding.severity is None:
        return ""
    return getattr(severity_term(finding.severity, finding.name), language)


def filled(template: str, finding: Finding, language: str) -> str:
    """A template with the finding's side, zone and severity; capitalised names give capitalised words."""
    book = phrases(language)
    words = {
        "side": book.SIDES.get(finding.side, ""),
        "zone": book.ZONES.get(finding.zone, ""),
        "severity": severity_word(finding, language),
    }
    words |= {name.capitalize(): word.capitalize() for name, word in words.items()}
    return template.format(**words)


def clause(finding: Finding, language: str) -> str:
    """The finding in a few words, such as "small left pleural effusion"."""
    return filled(phrases(language).CLAUSES[finding.name], finding, language)


def sentence_case(text: str) -> str:
    """The text with its first letter large; Chinese has none."""
    return text[:1].upper() + text[1:]


def join_sentences(sentences: list[str], language: str) -> str:
    return ("" if language == "zh" else " ").join(sentences)


def write_report(findings: tuple[Finding, ...], language: str, seed: int, view: str = "PA", visit: int = 0) -> Report:
    """A report of the present `findings`; wording by `seed`, truth by the findings alone."""
    book = phrases(language)
    rng = stream(seed, "report", language, visit)

    def one_of(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    seen = [finding for finding in findings if finding.state == "present"]
    sentences: list[str] = []
    for group in ORDER:
        here = [finding for name in group for finding in seen if finding.name == name]
        sentences += [filled(one_of(book.PRESENT[f.name]), f, language) for f in here]
        found = {finding.name for finding in here}
        # Nodules are not denied beside a consolidation: nobody writes so. Fluid and air are denied one by one.
        missing = tuple(name for name in group if name not in found)
        if missing in book.ABSENT and (not found or len(group) == 2):
            sentences.append(one_of(book.ABSENT[missing]))
    disease = [finding for finding in seen if not KINDS[finding.name].device]
    if disease:
        stop = "。" if language == "zh" else "."
        impression = join_sentences([sentence_case(clause(f, language)) + stop for f in disease], language)
    else:
        impression = one_of(book.DEVICES_ONLY if seen else book.NORMAL)
    return Report(
        language=language,
        findings=join_sentences(sentences, language),
        impression=impression,
        comparison=book.FIRST_VISIT,
        technique=book.TECHNIQUE[view],
    )
