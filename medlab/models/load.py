"""load_model: from a name to a model that answers. It puts naming, hub, checkpoint, placement and opening in order.

What can be refused is refused before weights are fetched or read: a name that nobody knows, terms that were not
accepted, a model too large for the machine, weights that are pickles.
"""

import inspect
import os
import pathlib
import warnings
from typing import Any

from medlab.core.errors import CapabilityError, DataError, SpecError, UnknownName, shown
from medlab.models.base import Model
from medlab.models.catalog import Entry
from medlab.models.changes import check_changes, lay_over
from medlab.models.checkpoint import Checkpoint, read_checkpoint, read_kind
from medlab.models.conventions import Conventions, conventions_for
from medlab.models.conventions.families import FAMILIES
from medlab.models.fits import weigher
from medlab.models.guard import Guard
from medlab.models.hub import fetch
from medlab.models.identity import fingerprint_of
from medlab.models.memory import weights_bytes
from medlab.models.naming import Wanted, resolve
from medlab.models.opening import check_adapter, open_module, open_processor, with_adapter
from medlab.models.placement import Placement, Weigh, place, this_machine

ENDPOINT = "endpoint:"
_GEMMA_3 = ("gemma3", "gemma3_text")
"""model types of all families that are known by name"""


def load_model(
    name: str | pathlib.Path,
    *,
    dtype: str = "auto",
    device: str = "auto",
    quantize: str | None = None,
    adapter: str | pathlib.Path | None = None,
    attentions: bool = False,
    family: str | None = None,
    **endpoint: Any,
) -> Model:
    """The model of that name, ready to be asked.

    name        of the catalog ("demo", "medgemma-4b-it": `medlab models` lists them), a hub id ("org/name"), a local
                folder, or "endpoint:URL"; "name@commit" pins a revision
    dtype       "auto", "float32", "bfloat16" or "float16"; `placement.place` says what "auto" means
    device      "auto", "cuda", "mps" or "cpu"
    quantize    "4bit" or "8bit": bitsandbytes, on a CUDA GPU
    adapter     folder of a PEFT adapter that was tuned from this model
    attentions  load it so that it tells its attention weights: slower, and more memory a question
    family      whose conventions hold (order, square, thoughts, boxes), where the name does not tell: "medgemma-1.5",
                or the name of a checkpoint of it. By default read off the name, of a folder also off those above it
    endpoint    more settings of an endpoint, such as allow="pixels": see EndpointModel

    Raises UnknownName, DataError, CapabilityError, MissingDependency or SpecError, each with what to do. What one
    should know of a decision, such as float16, is a UserWarning.
    """
    if family is not None:
        _check_family(family)
    if str(name).startswith(ENDPOINT):
        wishes = {"dtype": dtype, "device": device, "quantize": quantize, "adapter": adapter, "attentions": attentions}
        return _endpoint(str(name).removeprefix(ENDPOINT), wishes, {"family": family, **endpoint})
    if endpoint:
        raise SpecError(
            f"{shown(min(endpoint))}= for a model on this machine",
            accepted=f'it with "{ENDPOINT}URL"',
            fix="leave it out",
        )
    wanted = resolve(name)
    _check_ported(wanted)
    tuned = None if adapter is None else pathlib.Path(adapter).expanduser()
    folder = _described(wanted)
    task, _ = read_kind(folder)
    if tuned is not None:
        check_adapter(tuned)
    if wanted.changes:
        check_changes(pathlib.Path(wanted.changes), quantize)
    if task == "image-embedding" and (quantize or tuned or family):
        raise CapabilityError(
            f"quantize=, adapter= or family= for {wanted.name}, which embeds", accepted="none of them"
        )
    machine, wishes = this_machine(device), {"dtype": dtype, "device": device, "quantize": quantize}
    if wanted.hub:
        if wanted.entry:  # too large is said before gigabytes are fetched
            place(machine, weigher(wanted.entry), **wishes)
        folder = fetch(wanted.hub, folder.name, weights=True)
    checkpoint = read_checkpoint(folder)
    placement = place(machine, _weigh(wanted.entry, checkpoint), **wishes, attentions=attentions)
    conventions = None if task == "image-embedding" else _conventions(wanted, checkpoint, family)
    for text in (*placement.warnings, *_unknown_talk(checkpoint, conventions, family)):
        warnings.warn(f"{wanted.name}: {text}", stacklevel=2)
    return _made(wanted, checkpoint, placement, tuned, conventions=conventions)


def _endpoint(url: str, wishes: dict[str, Any], settings: dict[str, Any]) -> Model:
    """A model behind an address, which decides for itself where and in what it computes."""
    plain = {"dtype": "auto", "device": "auto", "quantize": None, "adapter": None, "attentions": False}
    vain = [key for key, value in wishes.items() if value != plain[key]]
    if vain:
        raise SpecError(f"{vain[0]}= for an endpoint", accepted="what its server was started with")
    from medlab.models.endpoint.model import EndpointModel

    known = [name for name in inspect.signature(EndpointModel).parameters if name != "url"]
    for key in settings:
        if key not in known:
            raise UnknownName("setting of an endpoint", key, known)
    return EndpointModel(url, **settings)


def _check_ported(wanted: Wanted) -> None:
    if wanted.entry and wanted.entry.port:
        raise CapabilityError(
            f"{wanted.name} cannot be loaded by this version of medlab: {wanted.entry.port}",
            accepted="another entry of the catalog",
            fix='load_model("demo"); `medlab models` lists the others',
        )


def _described(wanted: Wanted) -> pathlib.Path:
    """The folder with at least config.json and the processor's files."""
    if wanted.hub:
        return fetch(wanted.hub, wanted.revision, weights=False)
    folder = pathlib.Path(wanted.folder)
    if wanted.entry and not (folder / "config.json").is_file():
        raise DataError(
            "missing_file",
            f"the checkpoint of {wanted.name} is not in this installation",
            accepted=f"medlab with {wanted.entry.folder}",
            fix="medlab demo train, or install medlab again",
        )
    return folder


def _weigh(one: Entry | None, checkpoint: Checkpoint) -> Weigh:
    """What the checkpoint needs: as the catalog works it out, or the weights alone where only they are known."""
    if one is not None and one.shape:
        return weigher(one)
    return lambda dtype, quantize: weights_bytes(checkpoint.sizes, dtype, quantize)


def _check_family(family: str) -> None:
    """Raises UnknownName where neither a family nor a checkpoint of one is called so."""
    if family != "plain" and conventions_for(family).family == "plain":
        raise UnknownName("family", family, list(FAMILIES))


def _conventions(wanted: Wanted, checkpoint: Checkpoint, family: str | None) -> Conventions:
    """Those of the family asked for, else of what the checkpoint is called; of a folder its whole path counts."""
    if family is not None:
        return conventions_for(family)
    if checkpoint.model_type not in _GEMMA_3:  # a folder above may be called after another model
        return FAMILIES["plain"]
    return conventions_for(wanted.name if wanted.entry or wanted.hub else os.path.abspath(wanted.folder))


def _unknown_talk(checkpoint: Checkpoint, conventions: Conventions | None, family: str | None) -> tuple[str, ...]:
    """A warning where a Gemma 3, which may well be a MedGemma, would be talked to as a model that nobody knows."""
    if family or conventions is None or conventions.family != "plain" or checkpoint.model_type not in _GEMMA_3:
        return ()
    return (
        "it is a Gemma 3 whose name tells no family, so order, padding, thoughts and boxes are those of an unknown "
        'model; if it was tuned from a MedGemma: load_model(…, family="medgemma-1.5"), or whichever it was',
    )


def _made(
    wanted: Wanted,
    checkpoint: Checkpoint,
    placement: Placement,
    tuned: pathlib.Path | None,
    *,
    conventions: Conventions | None,
) -> Model:
    processor = open_processor(checkpoint)
    module = open_module(checkpoint, placement)
    changes = pathlib.Path(wanted.changes) if wanted.changes else None
    if changes is not None:
        lay_over(module, changes)
    if tuned is not None:
        module = with_adapter(module, tuned)
    name = wanted.name if tuned is None else f"{wanted.name}+{tuned.name}"
    told = (checkpoint, placement, tuned, conventions)
    fingerprint = fingerprint_of(*told, changes=changes)
    if checkpoint.task == "image-embedding":
        from medlab.models.embedding.model import EmbeddingModel

        return EmbeddingModel(module, processor, name=name, fingerprint=fingerprint)
    from medlab.models.hf.model import HFModel

    guard = Guard.load(pathlib.Path(checkpoint.folder))
    model = HFModel(module, processor, name=name, conventions=conventions, fingerprint=fingerprint, guard=guard)
    model.weights_fingerprint = fingerprint_of(*told, changes=changes, libraries=False)
    return model
