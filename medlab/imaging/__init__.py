"""From a Scan to the numbers that a vision encoder is given, and the store that keeps them ready.

It resamples and normalises; it reads no file and knows no model. Looked up when first used: importing this loads
neither Pillow nor torch.
"""

import importlib
from typing import Any

_PUBLIC = {
    "Preparation": "medlab.imaging.preparing",
    "Prepared": "medlab.imaging.preparing",
    "PreparedCache": "medlab.imaging.cache",
    "normalise": "medlab.imaging.preparing",
    "prepare": "medlab.imaging.preparing",
    "to_square": "medlab.imaging.preparing",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'medlab.imaging' has no attribute {name!r}; public names: {', '.join(_PUBLIC)}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value
