"""The catalog: which checkpoints exist, what was published of them, and the shape of each. It loads nothing.

The facts are data, in catalog.yaml; this file checks them and looks them up. A fact that nobody published is
None, never a guess.
"""

import functools
import importlib.resources
import pathlib
from typing import Any

from medlab.core.errors import SpecError, UnknownName
from medlab.core.query import ORDERS
from medlab.core.record import Record, check_choice, check_text, check_whole, record

TASKS = ("image-text-to-text", "text-generation", "image-embedding")
THINKS = ("never", "when asked", "unasked")
FAMILIES = ("demo", "medgemma", "gemma3", "siglip", "visualglm")


@record
class Source(Record):
    """Where a fact of an Entry was read."""

    fact: str
    """a field of Entry"""
    where: str


@record
class Entry(Record):
    """One checkpoint."""

    name: str
    """what `load_model` calls it"""
    family: str
    """whose conventions it keeps: one of FAMILIES"""
    task: str
    """one of TASKS"""
    licence: str
    licence_url: str
    published_for: str
    hub: str | None = None
    """its id on the Hugging Face hub; None where it comes with medlab"""
    folder: str | None = None
    """below the medlab package, where it comes with medlab"""
    base: str | None = None
    """the entry on whose weights its own are laid: its folder then holds only what differs; None for a whole one"""
    shape: str | None = None
    """its shape's name in the catalog; None where none is kept"""
    parameters: int | None = None
    """exactly; None where the checkpoint itself has to be asked"""
    context_tokens: int | None = None
    """the most tokens that it reads, images included"""
    output_tokens: int | None = None
    """the longest reply it was published for"""
    image_tokens: int | None = None
    """that one scan becomes"""
    image_px: int | None = None
    """rows and columns of the square it sees; 0 where it sees none"""
    max_images: int | None = None
    """the most of one question in what its publisher shows; None where nobody published a limit"""
    order: str | None = None
    """where scans stand in a question, as its publisher writes them: one of core.query.ORDERS"""
    system: str = ""
    """the system prompt of its publisher's examples; empty where they have none"""
    thinks: str = "never"
    """whether it writes its reasoning before the answer: one of THINKS"""
    languages: tuple[str, ...] = ("en",)
    modalities: tuple[str, ...] = ()
    gated: bool = False
    """whether its terms have to be accepted before it can be fetched"""
    port: str | None = None
    """why this version of medlab cannot load it; None where it can"""
    sources: tuple[Source, ...] = ()

    def __post_init__(self):
        check_text("name", self.name)
        check_choice("family", self.family, FAMILIES)
        check_choice("task", self.task, TASKS)
        check_choice("thinks", self.thinks, THINKS)
        if self.order is not None:
            check_choice("order", self.order, ORDERS)
        for name in ("parameters", "context_tokens", "output_tokens", "image_tokens", "image_px", "max_images"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name))
        if (self.hub is None) == (self.folder is None):
            raise SpecError(f"{self.name} has hub {self.hub!r} and folder {self.folder!r}", accepted="one of the two")

    @property
    def page(self) -> str | None:
        """Its page on the hub, where its terms are accepted; None where it comes with medlab."""
        return f"https://huggingface.co/{self.hub}" if self.hub else None

    @property
    def path(self) -> pathlib.Path | None:
        """Its folder on this machine, where it comes with medlab."""
        return pathlib.Path(str(importlib.resources.files("medlab"))) / self.folder if self.folder else None


@functools.cache
def _data() -> dict[str, Any]:
    import yaml

    text = importlib.resources.files("medlab.models").joinpath("catalog.yaml").read_text("utf-8")
    return yaml.safe_load(text)


@functools.cache
def entries() -> tuple[Entry, ...]:
    """Every checkpoint of the catalog, in its order."""
    return tuple(Entry.from_dict(_with_sources(one)) for one in _data()["models"])


def _with_sources(one: dict[str, Any]) -> dict[str, Any]:
    """The entry with the words of its sources in place of their keys."""
    told = [
        {"fact": source["fact"], "where": _data()["sources"][source["where"]]} for source in one.get("sources", [])
    ]
    return one | {"sources": told}


def entry(name: str) -> Entry:
    """The entry of that name. Raises UnknownName with the nearest names."""
    for one in entries():
        if one.name == name:
            return one
    raise UnknownName("model", name, [one.name for one in entries()], fix="medlab models")


def entry_of_hub(hub: str) -> Entry | None:
    """The entry whose id on the hub it is, whatever its case; None where the catalog has none."""
    return next((one for one in entries() if one.hub and one.hub.lower() == hub.lower()), None)


def entry_of_name(name: str) -> Entry | None:
    """The entry of a loaded model's name: "NAME", "NAME@revision" or "NAME+adapter"; None where there is none."""
    plain = name.partition("@")[0].partition("+")[0]
    return next((one for one in entries() if one.name == plain), None)


def shape_of(name: str) -> dict[str, Any] | None:
    """The numbers of the entry's config.json, without its weights; None where the catalog keeps none."""
    shape = entry(name).shape
    return None if shape is None else _data()["shapes"][shape]


def config_of(name: str):
    """The transformers config of a full-size checkpoint, built from the catalog: nothing is fetched.

    Raises SpecError where the catalog keeps no shape of it.
    """
    shape = shape_of(name)
    if shape is None:
        accepted = ", ".join(one.name for one in entries() if one.shape)
        raise SpecError(f"the catalog keeps no shape of {name}", accepted=accepted)
    from transformers import AutoConfig

    numbers = {key: dict(value) if isinstance(value, dict) else value for key, value in shape.items()}
    return AutoConfig.for_model(numbers.pop("model_type"), **numbers)
