"""The synthetic chest: films drawn from a seed, with exact masks and bilingual reports. Never a real patient.

`Phantom` draws, `PhantomStyle` says what kind of films, `present` orders a finding, `parse_report` reads one back.
"""

import importlib

_HOMES = {
    "Phantom": "worker",
    "PhantomStyle": "style",
    "check_case": "checker",
    "parse_report": "parser",
    "present": "vocabulary",
    "write_phantoms": "export",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
