"""The `medlab` command: one verb a job. It turns words into calls and results into text; it decides nothing."""

import itertools
import json
import pathlib
import shutil
import sys
from typing import Annotated

import typer

from medlab.cli_ask import ask, chat, report
from medlab.cli_demo import demo
from medlab.cli_trust import explain, methods, trust
from medlab.cli_words import in_words
from medlab.core.errors import DataError, MedlabError
from medlab.version import __version__

app = typer.Typer(
    name="medlab",
    help="Put a medical image before a vision-language model. Research and teaching only; never a clinical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


for verb in (ask, report, chat, explain, methods, trust):
    app.command()(verb)
app.add_typer(demo, name="demo")


def print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medlab {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Options of `medlab` itself."""


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Say what works here, what is missing, and the command that mends it."""
    from medlab.doctor import examine

    checks = examine()
    if as_json:
        typer.echo(json.dumps([check.to_dict() for check in checks], ensure_ascii=False, indent=1))
    else:
        print_checks(checks)
    raise typer.Exit(1 if any(check.stops for check in checks) else 0)


def print_checks(checks: tuple) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"ok": "green", "note": "yellow", "missing": "yellow", "broken": "red"}
    table = Table(box=None, pad_edge=False, show_header=False)
    for foldable in (False, False, True):
        table.add_column(no_wrap=not foldable, overflow="fold")
    for state, name, found, fix in folded(checks):
        account = Text.assemble(found, (f"\n{fix}", "bold") if fix else "")
        table.add_row(Text(state, style=colours[state]), Text(name), account)
    console = Console()
    console.print(table)
    stopping = ", ".join(check.name for check in checks if check.stops)
    console.print(
        Text(f"medlab cannot work here: {stopping}", "red") if stopping else Text("medlab works here", "green")
    )


def folded(checks: tuple) -> list[tuple[str, str, str, str]]:
    """(state, name, found, fix) of each check; a group that is all in order is one line."""
    rows = []
    for group, members in itertools.groupby(checks, lambda check: check.group):
        members = list(members)
        if group and all(check.state == "ok" for check in members):
            rows.append(("ok", group, f"all {len(members)}", ""))
        else:
            rows += [(check.state, check.name, check.found, check.fix) for check in members]
    return rows


@app.command()
def lab(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open the page.")] = True,
) -> None:
    """Open JupyterLab on the notebooks and print its address."""
    from medlab.lab import serve

    raise typer.Exit(serve(pathlib.Path.cwd(), port, browser=browser))


@app.command()
def phantom(
    out: Annotated[pathlib.Path, typer.Option(help="Folder for the films, masks and cases.jsonl.")],
    n: Annotated[int, typer.Option(min=0, help="How many cases.")] = 20,
    visits: Annotated[int, typer.Option(min=0, help="How many pairs of visits of one patient besides.")] = 0,
    size: Annotated[int, typer.Option(help="Rows and columns of a film.")] = 512,
    seed: Annotated[int, typer.Option(min=0, help="Of the first case; the others count up.")] = 0,
    dicom: Annotated[bool, typer.Option("--dicom", help="Write each film as DICOM too.")] = False,
    lang: Annotated[str, typer.Option(help="Languages of reports and questions.")] = "en,zh",
) -> None:
    """Draw synthetic chest films with masks, reports and questions; an interrupted run goes on where it stopped."""
    from medlab.phantom.export import write_phantoms

    languages = tuple(lang.split(","))
    try:
        folder = write_phantoms(out, n=n, seed=seed, size=size, dicom=dicom, languages=languages, visits=visits)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on where it stopped", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"{n + 2 * visits} cases in {folder}   (medlab.load_cohort reads them)")


@app.command()
def scan(
    file: Annotated[str, typer.Argument(help="DICOM, PNG, JPEG, TIFF or NIfTI.")],
    window: Annotated[str | None, typer.Option(help='"lung", or centre and width: "-600,1500".')] = None,
    frame: Annotated[int | None, typer.Option(min=0, help="Which frame of several, from 0.")] = None,
) -> None:
    """Read one file and print how its picture was made, what was corrected and what is in doubt."""
    from medlab.loaders import load_scan

    try:
        read = load_scan(file, window=window_of(window), frame=frame)
    except DataError as error:
        if error.code != "needs_frame":
            raise
        raise typer.BadParameter(f"{error.given}; accepted: {error.accepted}", param_hint="--frame") from error
    typer.echo(read.audit())


def window_of(text: str | None) -> str | tuple[float, float] | None:
    """(-600.0, 1500.0) of "-600,1500"; any other text is the name of a preset."""
    centre, comma, width = (text or "").partition(",")
    if not comma:
        return text
    try:
        return (float(centre), float(width))
    except ValueError as error:
        raise typer.BadParameter(f'{text!r}; accepted: a preset such as "lung", or "centre,width"') from error


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(help="Of one entry: all that is known of it.")] = None,
    fits: Annotated[bool, typer.Option("--fits", help="What fits this machine, and what to write.")] = False,
    long: Annotated[bool, typer.Option("--long", help="All that is known of each.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the catalog: sizes, memory, terms; all of one NAME; or what of it fits this machine."""
    from medlab.models import listing
    from medlab.models.catalog import entries, entry
    from medlab.models.fits import fits as verdict
    from medlab.models.fits import ways_of
    from medlab.models.placement import describe, this_machine

    chosen = entries() if name is None else (entry(name),)
    machine = this_machine() if fits else None
    if as_json and fits:
        told = [verdict(one, machine).to_dict() for one in chosen]
    elif as_json:
        told = [one.to_dict() | {"ways": [way.to_dict() for way in ways_of(one)]} for one in chosen]
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    if fits:
        rows = [row for row in listing.fit_rows(machine) if name in (None, row[0])]
        typer.echo(f"{describe(machine)}\n")
        if sys.stdout.isatty():
            print_lines(listing.blocks(listing.FITS, rows, listing.BESIDE, shutil.get_terminal_size().columns))
        else:
            print_lines(listing.lines(listing.FITS, rows))
    elif long or name:
        print_cards([listing.card(one) for one in chosen])
    else:
        typer.echo("Memory is for one question about one scan. `medlab models NAME` tells more.\n")
        print_lines(listing.lines(listing.SHORT, listing.short_rows()))
    typer.echo("\n--model and load_model() also take a hub id (org/name), a local folder, or endpoint:URL.")


def print_cards(cards: list[list[tuple[str, str]]]) -> None:
    """What is known of each entry, a line a fact; wrapped where a person reads it."""
    from medlab.models.listing import wrapped

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    for number, card in enumerate(cards):
        typer.echo("\n" if number else "", nl=False)
        for what, text in card:
            first, *rest = wrapped(text, width, indent=16)
            print_lines([f"{what:<15} {first.strip()}", *rest])


def print_lines(lines: list[str]) -> None:
    typer.echo("\n".join(lines))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; an error of medlab's own is printed without a traceback, and the exit status is 2."""
    try:
        app(args=arguments)
    except MedlabError as error:
        typer.secho(in_words(f"{type(error).__name__}: {error}"), fg=typer.colors.RED, err=True)
        sys.exit(2)
