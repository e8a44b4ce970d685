"""Ids short enough to be read, copied and paid for: as git shortens a hash, to what is unique within one record."""

from collections.abc import Sequence

SHORTEST = 6
"""characters of an id that are kept at least"""
WHOLE = 12
"""ids up to this length are not shortened"""


def short_ids(names: Sequence[str]) -> dict[str, str]:
    """ "Condition/3568cbed-0b2f-…" -> "Condition/3568cb" for each, unique among `names`."""
    ordered = sorted(set(names))
    short = {}
    for i, name in enumerate(ordered):
        kind, _, identity = name.partition("/")
        beside = [ordered[j] for j in (i - 1, i + 1) if 0 <= j < len(ordered)]
        needed = max((_shared(name, other) for other in beside), default=0) + 1
        keep = max(len(kind) + 1 + SHORTEST, needed)
        while name[keep - 1 : keep] in (".", "-"):  # where a sentence would seem to end
            keep += 1
        short[name] = name if len(identity) <= WHOLE else name[:keep]
    return short


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
