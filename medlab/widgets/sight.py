"""What the explorer's page is told: one dictionary of plain values, made from the records of a panel.

Every map in it comes with its verdict and with whether its words come whatever the picture. It asks no model anything.
"""

import dataclasses
import functools

import numpy as np

from medlab.core.attribution import INDEPENDENT_NATS
from medlab.core.scan import Scan
from medlab.explainers.methods import METHODS, SHORT, make_method
from medlab.explainers.trust.verdicts import key_of, verdict_for
from medlab.models.base import Model
from medlab.plots.overlay import AGAINST, FOR
from medlab.widgets.labels import LABELS, LANGUAGES, METHODS_ZH
from medlab.widgets.layers import Options, Stack, chosen, heads_of, layers_of, stack_of
from medlab.widgets.links import METHOD, maps_of
from medlab.widgets.side import Side


@dataclasses.dataclass(frozen=True)
class Sight:
    """Everything that a panel shows."""

    model: Model
    language: str
    sides: tuple[Side, ...]
    """one, or two"""
    scans: tuple[Scan, ...]
    number: int
    """of the scan that is looked at"""
    together: bool
    """whether a question is about all scans"""
    method: str
    options: Options
    """of the method: its layer, its head"""
    error: str
    done: str
    """the message of the page that was answered last"""

    @property
    def scan(self) -> Scan:
        return self.scans[self.number]

    @property
    def index(self) -> int:
        """Which of an answer's scans is looked at."""
        return self.number if self.together else 0


def drops_for(sight: Sight) -> np.ndarray | None:
    """(words, grid_rows, grid_cols) float32: words of the linked sides, one side after the other; None for none."""
    linked = [maps_of(links) for side in sight.sides if (links := side.known_links(sight.index)) is not None]
    return np.concatenate(linked) if linked else None


def values_for(sight: Sight) -> np.ndarray | None:
    """(cells,) float32: the maps that are shown, row by row, one side after the other; None for none."""
    maps = [side.attribution.values.ravel() for side in sight.sides if side.attribution is not None]
    return np.concatenate(maps) if maps else None


def state_for(sight: Sight, shape: tuple[int, int, int]) -> dict:
    """The page's `state`. shape: (rows, cols, channels) of the picture that was sent."""
    scan, model = sight.scan, sight.model
    fit = model.fit_of(scan) if hasattr(model, "fit_of") else None
    square = fit.box_to_original((0, 0, fit.size, fit.size), clip=False) if fit else (0, 0, scan.rows, scan.cols)
    layer, head = chosen(sight.method, sight.options)
    return {
        "labels": LABELS[sight.language],
        "languages": list(LANGUAGES),
        "language": sight.language,
        "methods": _methods(sight.language, stack_of(model)),
        "method": sight.method,
        "layer": layer,
        "head": head,
        "colours": [AGAINST, FOR],
        "picture": list(shape),
        "size": [scan.rows, scan.cols],
        "square": [float(edge) for edge in square],
        "scans": [one.name for one in sight.scans],
        "scan": sight.number,
        "about_scans": _about_scans(sight),
        "sides": [_side(side, sight) for side in sight.sides],
        "error": sight.error,
        "done": sight.done,
    }


def _about_scans(sight: Sight) -> str:
    """What the question is about, where there are several scans."""
    if len(sight.scans) == 1:
        return ""
    labels = LABELS[sight.language]
    if sight.together:
        return labels["about_all"].format(len(sight.scans))
    return labels["about_one"].format(sight.model.capabilities.images)


def _side(side: Side, sight: Sight) -> dict:
    links = side.known_links(sight.index)
    return {
        "question": side.question,
        "answer": side.answer.fingerprint,
        "text": side.answer.text,
        "words": _words(side, sight.index),
        "warnings": list(side.answer.warnings),
        "links": None if links is None else _links(links.grid, sight),
        "no_links": side.no_links,
        "against": side.look.against if side.look else "",
        "shown": _shown(side, LABELS[sight.language]),
        "region": _region(side),
        "again": _again(side),
    }


def _words(side: Side, scan: int) -> list[dict]:
    found, links = [], side.known_links(scan)
    for index, word in enumerate(side.words):
        effect = None
        if links is not None:
            _, start, stop = links.words[index]
            effect = float(links.effects_nats[start:stop].sum())
        still = links is not None and links.independent(index)
        found.append({"text": word.text, "gap": word.gap, "still": still, "effect": effect})
    return found


@functools.lru_cache(maxsize=16)
def _methods(language: str, stack: Stack) -> list[dict]:
    """Those that a person meets first, then the one whose maps are there already, then the rest."""
    first = {name: short for short, name in SHORT.items() if name in METHODS}
    order = [*first, *(name for name in METHODS if name not in first)]
    order.sort(key=lambda name: (name not in first, name != METHOD))
    labels, told = LABELS[language], []
    for name in order:
        kind = METHODS.get(name)
        layers, heads = layers_of(name, stack), heads_of(name, stack)
        about = METHODS_ZH.get(name, "") if language == "zh" else ""
        about = about or f"{kind.question} {kind.not_this} ({kind.passes})"
        if layers:
            about += " " + labels["about_layers"].format(stack.window)
        told.append(
            {
                "name": first.get(name, name),
                "same": name,
                "text": f"{first[name]} ({name})" if name in first else name,
                "about": about,
                "layers": [{"value": value, "text": _layer(value, kind, labels)} for value, kind in layers],
                "heads": [{"value": value, "text": labels["mean"] if value == "mean" else value} for value in heads],
                "alone": list(chosen(name)),
            }
        )
    return told


def _layer(value: str, kind: str, labels: dict[str, str]) -> str:
    """A choice of layers as a person reads it: local and global ones are told apart."""
    if value in ("all", "full", "sliding"):
        return labels[f"{value}_layers"]
    return f"{labels['last'] if value == '-1' else value} · {labels[kind]}"


def _links(grid: tuple[int, int], sight: Sight) -> dict:
    return {
        "grid": list(grid),
        "method": METHOD,
        "least": INDEPENDENT_NATS,
        "verdict": _verdict(verdict_for(key_of(sight.model), make_method(METHOD)), LABELS[sight.language]),
    }


def _shown(side: Side, labels: dict[str, str]) -> dict | None:
    one = side.attribution
    if one is None:
        return None
    start, stop = side.span
    places = [index for index, word in enumerate(side.words) if word.start < stop and word.stop > start]
    layer, head = chosen(one.method, side.look.options)
    return {
        "key": one.fingerprint,
        "grid": list(one.values.shape),
        "words": f" {labels['against']} ".join(one.target) if one.contrast else " ".join(one.target),
        "first": places[0] if places else None,
        "last": places[-1] if places else None,
        "method": one.method,
        "layer": layer,
        "head": head,
        "verdict": _verdict(one.verdict, labels),
        "still": bool(one.image_independent),
        "effect": one.effect_nats,
        "score": one.score_nats,
        "unit": labels["nats" if one.causal or one.completeness_error is not None else "own_unit"],
    }


def _region(side: Side) -> dict | None:
    if side.region is None:
        return None
    return {"box": list(side.region.box_px), "drops": list(side.region.drops_nats), "cells": side.region.cells}


def _again(side: Side) -> dict | None:
    again = side.counterfactual
    if again is None:
        return None
    moved = again.moved_nats
    return {
        "text": again.answer.text,
        "same": again.answer.text == side.answer.text,
        "moved": [float(sum(moved[word.start : word.stop])) for word in side.words],
        "warnings": list(again.answer.warnings),
    }


def _verdict(verdict: str | None, labels: dict[str, str]) -> str:
    """The line without which no map is shown."""
    return labels["trust"].format(verdict) if verdict else labels["untested"]
