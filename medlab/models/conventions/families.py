"""Which conventions a name asks for: the one table of families, and of the checkpoints' names that belong to them.

A name that says nothing gets the plain ones, which every chat model of transformers understands.
"""

import re

from medlab.models.conventions.medgemma import CONTROLS, MAX_PATCHES, THOUGHT_TOKENS, MedGemma
from medlab.models.conventions.plain import Conventions

FAMILIES: dict[str, Conventions] = {
    "plain": Conventions(),
    "gemma-3": Conventions("gemma-3", languages=("en", "zh"), controls=CONTROLS),
    "gemma-3-text": Conventions("gemma-3-text", max_images=0, languages=("en", "zh"), controls=CONTROLS),
    "medgemma-1": MedGemma(),
    "medgemma-1-pt": MedGemma("medgemma-1-pt", "image_first", system=False),
    "medgemma-1-27b": MedGemma("medgemma-1-27b", thinks=True),
    "medgemma-1-27b-text": MedGemma("medgemma-1-27b-text", max_images=0, thinks=True),
    "medgemma-1.5": MedGemma(
        "medgemma-1.5",
        "image_first",
        max_images=MAX_PATCHES,
        several=True,
        thinks=True,
        system=False,
        reply_tokens=THOUGHT_TOKENS,
    ),
    "demo": MedGemma("demo", "image_first", max_images=2, several=True, system=False, languages=("en", "zh")),
}
_NAMES = (
    (r"demo-shortcut", "demo"),
    (r"medgemma-?1\.5", "medgemma-1.5"),
    (r"medgemma.*27b-text", "medgemma-1-27b-text"),
    (r"medgemma.*27b", "medgemma-1-27b"),
    (r"medgemma.*-pt", "medgemma-1-pt"),
    (r"medgemma", "medgemma-1"),
    (r"gemma-?3-(1b|270m)", "gemma-3-text"),
    (r"gemma-?3(?!n)", "gemma-3"),
)
"""(pattern of a catalog name, hub id or folder, in lower case; family), the first that fits"""


def conventions_for(family_or_name: str) -> Conventions:
    """The conventions of a family of FAMILIES, or of the checkpoint that a name points to.

    >>> conventions_for("google/medgemma-1.5-4b-it").order
    'image_first'
    >>> conventions_for("google/medgemma-4b-it").order
    'text_first'
    """
    name = family_or_name.strip().lower()
    if name in FAMILIES:
        return FAMILIES[name]
    for piece in reversed(re.split(r"[/\\]", name)):  # a hub's cache keeps the name above a folder of hex digits
        for pattern, family in _NAMES:
            if re.search(pattern, piece):
                return FAMILIES[family]
    return FAMILIES["plain"]
