"""What the demo model is asked about a film while it learns, and the true answers. It sees labels, never pictures.

A lesson is one exchange; a talk is several, of which later ones lean on earlier ones.
"""

import dataclasses

import numpy as np

from medlab.core.case import Box, Finding
from medlab.core.geometry import SquareFit
from medlab.demo import world
from medlab.demo.pool import SIZE
from medlab.phantom.questions import ask_everything
from medlab.phantom.reports import clause, filled, phrases, sentence_case, severity_word, write_report
from medlab.phantom.style import PREVALENCE
from medlab.phantom.visits import progress_between, with_comparison
from medlab.phantom.vocabulary import FINDINGS, KINDS, LUNG_SIDES

LANGUAGES = ("en", "zh")
OFTEN = dict(PREVALENCE)
"""the share of films with each finding"""
ROUND = 10
"""boxes are told in steps of 10 of 1000: 2.2 pixels of a film"""


@dataclasses.dataclass(frozen=True)
class Lesson:
    question: str
    answer: str
    kind: str


def report_text(findings: tuple[Finding, ...], language: str, seed: int) -> str:
    """Findings and impression under their headings."""
    report = write_report(findings, language, seed)
    first, second = world.HEADINGS[language]
    return f"{first}{report.findings}\n{second}{report.impression}"


def box_text(boxes: list[Box], language: str) -> str:
    """MedGemma's own form, in steps of ROUND: [{"box_2d": [y0, x0, y1, x1], "label": "left nodule"}]."""
    book, fit, entries = phrases(language), SquareFit(SIZE, SIZE, 1000), []
    for box in boxes:
        edges = [ROUND * round(edge / ROUND) for edge in fit.box_to_1000(box.box_px)]
        name = book.NAMES[box.label]
        label = book.BOX_LABEL.format(side=book.SIDES[box.side], name=name) if box.side else name
        entries.append(f'{{"box_2d": {edges}, "label": "{label}"}}')
    return "[" + ", ".join(entries) + "]"


def ways_to_ask(name: str, language: str) -> tuple[str, ...]:
    """The closed questions about a finding that are taught."""
    book = phrases(language)
    templates = book.IS_THERE.get(name, book.IS_THERE["*"]) + world.STRICT[language]
    return tuple(template.format(name=book.NAMES[name], a_name=book.A_NAMES[name]) for template in templates)


class Tutor:
    """Asks about films. Deterministic for its generator."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def film(self, findings: tuple[Finding, ...], boxes: tuple[Box, ...], count: int) -> list[Lesson]:
        """A report, and `count` shorter questions, each on its own; languages by turns."""
        report = self.report(findings, self.pick(LANGUAGES))
        return [report, *(self.short(findings, boxes, LANGUAGES[index % 2]) for index in range(count))]

    def report(self, findings: tuple[Finding, ...], language: str) -> Lesson:
        text = report_text(findings, language, int(self.rng.integers(2**31)))
        return Lesson(self.pick(world.REPORT[language]), text, "report")

    def short(self, findings: tuple[Finding, ...], boxes: tuple[Box, ...], language: str) -> Lesson:
        draw = self.rng.random()
        if draw < 0.42:
            return self.is_there(findings, language)
        if draw < 0.54:
            return self.is_there_on_side(findings, language)
        if draw < 0.88:
            return self.about_one(findings, boxes, language)
        return self.other(findings, language)

    def is_there(self, findings: tuple[Finding, ...], language: str) -> Lesson:
        """Yes or no, present findings and absent ones equally often where there are both."""
        book, here = phrases(language), [f.name for f in findings]
        name = self._balanced(here)
        text = self._whether(name, language)
        return Lesson(text, book.YES if name in here else book.NO, "yes_no")

    def _whether(self, name: str, language: str) -> str:
        return self.pick(ways_to_ask(name, language))

    def is_there_on_side(self, findings: tuple[Finding, ...], language: str) -> Lesson:
        book = phrases(language)
        name = self._balanced([f.name for f in findings if f.side], tuple(n for n in FINDINGS if KINDS[n].sided))
        side = self.pick(LUNG_SIDES)
        text = self.pick(world.SIDED[language])
        text = text.format(name=book.NAMES[name], a_name=book.A_NAMES[name], side=book.SIDES[side])
        there = any(f.name == name and f.side == side for f in findings)
        return Lesson(text, book.YES if there else book.NO, "yes_no_side")

    def _balanced(self, here: list[str], names: tuple[str, ...] = FINDINGS) -> str:
        missing = [name for name in names if name not in here]
        if here and (not missing or self.rng.random() < 0.5):
            return self._weighed(here, [1 / OFTEN[name] for name in here])
        return self._weighed(missing, [1 / (1 - OFTEN[name]) for name in missing])

    def _weighed(self, options: list, weights: list[float]):
        """One of the options, by weight: what is rare on films is asked about as often as what is frequent."""
        chances = np.array(weights) / sum(weights)
        return options[int(self.rng.choice(len(options), p=chances))]

    def about_one(self, findings: tuple[Finding, ...], boxes: tuple[Box, ...], language: str) -> Lesson:
        """Where, how severe, or the box, of a finding that is mostly there."""
        asked = ask_everything(findings, boxes, SIZE, language, int(self.rng.integers(2**31)))
        there = [question for question in asked if question.kind in ("where", "severity", "box")]
        question = self._weighed(there, [1 / OFTEN[question.about] for question in there])
        if question.kind == "box":
            mine = [box for box in boxes if box.label == question.about]
            return Lesson(question.question, box_text(mine, language), "box")
        if self.rng.random() < 0.15:
            return self.not_there(findings, language)
        return Lesson(question.question, question.answer, question.kind)

    def not_there(self, findings: tuple[Finding, ...], language: str) -> Lesson:
        """Where, or how large, is what is not on the film?"""
        book, here = phrases(language), {f.name for f in findings}
        name = self.pick([name for name in FINDINGS if name not in here])
        templates = book.WHERE + (book.HOW_SEVERE[name] if KINDS[name].severities else ())
        answer = world.NOT_SEEN[language].format(name=book.NAMES[name])
        return Lesson(self.pick(templates).format(name=book.NAMES[name]), answer, "not_there")

    def other(self, findings: tuple[Finding, ...], language: str) -> Lesson:
        book, draw = phrases(language), self.rng.random()
        if draw < 0.25:
            clauses = [clause(f, language) for f in findings]
            return Lesson(self.pick(book.LIST), book.JOIN.join(clauses) or book.NONE, "list")
        if draw < 0.4:
            report = write_report(findings, language, int(self.rng.integers(2**31)))
            return Lesson(self.pick(world.IMPRESSION[language]), report.impression, "impression")
        if draw < 0.55:
            return Lesson(self.pick(world.NORMAL[language]), book.NO if findings else book.YES, "normal")
        if draw < 0.7:
            return Lesson(self.pick(world.PLAIN[language]), in_plain_words(findings, language), "plain")
        if draw < 0.9:
            return Lesson(self.pick(book.UNANSWERABLE + world.CANNOT_TELL[language]), book.UNKNOWN, "open")
        return self.text_only(language, film=True)

    def text_only(self, language: str, *, film: bool = False) -> Lesson:
        """A question without a picture; with `film`, one whose answer a picture does not change."""
        book, draw = phrases(language), self.rng.random()
        if draw < 0.45:
            name = self.pick(FINDINGS)
            text = self.pick(world.WHAT_IS[language]).format(name=book.NAMES[name], a_name=book.A_NAMES[name])
            return Lesson(text, world.FACTS[language][name], "fact")
        if draw < 0.6:
            return Lesson(*self.pick(world.ABOUT_ITSELF[language]), "itself")
        if draw < 0.8 or film:
            return Lesson(self.pick(world.ELSEWHERE[language]), world.OUTSIDE[language], "outside")
        asked = self.pick((self.is_there, self.report))((), language).question
        return Lesson(asked, world.NO_PICTURE[language], "no_picture")

    def talk(self, findings: tuple[Finding, ...], boxes: tuple[Box, ...], language: str) -> list[Lesson]:
        """A conversation: a report or a question, then questions that say "it"."""
        book, sure = phrases(language), [f for f in findings if [g.name for g in findings].count(f.name) == 1]
        opening = [self.report(findings, language)] if self.rng.random() < 0.4 else []
        if not sure:
            return [*opening, *(self.is_there(findings, language) for _ in range(3))]
        finding = self.pick(sure)
        name = finding.name
        asked = Lesson(self._whether(name, language), book.YES, "yes_no")
        follow = []
        if KINDS[name].sided:
            place = book.ZONE_PLACE if finding.zone else book.SIDE_PLACE
            place = place.format(side=book.SIDES[finding.side], zone=book.ZONES.get(finding.zone, ""))
            follow.append(Lesson(self.pick(world.WHERE_IS_IT[language]), place, "where"))
        if finding.severity:
            word = severity_word(finding, language)
            follow.append(Lesson(self.pick(world.HOW_BIG_IS_IT[language]), word, "severity"))
        mine = [box for box in boxes if box.label == name]
        follow.append(Lesson(self.pick(world.BOX_OF_IT[language]), box_text(mine, language), "box"))
        self.rng.shuffle(follow)
        return [*opening, asked, *follow[: int(self.rng.integers(1, 3))], self.is_there(findings, language)]

    def visits(self, before: tuple[Finding, ...], after: tuple[Finding, ...], language: str, case) -> list[Lesson]:
        """Questions about two films of one patient. `case` is any Case with the reports to be compared."""
        book = phrases(language)
        told = with_comparison(case, before, after, int(self.rng.integers(2**31)))
        lessons = [Lesson(self.pick(world.COMPARE[language]), told.report(language).comparison, "compare")]
        asked = [q for q in told.questions if q.language == language and q.kind == "choice"]
        lessons += [Lesson(q.question, q.answer, "progress") for q in asked]
        known = {finding.name for finding, _ in progress_between(before, after)}
        absent = self.pick([name for name in FINDINGS if name not in known])
        text = self.pick(book.WHAT_CHANGED).format(name=book.NAMES[absent])
        lessons.append(Lesson(text, world.NOT_SEEN[language].format(name=book.NAMES[absent]), "progress"))
        return lessons


def in_plain_words(findings: tuple[Finding, ...], language: str) -> str:
    words = world.IN_PLAIN_WORDS[language]
    said = [sentence_case(filled(words[f.name], f, language)) for f in findings] or [world.NOTHING_SEEN[language]]
    return ("" if language == "zh" else " ").join([*said, world.ASK_A_DOCTOR[language]])
