"""torchxrayvision's own reading and its faster resizer: float32 (1, size, size) in -1024..1024.

As its data sets do it: `load_image` or `read_xray_dcm(voi_lut=True)`, centre crop, XRayResizer on OpenCV's area filter
(its default engine, scikit-image, is several times slower).
"""

import pathlib
from collections.abc import Callable

import numpy as np

from benchmarks.competitors.torchvision_repair import import_torchvision


def pipelines(path: pathlib.Path, size: int) -> dict[str, Callable[[], np.ndarray]]:
    """Name to a function that reads `path` anew and prepares it."""
    import_torchvision()
    import torchxrayvision

    crop = torchxrayvision.datasets.XRayCenterCrop()
    resize = torchxrayvision.datasets.XRayResizer(size, engine="cv2")

    def picture() -> np.ndarray:
        return resize(crop(torchxrayvision.utils.load_image(str(path))))

    def dicom() -> np.ndarray:
        return resize(crop(torchxrayvision.utils.read_xray_dcm(str(path), voi_lut=True)[None]))

    return {"torchxrayvision": dicom if path.suffix == ".dcm" else picture}
