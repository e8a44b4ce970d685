"""What the demo model can do, measured on phantoms that nothing was trained on.

Counts only what the words say: a report is read back by the phantom's own parser, a box by the model's conventions, a
yes by its log-probability. It judges nothing: the bars are in the docs.
"""

import dataclasses
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from medlab.core.case import Box, Case
from medlab.core.query import Decoding
from medlab.demo import world
from medlab.demo.lessons import LANGUAGES
from medlab.models.base import Model
from medlab.phantom.parser import parse_report
from medlab.phantom.reports import phrases
from medlab.phantom.vocabulary import FINDINGS, KINDS
from medlab.phantom.worker import VIEWS, Phantom

FIRST_SEED = 500_000
"""of the films that are measured on: the pool begins at 1,000,000"""
SIDE = {"en": ("right", "left"), "zh": ("右", "左")}


@dataclasses.dataclass(frozen=True)
class Row:
    """One number of the table."""

    task: str
    finding: str
    language: str
    value: float
    n: int


Marks = dict[tuple[str, str, str], list]
"""(task, finding, language) -> what came out, film by film"""


def measure(model: Model, n: int = 500, *, size: int = 224, progress: bool = True) -> tuple[Row, ...]:
    """The table of `n` fresh phantoms of `size` pixels, in both languages."""
    return table(collect(model, range(FIRST_SEED, FIRST_SEED + n), size=size, progress=progress))


def collect(model: Model, seeds: Iterable[int], *, size: int = 224, progress: bool = True) -> Marks:
    """What came out for each seed's phantom; the marks of several runs may be put together."""
    from tqdm.auto import tqdm

    marks: Marks = defaultdict(list)
    phantom = Phantom(size)
    for seed in tqdm(seeds, desc="phantoms", disable=not progress):
        case = phantom.draw(seed, view=VIEWS[seed % 2])
        for language in LANGUAGES:
            _closed(model, case, language, marks)
            _spoken(model, case, language, marks)
    return marks


def table(marks: Marks) -> tuple[Row, ...]:
    return tuple(Row(*key, *_summed(key[0], values)) for key, values in sorted(marks.items()))


def write_table(rows: Iterable[Row], file: Path) -> None:
    file.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=0), "utf-8")


def as_text(rows: Iterable[Row]) -> str:
    """The table for people: a line a task and finding, the languages side by side."""
    cells: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in rows:
        cells[row.task, row.finding][row.language] = row
    lines = [f"{'task':<22} {'finding':<18} {'en':>7} {'zh':>7} {'n':>6}"]
    for (task, finding), told in sorted(cells.items()):
        values = " ".join(f"{told[language].value:7.3f}" if language in told else " " * 7 for language in LANGUAGES)
        lines.append(f"{task:<22} {finding:<18} {values} {max(row.n for row in told.values()):>6}")
    return "\n".join(lines)


def _closed(model: Model, case: Case, language: str, marks: Marks) -> None:
    """Yes against No, by log-probability, for every finding."""
    book = phrases(language)
    asked = [q for q in case.questions if q.kind == "yes_no" and q.language == language]
    queries = [model.query(case, question.question) for question in asked]
    for question, told in zip(asked, model.score_many(queries, (book.YES, book.NO)), strict=True):
        yes, no = told.logprobs_nats
        marks["yes_no", question.about, language].append((yes - no, question.answer == book.YES))


def _spoken(model: Model, case: Case, language: str, marks: Marks) -> None:
    """Everything that has to be said: the report, places, severities, boxes, and what cannot be told."""
    asked = [q for q in case.questions if q.language == language and q.kind in ("where", "severity", "box", "open")]
    questions = [world.REPORT[language][0], *(q.question for q in asked)]
    report, *answers = model.ask_many(case, questions, decoding=Decoding(max_new_tokens=200))
    _report(report.text, case, language, marks)
    for question, answer in zip(asked, answers, strict=True):
        key = (question.about or "", language)
        if question.kind == "box":
            _boxes(answer.boxes, case, *key, marks)
        elif question.kind == "severity":
            marks["severity", *key].append(answer.text.strip() == question.answer)
        elif question.kind == "where":
            marks["where", *key].append(answer.text.strip() == question.answer)
            marks["side", *key].append(_sides(answer.text, language) == _sides(question.answer, language))
        elif question.answer == phrases(language).UNKNOWN:
            marks["cannot tell", *key].append(answer.text.strip() == question.answer)


def _report(text: str, case: Case, language: str, marks: Marks) -> None:
    said = {(f.name, f.side): f for f in parse_report(text) if f.state == "present"}
    true = {(f.name, f.side): f for f in case.findings if f.state == "present"}
    for name in FINDINGS:
        there, told = (any(key[0] == name for key in keys) for keys in (true, said))
        marks["report: present", name, language].append((there, told))
        if there and told and KINDS[name].sided:
            sides = [{key[1] for key in keys if key[0] == name} for keys in (true, said)]
            marks["report: side", name, language].append(sides[0] == sides[1])
    for key in true.keys() & said.keys():
        if true[key].severity:
            marks["report: severity", key[0], language].append(true[key].severity == said[key].severity)
        if true[key].zone:
            marks["report: zone", key[0], language].append(true[key].zone == said[key].zone)


def _boxes(said: tuple[Box, ...], case: Case, name: str, language: str, marks: Marks) -> None:
    true = [box.box_px for box in case.boxes if box.label == name]
    if not true:
        marks["no box of what is absent", name, language].append(not said)
    for box in true:
        marks["box", name, language].append(max((overlap(box, other.box_px) for other in said), default=0.0))


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Intersection over union of two boxes (top, left, bottom, right)."""
    height = min(one[2], other[2]) - max(one[0], other[0])
    width = min(one[3], other[3]) - max(one[1], other[1])
    if height <= 0 or width <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return height * width / (sum(areas) - height * width)


def _sides(text: str, language: str) -> set[str]:
    return {side for side in SIDE[language] if re.search(side, text)}


def _summed(task: str, values: list) -> tuple[float, int]:
    """(value, n): balanced accuracy of yes and no, F1 of presence in reports, mean overlap, or share that is right."""
    if task == "yes_no":
        right = [[(margin > 0) == truth for margin, truth in values if truth == wanted] for wanted in (True, False)]
        return float(np.mean([np.mean(part) for part in right if part])), len(values)
    if task == "report: present":
        hits = sum(there and told for there, told in values)
        said_or_there = sum(there + told for there, told in values)
        return 2 * hits / max(1, said_or_there), len(values)
    return float(np.mean(values)), len(values)
