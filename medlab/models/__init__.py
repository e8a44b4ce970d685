"""Models: one family of checkpoints a file, one contract for all (`base.Model`). `load_model` finds the right one."""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Model": "medlab.models.base",
        "load_model": "medlab.models.load",
    },
)
