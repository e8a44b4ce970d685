"""What a name means: an entry of the catalog, a local folder, or an id on the hub. It fetches and loads nothing."""

import os
import pathlib
import re

from medlab.core.errors import DataError, SpecError, shown
from medlab.core.record import Record, record
from medlab.models.catalog import Entry, entries, entry, entry_of_hub

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@record
class Wanted(Record):
    """One checkpoint, before anything of it was read."""

    name: str
    """what the model is called from now on"""
    entry: Entry | None = None
    """None where the catalog does not know it"""
    hub: str | None = None
    revision: str | None = None
    """a commit, tag or branch of the hub's; None is the newest"""
    folder: str | None = None
    """on this machine, where it does not come from the hub"""
    changes: str | None = None
    """folder of the tensors that take the place of the checkpoint's, where it is another's with a few changed"""


def resolve(name: str | pathlib.Path) -> Wanted:
    """What a name means: the catalog first, then a folder that is there, then the hub.

    Raises UnknownName with near names, DataError for a folder that is not there, SpecError for a revision of what has
    none.
    """
    text = str(name)
    _check_written(name, text)
    plain, _, revision = text.partition("@")
    known = next((one for one in entries() if one.name == plain), None) if isinstance(name, str) else None
    if known is not None:
        if revision and known.hub is None:
            raise SpecError(f"{shown(text)}: {plain} comes with medlab and has no revisions", accepted=plain)
        return _of_catalog(text, known, revision or None)
    path = pathlib.Path(text).expanduser()
    if path.is_dir():
        return Wanted(pathlib.Path(os.path.abspath(path)).name, folder=str(path))
    if isinstance(name, str) and HUB_ID.fullmatch(plain):
        known = entry_of_hub(plain)
        if known is None:
            return Wanted(text, hub=plain, revision=revision or None)
        called = f"{known.name}@{revision}" if revision else known.name
        return Wanted(called, known, known.hub, revision or None)
    if isinstance(name, pathlib.Path) or re.search(r"[/\\~]", text):
        fix = "medlab models, or the folder that save_pretrained wrote"
        raise DataError("missing_file", f"no folder {shown(text)}", accepted="a folder, org/name, or a name", fix=fix)
    return Wanted(plain, entry(plain))


def _of_catalog(text: str, known: Entry, revision: str | None) -> Wanted:
    own = str(known.path) if known.path else None
    if known.base is None:
        return Wanted(text, known, known.hub, revision, own)
    return Wanted(text, known, folder=str(entry(known.base).path), changes=own)


def _check_written(name: str | pathlib.Path, text: str) -> None:
    """Raises SpecError for no name at all, which would mean the current folder, and for the address of a page."""
    if isinstance(name, str) and not name.strip():
        accepted = "a name of the catalog, a hub id, a folder, or endpoint:URL"
        raise SpecError(f"the model's name is {shown(name)}", accepted=accepted, fix='load_model("demo")')
    if re.match(r"https?:/", text):
        page = re.fullmatch(rf"https?://huggingface\.co/({HUB_ID.pattern})/?", text)
        meant = page.group(1) if page else f"endpoint:{text}"
        raise SpecError(
            f"{shown(text)} is an address, not a name",
            accepted='"endpoint:URL" for a server, "org/name" for a checkpoint of the hub',
            fix=f"load_model({shown(meant)})",
        )
