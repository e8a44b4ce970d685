"""Names of a package that are looked up when first used, so that importing the package costs nothing."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """(`__getattr__`, `__dir__`, `__all__`) for a package whose public names live in the modules of `homes` (PEP 562).

    >>> __getattr__, __dir__, __all__ = lazy_names("json", {"loads": "json.decoder"})
    >>> __all__
    ['loads']
    """
    public = sorted(homes)

    def look_up(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}; public names: {', '.join(public)}")
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return look_up, lambda: public, public
