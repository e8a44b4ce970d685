"""Two visits of one patient: which findings came, went, grew, shrank or stayed, and how the second report says so.

It plans labels and words; `worker` draws both films from the same anatomy.
"""

from medlab.core.case import Case, Finding
from medlab.phantom.chance import stream
from medlab.phantom.questions import progress_question
from medlab.phantom.reports import clause, join_sentences, phrases, sentence_case
from medlab.phantom.sampling import choose_findings
from medlab.phantom.style import PhantomStyle
from medlab.phantom.vocabulary import KINDS, conflict, in_order

PROGRESS = ("new", "worse", "improved", "resolved", "unchanged")
STEADY = 0.35
"""chance that a finding stays as it is"""
GONE = 0.25
"""chance that it is gone by the second visit"""
FRESH = 0.5
"""chance that findings are added at the second visit"""


def plan_visits(seed: int, style: PhantomStyle) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings of patient `seed` at the first and the second visit."""
    rng = stream(seed, "visits")
    before = choose_findings(seed, style)
    after: list[Finding] = []
    for finding in before:
        fate = rng.random()
        steps = KINDS[finding.name].severities
        step = steps[int(rng.integers(len(steps)))] if steps else None
        if STEADY <= fate < STEADY + GONE:
            continue
        after.append(finding if fate < STEADY or step is None else finding.replace(severity=step))
    # An added finding may not be one that was there before: that would be a change of place, not a new finding.
    known = {finding.name for finding in before}
    if rng.random() < FRESH:
        for finding in choose_findings(int(rng.integers(2**31)), style):
            if finding.name not in known and not any(conflict(finding, other) for other in after):
                after.append(finding)
    kept = [f for i, f in enumerate(after) if not any(conflict(f, other) for other in after[:i])]
    return before, in_order(kept)


def progress_between(before: tuple[Finding, ...], after: tuple[Finding, ...]) -> list[tuple[Finding, str]]:
    """Every finding of either visit with what became of it, one of PROGRESS; resolved ones as they were before."""
    old = {(f.name, f.side): f for f in before if f.state == "present"}
    new = {(f.name, f.side): f for f in after if f.state == "present"}
    changes = []
    for finding in in_order([*new.values(), *(f for key, f in old.items() if key not in new)]):
        key = (finding.name, finding.side)
        if key not in old:
            word = "new"
        elif key not in new:
            word = "resolved"
        else:
            word = _compared(old[key], new[key])
        changes.append((finding, word))
    return changes


def _compared(old: Finding, new: Finding) -> str:
    scale = KINDS[new.name].severities
    if not scale or old.severity == new.severity:
        return "unchanged"
    return "worse" if scale.index(new.severity) > scale.index(old.severity) else "improved"


def with_comparison(case: Case, before: tuple[Finding, ...], after: tuple[Finding, ...], seed: int) -> Case:
    """The second visit's case with comparisons in its reports, and a question on the progress of each finding.

    Findings on both sides at once are left out of the questions: their progress may differ.
    """
    changes = progress_between(before, after)
    reports, questions = [], []
    names = [finding.name for finding, _ in changes]
    for report in case.reports:
        language = report.language
        book = phrases(language)
        sentences = []
        for finding, word in changes:
            said = clause(finding, language)
            template = book.PROGRESS[KINDS[finding.name].course][word]
            sentences.append(template.format(clause=said, Clause=sentence_case(said)))
            if names.count(finding.name) == 1:
                questions.append(progress_question(finding.name, word, language, seed))
        reports.append(report.replace(comparison=join_sentences(sentences, language) or book.NO_CHANGE))
    return case.replace(reports=tuple(reports), questions=case.questions + tuple(questions))
