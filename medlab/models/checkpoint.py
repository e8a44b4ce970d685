"""What lies in a checkpoint folder, looked at before anything is loaded: which kind of model, and whether it is whole.

Weights are read from safetensors alone: a pickle runs code when it is opened, and so does a model that brings its own
source. Neither ever happens here. It does not load a tensor.
"""

import json
import math
import pathlib
from typing import Any

from medlab.core.errors import CapabilityError, DataError, shown
from medlab.core.record import Record, check_choice, record
from medlab.models.catalog import TASKS
from medlab.models.sizes import Sizes

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*/mp_rank_*.pt")
ATTENTIONS = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
"""what a config may name; medlab itself decides between the first two"""
MAX_HEADER_BYTES = 100_000_000
"""that the safetensors format allows"""
KEPT_PRECISE = ("embed", "lm_head", "vision", "visual", "projector")
"""parts whose weights stay as they are when the rest is quantized"""


@record
class Checkpoint(Record):
    """A folder as save_pretrained writes it, whole."""

    folder: str
    task: str
    """one of catalog.TASKS"""
    model_type: str
    """as its config.json calls its class"""
    files: tuple[str, ...]
    """its weights"""
    sizes: Sizes
    """of what the weights' headers list; all under `text`"""

    def __post_init__(self):
        check_choice("task", self.task, TASKS)


def read_checkpoint(folder: pathlib.Path) -> Checkpoint:
    """The checkpoint in a folder. Raises DataError or CapabilityError that says what is wrong with it."""
    task, model_type = read_kind(folder)
    files = weight_files(folder)
    shapes = [shape for name in files for shape in tensor_shapes(folder / name)]
    total = sum(math.prod(shape) for _, shape in shapes)
    linear = [
        math.prod(shape) for name, shape in shapes if len(shape) == 2 and not any(k in name for k in KEPT_PRECISE)
    ]
    return Checkpoint(str(folder), task, model_type, files, Sizes(total, quantizable=sum(linear)))


def read_kind(folder: pathlib.Path) -> tuple[str, str]:
    """(task, model_type) by the folder's config.json."""
    config = _config(folder)
    _check_attention(folder, config)
    model_type = str(config.get("model_type", ""))
    from transformers.models.auto import modeling_auto as known
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    if model_type not in CONFIG_MAPPING_NAMES:
        raise _unknown_kind(folder, model_type, config)
    if model_type in known.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
        return "image-text-to-text", model_type
    if model_type in known.MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES:
        return "image-embedding", model_type
    if model_type in known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return "text-generation", model_type
    raise CapabilityError(
        f"{shown(folder.name)} is a {shown(model_type)}: it neither answers nor embeds",
        accepted="an image-text-to-text, causal or contrastive model of transformers",
        fix="medlab models",
    )


def _config(folder: pathlib.Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise DataError("missing_file", f"no folder {shown(str(folder))}", accepted="a folder with config.json")
    path = folder / "config.json"
    if not path.is_file():
        raise _no_config(folder)
    try:
        config = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise DataError("schema", f"config.json of {shown(folder.name)}: {shown(str(error))}") from error
    if not isinstance(config, dict):
        raise DataError(
            "schema", f"config.json of {shown(folder.name)} is no object", accepted="a config of transformers"
        )
    return config


def _check_attention(folder: pathlib.Path, config: Any) -> None:
    """Raises DataError where a config, or one within it, names anything but ATTENTIONS: a repository of code, say."""
    waiting = [config]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        if not isinstance(one, dict):
            continue
        waiting += one.values()
        for key, told in one.items():
            if not isinstance(key, str) or "attn_implementation" not in key:
                continue
            for name in told.values() if isinstance(told, dict) else [told]:
                if name is not None and name not in ATTENTIONS:
                    raise DataError(
                        "unsupported",
                        f"config.json of {shown(folder.name)} has {shown(key)}: {shown(name)}, which may name code of "
                        "strangers that transformers would fetch and run",
                        accepted=", ".join(ATTENTIONS),
                        fix=f"take {shown(key)} out of config.json",
                    )


def _no_config(folder: pathlib.Path) -> DataError:
    name = shown(folder.name)
    if (folder / "adapter_config.json").is_file():
        fix = f"load_model(the model it was tuned from, adapter={shown(str(folder))})"
        return DataError("unsupported", f"{name} is an adapter, not a model", accepted="a whole checkpoint", fix=fix)
    if any(folder.glob("*.gguf")):
        fix = 'serve it (llama.cpp, Ollama) and use load_model("endpoint:URL")'
        return DataError("unsupported", f"{name} holds GGUF weights", accepted="safetensors", fix=fix)
    fix = "give the folder that save_pretrained wrote, or that `hf download ORG/NAME --local-dir FOLDER` made"
    return DataError(
        "missing_file", f"no config.json in {name}", accepted="config.json and model.safetensors", fix=fix
    )


def _unknown_kind(folder: pathlib.Path, model_type: str, config: dict[str, Any]) -> CapabilityError:
    import transformers

    name, version = shown(folder.name), transformers.__version__
    if "auto_map" in config:
        return CapabilityError(
            f"{name} brings its own code (auto_map), and code that comes with weights is never run here",
            accepted="a class of transformers itself",
            fix='serve it elsewhere and use load_model("endpoint:URL")',
        )
    return CapabilityError(
        f"{name} is a {shown(model_type)}, which transformers {version} does not know",
        accepted="a model_type of transformers",
        fix="pip install --upgrade transformers",
    )


def weight_files(folder: pathlib.Path) -> tuple[str, ...]:
    """The names of its safetensors files. Raises DataError where one is missing, or there are only pickles."""
    if (folder / INDEX).is_file():
        try:
            listed = set(json.loads((folder / INDEX).read_text("utf-8"))["weight_map"].values())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError("schema", f"{INDEX}: {shown(str(error))}", accepted='{"weight_map": ...}') from error
        names = tuple(sorted(str(name) for name in listed))
        outside = [name for name in names if pathlib.PurePath(name).name != name]
        if outside:
            raise DataError("unsafe_path", f"{INDEX} lists {shown(outside[0])}", accepted="names of files beside it")
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise DataError(
                "missing_file",
                f"{len(missing)} of {len(names)} weight files are not there, such as {shown(missing[0])}",
                accepted=f"every file that {INDEX} lists",
                fix="fetch it again: what is there is not fetched twice",
            )
        return names
    if (folder / WEIGHTS).is_file():
        return (WEIGHTS,)
    raise _no_weights(folder)


def _no_weights(folder: pathlib.Path) -> DataError:
    pickled = next((path.name for pattern in PICKLES for path in folder.glob(pattern)), None)
    if pickled is not None:
        return DataError(
            "pickle",
            f"{shown(folder.name)} has its weights as {shown(pickled)}, a pickle: opening one runs what is in it",
            accepted=WEIGHTS,
            fix="take a revision with safetensors, or have someone who trusts it save it with save_pretrained",
        )
    return DataError(
        "missing_file", f"no {WEIGHTS} in {shown(folder.name)}", accepted=f"{WEIGHTS}, or {INDEX} and its files"
    )


def tensor_shapes(path: pathlib.Path) -> list[tuple[str, tuple[int, ...]]]:
    """(name, shape) of each tensor by the file's header. Raises DataError where the file is not whole."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(MAX_HEADER_BYTES, size - 8):
            raise _cut(path, size)
        try:
            header = json.loads(stream.read(length))
            tensors = {name: told for name, told in header.items() if name != "__metadata__"}
            if any(n < 0 for told in tensors.values() for n in (*told["shape"], *told["data_offsets"])):
                raise ValueError("a shape or a place below 0")
            shapes = [(name, tuple(int(n) for n in told["shape"])) for name, told in tensors.items()]
            end = 8 + length + max((int(told["data_offsets"][1]) for told in tensors.values()), default=0)
        except (ValueError, KeyError, TypeError, AttributeError, LookupError, OverflowError, RecursionError) as error:
            raise DataError("decode", f"{shown(path.name)} is no safetensors file: {shown(str(error))}") from error
    if size < end:
        raise _cut(path, size, end)
    return shapes


def _cut(path: pathlib.Path, size: int, end: int | None = None) -> DataError:
    whole = "" if end is None else f" of {end:,}"
    return DataError(
        "truncated",
        f"{shown(path.name)} has {size:,} bytes{whole}",
        accepted="the whole file; a large-file pointer of git is none",
        fix=f"delete {shown(path.name)} and fetch it again",
    )
