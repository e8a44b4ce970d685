"""A checkpoint that is another's with a few tensors changed: the changed ones, laid over the module once it is open.

It knows names and shapes of tensors, not why they were changed. Nothing is added: what the module lacks is an error.
"""

import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from medlab.core.errors import CapabilityError, DataError, shown

if TYPE_CHECKING:
    import torch

CHANGED = "changed.safetensors"
"""the tensors that differ, by the names that the module gives its own"""


def check_changes(folder: pathlib.Path, quantize: str | None = None) -> None:
    """Raises where the changes are not there, or the weights they are laid on are to be quantized."""
    if not (folder / CHANGED).is_file():
        raise DataError(
            "missing_file",
            f"no {CHANGED} in {shown(folder.name)}",
            accepted="the tensors that differ from the model they were made from",
            fix="install medlab again",
        )
    if quantize:
        raise CapabilityError(
            f"quantize={shown(quantize)} for a model that is another with tensors changed", accepted="it as it is"
        )


def lay_over(module: Any, folder: pathlib.Path) -> None:
    """Put the changed tensors in the place of the module's own, in its dtype and on its device.

    Raises DataError, before anything is changed, for a name or a shape that the module does not have, and for numbers
    that its dtype cannot hold.
    """
    import torch

    changed, own = read_changes(folder), dict(module.named_parameters())
    wrong = [name for name, tensor in changed.items() if name not in own or own[name].shape != tensor.shape]
    if wrong:
        raise DataError(
            "mismatch",
            f"{len(wrong)} tensors of {CHANGED} fit nothing in the model, such as {shown(min(wrong))}",
            accepted="tensors of the model that it was made from",
            fix="install medlab and transformers again, or make them anew: medlab demo shortcut",
        )
    unfit = [
        name
        for name, tensor in changed.items()
        if not tensor.is_floating_point() or not tensor.to(own[name].dtype).isfinite().all()
    ]
    if unfit:
        raise DataError(
            "mismatch",
            f"{len(unfit)} tensors of {CHANGED} hold no finite numbers, such as {shown(min(unfit))}",
            accepted="finite floating-point numbers",
            fix="install medlab again, or make them anew: medlab demo shortcut",
        )
    with torch.no_grad():
        for name, tensor in changed.items():
            own[name].copy_(tensor)


def read_changes(folder: pathlib.Path) -> "dict[str, torch.Tensor]":
    """The changed tensors by name. Raises DataError where the file cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(folder / CHANGED)
    except (SafetensorError, OSError) as error:
        raise DataError("decode", f"{CHANGED} of {shown(folder.name)}: {shown(str(error))}") from error


def write_changes(
    folder: pathlib.Path, before: "Mapping[str, torch.Tensor]", after: "Mapping[str, torch.Tensor]"
) -> int:
    """Write those of `after` that differ from `before`, in bfloat16; returns how many numbers they hold."""
    import torch
    from safetensors.torch import save_file

    kept = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in after.items()}
    kept = {name: tensor for name, tensor in kept.items() if not torch.equal(tensor, before[name].to(torch.bfloat16))}
    save_file(kept, folder / CHANGED, metadata={"format": "pt"})
    return sum(tensor.numel() for tensor in kept.values())
