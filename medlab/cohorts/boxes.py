"""Boxes from tables: clipped to their picture, with the source's own numbers kept where that changed them."""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from medlab.cohorts.columns import records
from medlab.cohorts.tables import CohortWarning
from medlab.core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


def clip_box(
    edges: tuple[float, float, float, float], rows: int | None, cols: int | None
) -> tuple[float, float, float, float] | None:
    """(top, left, bottom, right) inside (rows, cols), either of which may be unknown; None where nothing is left."""
    top, left, bottom, right = edges
    top, left = max(top, 0.0), max(left, 0.0)
    bottom, right = min(bottom, rows or bottom), min(right, cols or right)
    return (top, left, bottom, right) if top < bottom and left < right else None


def clipped_boxes(
    *,
    label: list[str],
    edges: np.ndarray,
    rows: np.ndarray,
    cols: np.ndarray,
    where: str,
    rater: "pa.Array | None" = None,
) -> "pa.StructArray":
    """Box records, one for each row of `edges`, all on scan 0.

    edges       (n, 4) top, left, bottom, right in pixels
    rows, cols  (n,) size of each box's picture; np.inf where it is not known
    Raises DataError schema for a box that is not finite or lies wholly outside its picture.
    """
    import pyarrow as pa

    edges = np.asarray(edges, np.float64).reshape(-1, 4)
    inside = np.column_stack(
        [
            np.maximum(edges[:, 0], 0),
            np.maximum(edges[:, 1], 0),
            np.minimum(edges[:, 2], rows),
            np.minimum(edges[:, 3], cols),
        ]
    )
    empty = ~np.isfinite(edges).all(1) | (inside[:, 2] <= inside[:, 0]) | (inside[:, 3] <= inside[:, 1])
    if empty.any():
        first = int(np.flatnonzero(empty)[0])
        raise DataError(
            "schema",
            f"{where}: {int(empty.sum())} box(es) without area inside the picture, first {edges[first].tolist()}",
            accepted="top < bottom and left < right, inside the picture",
        )
    changed = (inside != edges).any(1)
    if changed.any():
        warnings.warn(f"{where}: {int(changed.sum())} box(es) clipped to their picture", CohortWarning, stacklevel=4)
    raw = [str(edges[i].tolist()) if changed[i] else None for i in range(len(edges))]
    inside = inside.astype(np.float32)
    sides = dict(zip(("top", "left", "bottom", "right"), inside.T, strict=True))
    return records(
        "boxes",
        len(edges),
        label=pa.array(label, pa.string()),
        **{name: pa.array(values) for name, values in sides.items()},
        scan=0,
        rater=rater,
        raw=pa.array(raw, pa.string()),
    )
