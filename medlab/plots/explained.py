"""`medlab.show` of a map: an Attribution on the scan it was drawn on, or several side by side with how far they agree.

Each picture carries its words, its method, its verdict and the bar of its values. Words that come whatever the
picture are not coloured. It draws what the records say, in the pixels of the original scan; it explains nothing.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from medlab.core.attribution import INDEPENDENT_NATS, Attribution, Explanation
from medlab.core.case import Case, Mask
from medlab.core.errors import SpecError, near_names, shown
from medlab.core.grid import cell_box, covered
from medlab.core.provenance import collect
from medlab.core.record import check_choice
from medlab.core.scan import Scan
from medlab.plots.film import Film, marks_of
from medlab.plots.overlay import Heat, Overlay
from medlab.plots.page import Panel, lay_out
from medlab.plots.plate import Plate
from medlab.plots.story import STOPS, Line, describe, key_lines
from medlab.plots.style import THEMES
from medlab.plots.typeset import visible
from medlab.plots.words import LANGUAGES, words_in

MOST_MAPS = 24
Maps = Attribution | Explanation | Sequence[Attribution]


def explained(
    x: Maps,
    scan: Scan | Case,
    *,
    masks: bool | Sequence[str] = True,
    language: str = "en",
    titles: Sequence[str] | None = None,
    stretch: tuple[float, float] = (0.0, 1.0),
    theme: str = "dark",
    alt: str | None = None,
    **heat,
) -> Plate:
    """A map on its scan; several of one scan side by side.

    x      an Attribution; an Explanation; or several Attributions of one scan, such as one for each layer: what
           differs among them (words, method, settings) stands over each
    scan   that the maps were drawn on, or its Case: then the outlines of its findings show what is true
    masks  of a Case: True for its findings, False for none, or labels
    heat   how the maps are drawn: the options of `medlab.plots.overlay.Heat` (smooth, contour, cells, opacity, limit).
           Maps of one method share the limit unless one is given; those of several methods have no common unit

    The other options are those of `medlab.show`. Raises SpecError for a scan of another size than the maps'.
    """
    maps = _maps(x)
    check_choice("theme", theme, tuple(THEMES))
    check_choice("language", language, LANGUAGES)
    films = [Film(_scan_of(scan, one), _masks(scan, one, masks), stretch=stretch) for one in maps]
    heats = _heats(maps, _checked(heat))
    names = _titles(titles, maps, language)
    marks = marks_of(films, {finding.name for finding in scan.findings} if isinstance(scan, Case) else set())
    panels, told = [], []
    for one, film, how, name in zip(maps, films, heats, names, strict=True):
        overlay = Overlay(one.values, one.fit, how, _unit(one, language))
        coloured = not one.image_independent and one.values.any()
        drawn = dataclasses.replace(film, overlay=overlay if coloured else None)
        lines = [Line(visible(name), "title", most=3), *_lines(one, overlay, language)]
        panels.append(Panel(drawn, (*lines, *key_lines(film, marks, language))))
        told.append(_in_words(one, name, film, overlay if coloured else None, language))
    foot = _foot(x, language) if isinstance(x, Explanation) else []
    told += [line.text for line in foot]
    if foot and len(panels) == 1:
        panels[0] = Panel(panels[0].film, (*panels[0].lines, *foot))
    figure = lay_out(panels, foot, marks, language, theme)
    return Plate(figure, alt or "\n".join(told), collect(), _sources(maps, films))


def words_of(attribution: Attribution, language: str = "en") -> str:
    """The words explained, as a person reads them: "effusion", or "yes against no"."""
    if attribution.contrast:
        return words_in(language)["against"].format(*map(repr, attribution.target))
    return " ".join(attribution.target)


def verdict_of(attribution: Attribution, language: str = "en") -> str:
    """One line on how far the map has earned trust; never empty."""
    words = words_in(language)
    return words["trust"].format(attribution.verdict) if attribution.verdict else words["untested"]


def is_maps(x: object) -> bool:
    """Whether `x` is what `explained` draws."""
    several = isinstance(x, (list, tuple)) and bool(x) and all(isinstance(one, Attribution) for one in x)
    return several or isinstance(x, (Attribution, Explanation))


def _maps(x: Maps) -> tuple[Attribution, ...]:
    if not is_maps(x):
        raise SpecError(f"a {type(x).__name__} to draw", accepted="an Attribution, several, or an Explanation")
    maps = x.attributions if isinstance(x, Explanation) else (x,) if isinstance(x, Attribution) else tuple(x)
    if len(maps) > MOST_MAPS:
        raise SpecError(f"{len(maps)} maps", accepted=f"1 to {MOST_MAPS}", fix="medlab.show(maps[:8], scan)")
    return maps


def _scan_of(scan: Scan | Case, one: Attribution) -> Scan:
    if isinstance(scan, Case) and one.scan < len(scan.scans):
        scan = scan.scans[one.scan]
    if not isinstance(scan, Scan):
        raise SpecError(
            f"a map and {'no scan' if scan is None else f'a {type(scan).__name__}'}",
            accepted="the Scan that the map was drawn on, or its Case",
            fix="medlab.show(attribution, scan)",
        )
    if (scan.rows, scan.cols) != (one.fit.rows, one.fit.cols):
        raise SpecError(
            f"a map of a scan of {one.fit.rows} x {one.fit.cols} pixels, and one of {scan.rows} x {scan.cols}",
            accepted="the scan that the map was drawn on",
        )
    return scan


def _masks(scan: Scan | Case, one: Attribution, wanted: bool | Sequence[str]) -> tuple[Mask, ...]:
    if isinstance(scan, Scan) or wanted is False:
        return ()
    there = [mask for mask in scan.masks if mask.scan == one.scan]
    if wanted is True:
        findings = {finding.name for finding in scan.findings}
        return tuple(mask for mask in there if mask.label in findings or not findings)
    labels = {wanted} if isinstance(wanted, str) else set(wanted)
    if missing := labels - {mask.label for mask in there}:
        known = ", ".join(sorted({shown(mask.label) for mask in there})) or "none, there being none"
        raise SpecError(f"masks={shown(sorted(missing))}", accepted=f"True, False, or labels among: {known}")
    return tuple(mask for mask in there if mask.label in labels)


def _checked(heat: dict) -> Heat:
    known = [field.name for field in dataclasses.fields(Heat)]
    for name in heat:
        if name not in known:
            near = near_names(name, known)
            raise SpecError(
                f"option {shown(name)} of a map", accepted=", ".join(known), fix=f"{near[0]}=..." if near else ""
            )
    return Heat(**heat)


def _heats(maps: Sequence[Attribution], heat: Heat) -> list[Heat]:
    """A Heat for each map: those of one method share their limit, so that they may be compared."""
    if heat.limit is not None:
        return [heat] * len(maps)
    limits: dict[str, float] = {}
    for one in maps:
        own = Overlay(one.values, one.fit).limit
        limits[one.method] = max(limits.get(one.method, 0.0), 0.0 if one.image_independent else own)
    return [dataclasses.replace(heat, limit=limits[one.method] or None) for one in maps]


def _titles(titles: Sequence[str] | None, maps: Sequence[Attribution], language: str) -> list[str]:
    """Words and method of each; of maps that share them, only what differs."""
    if titles is not None:
        if isinstance(titles, str) or len(titles) != len(maps) or not all(isinstance(t, str) for t in titles):
            raise SpecError(f"titles={shown(titles)}", accepted=f"one text for each map, {len(maps)} in all")
        return list(titles)
    parts = [
        {
            "words": words_of(one, language),
            "by": words_in(language)["by"].format(one.method),
            **{name: f"{name} {value}" for name, value in one.settings if name != "seed"},
        }
        for one in maps
    ]
    kept = [key for key in dict.fromkeys(key for part in parts for key in part) if _differs(key, parts)]
    kept = kept or ["words", "by"]
    return [", ".join(part[key] for key in kept if key in part) or part["by"] for part in parts]


def _differs(key: str, parts: Sequence[dict[str, str]]) -> bool:
    """Whether it tells maps apart; an option does so only among maps of one method."""
    methods = {part["by"] for part in parts}
    groups = [parts] if key in ("words", "by") else [[p for p in parts if p["by"] == by] for by in methods]
    return any(len({part.get(key) for part in group}) > 1 for group in groups)


def _lines(one: Attribution, overlay: Overlay, language: str) -> list[Line]:
    words = words_in(language)
    lines = [Line(visible(verdict_of(one, language)), "body" if one.trusted else "doubt", most=5)]
    if one.image_independent:
        lines.append(Line(words["independent"].format(abs(one.effect_nats)), "doubt", most=5))
    elif not one.values.any():
        lines.append(Line(words["empty_map"], "doubt"))
    else:
        lines.append(Line(words["scale"].format(overlay.unit), "small", scale=overlay))
        lines += [Line(words["half"], "small")] * overlay.heat.contour
        if one.causal and overlay.limit < INDEPENDENT_NATS:
            lines.append(Line(words["faint"].format(overlay.limit), "doubt"))
    lines.append(Line(visible(" · ".join((words_of(one, language), *_details(one, language)))), "small"))
    if one.causal:
        lines.append(Line(words["causal"], "small"))
    return lines


def _details(one: Attribution, language: str) -> list[str]:
    words = words_in(language)
    settings = ", ".join(f"{name}={value}" for name, value in one.settings)
    details = [f"{one.method}({settings})", words["grid"].format(*one.values.shape)]
    if one.score_nats is not None and one.effect_nats is not None:
        score, effect = (round(nats, 2) + 0.0 for nats in (one.score_nats, one.effect_nats))  # never "-0.00"
        details.append(words["score"].format(score, effect))
    if one.standard_error is not None:
        details.append(words["standard_error"].format(float(one.standard_error.max())))
    if one.completeness_error is not None:
        details.append(words["completeness"].format(one.completeness_error))
    return details


def _in_words(one: Attribution, name: str, film: Film, overlay: Overlay | None, language: str) -> str:
    """What a person who cannot see the map is told: where it is strongest, in pixels of the scan."""
    words = words_in(language)
    told = [describe(name, film, language), words_of(one, language), verdict_of(one, language)]
    told += _details(one, language)
    if overlay is None:
        told.append(words["independent"].format(abs(one.effect_nats)) if one.image_independent else words["empty_map"])
        return _sentences(told, language)
    seen = np.where(covered(one.fit, one.values.shape) > 0, one.values, 0)
    for side, cell in (("most_for", seen.argmax()), ("most_against", seen.argmin())):
        row, col = np.unravel_index(cell, seen.shape)
        if (seen[row, col] > 0) == (side == "most_for") and seen[row, col]:
            top, left, bottom, right = cell_box(one.fit, seen.shape, (int(row), int(col)))
            place = ((top + bottom) / 2, (left + right) / 2)
            told.append(words["most"].format(words[side], *place, float(seen[row, col])))
    return _sentences(told, language)


def _sentences(texts: Sequence[str], language: str) -> str:
    stop = words_in(language)["stop"]
    return stop.join(visible(text).rstrip(STOPS) for text in texts) + stop.rstrip()


def _foot(x: Explanation, language: str) -> list[Line]:
    words = words_in(language)
    names = [one.method for one in x.attributions]
    pairs = [
        f"{names[row]} / {names[col]} {x.agreement[row, col]:+.2f}" for row in range(len(names)) for col in range(row)
    ]
    lines = [Line(words["agreement"], "heading"), Line(visible(" · ".join(pairs)))] if pairs else []
    return lines + [Line(visible(words["left_out"].format("; ".join(x.left_out))), "doubt")] * bool(x.left_out)


def _unit(one: Attribution, language: str) -> str:
    """Drops of a log-probability are nats, and so are maps that promise to sum to one; no others are."""
    return words_in(language)["nats" if one.causal or one.completeness_error is not None else "own_unit"]


def _sources(maps: Sequence[Attribution], films: Sequence[Film]) -> tuple[str, ...]:
    """What made the figure, for its metadata: method and settings of each map, and every fingerprint."""
    told = []
    for one, film in zip(maps, films, strict=True):
        settings = ", ".join(f"{name}={value}" for name, value in one.settings)
        told += [
            f"sha256 {film.scan.sha256 or 'none: ' + film.scan.fingerprint}",
            f"map {one.fingerprint} by {one.method}({settings})",
            f"model {one.model_fingerprint or 'unknown'}",
            f"query {one.query_fingerprint or 'unknown'}",
            f"answer {one.answer_fingerprint or 'none: forced'}",
            f"verdict {one.verdict or 'none: untested'}",
        ]
    return tuple(dict.fromkeys(told))
