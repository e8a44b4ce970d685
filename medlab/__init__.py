"""medlab: put a medical image in front of a vision-language model, ask, see why, check the why.

Research and teaching only; never a clinical device. Importing medlab loads no heavy library: each public name is
looked up when first used.
"""

import importlib
from typing import Any

from medlab.version import __version__

_PUBLIC = {
    "Box": "medlab.core.case",
    "Case": "medlab.core.case",
    "DataError": "medlab.core.errors",
    "Finding": "medlab.core.case",
    "Mask": "medlab.core.case",
    "MedlabError": "medlab.core.errors",
    "Phantom": "medlab.phantom",
    "Question": "medlab.core.case",
    "Report": "medlab.core.case",
    "Scan": "medlab.core.scan",
    "SquareFit": "medlab.core.geometry",
    "about": "medlab.about",
    "case_of": "medlab.loaders",
    "load_cohort": "medlab.loaders",
    "load_scan": "medlab.loaders",
    "load_series": "medlab.loaders",
    "prepare": "medlab.imaging",
    "show": "medlab.plots",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'medlab' has no attribute {name!r}; public names: {', '.join(sorted(_PUBLIC))}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
