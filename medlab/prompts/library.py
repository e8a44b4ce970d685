"""The prompts that come with medlab, and a person's own: found by name and language, checked when they are read."""

import dataclasses
import difflib
import functools
import importlib.resources
import os
import pathlib
from typing import Any

from medlab.core.errors import DataError, SpecError, UnknownName, shown
from medlab.core.query import Prompt
from medlab.prompts.yaml_text import LINE, parse_yaml

Source = str | os.PathLike | None
"""a .yaml file, a folder of them, or None for those that come with medlab"""
FIELDS = tuple(field.name for field in dataclasses.fields(Prompt))
NEEDED = ("name", "language", "template", "purpose", "source")
MAX_FILES = 1000
TAKEN = ("subject", "question", "model")
"""what the ways of asking call their own arguments: a variable of that name could not be given to them"""


def load(name: str, *, language: str = "en", source: Source = None) -> Prompt:
    """The prompt of that name in that language.

    Raises UnknownName with near names; SpecError where it exists in other languages only; DataError as read_prompts.
    """
    known = read_prompts(source)
    named = [prompt for prompt in known if prompt.name == name]
    if not named:
        raise UnknownName("prompt", name, sorted({prompt.name for prompt in known}), fix="medlab.prompts.names()")
    for prompt in named:
        if prompt.language == language:
            return prompt
    others = ", ".join(prompt.language for prompt in named)
    raise SpecError(
        f"prompt {name} has no wording in {shown(language)}",
        accepted=others,
        fix=f'medlab.prompts.load("{name}", language="{named[0].language}")',
    )


def names(*, language: str | None = None, source: Source = None) -> tuple[str, ...]:
    """Names in order; those that have a wording in `language` where it is given."""
    return tuple(sorted({p.name for p in read_prompts(source) if language in (None, p.language)}))


def read_prompts(source: Source = None) -> tuple[Prompt, ...]:
    """Every prompt of a source, in order of files and of lines.

    A file is a list of objects with the fields of core.query.Prompt; NEEDED ones must be there.
    Raises DataError: missing_file, schema for a file, line and field that is wrong or a prompt that stands twice, and
    what parse_yaml raises.
    """
    if source is None:
        return _packaged()
    return _unique([found for name, data in _files(source) for found in _prompts_in(data, name)])


@functools.cache
def _packaged() -> tuple[Prompt, ...]:
    folder = importlib.resources.files("medlab.prompts") / "packaged"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    return _unique([found for file in files for found in _prompts_in(file.read_bytes(), file.name)])


def _files(source: "str | os.PathLike") -> list[tuple[str, bytes]]:
    path = pathlib.Path(source).expanduser()
    try:
        if not path.is_dir():
            return [(path.name, path.read_bytes())]
        found = sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml") and file.is_file())
        if not found or len(found) > MAX_FILES:
            raise DataError("missing_file", f"{shown(path.name)} holds {len(found)} .yaml files", accepted="1 to 1000")
        return [(file.name, file.read_bytes()) for file in found]
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            "missing_file",
            f"{shown(path.name)} cannot be read: {getattr(error, 'strerror', None) or 'not a path'}",
            accepted="a .yaml file or a folder of them",
            fix="medlab.prompts.load(name) has those that come with medlab",
        ) from error


def _prompts_in(data: bytes, file: str) -> list[tuple[str, Prompt]]:
    """("file line 3", prompt) for each."""
    where = shown(file).strip("'")
    value = parse_yaml(data, where)
    if not isinstance(value, list) or not value:
        raise DataError("schema", f"{where} is no list", accepted="- name: …\n  language: en\n  template: …")
    return [_prompt(one, where) for one in value]


def _prompt(value: Any, where: str) -> tuple[str, Prompt]:
    if not isinstance(value, dict):
        raise DataError("schema", f"{where}: {shown(value)} where a prompt was expected", accepted="- name: …")
    fields = dict(value)
    at = f"{where} line {fields.pop(LINE)}"
    for key in fields:
        if key not in FIELDS:
            near = difflib.get_close_matches(key, FIELDS, n=1)
            raise DataError(
                "schema",
                f"{at}: unknown key {shown(key)}",
                accepted=", ".join(FIELDS),
                fix=f"did you mean {near[0]}?" if near else "",
            )
    missing = [key for key in NEEDED if not fields.get(key)]
    if missing:
        raise DataError("schema", f"{at}: no {', '.join(missing)}", accepted=", ".join(NEEDED))
    for key in ("template", "opening", "system"):
        if isinstance(fields.get(key), str):
            fields[key] = fields[key].removesuffix("\n")
    if isinstance(fields.get("suits"), list):
        fields["suits"] = tuple(fields["suits"])
    try:
        prompt = Prompt(**fields)
    except SpecError as error:
        raise DataError("schema", f"{at}: {error.given}", accepted=error.accepted, fix=error.fix) from error
    for name in prompt.variables:
        if name in TAKEN:
            raise DataError(
                "schema", f"{at}: a variable called {name}", accepted=f"a name other than {', '.join(TAKEN)}"
            )
    return at, prompt


def _unique(found: list[tuple[str, Prompt]]) -> tuple[Prompt, ...]:
    places: dict[tuple[str, str], str] = {}
    for at, prompt in found:
        earlier = places.setdefault((prompt.name, prompt.language), at)
        if earlier != at:
            raise DataError(
                "schema",
                f"{at}: {shown(prompt.name)} in {prompt.language} stands in {earlier} already",
                accepted="each name once a language",
            )
    return tuple(prompt for _, prompt in found)
