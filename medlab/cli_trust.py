"""The verbs of explanations: `medlab explain` draws maps of an answer, `medlab trust` says how far to believe them.

The answer goes to the standard output, what is said about it to the standard error, pictures and tables to files.
"""

import dataclasses
import pathlib
from typing import TYPE_CHECKING, Annotated

import typer

from medlab.cli_ask import (
    ALLOW,
    AS_JSON,
    LANG,
    MODEL,
    NOTICE,
    SERVED,
    TOKENS,
    decoding_of,
    json_line,
    load,
    note,
    printable,
    ready,
)
from medlab.core.errors import CapabilityError, SpecError, shown

if TYPE_CHECKING:
    from medlab.core.answer import Answer
    from medlab.core.attribution import Attribution, Explanation
    from medlab.explainers.trust.card import TrustTable

TOP = 3
"""places that are told in words"""


def explain(
    image: Annotated[str, typer.Argument(help="DICOM, PNG, JPEG, TIFF or NIfTI.")],
    question: Annotated[str, typer.Option("--ask", help="The question.")],
    word: Annotated[str | None, typer.Option(help='Words of the answer; "Yes|No" for one against another.')] = None,
    force: Annotated[bool, typer.Option("--force", help="Explain --word as a reply, whatever was answered.")] = False,
    method: Annotated[
        str, typer.Option(help='Name, several with commas, or "three": instant, refine, reference.')
    ] = "instant",
    out: Annotated[pathlib.Path | None, typer.Option(help="Picture to write: .png or .svg.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of methods that sample.")] = 0,
    model: MODEL = "demo",
    tokens: TOKENS = 256,
    allow: ALLOW = None,
    served: SERVED = None,
    as_json: AS_JSON = False,
) -> None:
    """Ask about an image, and draw which parts of it speak for a word of the answer."""
    from medlab.explainers.explain import explain as explained_by

    if force and word is None:
        raise SpecError("--force without --word", accepted='--word "Yes|No" --force')
    if out is not None and out.suffix.lower() not in (".png", ".svg"):
        raise SpecError(f"--out {out.name}", accepted="a name that ends in .png or .svg")
    parts = (None,) if word is None else tuple(word.split("|"))
    if len(parts) > 2 or not all(part is None or part.strip() for part in parts):
        raise SpecError(f"--word {shown(word)}", accepted="words, or two with a | between them")
    if out is not None and not out.parent.is_dir():
        raise SpecError(f"--out {shown(str(out))}", accepted="a file in a folder that is there")
    names = None if method == "three" else [name.strip() for name in method.split(",")]
    (scan,), asked = ready([image], model, allow, served, looked=False)
    query = asked.query(scan, question, decoding=decoding_of(tokens))
    answer = None if force else asked.answer([query])[0].to(query)
    target = parts if len(parts) == 2 else parts[0]
    chosen = names[0] if names is not None and len(names) == 1 else names
    found = explained_by(asked, answer or query, target, method=chosen, seed=seed, progress=not as_json)
    if out is not None:
        from medlab.plots.explained import explained

        explained(found, scan).save(out)
        note(f"drawn: {out}")
    say_maps(found, answer, question, as_json=as_json)


def say_maps(found: "Attribution | Explanation", answer: "Answer | None", question: str, *, as_json: bool) -> None:
    maps = getattr(found, "attributions", (found,))
    if as_json:
        told = {"question": question, "answer": answer.to_dict() if answer else None, "notice": NOTICE}
        typer.echo(json_line(told | {"attributions": [one.to_dict() for one in maps]}))
        return
    if answer is not None:
        typer.echo(printable(answer.text))
    for one in maps:
        words = " against ".join(one.target) if one.contrast else " ".join(one.target)
        typer.echo(f"{one.method}: {printable(words)!r}")
        if one.image_independent:
            typer.echo("  said whatever the picture: hiding it changes nothing")
        for line in strongest_places(one):
            typer.echo(f"  {line}")
        typer.echo(f"  verdict: {printable(one.verdict or 'untested (medlab trust tests it)')}")
    if len(maps) > 1:
        typer.echo(f"agreement of the maps (rank correlation): {found.agreement.min():.2f} at the least")
        for reason in found.left_out:
            note(f"left out: {reason}")
    note(f"{sum(one.seconds for one in maps):.2f} s. A map is a claim, not a cause. {NOTICE}")


def strongest_places(one: "Attribution") -> list[str]:
    """The cells that speak most for the words, strongest first, in pixels of the scan."""
    from medlab.core.grid import cell_box

    lines = []
    for place in one.values.argsort(axis=None)[::-1][:TOP].tolist():
        cell = divmod(place, one.values.shape[1])
        if one.values[cell] > 0:
            top, left, bottom, right = (round(edge) for edge in cell_box(one.fit, one.values.shape, cell))
            lines.append(f"rows {top}-{bottom}, cols {left}-{right}: {one.values[cell]:+.3g}")
    return lines or ["nothing speaks for it"]


def methods(
    name: Annotated[str | None, typer.Argument(help="Of one method: all that it says of itself.")] = None,
    model: Annotated[str | None, typer.Option(help="Whose verdicts to tell beside.")] = None,
    as_json: AS_JSON = False,
) -> None:
    """List the ways to explain: what each asks, what it costs, what it does not mean; and how far to believe it."""
    from medlab.explainers.methods import METHODS, SHORT, make_method, table
    from medlab.explainers.trust.verdicts import key_of, verdict_for

    if name is not None:
        name = make_method(name).name
    rows = [row for row in table() if name in (None, row["name"])]
    if model is not None:
        key = key_of(load(model))
        rows = [row | {"verdict": verdict_for(key, make_method(row["name"])) or "untested"} for row in rows]
    if as_json:
        typer.echo(json_line(rows))
        return
    short = {stands_for: first for first, stands_for in SHORT.items()}
    for row in rows:
        first = f" ({short[row['name']]})" if row["name"] in short else ""
        typer.echo(f"{row['name']}{first}, {row['family']}{', causal' if row['causal'] == 'yes' else ''}")
        typer.echo(f"  {row['question']}")
        if name is not None:
            typer.echo(f"  costs: {row['passes']}\n  not: {row['not_this']}")
            options = [field.name for field in dataclasses.fields(METHODS.get(name))]
            typer.echo(f"  options: {', '.join(options) or 'none'}")
        if model is not None:
            typer.echo(f"  verdict on {printable(model)}: {printable(row['verdict'])}")


def trust(
    model: MODEL = "demo",
    n: Annotated[int, typer.Option(min=1, help="Films that are asked about.")] = 200,
    deep: Annotated[int, typer.Option(min=0, help="Films of the dearer tests.")] = 30,
    methods: Annotated[str | None, typer.Option(help="Names with commas; all without.")] = None,
    out: Annotated[pathlib.Path | None, typer.Option(help="Folder for rows and table.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=39, help="Of films, noise and shuffling.")] = 0,
    lang: LANG = "en",
    again: Annotated[bool, typer.Option("--again", help="Forget what was found before.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """Score explanations against known lesions, and make them fail; each method gets a verdict."""
    from medlab.explainers.trust.study import trust as study

    names = None if methods is None else [name.strip() for name in methods.split(",")]
    loaded = load(model)
    try:
        table = study(loaded, names, n=n, deep=deep, seed=seed, language=lang, folder=out, again=again)
    except KeyboardInterrupt:
        note("stopped; the same command goes on where it stopped")
        raise typer.Exit(130) from None
    if out is not None:
        write_table(table, out)
    typer.echo(table.to_json() if as_json else table.text())
    note(NOTICE)


def write_table(table: "TrustTable", folder: pathlib.Path) -> None:
    """trust.json, which reads back as a TrustTable, and trust.txt for people."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "trust.json").write_text(table.to_json(indent=1), "utf-8")
        (folder / "trust.txt").write_text(table.text() + "\n", "utf-8")
    except OSError as error:
        raise CapabilityError(f"{folder} cannot be written: {error}", fix="--out another folder") from error
