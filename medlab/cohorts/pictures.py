"""Are the pictures of a cohort there? Finds each by its path or, where a copy is laid out otherwise, by its name if
that is its alone.

It looks at names of files only; whether they can be read shows when they are.
"""

import pathlib
import warnings
from typing import TYPE_CHECKING

import numpy as np

from medlab.cohorts.columns import replaced
from medlab.cohorts.features import schema
from medlab.cohorts.paths import files_below
from medlab.cohorts.tables import CohortWarning
from medlab.core.errors import DataError, shown

if TYPE_CHECKING:
    import pyarrow as pa

FEW = 2000
"""up to so many pictures are looked up one by one; more are compared with a listing of the whole folder"""


def with_pictures_found(table: "pa.Table", root: pathlib.Path, name: str, *, skip: bool) -> "pa.Table":
    """`table` with the path of every picture as it lies below `root`.

    A picture that is not there drops its case with a CohortWarning where `skip`, else raises DataError missing_file;
    both say how many.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = table["images"].combine_chunks()
    images, parents = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy()
    paths = pc.struct_field(images, "path")
    needed = pc.is_null(pc.struct_field(images, "bytes"))
    found = _found(paths, root)
    missing = pc.and_(needed, pc.is_null(found)).to_numpy(zero_copy_only=False)
    if missing.any():
        first = paths[int(np.flatnonzero(missing)[0])].as_py()
        told = (
            f"{name}: {int(missing.sum())} of {len(missing)} pictures are listed but not there, first {shown(first)}"
        )
        if not skip or missing.all():
            raise DataError(
                "missing_file",
                told,
                accepted=f"every picture below {shown(root.name)}",
                fix='medlab.load_cohort(..., on_error="skip") leaves those cases out; verify=False does not look',
            )
        warnings.warn(f"{told}; their cases are left out", CohortWarning, stacklevel=3)
    kind = schema().field("images").type
    fields = [pc.struct_field(images, field.name) for field in kind.value_type]
    fields[kind.value_type.get_field_index("path")] = pc.coalesce(found, paths)
    offsets = pc.subtract(lists.offsets, lists.offsets[0])
    rebuilt = pa.StructArray.from_arrays(fields, fields=list(kind.value_type))
    table = replaced(table, images=pa.ListArray.from_arrays(offsets, rebuilt))
    keep = np.ones(table.num_rows, bool)
    keep[parents[missing]] = False
    return table.filter(pa.array(keep))


def _found(paths: "pa.StringArray", root: pathlib.Path) -> "pa.StringArray":
    """Each path as it lies below `root`; null where it does not and its name does not tell which file is meant.

    A name tells that only where one file and one path of the table bear it: view1_frontal.jpg is everybody's.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not root.is_dir():
        raise DataError(
            "missing_file", f"there is no folder {shown(root.name)}", fix="give the folder of the pictures"
        )
    if len(paths) <= FEW:
        there = [path is not None and (root / path).is_file() for path in paths.to_pylist()]
        if all(there):
            return paths
    files = pa.array(files_below(root), pa.string())
    direct = pc.if_else(pc.is_in(paths, files), paths, None)
    if not direct.null_count:
        return direct
    names, wanted = _last_part(files), _last_part(paths)
    # one picture may stand in several cases: its path counts once
    telling = pc.and_(pc.is_in(wanted, _once(names)), pc.is_in(wanted, _once(_last_part(pc.unique(paths)))))
    by_name = pc.index_in(pc.if_else(telling, wanted, None), names, skip_nulls=True)
    return pc.coalesce(direct, files.take(by_name))


def _once(names: "pa.StringArray") -> "pa.Array":
    """Those of `names` that stand there once."""
    import pyarrow.compute as pc

    counts = pc.value_counts(names)
    return counts.field("values").filter(pc.equal(counts.field("counts"), 1))


def _last_part(paths: "pa.StringArray") -> "pa.StringArray":
    import pyarrow.compute as pc

    return pc.replace_substring_regex(paths, r"^.*/", "")
