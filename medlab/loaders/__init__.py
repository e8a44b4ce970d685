"""Files and tables to Scans, Cases and cohorts. Each public name is looked up when first used."""

import importlib
from typing import Any

_PUBLIC = {
    "ReadOptions": "medlab.loaders.decoded",
    "case_of": "medlab.loaders.cohort",
    "load_cohort": "medlab.loaders.cohort",
    "load_scan": "medlab.loaders.scan",
    "load_series": "medlab.loaders.series",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'medlab.loaders' has no attribute {name!r}; public names: {', '.join(_PUBLIC)}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
