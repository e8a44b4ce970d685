"""The verbs that ask a model: `medlab ask`, `medlab report`, `medlab chat`. Words into calls, answers into text.

What a model wrote is printed as text only: control characters that could move a terminal's cursor are shown as
escapes. The answer goes to the standard output, everything said about it to the standard error.
"""

import json
import pathlib
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from medlab.cli_words import (
    check_prompt,
    check_question,
    check_stays_here,
    check_writes,
    choices_of,
    in_words,
    values_of,
    wrong_command,
)
from medlab.core.errors import MedlabError

if TYPE_CHECKING:
    from medlab.core.answer import Answer, Choices
    from medlab.core.query import Decoding
    from medlab.core.scan import Scan
    from medlab.models.base import Model
    from medlab.models.dialogue import Dialogue

NOTICE = "Research and teaching only; not a diagnosis."
MODEL = Annotated[str, typer.Option(help="Catalog name, hub id, folder, or endpoint:URL. `medlab models` lists them.")]
AS_JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
TOKENS = Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.")]
ALLOW = Annotated[str | None, typer.Option(help='What may leave for an endpoint: "text" or "pixels".')]
SERVED = Annotated[str | None, typer.Option(help="What an endpoint's server calls its model.")]
LOOKED = Annotated[bool, typer.Option("--looked", help="You saw the pictures: words in them name nobody.")]
LANG = Annotated[str, typer.Option(help='"en" or "zh".', callback=lambda lang: lang.strip().lower())]


def ask(
    words: Annotated[list[str], typer.Argument(metavar="[IMAGE]... QUESTION", help="No image asks in text alone.")],
    model: MODEL = "demo",
    choose: Annotated[str | None, typer.Option(help='Only weigh these replies: "Yes|No".')] = None,
    tokens: TOKENS = 256,
    allow: ALLOW = None,
    served: SERVED = None,
    looked: LOOKED = False,
    as_json: AS_JSON = False,
) -> None:
    """Ask one question about an image, several images, or none."""
    check_question(words)
    *files, question = words
    choices = None if choose is None else choices_of(choose)
    scans, asked = ready(files, model, allow, served, looked=looked)
    query = asked.query(scans or None, question, decoding=decoding_of(tokens))
    if choices is not None:
        weighed = asked.score(query, choices)
        return say_choices(weighed, scans, question, as_json=as_json)
    return say_answer(asked.answer([query])[0], scans, question, as_json=as_json)


def report(
    images: Annotated[
        list[str] | None, typer.Argument(metavar="IMAGE...", help="One film; two with --prompt compare.")
    ] = None,
    lang: LANG = "en",
    prompt: Annotated[str, typer.Option(help="Name of a packaged prompt: docs/prompts.md lists them.")] = "report",
    fill: Annotated[list[str] | None, typer.Option(help='What a prompt leaves open: "finding=nodule".')] = None,
    model: MODEL = "demo",
    tokens: TOKENS = 512,
    allow: ALLOW = None,
    served: SERVED = None,
    looked: LOOKED = False,
    as_json: AS_JSON = False,
) -> None:
    """Write the report of a film, in English or Chinese."""
    from medlab.prompts import lint, read_prompts
    from medlab.prompts import load as load_prompt

    wording, values = load_prompt(prompt, language=lang), values_of(fill or [])
    others = sorted((p for p in read_prompts() if p.language == lang), key=lambda p: model not in p.suits)
    check_prompt(wording, len(images or []), values, others)
    scans, asked = ready(images or [], model, allow, served, looked=looked)
    for advice in lint(wording, asked, scans=len(scans), **values):
        note(in_words(f"prompt {wording.name}: {advice}"))
    query = asked.query(scans, wording, decoding=decoding_of(tokens), **values)
    say_answer(asked.answer([query])[0], scans, wording.template.format(**values), as_json=as_json)


def chat(
    images: Annotated[list[str] | None, typer.Argument(metavar="[IMAGE]...", help="What the talk is about.")] = None,
    model: MODEL = "demo",
    load_from: Annotated[pathlib.Path | None, typer.Option("--load", help="Go on with a saved talk.")] = None,
    tokens: TOKENS = 256,
    allow: ALLOW = None,
    served: SERVED = None,
    looked: LOOKED = False,
    as_json: AS_JSON = False,
) -> None:
    """Talk about an image: each line is a question; /help lists what else may be typed."""
    from medlab.models.dialogue import Dialogue

    scans, asked = ready(images or [], model, allow, served, looked=looked)
    if load_from is not None:
        talk = Dialogue.load(load_from, asked, scans or None)
        note(f"{len(talk.turns)} turn(s) of {load_from.name}")
    else:
        talk = asked.chat(scans or None, decoding=decoding_of(tokens))
    note(f"{NOTICE} /help lists the commands, an empty line or /quit ends.")
    for line in typed():
        if line.startswith("/"):
            if not obey(talk, line):
                return
            continue
        try:
            answer = spoken(talk, line, as_json=as_json)
        except MedlabError as error:
            note(in_words(f"{type(error).__name__}: {error}"))
            continue
        except KeyboardInterrupt:
            note("\nstopped; this turn is not kept")
            continue
        say_doubts(answer.warnings)


COMMANDS = {
    "/help": "this list",
    "/reset": "forget every turn",
    "/undo": "forget the last turn",
    "/turns": "print what was said",
    "/save FILE": "write the talk as JSON; `medlab chat --load FILE` goes on with it",
    "/quit": "end",
}


def obey(talk: "Dialogue", line: str) -> bool:
    """Does what a line that begins with a slash says; False ends the talk."""
    word, _, rest = line.partition(" ")
    try:
        if word in ("/quit", "/exit"):
            return False
        if word == "/reset":
            note(f"forgotten: {len(talk.turns)} turn(s); the images stay")
            talk.reset()
        elif word == "/undo":
            note(f"forgotten: {printable(talk.undo().question)}")
        elif word == "/turns":
            for turn in talk.turns:
                typer.echo(f"> {printable(turn.question)}\n{printable(turn.answer.text)}")
        elif word == "/save" and rest.strip():
            talk.save(pathlib.Path(rest.strip()))
            note(f"saved to {printable(rest.strip())}")
        elif word == "/save":
            note("/save needs the name of a file: /save talk.json")
        else:
            if word != "/help":
                note(wrong_command(word, [name.split()[0] for name in COMMANDS]))
            note("\n".join(f"{name:<12} {what}" for name, what in COMMANDS.items()))
    except (MedlabError, OSError) as error:
        note(f"{type(error).__name__}: {error}")
    return True


def typed() -> Iterator[str]:
    """What a person, or a pipe, says: a line at a time, until an empty line or the end."""
    prompt = "> " if sys.stdin.isatty() else ""
    while True:
        try:
            line = input(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not line:
            if prompt:
                return
            continue
        yield line


def spoken(talk: "Dialogue", question: str, *, as_json: bool) -> "Answer":
    """Asks, and prints the reply as it comes; whole at the end where the model cannot stream."""
    if as_json or not talk.model.capabilities.streams:
        answer = talk.ask(question)
        typer.echo(as_line(answer, talk.scans, question) if as_json else printable(answer.text))
        return answer
    pieces = talk.stream(question)
    while True:
        try:
            typer.echo(printable(next(pieces)), nl=False)
        except StopIteration as end:
            typer.echo("")
            return end.value


def ready(
    files: list[str], model: str, allow: str | None, served: str | None, *, looked: bool
) -> "tuple[tuple[Scan, ...], Model]":
    """The scans and the model of a command line, the gate of an endpoint told what the person said."""
    check_stays_here(model, allow=allow, served=served, looked=looked)
    check_writes(model)
    scans, asked = read_scans(files), load(model, allow=allow, model=served)
    cleared(asked, scans, looked=looked)
    return scans, asked


def load(name: str, **endpoint: str | None) -> "Model":
    """The model; what is to be known of how it was placed goes to the standard error.

    endpoint  settings of an endpoint; those that are None were not given
    """
    from medlab.models.load import load_model

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        loaded = load_model(name, **{key: value for key, value in endpoint.items() if value is not None})
    for warning in said:
        if issubclass(warning.category, UserWarning) and not issubclass(warning.category, DeprecationWarning):
            note(f"note: {warning.message}")
    return loaded


def cleared(model: "Model", scans: "tuple[Scan, ...]", *, looked: bool) -> None:
    """Tells the gate of an endpoint that a person looked at the pictures; other models have no gate."""
    if looked:
        model.gate.clear(*scans)


def read_scans(files: list[str]) -> "tuple[Scan, ...]":
    from medlab.loaders import load_scan

    return tuple(load_scan(file) for file in files)


def decoding_of(tokens: int) -> "Decoding":
    from medlab.core.query import Decoding

    return Decoding(max_new_tokens=tokens)


def say_answer(answer: "Answer", scans: "tuple[Scan, ...]", question: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(as_line(answer, scans, question))
        return
    typer.echo(printable(answer.text))
    if answer.truncated:
        note("cut off at the token limit: raise --tokens")
    say_doubts(answer.warnings, scans)
    note(f"{answer.model}, {answer.seconds:.2f} s. {NOTICE}")


def say_choices(weighed: "Choices", scans: "tuple[Scan, ...]", question: str, *, as_json: bool) -> None:
    if as_json:
        told = {"question": question, "probabilities": dict(zip(weighed.options, weighed.probabilities, strict=True))}
        told |= {"choices": weighed.to_dict(), "scans": described(scans), "notice": NOTICE}
        typer.echo(json_line(told))
        return
    for option, share, nats in zip(weighed.options, weighed.probabilities, weighed.logprobs_nats, strict=True):
        typer.echo(f"{printable(option):<12} {share:6.3f}   log-probability {nats:8.3f}")
    say_doubts(weighed.warnings, scans)
    note(f"{weighed.model}; shares of these replies among themselves. {NOTICE}")


def say_doubts(doubts: tuple[str, ...], scans: "tuple[Scan, ...]" = ()) -> None:
    for scan in scans:
        for doubt in scan.doubts:
            note(f"image: {doubt.text}")
    for text in doubts:
        note(f"warning: {in_words(text)}")


def as_line(answer: "Answer", scans: "tuple[Scan, ...]", question: str) -> str:
    told = {"question": question, "answer": answer.to_dict(), "scans": described(scans)}
    return json_line(told | {"notice": NOTICE})


def json_line(told: dict) -> str:
    """JSON in one line, every script as itself; what is not printable as an escape, which a reader takes back."""
    line = json.dumps(told, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\u3000" else json.dumps(c)[1:-1] for c in line)


def described(scans: "tuple[Scan, ...]") -> list[dict]:
    return [
        {"sha256": scan.sha256, "rows": scan.rows, "cols": scan.cols, "doubts": [doubt.text for doubt in scan.doubts]}
        for scan in scans
    ]


def printable(text: str) -> str:
    r"""Text that cannot steer a terminal: "\x1b[2J" is shown, not obeyed. Lines and tabs stay."""
    return "".join(
        letter if letter in "\n\t" or (letter.isprintable() or letter == "　") else f"\\x{ord(letter):02x}"
        for letter in text
    )


def note(text: str) -> None:
    typer.echo(printable(text), err=True)
