"""Does a loader give each picture its own labels? Compares what it claims with the row of the table it claims to read.

It knows no loader: claims and table come as two mappings of columns.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from medlab.core.errors import DataError, shown
from medlab.core.record import Record, check_text, check_tuple, check_whole, record


@record
class LabelIntegrity(Record):
    """How many items carry a label that their own row does not."""

    loader: str
    items: int
    """how many pictures the loader gives"""
    wrong_items: int
    """of them, with at least one label that is not in their own row"""
    cells: int
    """labels claimed"""
    wrong_cells: int
    by_label: tuple[tuple[str, int], ...] = ()
    """(label, wrong cells), worst first"""

    def __post_init__(self):
        check_text("loader", self.loader)
        check_tuple("by_label", self.by_label, tuple)
        for field in ("items", "wrong_items", "cells", "wrong_cells"):
            check_whole(field, getattr(self, field))

    def __str__(self) -> str:
        share = f" ({self.wrong_items / self.items:.1%})" if self.items else ""
        return (
            f"{self.loader}: {self.wrong_items:,} of {self.items:,} items{share} carry a label that is not their own; "
            f"{self.wrong_cells:,} of {self.cells:,} labels"
        )


def label_integrity(
    loader: str,
    claimed_ids: Sequence[str],
    claimed: Mapping[str, Sequence[str]],
    own_ids: Sequence[str],
    own: Mapping[str, Sequence[str]],
) -> LabelIntegrity:
    """Compare claimed labels with each picture's own row.

    claimed_ids, own_ids   names of pictures; every claimed one stands in the table exactly once
    claimed, own           label -> a state for each id, as a list or array of text; the same text means the same.
                           "not_mentioned" in `claimed` is no claim and is never wrong
    Raises DataError mismatch for a picture that the table does not have, schema for ids that repeat.
    """
    place = {name: row for row, name in enumerate(own_ids)}
    if len(place) != len(own_ids):
        raise DataError("schema", f"{len(own_ids) - len(place)} id(s) stand in the table more than once")
    strangers = [name for name in claimed_ids if name not in place]
    if strangers:
        raise DataError("mismatch", f"{len(strangers)} picture(s) not in the table, first {shown(strangers[0])}")
    missing = [label for label in claimed if label not in own]
    if missing:
        raise DataError("schema", f"the table has no label {shown(missing[0])}", accepted=", ".join(own))
    rows = np.fromiter((place[name] for name in claimed_ids), np.int64, len(claimed_ids))
    wrong_item = np.zeros(len(rows), bool)
    cells = 0
    counts = {}
    for label, states in claimed.items():
        states = np.asarray(states, str)
        made = states != "not_mentioned"
        wrong = made & (states != np.asarray(own[label], str)[rows])
        cells += int(made.sum())
        wrong_item |= wrong
        counts[label] = int(wrong.sum())
    worst = tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return LabelIntegrity(loader, len(rows), int(wrong_item.sum()), cells, sum(counts.values()), worst)
