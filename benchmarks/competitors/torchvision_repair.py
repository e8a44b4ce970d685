"""Make a torchvision that does not match its torch importable, for the competitors that insist on it.

The wheel on PyPI is built for CUDA. Beside a CPU-only torch its compiled operators do not load, and the import dies
where it describes them to the tracer. The pipelines timed here use its Python parts only (transforms), so that
description is left out. Where torchvision is sound this does nothing. medlab itself never imports torchvision.
"""

import importlib
import sys
import types

_DESCRIPTION = "torchvision._meta_registrations"


def import_torchvision() -> None:
    """Import torchvision, without the description of its operators where that is what fails."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.modules[_DESCRIPTION] = types.ModuleType(_DESCRIPTION)
        importlib.import_module("torchvision")
