"""What the explorer's page is told: one dictionary of plain values, made from the records of a panel.

Every map in it comes with its verdict and with whether its words come whatever the picture. It asks no model anything.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.answer import Answer
from medlab.core.attribution import INDEPENDENT_NATS, Attribution
from medlab.core.scan import Scan
from medlab.explainers.masking import Counterfactual
from medlab.explainers.methods import METHODS, SHORT, make_method
from medlab.explainers.region_words import RegionWords
from medlab.explainers.trust.verdicts import verdict_for
from medlab.plots.overlay import AGAINST, FOR
from medlab.widgets.labels import LABELS, LANGUAGES
from medlab.widgets.links import METHOD, Region, Word, maps_of

if TYPE_CHECKING:
    from medlab.models.base import Model


@dataclasses.dataclass(frozen=True)
class Sight:
    """Everything that a panel shows."""

    language: str
    question: str
    answer: Answer
    words: tuple[Word, ...]
    method: str
    against: str
    links: RegionWords | None
    no_links: str
    """why words and regions are not linked; empty where they are, or are not yet"""
    attribution: Attribution | None
    span: tuple[int, int]
    """tokens of the answer that `attribution` is about: first, one past its last; (0, 0) for none"""
    region: Region | None
    counterfactual: Counterfactual | None
    error: str
    done: str
    """the message of the page that was answered last"""


def drops_for(sight: Sight) -> np.ndarray | None:
    """(words, grid_rows, grid_cols) float32, or None where words and regions are not linked."""
    return None if sight.links is None else maps_of(sight.links)


def state_for(sight: Sight, model: "Model", scan: Scan, shape: tuple[int, int, int]) -> dict:
    """The page's `state`. shape: (rows, cols, channels) of the picture that was sent."""
    fit = model.fit_of(scan) if hasattr(model, "fit_of") else None
    square = fit.box_to_original((0, 0, fit.size, fit.size), clip=False) if fit else (0, 0, scan.rows, scan.cols)
    return {
        "labels": LABELS[sight.language],
        "languages": list(LANGUAGES),
        "language": sight.language,
        "question": sight.question,
        "answer": sight.answer.fingerprint,
        "text": sight.answer.text,
        "words": _words(sight),
        "warnings": list(sight.answer.warnings),
        "methods": _methods(),
        "method": sight.method,
        "against": sight.against,
        "colours": [AGAINST, FOR],
        "picture": list(shape),
        "size": [scan.rows, scan.cols],
        "square": [float(edge) for edge in square],
        "links": _links(sight, model),
        "no_links": sight.no_links,
        "shown": _shown(sight),
        "region": _region(sight),
        "again": _again(sight),
        "busy": False,
        "error": sight.error,
        "done": sight.done,
    }


def _words(sight: Sight) -> list[dict]:
    found = []
    for index, word in enumerate(sight.words):
        still = sight.links is not None and sight.links.independent(index)
        effect = None
        if sight.links is not None:
            _, start, stop = sight.links.words[index]
            effect = float(sight.links.effects_nats[start:stop].sum())
        found.append({"text": word.text, "gap": word.gap, "still": still, "effect": effect})
    return found


def _methods() -> list[dict]:
    """Those that a person meets first, then the one whose maps are there already, then the rest."""
    first = {name: short for short, name in SHORT.items() if name in METHODS}
    order = [*first, *(name for name in METHODS if name not in first)]
    order.sort(key=lambda name: (name not in first, name != METHOD))
    told = []
    for name in order:
        kind = METHODS.get(name)
        about = f"{kind.question} {kind.not_this} ({kind.passes})"
        told.append({"name": first.get(name, name), "text": f"{first[name]} ({name})" if name in first else name})
        told[-1] |= {"about": about, "same": name}
    return told


def _links(sight: Sight, model: "Model") -> dict | None:
    if sight.links is None:
        return None
    return {
        "grid": list(sight.links.grid),
        "method": METHOD,
        "least": INDEPENDENT_NATS,
        "verdict": _verdict(verdict_for(model.fingerprint, make_method(METHOD)), sight.language),
    }


def _shown(sight: Sight) -> dict | None:
    one = sight.attribution
    if one is None:
        return None
    start, stop = sight.span
    places = [index for index, word in enumerate(sight.words) if word.start < stop and word.stop > start]
    labels = LABELS[sight.language]
    return {
        "key": one.fingerprint,
        "grid": list(one.values.shape),
        "words": f" {labels['against']} ".join(one.target) if one.contrast else " ".join(one.target),
        "first": places[0] if places else None,
        "last": places[-1] if places else None,
        "method": one.method,
        "verdict": _verdict(one.verdict, sight.language),
        "still": bool(one.image_independent),
        "effect": one.effect_nats,
        "score": one.score_nats,
        "unit": labels["nats" if one.causal or one.completeness_error is not None else "own_unit"],
    }


def _region(sight: Sight) -> dict | None:
    if sight.region is None:
        return None
    return {"box": list(sight.region.box_px), "drops": list(sight.region.drops_nats), "cells": sight.region.cells}


def _again(sight: Sight) -> dict | None:
    again = sight.counterfactual
    if again is None:
        return None
    moved = again.moved_nats
    return {
        "text": again.answer.text,
        "same": again.answer.text == sight.answer.text,
        "moved": [float(sum(moved[word.start : word.stop])) for word in sight.words],
        "warnings": list(again.answer.warnings),
    }


def _verdict(verdict: str | None, language: str) -> str:
    """The line without which no map is shown."""
    return LABELS[language]["trust"].format(verdict) if verdict else LABELS[language]["untested"]
