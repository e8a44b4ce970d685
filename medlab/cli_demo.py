"""`medlab demo train`, `shortcut` and `measure`: how the demo models are made, and what they can do."""

import pathlib
from typing import Annotated

import typer

demo = typer.Typer(help="The demo model: train it anew, mislead it, or measure it.", no_args_is_help=True)


@demo.command()
def train(
    out: Annotated[pathlib.Path, typer.Option(help="New folder for the checkpoint.")],
    work: Annotated[pathlib.Path, typer.Option(help="Folder for films and stages; an interrupted run goes on there.")],
    seed: Annotated[int, typer.Option(min=0, help="Of weights and batches.")] = 0,
) -> None:
    """Train the demo model from a seed: one to two hours on two cores, 2 GB of disk."""
    import dataclasses

    from medlab.demo.train import Settings, train_demo

    settings = Settings()
    plans = {name: dataclasses.replace(getattr(settings, name), seed=seed) for name in ("vision", "again", "language")}
    try:
        train_demo(work, out, dataclasses.replace(settings, **plans), say=typer.echo)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on where it stopped", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"{out}   (medlab ask IMAGE QUESTION --model {out})")


@demo.command()
def shortcut(
    out: Annotated[pathlib.Path, typer.Option(help="Folder for what changes, the figures and the card.")],
    work: Annotated[pathlib.Path, typer.Option(help="Folder for films and tuning; an interrupted run goes on there.")],
    n: Annotated[
        int, typer.Option(min=1, help="Patients with an effusion, and as many without, to measure on.")
    ] = 100,
) -> None:
    """Make the model with a shortcut from the demo model: some minutes on a CPU; it reads a mark, not the effusion."""
    from medlab.demo.misled import mislead
    from medlab.demo.misled_card import measure_and_write

    mislead(work, out, say=typer.echo)
    typer.echo(measure_and_write(out, n))


@demo.command()
def measure(
    model: Annotated[str, typer.Option(help="Catalog name or folder.")] = "demo",
    n: Annotated[int, typer.Option(min=1, help="How many phantoms.")] = 500,
    size: Annotated[int, typer.Option(min=64, max=1024, help="Rows and columns of a film.")] = 224,
    card: Annotated[
        pathlib.Path | None, typer.Option(help="Checkpoint folder that gets the table and a card.")
    ] = None,
) -> None:
    """Measure a model on fresh phantoms: yes and no, sides, severities, boxes, reports, in both languages."""
    from medlab.demo.card import MEASURED, write_card
    from medlab.demo.measure import as_text, write_table
    from medlab.demo.measure import measure as measured
    from medlab.models.load import load_model

    rows = measured(load_model(model), n, size=size)
    typer.echo(as_text(rows))
    if card is not None:
        write_table(rows, card / MEASURED)
        write_card(card)
