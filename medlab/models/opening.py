"""Opening a checkpoint with transformers: module, processor, adapter. Placement was decided; nothing is fetched.

transformers fills what a checkpoint lacks with random numbers and says so in a log; here that is an error.
"""

import contextlib
import importlib.util
import pathlib
from collections.abc import Iterator
from typing import Any

from medlab.core.errors import CapabilityError, DataError, MissingDependency, shown
from medlab.models.checkpoint import Checkpoint
from medlab.models.memory import weights_bytes
from medlab.models.placement import Placement

AUTO_CLASSES = {
    "image-text-to-text": "AutoModelForImageTextToText",
    "text-generation": "AutoModelForCausalLM",
    "image-embedding": "AutoModel",
}
KEPT_PRECISE = {"gemma3": ["model.vision_tower", "model.multi_modal_projector", "lm_head"], "gemma3_text": ["lm_head"]}
"""modules that are not quantized, by model_type: a scan is not to be seen through rounded weights. Of other types
transformers keeps the output layer alone"""
QUICK = 2**28
"""bytes of float32 weights that load in a moment"""
PEFT = 'pip install "peft>=0.19"'


ADAPTER_LIBRARY = "transformers>=5.12"
"""tells what became of an adapter's weights; older ones leave what is missing to chance, in silence"""


def open_module(checkpoint: Checkpoint, placement: Placement) -> Any:
    """The torch module on its device, in eval mode. Raises DataError where the weights do not make the whole of it."""
    import torch
    import transformers

    auto = getattr(transformers, AUTO_CLASSES[checkpoint.task])
    try:
        with quiet_where_quick(checkpoint):
            module, told = auto.from_pretrained(
                checkpoint.folder,
                **loading_options(checkpoint, placement),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
        placed = module if placement.quantize or placement.spread else module.to(placement.device)
    except torch.cuda.OutOfMemoryError as error:
        raise CapabilityError(
            f"{shown(pathlib.Path(checkpoint.folder).name)} does not fit the free memory of {placement.device}",
            accepted="another dtype, quantize, or a smaller model",
            fix="medlab models --fits",
        ) from error
    except (ValueError, RuntimeError, KeyError, OSError, ImportError) as error:
        raise _does_not_open(checkpoint, error) from error
    _check_filled(checkpoint, told)
    return placed.eval()


@contextlib.contextmanager
def quiet_where_quick(checkpoint: Checkpoint) -> Iterator[None]:
    """transformers' progress bar only where there is something to wait for."""
    from transformers.utils import logging

    if not logging.is_progress_bar_enabled() or weights_bytes(checkpoint.sizes, "float32") > QUICK:
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()


def loading_options(checkpoint: Checkpoint, placement: Placement) -> dict[str, Any]:
    """What from_pretrained is told of a placement."""
    import torch

    options: dict[str, Any] = {"dtype": getattr(torch, placement.dtype)}
    options["attn_implementation"] = placement.attention  # said always: else the checkpoint's config would choose
    if placement.spread:
        options["device_map"] = "auto"
    elif placement.device == "cuda":  # straight to the GPU, not through the machine's memory
        options["device_map"] = {"": 0}
    if placement.quantize:
        options["quantization_config"] = quantization(checkpoint.model_type, placement)
    return options


def quantization(model_type: str, placement: Placement) -> Any:
    """bitsandbytes' settings: NF4 with the blocks' factors quantized too (QLoRA), or LLM.int8.

    The language model's linear layers alone are quantized, where the type's parts are known here.
    """
    import torch
    from transformers import BitsAndBytesConfig

    kept = KEPT_PRECISE.get(model_type)
    if placement.quantize == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=kept)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, placement.dtype),
        llm_int8_skip_modules=kept,
    )


def _check_filled(checkpoint: Checkpoint, told: Any) -> None:
    """Raises DataError where parameters had no weights in the files, or weights of another shape."""
    told = told if isinstance(told, dict) else vars(told)
    for key in ("missing_keys", "mismatched_keys"):
        lacking = sorted(map(str, told.get(key) or ()))
        if lacking:
            raise DataError(
                "mismatch",
                f"{len(lacking)} parameters of {shown(pathlib.Path(checkpoint.folder).name)} have no fitting weights, "
                f"such as {shown(lacking[0])}",
                accepted="weights of the whole model that config.json describes",
                fix="fetch the checkpoint again, config.json and weights of one revision",
            )


def _does_not_open(checkpoint: Checkpoint, error: Exception) -> DataError:
    name = shown(pathlib.Path(checkpoint.folder).name)
    return DataError(
        "mismatch",
        f"transformers cannot make {name} ({shown(checkpoint.model_type)}) of its files: {shown(str(error), 300)}",
        accepted="config.json and weights of one checkpoint",
        fix="load_model(…, attentions=True), which asks for no attention that it lacks"
        if "scaled_dot_product_attention" in str(error)
        else "fetch it again; if it is newer than the library: pip install --upgrade transformers",
    )


def open_processor(checkpoint: Checkpoint) -> Any:
    """The processor; of a text-only model, its tokenizer. Raises DataError where its files are missing or wrong."""
    import transformers

    auto = transformers.AutoTokenizer if checkpoint.task == "text-generation" else transformers.AutoProcessor
    try:
        return auto.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
    except ImportError as error:
        raise MissingDependency(
            f"what reads text for {shown(pathlib.Path(checkpoint.folder).name)} is missing: {shown(str(error), 300)}",
            accepted="the packages that medlab requires",
            fix="pip install sentencepiece protobuf",
        ) from error
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise DataError(
            "mismatch",
            f"{shown(pathlib.Path(checkpoint.folder).name)} has no {auto.__name__[4:].lower()} that opens: "
            f"{shown(str(error), 300)}",
            accepted="tokenizer.json, and for images preprocessor_config.json or processor_config.json",
            fix="copy them from the checkpoint that it was made from: processor.save_pretrained(folder)",
        ) from error


def check_adapter(folder: pathlib.Path) -> None:
    """Raises where the folder is no PEFT adapter that can be opened here: before any weight is read."""
    if not (folder / "adapter_config.json").is_file():
        raise DataError(
            "missing_file",
            f"no adapter_config.json in {shown(str(folder))}",
            accepted="the folder that PEFT's save_pretrained wrote",
        )
    if not (folder / "adapter_model.safetensors").is_file():
        pickled = (folder / "adapter_model.bin").is_file()
        raise DataError(
            "pickle" if pickled else "missing_file",
            f"{shown(folder.name)} has " + ("its weights as a pickle" if pickled else "no weights"),
            accepted="adapter_model.safetensors",
            fix="save it again with safe_serialization=True",
        )
    if importlib.util.find_spec("peft") is None:
        raise MissingDependency("an adapter needs peft", accepted="peft", fix=PEFT)


def with_adapter(module: Any, folder: pathlib.Path) -> Any:
    """The module with the adapter put into its layers; it stays of its class.

    Raises DataError where the adapter does not fit, or fills only a part of the layers that its config names: those
    would stay as chance made them. MissingDependency where the libraries are too old to tell.
    """
    try:
        told = module.load_adapter(str(folder))
    except ImportError as error:
        raise MissingDependency(f"peft cannot be used: {shown(str(error), 300)}", accepted="peft", fix=PEFT) from error
    except (ValueError, RuntimeError, KeyError, TypeError, OSError) as error:
        raise DataError(
            "mismatch",
            f"the adapter {shown(folder.name)} does not fit: {shown(str(error), 300)}",
            accepted="an adapter that was tuned from this model",
        ) from error
    if told is None:
        raise MissingDependency(
            "this transformers does not tell which weights of an adapter it put in", accepted=ADAPTER_LIBRARY,
            fix=f'pip install "{ADAPTER_LIBRARY}"',
        )  # fmt: skip
    _check_adapted(folder, told)
    return module.eval()


def _check_adapted(folder: pathlib.Path, told: Any) -> None:
    """Raises DataError unless the adapter's file filled every parameter that was made for it, and held no other."""
    for key, what in (("missing_keys", "has no weights for"), ("unexpected_keys", "has weights for unknown")):
        names = sorted(map(str, getattr(told, key)))
        if names:
            raise DataError(
                "mismatch",
                f"the adapter {shown(folder.name)} {what} {len(names)} parameters, such as {shown(names[0])}",
                accepted="a whole adapter that was tuned from this model, by classes that name their layers alike",
                fix="save it again with the transformers and peft that are installed here",
            )
