"""Whole columns at a time: builds the Arrow lists of a cohort from flat arrays, without a Python loop over rows.

It knows the shape of a cohort (features.py) and nothing of any data set.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from medlab.cohorts.features import column, schema

if TYPE_CHECKING:
    import pyarrow as pa

STATE_OF_CELL = {
    "1": "present",
    "1.0": "present",
    "0": "absent",
    "0.0": "absent",
    "-1": "uncertain",
    "-1.0": "uncertain",
    "": "not_mentioned",
    "nan": "not_mentioned",
    "present": "present",
    "absent": "absent",
    "uncertain": "uncertain",
    "not_mentioned": "not_mentioned",
}
"""the ways in which label tables write a state"""


def constant(value: Any, count: int, kind: "pa.DataType | None" = None) -> "pa.Array":
    """`count` times the same value, by default as text."""
    import pyarrow as pa

    return pa.repeat(pa.scalar(value, kind or pa.string()), count)


def picked(choices: list[str | None], codes: np.ndarray) -> "pa.Array":
    """`choices[code]` for each code, as text; a negative code is null. codes: (n,) integers."""
    import pyarrow as pa

    mask = codes < 0
    return pa.array(choices, pa.string()).take(pa.array(np.where(mask, 0, codes), mask=mask))


def records(of: str, count: int, /, **fields: Any) -> "pa.StructArray":
    """`count` records of list column `of`; a field is an array, one value for all, or left out (null)."""
    import pyarrow as pa

    arrays, kinds = [], schema().field(of).type.value_type
    for item in column(of).fields:
        kind, given = kinds.field(item.name).type, fields.pop(item.name, None)
        if isinstance(given, (pa.Array, pa.ChunkedArray, np.ndarray)):
            array = pa.array(given) if isinstance(given, np.ndarray) else given
            array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
            arrays.append(array.cast(kind))
        else:
            arrays.append(constant(given, count, kind) if given is not None else pa.nulls(count, kind))
    if fields:
        raise TypeError(f"{of} has no field {', '.join(fields)}")
    return pa.StructArray.from_arrays(arrays, fields=list(kinds))


def listed(entries: "pa.StructArray", parents: np.ndarray, count: int) -> "pa.ListArray":
    """Entries grouped under their rows. parents: (len(entries),) rising row numbers below `count`."""
    import pyarrow as pa

    offsets = np.zeros(count + 1, np.int32)
    np.cumsum(np.bincount(parents, minlength=count), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), entries)


def one_each(entries: "pa.StructArray") -> "pa.ListArray":
    """One entry per row."""
    return listed(entries, np.arange(len(entries)), len(entries))


def findings_from_cells(
    cells: dict[str, "pa.ChunkedArray"], source: str, where: str, names: dict[str, str]
) -> "pa.ListArray":
    """A label table's columns as findings; blank cells are not mentioned and so are not listed.

    cells   heading -> column of text such as "1.0", "-1.0", ""
    names   heading -> name of the finding
    Raises DataError schema for a cell that is no state.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from medlab.core.errors import DataError, shown

    headings = list(cells)
    count = len(cells[headings[0]])
    codes = np.full((count, len(headings)), -1, np.int16)
    raws: list[str] = []
    for j, heading in enumerate(headings):
        encoded = pc.dictionary_encode(cells[heading]).combine_chunks()
        table = np.full(len(encoded.dictionary), -1, np.int16)
        for k, raw in enumerate(encoded.dictionary.to_pylist()):
            state = STATE_OF_CELL.get(raw.strip().lower())
            if state is None:
                raise DataError("schema", f"{where}: {shown(heading)} is {shown(raw)}", accepted="1, 0, -1 or blank")
            if state != "not_mentioned":
                table[k] = raws.index(raw) if raw in raws else len(raws)
                raws += [raw] if raw not in raws else []
        codes[:, j] = table[encoded.indices.to_numpy()]
    parents, which = np.nonzero(codes >= 0)
    code = codes[parents, which].astype(np.int64)
    states = [STATE_OF_CELL[raw.strip().lower()] for raw in raws]
    entries = records(
        "findings",
        len(parents),
        name=picked([names[h] for h in headings], which),
        state=picked(states, code) if raws else pa.nulls(0, pa.string()),
        raw=picked(raws, code) if raws else pa.nulls(0, pa.string()),
        source=source,
    )
    return listed(entries, parents, count)


def replaced(table: "pa.Table", **columns: "pa.Array") -> "pa.Table":
    """`table` with some of a cohort's columns exchanged."""
    for name, array in columns.items():
        table = table.set_column(table.schema.get_field_index(name), schema().field(name), array)
    return table
