"""Which model it was: one fingerprint over what changes answers. It reads bytes, and loads nothing.

The weights count by the sha256 of their files, so that a checkpoint is the same one in the hub's cache, in a folder,
and on another machine. The hub's cache names each large file by that sum; other files are read once, and the sum is
remembered with the file's size and date.
"""

import hashlib
import json
import os
import pathlib
import re

from medlab.core.provenance import installed_version, sha256_of
from medlab.models.changes import CHANGED
from medlab.models.checkpoint import Checkpoint
from medlab.models.conventions import Conventions
from medlab.models.guard import FILE as GUARD
from medlab.models.placement import Placement

SETTINGS = (
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja"),
    *("chat_template.json", "preprocessor_config.json", "processor_config.json", GUARD),
)
"""files beside the weights that change what is sent to the model, how its reply is read, or what is warned of"""
ADAPTER = ("adapter_config.json", "adapter_model.safetensors")


def fingerprint_of(
    checkpoint: Checkpoint,
    placement: Placement,
    adapter: pathlib.Path | None = None,
    conventions: Conventions | None = None,
    *,
    changes: pathlib.Path | None = None,
    libraries: bool = True,
) -> str:
    """32 hex digits over weights, changes, processor, guard, dtype, quantization, adapter, conventions, what computes.

    Not over the device: the same numbers are meant on all of them, though their last digits may differ. With
    `libraries` False not over the releases of what computes either: what holds of the model on the whole, such as how
    far its maps may be believed, holds under the next release too.
    """
    folder = pathlib.Path(checkpoint.folder)
    digest = hashlib.blake2b(digest_size=16)
    for name in (*checkpoint.files, *SETTINGS):
        if (folder / name).is_file():
            digest.update(f"{name}={weights_sha256(folder / name)}|".encode())
    for name in ADAPTER if adapter is not None else ():
        digest.update(f"{name}={weights_sha256(adapter / name)}|".encode())
    if changes is not None:
        digest.update(f"{CHANGED}={weights_sha256(changes / CHANGED)}|".encode())
    computing = ["torch", "transformers"]
    computing += ["bitsandbytes"] if placement.quantize else []
    computing += ["peft"] if adapter is not None else []
    for name in computing if libraries else ():
        digest.update(f"{name}={installed_version(name)}|".encode())
    talk = conventions.fingerprint if conventions else ""
    digest.update(f"{placement.dtype}|{placement.quantize}|{talk}".encode())
    return digest.hexdigest()


def weights_sha256(path: pathlib.Path) -> str:
    """Hex sha256 of a file: the name that the hub's cache gave it, a remembered sum, or read now."""
    real = path.resolve()
    if real.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", real.name):
        return real.name
    told = real.stat()
    key = f"{real}|{told.st_size}|{told.st_mtime_ns}|{told.st_ino}"
    if told.st_size < 1 << 24:  # read faster than remembered
        return sha256_of(real)
    known = _remembered()
    if key not in known:
        known[key] = sha256_of(real)
        _remember(known)
    return known[key]


def _memory() -> pathlib.Path:
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(cache).expanduser() / "medlab" / "weights.json"


def _remembered() -> dict[str, str]:
    try:
        known = json.loads(_memory().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(known: dict[str, str]) -> None:
    """Kept for the next time; where nothing can be written, the sum is worked out again."""
    path = _memory()
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(known), "utf-8")
        part.replace(path)
    except OSError:
        return
