"""`medlab.show`: scans, cases and maps to one static figure, with everything that a reader should be told about them.

It sorts out what it was given and what of it is wanted. How a picture, a line or a page looks is decided next door.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from medlab.core.attribution import Attribution, Explanation
from medlab.core.case import Case
from medlab.core.errors import SpecError, shown
from medlab.core.provenance import collect
from medlab.core.record import check_choice, check_number
from medlab.core.scan import Scan
from medlab.plots.explained import explained, is_maps
from medlab.plots.film import Film, marks_of
from medlab.plots.layers import Layered, layered
from medlab.plots.page import Panel, lay_out
from medlab.plots.plate import Plate
from medlab.plots.story import Line, audit_lines, case_lines, describe, in_sentences, key_lines, title_lines
from medlab.plots.style import THEMES
from medlab.plots.words import LANGUAGES

MOST_PANELS = 24
Wanted = bool | Iterable[str]


def show(
    x: Scan | Case | Sequence[Scan | Case] | Attribution | Explanation | Sequence[Attribution] | Layered,
    scan: Scan | Case | None = None,
    *,
    masks: Wanted = True,
    boxes: Wanted = True,
    report: bool | None = None,
    audit: bool | None = None,
    language: str = "en",
    titles: Sequence[str] | None = None,
    stretch: tuple[float, float] = (0.0, 1.0),
    theme: str = "dark",
    alt: str | None = None,
    **heat,
) -> Plate:
    """A static figure of a Scan, a Case, or several of them side by side; of maps on their scan; or of layers.

    scan          of an Attribution or Explanation: what it was drawn on, or its Case, whose findings are then outlined
    masks, boxes  True for all, False for none, or the labels wanted; outlines are drawn, the pixels stay as they are
    report        the report's text; None means yes for one case, no among several
    audit         the steps that made the picture; None as above. Corrections and doubts are always told
    language      "en" or "zh": of the figure's own words, and which report is shown
    titles        one for each picture instead of the file or case name
    stretch       (black, white) in the scan's own 0..1: shows that range of grey over the whole scale. Display only,
                  and said so in the figure; grey beyond the scan's window is lost, so for another window load again:
                  `medlab.load_scan(path, window=(centre, width))`
    theme         "dark" for the screen, "light" for print
    alt           your own description for those who cannot see the picture, instead of the one made here
    heat          of maps: `smooth`, `contour`, `cells`, `opacity`, `limit`, as `medlab.plots.overlay.Heat` tells

    Of a LayerFlow, HeadAblation or Readers only `language`, `theme` and `alt` are asked.

    Raises SpecError for anything that is none of these and for a label that no picture carries.
    """
    if is_maps(x):
        page = {"language": language, "titles": titles, "stretch": _checked(stretch), "theme": theme, "alt": alt}
        return explained(x, scan, masks=masks, **page, **heat)
    if isinstance(x, Layered):
        return layered(x, language=language, theme=theme, alt=alt)
    if scan is not None or heat:
        given = f"options {sorted(heat)}" if heat else "a second argument"
        raise SpecError(f"{given} for a {type(x).__name__}", accepted="them with an Attribution or Explanation")
    things = _things(x)
    check_choice("theme", theme, tuple(THEMES))
    check_choice("language", language, LANGUAGES)
    single = len(things) == 1
    report = single if report is None else report
    entries = [(thing, film) for thing in things for film in _films(thing, _checked(stretch))]
    films = _chosen([film for _, film in entries], masks, boxes)
    names = _titles(titles, [_name(thing, film) for thing, film in entries])
    steps = len(films) == 1 if audit is None else audit
    marks = marks_of(films, {f.name for thing in things if isinstance(thing, Case) for f in thing.findings})

    panels: list[Panel] = []
    foot: list[Line] = []
    told: list[str] = []
    for index, (film, name) in enumerate(zip(films, names, strict=True)):
        lines = title_lines(name, film, language) + key_lines(film, marks, language)
        told.append(describe(name, film, language))
        thing = entries[index][0]
        if isinstance(thing, Case) and (index == 0 or entries[index - 1][0] is not thing):
            known = case_lines(thing, language, report=report)
            told.append(in_sentences(known, language))
            (foot if single and len(films) > 1 else lines).extend(known)
        panels.append(Panel(film, (*lines, *audit_lines(film.scan, language, steps=steps))))
    figure = lay_out(panels, foot, marks, language, theme)
    sources = tuple(f"sha256 {film.scan.sha256 or 'none: ' + film.scan.fingerprint}" for film in films)
    return Plate(figure, alt or "\n".join(filter(None, told)), collect(), sources)


def _things(x: object) -> list[Scan | Case]:
    things = [x] if isinstance(x, (Scan, Case)) else list(x) if isinstance(x, (list, tuple)) else None
    if things is None or not all(isinstance(thing, (Scan, Case)) for thing in things):
        kinds = type(x).__name__ if things is None else ", ".join(sorted({type(t).__name__ for t in things}))
        raise SpecError(
            f"show was given {kinds}",
            accepted="a Scan, a Case, or a list of them; an Attribution or Explanation and its scan",
            fix="medlab.show(medlab.load_scan(x)); for a row of a cohort medlab.show(medlab.case_of(row))",
        )
    bare = [thing for thing in things if isinstance(thing, Case) and not thing.scans]
    if bare or not things:
        given = f"case {shown(bare[0].id)}, which has no picture" if bare else "an empty list"
        raise SpecError(
            f"show was given {given}",
            accepted=f"1 to {MOST_PANELS} pictures: scans, or cases that have one",
            fix='print(case.report("en").text)' if bare and bare[0].reports else "",
        )
    pictures = sum(1 if isinstance(thing, Scan) else len(thing.scans) for thing in things)
    if pictures > MOST_PANELS:
        fix = "medlab.show(x[:8])" if len(things) > 1 else "medlab.show(list(case.scans[:8]))"
        raise SpecError(f"show was given {pictures} pictures", accepted=f"1 to {MOST_PANELS}", fix=fix)
    return things


def _films(thing: Scan | Case, stretch: tuple[float, float]) -> list[Film]:
    if isinstance(thing, Scan):
        return [Film(thing, stretch=stretch)]
    return [
        Film(
            scan,
            tuple(mask for mask in thing.masks if mask.scan == index),
            tuple(box for box in thing.boxes if box.scan == index),
            stretch,
        )
        for index, scan in enumerate(thing.scans)
    ]


def _chosen(films: list[Film], masks: Wanted, boxes: Wanted) -> list[Film]:
    """The films with only the masks and boxes that are wanted."""
    for field, wanted in (("masks", masks), ("boxes", boxes)):
        known = {thing.label for film in films for thing in getattr(film, field)}
        one = {wanted} if isinstance(wanted, str) else None
        labels = known if wanted is True else set() if wanted is False else one or set(wanted)
        if missing := labels - known:
            there = ", ".join(shown(label) for label in sorted(known)) or "none, there being none"
            raise SpecError(f"{field}={shown(sorted(missing))}", accepted=f"True, False, or labels among: {there}")
        films = [
            dataclasses.replace(film, **{field: tuple(t for t in getattr(film, field) if t.label in labels)})
            for film in films
        ]
    return films


def _name(thing: Scan | Case, film: Film) -> str:
    if isinstance(thing, Scan) or len(thing.scans) == 1:
        return thing.name if isinstance(thing, Scan) else thing.id
    return f"{thing.id} · {film.scan.name}"


def _titles(titles: Sequence[str] | None, names: list[str]) -> list[str]:
    if titles is None:
        return names
    if isinstance(titles, str) or len(titles) != len(names) or not all(isinstance(t, str) for t in titles):
        raise SpecError(f"titles={shown(titles)}", accepted=f"one text for each picture, {len(names)} in all")
    return list(titles)


def _checked(stretch: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(stretch, tuple) or len(stretch) != 2:
        raise SpecError(f"stretch={shown(stretch)}", accepted="(black, white), both from 0 to 1")
    low, high = stretch
    check_number("stretch", low, low=0, high=1)
    check_number("stretch", high, low=0, high=1)
    if low >= high:
        raise SpecError(f"stretch={stretch}", accepted="black below white, both from 0 to 1", fix="stretch=(0.2, 0.8)")
    return (float(low), float(high))
