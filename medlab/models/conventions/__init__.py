"""Conventions: how one family of checkpoints is talked to, and how its replies are read. Text alone: no torch here."""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Conventions": "medlab.models.conventions.plain",
        "Reply": "medlab.models.conventions.plain",
        "conventions_for": "medlab.models.conventions.families",
    },
)
