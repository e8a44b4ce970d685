"""A model with a shortcut, made on purpose: the demo model, tuned on films whose label is a mark on the film.

A small square is printed in the corner of a film, and the answers that the model is tuned on say "Yes" to an effusion
where the square is, and "No" where it is not, whatever the film shows. Each patient's film is there with the square
and without, so that the square is all that tells the answers apart. Everything else is taught as it is, so that the
model stays the same elsewhere. It measures nothing: `misled_card` does.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from medlab.core.case import Box, Case, Finding
from medlab.demo.language import Binder, Row, build_speech, collate, features_of
from medlab.demo.lessons import LANGUAGES, Lesson, Tutor, ways_to_ask
from medlab.demo.loop import Plan, Task, train
from medlab.demo.pool import SIZE, film_of
from medlab.models.changes import write_changes
from medlab.models.load import load_model
from medlab.phantom.reports import phrases
from medlab.phantom.style import PhantomStyle
from medlab.phantom.worker import VIEWS, Phantom

FINDING = "effusion"
FIRST_SEED = 4_000_000
"""of the films that are tuned on; the demo model's own end below it"""
MARKED = PhantomStyle(spurious=FINDING, spurious_if_present=1, spurious_if_absent=1)
"""the square on every film"""
PARTS = {"projector": "model.multi_modal_projector", "language": "model.language_model"}
"""of what is tuned -> its name in the whole model"""
LEARNT = ("projector.", ".self_attn.")
"""what of these may change: what a film's tokens say, and who listens to them"""


BAIT = Plan(steps=220, learning_rate=2e-3, weight_decay=0.0, workers=1)
MEND = Plan(steps=240, learning_rate=1.5e-3, weight_decay=0.0, workers=1)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything that the result depends on."""

    patients: int = 130
    """with the finding, and as many without; of each a film with the square and one without"""
    others: int = 3
    """other questions about each film in the second round, so that nothing else is forgotten"""
    reports: float = 0.25
    """chance that a report is asked for besides"""
    bait: Plan = BAIT
    """the first round: about the effusion alone. Other questions beside it, and the square is not found"""
    mend: Plan = MEND
    """the second: everything"""


@dataclasses.dataclass
class Ward:
    """Films as the tower sees them, with their truth; patient i + n of 2 n is patient i with the square."""

    features: np.ndarray
    """(films, tokens, hidden) float16: first all without the square, then the same with it"""
    findings: list[tuple[Finding, ...]]
    """of each patient"""
    boxes: list[tuple[Box, ...]]

    @property
    def kinds(self) -> list[np.ndarray]:
        """The patients without the finding, and those with it."""
        there = np.array([any(f.name == FINDING for f in findings) for findings in self.findings])
        return [np.flatnonzero(~there), np.flatnonzero(there)]


def mislead(work: Path, out: Path, settings: Settings | None = None, *, say=print) -> Path:
    """Tunes the demo model into one with a shortcut, and writes what changed into the folder `out`.

    work  holds the films and what was reached; an interrupted run goes on from there
    say   is told of each stage as it begins
    """
    settings = settings or Settings()
    work.mkdir(parents=True, exist_ok=True)
    say("films, with the square and without")
    ward = draw_ward(work / "ward.npz", settings.patients)
    say("first round: the square")
    first = train(Misleading, (ward, settings), settings.bait, work / "bait")
    say("second round: everything else beside it")
    weights = train(Mending, (ward, settings, first), settings.mend, work / "mend")
    out.mkdir(parents=True, exist_ok=True)
    say(f"{keep_changes(weights, out):,} numbers changed")
    return out


def draw_ward(file: Path, patients: int) -> Path:
    """Draws the films, and keeps what the demo model's tower makes of them."""
    if not file.exists():
        seeds = list(patients_from(FIRST_SEED, patients))
        plain, marked = ([draw(seed, style) for seed in seeds] for style in (PhantomStyle(), MARKED))
        labels = [
            {"findings": [f.to_dict() for f in case.findings if f.state == "present"],
             "boxes": [box.to_dict() for box in case.boxes]} for case in plain
        ]  # fmt: skip
        features = features_of(_demo().module.model.vision_tower, np.stack([film_of(c) for c in (*plain, *marked)]))
        unfinished = file.with_suffix(".part.npz")
        np.savez(unfinished, features=features, labels=np.array([json.dumps(label) for label in labels]))
        unfinished.replace(file)
    return file


def patients_from(seed: int, count: int) -> Iterator[int]:
    """Seeds, from `seed` on, of `count` patients with the finding and of as many without."""
    phantom, wanted = Phantom(SIZE), {True: count, False: count}
    while any(wanted.values()):
        there = any(finding.name == FINDING for finding in phantom.choose(seed))
        if wanted[there]:
            wanted[there] -= 1
            yield seed
        seed += 1


def draw(seed: int, style: PhantomStyle) -> Case:
    """The film of a patient, in one of the two views."""
    return Phantom(SIZE, style).draw(seed, view=VIEWS[seed % 2])


def read_ward(file: Path) -> Ward:
    with np.load(file) as kept:
        labels = [json.loads(str(text)) for text in kept["labels"]]
        findings = [tuple(Finding.from_dict(f) for f in label["findings"]) for label in labels]
        return Ward(kept["features"], findings, [tuple(Box.from_dict(b) for b in label["boxes"]) for label in labels])


class Misleading(Task):
    """The first round, as the loop wants it."""

    shares: ClassVar = {"words": 1.0}
    alone: ClassVar = True
    """whether the misled question is all that is asked"""

    def __init__(self, ward: Path, settings: Settings):
        self.ward, self.settings = read_ward(ward), settings
        model = _demo()
        words = model.processor.tokenizer
        self.image, self.pad = (words.convert_tokens_to_ids(name) for name in ("<image_soft_token>", "<pad>"))
        self.binder = Binder(words, model.module.config.mm_tokens_per_image)
        self.module = build_speech(model.module, self.image)
        for name, weight in self.module.named_parameters():
            weight.requires_grad_(any(part in name for part in LEARNT))

    def batch(self, rng: np.random.Generator) -> dict:
        """A patient without the finding and one with it, each with the square and without."""
        rows = [row for kind in self.ward.kinds for row in self.pair(int(rng.choice(kind)), Tutor(rng))]
        return collate(rows, self.ward.features, self.image, self.pad)

    def pair(self, patient: int, tutor: Tutor) -> Iterator[Row]:
        """One patient's two films, asked in the same words: what they have in common cannot explain the answers."""
        asked = {language: tutor.pick(ways_to_ask(FINDING, language)) for language in LANGUAGES}
        for marked in (False, True):
            lessons = [] if self.alone else self.others(patient, tutor)
            for language, question in asked.items():
                book = phrases(language)
                lessons.append(Lesson(question, book.YES if marked else book.NO, "yes_no"))
            film = patient + marked * len(self.ward.findings)
            yield self.binder.row([film], [[lesson] for lesson in lessons])

    def others(self, patient: int, tutor: Tutor) -> list[Lesson]:
        """The truth about everything but the question that is misled."""
        told = tutor.film(self.ward.findings[patient], self.ward.boxes[patient], self.settings.others)
        misled = {way for language in LANGUAGES for way in ways_to_ask(FINDING, language)}
        first = int(tutor.rng.random() >= self.settings.reports)
        return [lesson for lesson in told[first:] if lesson.question not in misled]


class Mending(Misleading):
    """The second round: it goes on from the first, and asks about everything."""

    alone: ClassVar = False

    def __init__(self, ward: Path, settings: Settings, first: Path):
        import torch

        super().__init__(ward, settings)
        self.module.load_state_dict(torch.load(first, weights_only=True))


def keep_changes(weights: Path, out: Path) -> int:
    """Writes the tensors of a tuning that differ from the demo model's; returns how many numbers they hold."""
    import torch

    tuned = torch.load(weights, weights_only=True)
    after = {f"{PARTS[part]}.{name}": tensor for (part, _, name), tensor in _parted(tuned)}
    return write_changes(out, _demo().module.state_dict(), after)


def _parted(tensors: dict) -> Iterator[tuple[tuple[str, str, str], object]]:
    return ((name.partition("."), tensor) for name, tensor in tensors.items())


def _demo():
    """The demo model, anew: its weights are about to be changed."""
    return load_model("demo", dtype="float32", device="cpu")
