"""Marks: what the tests found of one method, film by film, and the scores that they add up to. It runs nothing."""

import dataclasses

from medlab.core.score import Score
from medlab.explainers.trust.card import APART, FINDING, RANDOMISED, STILL_HITS
from medlab.explainers.trust.controls import CONTROLS
from medlab.explainers.trust.deletion import FILLS, Areas
from medlab.explainers.trust.intervals import Row, mean, ratio, share
from medlab.explainers.trust.localise import Localisation
from medlab.explainers.trust.scrambling import STAGES

SAID = {
    "hit": ("higher", "How often does the strongest cell touch the lesion?"),
    "chance": ("target", "How often would a cell picked blindly touch it?"),
    "area": ("target", "What share of the scan is the lesion?"),
    "found": ("higher", "Of several lesions, how many are pointed at before the first false one?"),
    "elsewhere": ("lower", "How often does the strongest cell point at something else that is there?"),
    "energy": ("higher", "What share of the positive values lies in the lesion?"),
    "lift": ("higher", "How many times more of them than the lesion's share of the scan?"),
    "iou otsu": ("higher", "How well do lesion and map overlap, by Otsu's threshold?"),
    "iou best": ("higher", "How well would they at the best threshold?"),
    "auroc": ("higher", "How likely has a pixel of the lesion a larger value than another?"),
}
"""name -> (direction, question) of what every map is marked for"""
SHARES = ("hit", "found", "elsewhere")
ALIKE = {
    **{f"shuffled: {stage}": "Is the map still the same when these weights are shuffled?" for stage in STAGES},
    "finding": "Is the map of another finding on the same film the same?",
    "absent finding": "Is the map of a question about a finding that is not there the same?",
    "word": "Is the map of another finding's name the same, put into the model's mouth?",
}
"""test -> its question; the answers are rank correlations"""
NAMES = {
    "finding": FINDING,
    f"shuffled: {STAGES[-1]}": RANDOMISED,
    "absent finding": "alike for an absent finding",
    "word": "alike for another word",
}
"""what the score of a test is called, where not "alike " and its name"""


@dataclasses.dataclass
class Marks:
    """Of one method. Rows name their film first."""

    located: list[tuple[str, str, Localisation]] = dataclasses.field(default_factory=list)
    """(film, finding, its marks)"""
    alike: dict[str, list[Row]] = dataclasses.field(default_factory=dict)
    """by test: (film, rank correlation of two maps), only where the model's answer changed"""
    apart: list[Row] = dataclasses.field(default_factory=list)
    """(film, whether its maps of two findings point each at its own)"""
    noise: list[Row] = dataclasses.field(default_factory=list)
    """(film, largest change of the map under invisible noise, relative to its size)"""
    shuffled_hits: list[Row] = dataclasses.field(default_factory=list)
    """(film, hit) with all weights shuffled"""
    areas: dict[str, list[tuple[str, Areas, Areas, Areas]]] = dataclasses.field(default_factory=dict)
    """by fill: (film, the map's own order, chance, the order of the truth)"""


def scores_of(marks: Marks, controls: dict[str, Marks]) -> dict[str, Score]:
    """Every score that the marks allow, by name, with the controls' hits beside."""
    found = {name: _of(marks, name) for name in SAID}
    for finding in sorted({finding for _, finding, _ in marks.located}):
        for name in ("hit", "chance", "area"):
            found[f"{name}: {finding}"] = _of(marks, name, finding, title=f"{name}: {finding}")
    for name in CONTROLS:
        if name in controls:
            found[f"hit of {name}"] = _of(controls[name], "hit", title=f"hit of {name}")
            found[f"hit above {name}"] = _above(marks, controls[name], name)
    for test, question in ALIKE.items():
        name = NAMES.get(test, f"alike {test}")
        found[name] = mean(name, marks.alike.get(test, ()), direction="lower", question=question)
    found[APART] = share(
        APART, marks.apart, direction="higher", question="Do the maps of two findings point each at its own?"
    )
    found[STILL_HITS] = share(
        STILL_HITS, marks.shuffled_hits, direction="lower",
        question="How often does it still touch the lesion when the model knows nothing?",
    )  # fmt: skip
    found["change under noise"] = mean(
        "change under noise", marks.noise, direction="lower",
        question="How far does the map move, relative to its size, when no eye could see a difference?",
    )  # fmt: skip
    for fill in FILLS:
        for curve in ("deletion", "insertion"):
            found[f"{curve} {fill}"] = _faithful(marks, curve, fill)
    return {name: score for name, score in found.items() if score is not None}


def _of(marks: Marks, name: str, finding: str | None = None, *, title: str = "") -> Score | None:
    field = name.replace(" ", "_")
    told = [(film, getattr(at, field)) for film, what, at in marks.located if finding in (None, what)]
    rows = [(film, value) for film, value in told if value is not None]
    direction, question = SAID[name]
    return (share if name in SHARES else mean)(title or name, rows, direction=direction, question=question)


def _above(marks: Marks, control: Marks, name: str) -> Score | None:
    """How many more hits than a control, on the same questions."""
    theirs = {(film, finding): at.hit for film, finding, at in control.located}
    rows = [(film, at.hit - theirs[film, what]) for film, what, at in marks.located if (film, what) in theirs]
    return mean(f"hit above {name}", rows, question=f"How much more often than {name} does it touch the lesion?")


def _faithful(marks: Marks, curve: str, fill: str) -> Score | None:
    """Where the area lies between chance, 0, and the order of the truth, 1."""
    sign = -1 if curve == "deletion" else 1
    rows = [
        (film, *(sign * (getattr(one, curve) - getattr(chance, curve)) for one in (own, truth)))
        for film, own, chance, truth in marks.areas.get(fill, ())
    ]
    question = "Does the answer go" if curve == "deletion" else "Does the answer come"
    return ratio(
        f"{curve} {fill}", rows, question=f"{question} with the strongest places, between chance (0) and truth (1)?"
    )
