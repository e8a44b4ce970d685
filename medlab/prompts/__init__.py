"""Prompts: what one asks, as data. Packaged YAML in English and Chinese, each with its purpose, source and model."""

from medlab.core.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "Advice": "medlab.prompts.linter",
        "lint": "medlab.prompts.linter",
        "load": "medlab.prompts.library",
        "names": "medlab.prompts.library",
        "read_prompts": "medlab.prompts.library",
    },
)
