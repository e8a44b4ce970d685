"""The catalog and what fits, as rows of text for a terminal or a page. Nothing is decided here."""

import textwrap

from medlab.models.catalog import Entry, entries
from medlab.models.fits import Fit, fits, ways_of
from medlab.models.placement import Machine, gigabytes

SHORT = ("name", "parameters", "sees", "4bit", "bfloat16", "gated")
CATALOG = ("name", "parameters", "sees", "order", "thinks", "bfloat16", "4bit", "licence", "published for")
FITS = ("name", "fits", "in", "needs", "write", "mind")
BESIDE = 4
"""columns of FITS that are short enough to stand beside one another on a narrow terminal"""
UNKNOWN = "?"


def catalog_rows() -> list[tuple[str, ...]]:
    """A row of CATALOG for each entry; memory is that of one question about one scan."""
    return [_catalog_row(one) for one in entries()]


def short_rows() -> list[tuple[str, ...]]:
    """A row of SHORT for each entry: what fits on a terminal of 80 columns."""
    rows = (dict(zip(CATALOG, row, strict=True)) for row in catalog_rows())
    told = (row | {"gated": "yes" if one.gated else "no"} for row, one in zip(rows, entries(), strict=True))
    return [tuple(row[name] for name in SHORT) for row in told]


def card(one: Entry) -> list[tuple[str, str]]:
    """(what, text) of all that the catalog keeps of one entry."""
    told = dict(zip(CATALOG, _catalog_row(one), strict=True))
    for name in ("bfloat16", "4bit"):
        told.pop(name)
    told["memory"] = ", ".join(f"{gigabytes(way.need.total)} in {way.words}" for way in ways_of(one)) or UNKNOWN
    told["reads"] = UNKNOWN if one.context_tokens is None else f"{one.context_tokens} tokens, images among them"
    told["languages"] = ", ".join(one.languages)
    told["pictures"] = ", ".join(one.modalities) or UNKNOWN
    told["terms"] = one.licence_url
    told["gated"] = f"accept its terms at {one.page}" if one.gated else "no"
    told["sources"] = "; ".join(dict.fromkeys(source.where for source in one.sources)) or UNKNOWN
    return list(told.items())


def _catalog_row(one: Entry) -> tuple[str, ...]:
    needs = {way.words: gigabytes(way.need.total) for way in ways_of(one)}
    parameters = UNKNOWN if one.parameters is None else f"{one.parameters / 1e9:.2f} B"
    if one.folder:  # with medlab: told by its own card
        parameters, needs = "small", {"bfloat16": "small"}
    licence = f"{one.licence}{' (gated)' if one.gated else ''}"
    told = f"{one.published_for}{'; not in this version' if one.port else ''}"
    order = (one.order or "–").replace("_", " ")
    return (
        *(one.name, parameters, _sees(one), order, one.thinks),
        *(needs.get("bfloat16", UNKNOWN), needs.get("4bit", "–"), licence, told),
    )


def _sees(one: Entry) -> str:
    """ "up to 125 scans", or "text alone"."""
    if one.task == "text-generation":
        return "text alone"
    return {None: "scans", 1: "one scan"}.get(one.max_images, f"up to {one.max_images} scans")


def fit_rows(machine: Machine) -> list[tuple[str, ...]]:
    """A row of FITS for each entry on the described machine."""
    return [_fit_row(one, fits(one, machine)) for one in entries()]


def _fit_row(one: Entry, fit: Fit) -> tuple[str, ...]:
    choice = fit.choice
    slow = choice is not None and choice.device == "cpu" and not one.folder
    verdict = "no" if choice is None else "slowly" if choice.spread or slow else "yes"
    numbers = "–" if choice is None else choice.quantize or choice.dtype
    mind = [f"gated: accept its terms at {one.page}"] if one.gated and choice is not None else []
    mind += ["slow: a CPU computes it"] if slow and not any("slow" in told for told in fit.will_not) else []
    return (fit.name, verdict, numbers, _needs(one, fit), fit.call or "–", "; ".join((*mind, *fit.will_not)))


def _needs(one: Entry, fit: Fit) -> str:
    """Memory as it would be loaded here; the least of all ways where it would not."""
    if one.folder:
        return "small"
    needs = {way.words: way.need.total for way in fit.ways}
    if fit.choice is None:
        return f"{gigabytes(min(needs.values()))} or more" if needs else UNKNOWN
    words = fit.choice.quantize or fit.choice.dtype
    return gigabytes(needs[words]) if words in needs else UNKNOWN


def lines(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """The rows for a pipe, or a terminal that is wide enough: one line each, columns in line with each other."""
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    told = ("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) for row in (heading, *rows))
    return [line.rstrip() for line in told]


def blocks(heading: tuple[str, ...], rows: list[tuple[str, ...]], beside: int, width: int) -> list[str]:
    """The rows for a terminal of `width` columns: the first `beside` columns as a line, the rest below, indented."""
    told: list[str] = []
    for line, row in zip(lines(heading[:beside], [row[:beside] for row in rows]), (heading, *rows), strict=True):
        told.append(line)
        for text in row[beside:] if row is not heading else ():
            for piece in text.split("; ") if text not in ("", "–") else ():
                told += wrapped(piece, width, indent=4)
    return told


def wrapped(text: str, width: int, *, indent: int) -> list[str]:
    """The text in lines that begin with `indent` blanks; no word is broken."""
    blanks = " " * indent
    return textwrap.wrap(
        text,
        max(width, indent + 20),
        initial_indent=blanks,
        subsequent_indent=blanks,
        break_long_words=False,
        break_on_hyphens=False,
    )


def markdown(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """The rows as a table of Markdown."""
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
