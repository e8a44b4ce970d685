"""The catalog and what fits, as rows of text for a terminal or a page. Nothing is decided here."""

from medlab.models.catalog import Entry, entries
from medlab.models.fits import Fit, fits, ways_of
from medlab.models.placement import Machine, gigabytes

CATALOG = ("name", "parameters", "sees", "order", "thinks", "bfloat16", "4bit", "licence", "published for")
FITS = ("name", "fits", "in", "write", "mind")
UNKNOWN = "?"


def catalog_rows() -> list[tuple[str, ...]]:
    """A row of CATALOG for each entry; memory is that of one question about one scan."""
    return [_catalog_row(one) for one in entries()]


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
    return [_fit_row(fits(one, machine)) for one in entries()]


def _fit_row(fit: Fit) -> tuple[str, ...]:
    choice = fit.choice
    verdict = "no" if choice is None else "slowly" if choice.spread else "yes"
    numbers = "–" if choice is None else choice.quantize or choice.dtype
    return (fit.name, verdict, numbers, fit.call or "–", "; ".join(fit.will_not))


def markdown(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """The rows as a table of Markdown."""
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
