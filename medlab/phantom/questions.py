"""Questions about a phantom with their true answers, in English and Chinese. It sees no picture, only the truth."""

import json

import numpy as np

from medlab.core.case import Box, Finding, Question
from medlab.core.geometry import SquareFit
from medlab.core.vocabulary import SCALES
from medlab.phantom.chance import stream
from medlab.phantom.reports import clause, phrases, severity_word
from medlab.phantom.vocabulary import FINDINGS, KINDS


def ask_everything(
    findings: tuple[Finding, ...], boxes: tuple[Box, ...], size: int, language: str, seed: int
) -> list[Question]:
    """For every finding of the vocabulary: is it there? Of each that is: where (if it has a side), how severe, boxes.

    Besides: the boxes of one finding that is absent (an empty list), the list of all findings, and one question that
    no chest film answers. `boxes` are in pixels of a square scan of `size`.
    """
    rng = stream(seed, "questions", language)
    by_name = {name: [f for f in findings if f.name == name and f.state == "present"] for name in FINDINGS}
    asked = [_is_there(name, bool(here), language, rng) for name, here in by_name.items()]
    for name, here in by_name.items():
        if here and KINDS[name].sided:
            asked.append(_where(name, here, language, rng))
        if here:
            asked.append(_box(name, boxes, size, language, rng))
        if here and KINDS[name].severities:
            asked.append(_how_severe(name, here, language, rng))
    absent = [name for name, here in by_name.items() if not here]
    asked.append(_box(absent[int(rng.integers(len(absent)))], (), size, language, rng))
    asked.append(_list(findings, language, rng))
    book = phrases(language)
    asked.append(Question(_one_of(book.UNANSWERABLE, rng), book.UNKNOWN, "open", language))
    return asked


def box_json(boxes: tuple[Box, ...], labels: list[str], size: int) -> str:
    """Boxes as MedGemma 1.5 writes them: [{"box_2d": [y0, x0, y1, x1], "label": ...}], 0 to 1000 of the square."""
    fit = SquareFit(size, size, 1000)
    entries = [
        {"box_2d": list(fit.box_to_1000(box.box_px)), "label": label} for box, label in zip(boxes, labels, strict=True)
    ]
    return json.dumps(entries, ensure_ascii=False)


def progress_question(name: str, word: str, language: str, seed: int) -> Question:
    """What became of a finding since the previous film; `word` is a key of the book's PROGRESS."""
    book = phrases(language)
    words = book.PROGRESS_WORDS[KINDS[name].course]
    rng = stream(seed, "progress question", name, language)
    return Question(
        _one_of(book.WHAT_CHANGED, rng).format(name=book.NAMES[name]),
        words[word],
        "choice",
        language,
        options=tuple(words.values()),
        about=name,
    )


def _one_of(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def _is_there(name: str, present: bool, language: str, rng: np.random.Generator) -> Question:
    book = phrases(language)
    text = _one_of(book.IS_THERE.get(name, book.IS_THERE["*"]), rng)
    text = text.format(name=book.NAMES[name], a_name=book.A_NAMES[name])
    answer = book.YES if present else book.NO
    return Question(text, answer, "yes_no", language, options=(book.YES, book.NO), about=name)


def _where(name: str, here: list[Finding], language: str, rng: np.random.Generator) -> Question:
    book = phrases(language)
    places = []
    for finding in here:
        template = book.ZONE_PLACE if finding.zone else book.SIDE_PLACE
        places.append(template.format(side=book.SIDES[finding.side], zone=book.ZONES.get(finding.zone, "")))
    text = _one_of(book.WHERE, rng).format(name=book.NAMES[name])
    return Question(text, book.JOIN.join(places), "where", language, about=name)


def _how_severe(name: str, here: list[Finding], language: str, rng: np.random.Generator) -> Question:
    book = phrases(language)
    words = [severity_word(finding, language) for finding in here]
    if len(here) > 1:
        words = [clause(finding, language) for finding in here]
    text = _one_of(book.HOW_SEVERE[name], rng)
    scale = tuple(getattr(term, language) for term in SCALES[name].values())
    options = scale if len(here) == 1 else ()
    return Question(text, book.JOIN.join(words), "severity", language, options=options, about=name)


def _box(name: str, boxes: tuple[Box, ...], size: int, language: str, rng: np.random.Generator) -> Question:
    book = phrases(language)
    mine = tuple(box for box in boxes if box.label == name)
    labels = [book.BOX_LABEL.format(side=book.SIDES[b.side], name=book.NAMES[name]) if b.side else book.NAMES[name]
              for b in mine]  # fmt: skip
    text = _one_of(book.BOX, rng).format(name=book.NAMES[name])
    return Question(text, box_json(mine, labels, size), "box", language, about=name)


def _list(findings: tuple[Finding, ...], language: str, rng: np.random.Generator) -> Question:
    book = phrases(language)
    clauses = [clause(finding, language) for finding in findings if finding.state == "present"]
    return Question(_one_of(book.LIST, rng), book.JOIN.join(clauses) or book.NONE, "open", language)
