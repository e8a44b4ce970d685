"""MONAI's documented chain for pictures: float32 (1, size, size) in -1..1, each picture's own minimum and maximum.

LoadImage with the reader of the format, ScaleIntensity, Resize by area: its fastest filter that does not alias.
(PydicomReader gives DICOM pictures transposed and knows neither windows nor MONOCHROME1; it is timed all the same.)
"""

import pathlib
from collections.abc import Callable

import numpy as np

from benchmarks.competitors.torchvision_repair import import_torchvision


def pipelines(path: pathlib.Path, size: int) -> dict[str, Callable[[], np.ndarray]]:
    """Name to a function that reads `path` anew and prepares it."""
    import_torchvision()
    from monai.transforms import Compose, EnsureChannelFirst, LoadImage, Resize, ScaleIntensity

    reader = "PydicomReader" if path.suffix == ".dcm" else "PILReader"
    chain = Compose(
        [
            LoadImage(image_only=True, reader=reader),
            EnsureChannelFirst(),
            ScaleIntensity(-1, 1),
            Resize((size, size), mode="area"),
        ]
    )
    return {"MONAI": lambda: chain(str(path))}
