"""Hugging Face's image processor for Gemma 3, behind `datasets` for pictures and behind pydicom for DICOM.

float32 (3, size, size) in -1..1, stretched. Both of its backends are timed: torchvision (the default where that is
installed) and Pillow. The DICOM recipe is the one in pydicom's documentation: modality LUT, VOI LUT, minimum to
maximum, 8 bits.
"""

import pathlib
from collections.abc import Callable

import numpy as np

from benchmarks.competitors.torchvision_repair import import_torchvision


def pipelines(path: pathlib.Path, size: int) -> dict[str, Callable[[], np.ndarray]]:
    """Names to functions that read `path` anew and prepare it."""
    import_torchvision()
    import transformers

    settings = {
        "size": {"height": size, "width": size},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "resample": 2,
    }
    backends = {
        "processor (torchvision)": (transformers.Gemma3ImageProcessor(**settings), "pt"),
        "processor (Pillow)": (transformers.Gemma3ImageProcessorPil(**settings), "np"),
    }
    reader = _from_dicom if path.suffix == ".dcm" else _from_dataset
    return {name: reader(path, processor, kind) for name, (processor, kind) in backends.items()}


def _from_dataset(path: pathlib.Path, processor: Callable, kind: str) -> Callable[[], np.ndarray]:
    import datasets

    def transform(batch: dict) -> dict:
        images = [image.convert("RGB") for image in batch["image"]]
        return {"pixel_values": [processor(image, return_tensors=kind)["pixel_values"][0] for image in images]}

    rows = datasets.Dataset.from_dict({"image": [str(path)]}).cast_column("image", datasets.Image())
    rows = rows.with_transform(transform)
    return lambda: rows[0]["pixel_values"]


def _from_dicom(path: pathlib.Path, processor: Callable, kind: str) -> Callable[[], np.ndarray]:
    import pydicom
    from PIL import Image
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    def read() -> np.ndarray:
        dataset = pydicom.dcmread(path)
        values = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)
        low, high = values.min(), values.max()
        grey = np.round((values - low) / (high - low) * 255).astype(np.uint8)
        return processor(Image.fromarray(grey).convert("RGB"), return_tensors=kind)["pixel_values"][0]

    return read
