"""What a figure says in words beside its pictures, and the description for whoever cannot see it.

It turns records into lines of a given role; where a line stands and how it looks is the page's business. Everything
that came from a file passes through `visible`.
"""

import dataclasses
from collections.abc import Iterable

from medlab.core.case import STATES, Box, Case, Finding, Mask
from medlab.core.scan import Scan
from medlab.plots.film import Film, Mark, bar_text, box_text
from medlab.plots.overlay import Overlay
from medlab.plots.typeset import visible
from medlab.plots.words import label, severity, words_in

STOPS = ".。"
LONGEST_TEXT = 1200
"""characters about a case that the description repeats"""


@dataclasses.dataclass(frozen=True)
class Line:
    """One paragraph of a figure's text."""

    text: str
    role: str = "body"
    """"title", "heading", "body", "small" or "doubt" """
    mark: Mark | None = None
    """drawn before the text, as the key to what is on the picture"""
    most: int = 6
    """drawn lines at most"""
    scale: Overlay | None = None
    """whose colours are drawn under the text, with their values"""


def facts(scan: Scan, language: str) -> str:
    """Such as "1955 × 1841 · CR · PA · window 15000/30000"."""
    words = words_in(language)
    parts = [f"{scan.rows} × {scan.cols}"]
    parts += [part for part in (scan.modality, scan.view) if part != "unknown"]
    if scan.bits != 8:
        parts.append(f"{scan.bits} bit")
    if scan.window is not None:
        parts.append(words["window"].format(*scan.window))
    if scan.frame is not None:
        parts.append(f"{scan.frame + 1}/{scan.frames}")
    return visible(" · ".join(parts))


def title_lines(title: str, film: Film, language: str) -> list[Line]:
    lines = [Line(visible(title), "title", most=2), Line(facts(film.scan, language), "small", most=2)]
    if film.stretch != (0.0, 1.0):
        lines.append(Line(words_in(language)["stretch"].format(*film.stretch), "doubt"))
    return lines


def key_lines(film: Film, marks: dict[str, Mark], language: str) -> list[Line]:
    """One line for each finding that is drawn, and one for all anatomy, which looks alike."""
    lines = [
        Line(_mask_text(mask, film.scan, language), "body", marks[mask.label], 2)
        for mask in film.masks
        if marks[mask.label].filled
    ]
    outlined = {mask.label for mask in film.masks}
    lines += [
        Line(_join(label(box.label, language), _place(box, language)), "body", marks[box.label], 2)
        for box in film.boxes
        if box.label not in outlined
    ]
    anatomy = [mask for mask in film.masks if not marks[mask.label].filled]
    if anatomy:
        text = ", ".join(_mask_text(mask, film.scan, language) for mask in anatomy)
        lines.append(Line(text, "small", marks[anatomy[0].label]))
    return lines


def audit_lines(scan: Scan, language: str, *, steps: bool) -> list[Line]:
    """How the picture was made: the steps if asked for, and always every correction and doubt."""
    words = words_in(language)
    lines = [Line(visible(f"{i}. {step}"), "small", most=3) for i, step in enumerate(scan.steps, 1) if steps]
    for role, notes in (("body", scan.corrections), ("doubt", scan.doubts)):
        prefix = words["corrected" if role == "body" else "doubt"]
        lines += [
            Line(visible(f"{prefix}: {note.text}"), "doubt" if role == "doubt" else "small", most=4) for note in notes
        ]
    return [Line(words["how"], "heading"), *lines] if lines and steps else lines


def case_lines(case: Case, language: str, *, report: bool) -> list[Line]:
    """What is known of the case: findings by state, then the report in the figure's language."""
    words = words_in(language)
    lines = [Line(text) for text in _finding_texts(case.findings, language)]
    lines = [Line(words["reference"], "heading"), *lines] if lines else []
    if not (report and case.reports):
        return lines
    paragraphs = _report_texts(case, language) or [words["no_report"].format(words["names"])]
    return [*lines, Line(words["report"], "heading"), *(Line(text, most=8) for text in paragraphs)]


def describe(title: str, film: Film, language: str) -> str:
    """The picture in a few sentences."""
    words, scan = words_in(language), film.scan
    sentences = [f"{visible(title)}: {facts(scan, language)}"]
    if film.stretch != (0.0, 1.0):
        sentences.append(words["stretch"].format(*film.stretch))
    if film.has_sides:
        sentences.append(words["sides"].rstrip(STOPS))
    if film.bar_mm is not None:
        sentences.append(bar_text(film, language))
    if film.masks:
        sentences.append(f"{words['masks']}: " + "; ".join(_mask_text(m, scan, language) for m in film.masks))
    if film.boxes:
        places = (f"{box_text(box, language)} ({', '.join(f'{edge:g}' for edge in box.box_px)})" for box in film.boxes)
        sentences.append(f"{words['boxes']}: " + "; ".join(places))
    sentences += [line.text.rstrip(STOPS) for line in audit_lines(scan, language, steps=False)]
    return words["stop"].join(sentences) + words["stop"].rstrip()


def in_sentences(lines: list[Line], language: str) -> str:
    """Lines as running text for the description, without their headings."""
    stop = words_in(language)["stop"]
    told = [line.text.rstrip(STOPS) for line in lines if line.role != "heading"]
    text = (stop.join(told) + stop).strip() if told else ""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _finding_texts(findings: tuple[Finding, ...], language: str) -> list[str]:
    words = words_in(language)
    texts = []
    for state in STATES:
        named = [_join(label(f.name, language), _place(f, language)) for f in findings if f.state == state]
        if named:
            texts.append(f"{words[state]}: {', '.join(dict.fromkeys(named))}")
    return texts


def _report_texts(case: Case, language: str) -> list[str]:
    report, words = case.report(language), words_in(language)
    if report is None:
        return []
    sections = [(part, getattr(report, part)) for part in ("indication", "findings", "impression")]
    texts = [visible(f"{words[part]}: {text}") for part, text in sections if text]
    return texts or [visible(line) for line in report.text.splitlines() if line.strip()]


def _mask_text(mask: Mask, scan: Scan, language: str) -> str:
    share = words_in(language)["share"].format(mask.pixels.sum() / (scan.rows * scan.cols))
    return _join(label(mask.label, language), [*_place(mask, language), share])


def _place(thing: Finding | Mask | Box, language: str) -> list[str]:
    """Severity, side, zone and rater of a finding, mask or box, as far as they are known."""
    parts = [label(part, language) for field in ("side", "zone") if (part := getattr(thing, field, None))]
    if isinstance(thing, Finding):
        return [severity(thing.severity, thing.name, language), *parts] if thing.severity else parts
    return [*parts, thing.rater] if thing.rater else parts


def _join(name: str, details: Iterable[str]) -> str:
    listed = ", ".join(details)
    return visible(f"{name} ({listed})" if listed else name)
