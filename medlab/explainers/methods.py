"""The list of methods by name, imported only when used, and the table of what each of them says of itself."""

import dataclasses

from medlab.core.errors import SpecError, near_names, shown
from medlab.core.registry import Registry
from medlab.explainers.base import Method

METHODS = Registry(
    "method",
    {
        "token_occlusion": "medlab.explainers.tokens:TokenOcclusion",
    },
)
SHORT = {"instant": "relevance", "refine": "rise_knockout", "reference": "rise_tokens"}
"""what a person meets first -> the method it stands for"""


def make_method(name: str, **options) -> Method:
    """The method of a name, with its options. Raises UnknownName or SpecError with what it takes."""
    kind = METHODS.get(SHORT.get(name, name))
    known = [field.name for field in dataclasses.fields(kind)]
    for option in options:
        if option not in known:
            near = near_names(option, known)
            raise SpecError(
                f"option {shown(option)} of method {name}",
                accepted=", ".join(known) or "no options",
                fix=f"{near[0]}=..." if near else "",
            )
    return kind(**options)


def table() -> list[dict[str, str]]:
    """A row for each method: name, family, question, passes, whether causal, needs, and what it does not mean."""
    columns = ("name", "family", "question", "passes", "causal", "needs", "not_this")
    return [{column: str(getattr(METHODS.get(name), column)) for column in columns} for name in METHODS]
