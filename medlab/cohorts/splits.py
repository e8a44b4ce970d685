"""Splits that never share a patient, and the check that proves it.

A patient's part is a salted hash of the patient's id: the same on every machine, whatever else is in the cohort. No
patient id, no split. It compares what the columns say; two pictures of one person under two ids are beyond it.
"""

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

from medlab.cohorts.columns import constant, replaced
from medlab.cohorts.overlaps import known_overlap, patient_space
from medlab.core.errors import DataError, SpecError, shown

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

SALT = "medlab-v1"
RATIOS = (0.8, 0.1, 0.1)
"""train, validation, test"""
_COMPARED = ("id", "source", "access", "patient_id", "study_id", "images")


def split_of(patient_id: str, salt: str = SALT, ratios: tuple[float, float, float] = RATIOS) -> str:
    """train, validation or test for a patient; the same for ever for the same salt and ratios."""
    digest = hashlib.blake2b(f"{salt}|{patient_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    return "train" if place < ratios[0] else "validation" if place < ratios[0] + ratios[1] else "test"


def check_ratios(ratios: tuple[float, float, float]) -> None:
    valid = len(ratios) == 3 and all(0 <= ratio <= 1 for ratio in ratios) and math.isclose(sum(ratios), 1)
    if not valid:
        raise SpecError(
            f"ratios is {ratios!r}", accepted="(train, validation, test) that add up to 1", fix=f"{RATIOS}"
        )


def with_splits(table: "pa.Table", salt: str, ratios: tuple[float, float, float], official: bool) -> "pa.Table":
    """`table` with a split for every case whose patient is known; an official one is kept where `official` is True."""
    import pyarrow as pa
    import pyarrow.compute as pc

    check_ratios(ratios)
    count = table.num_rows
    kept = pc.equal(table["split_source"], "official") if official else constant(False, count, pa.bool_())
    patients = table["patient_id"].combine_chunks().dictionary_encode()
    hashed = pa.nulls(count, pa.string())
    if pc.any(pc.invert(kept)).as_py():
        parts = [split_of(patient, salt, ratios) for patient in patients.dictionary.to_pylist()]
        hashed = pa.array(parts, pa.string()).take(patients.indices)
    source = pc.if_else(kept, "official", pc.if_else(pc.is_valid(hashed), "hash", "none"))
    return replaced(table, split=pc.if_else(kept, table["split"], hashed), split_source=source)


def check_split(table: "pa.Table", where: str) -> None:
    """Raises DataError leak where a patient stands in two splits, no_patient for a split without a patient."""
    import pyarrow.compute as pc

    assigned = table.select(["source", "patient_id", "split"]).filter(pc.is_valid(table["split"]))
    nameless = assigned["patient_id"].null_count
    if nameless:
        raise DataError(
            "no_patient",
            f"{where}: {nameless} case(s) have a split but no patient_id",
            accepted="a split only where the patient is known",
            fix="add a patient_id column, or take the split column away",
        )
    sources, patients, parts = (_codes(assigned[name]) for name in ("source", "patient_id", "split"))
    person = patients.astype(np.int64) * (int(sources.max(initial=0)) + 1) + sources
    last_part = np.zeros(int(person.max(initial=0)) + 1, np.int64)
    last_part[person] = parts
    leaking = np.unique(person[last_part[person] != parts])
    if leaking.size:
        raise DataError(
            "leak",
            f"{where}: {leaking.size} patient(s) stand in more than one split",
            accepted="each patient in one split",
            fix="medlab.load_cohort(..., official=False) splits by a hash of the patient instead",
        )


def check_leakage(a: "datasets.Dataset", b: "datasets.Dataset", *, known: str = "raise") -> None:
    """Returns where two cohorts share no patient, study, picture or case; else raises DataError leak with how many.

    Ids are compared within one data set's numbering, those of cases only where a published data set names no patient.
    Pictures are compared by sha256 where both cohorts give one.
    known   "raise": data sets that are known to share pictures under other names raise too; "ignore" lets them pass
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if known not in ("raise", "ignore"):
        raise SpecError(f"known is {shown(known)}", accepted="raise, ignore")
    seen = [_identities(arrow_of(dataset, _COMPARED)) for dataset in (a, b)]
    shared = {}
    for kind in ("patient", "study", "picture", "case"):
        mine, yours = (pc.drop_null(side[kind]) for side in seen)
        shared[kind] = pc.sum(pc.is_in(pc.unique(mine), pc.unique(yours))).as_py() or 0
    if any(shared.values()):
        told = ", ".join(f"{count} {kind}(s)" for kind, count in shared.items() if count)
        raise DataError(
            "leak",
            f"the two cohorts share {told}",
            accepted="no patient, study, picture or case in both",
            fix='divide by the column "split": cohort.filter(lambda row: row["split"] == "train")',
        )
    sources = [sorted(set(pc.unique(pa.chunked_array(side["source"])).to_pylist())) for side in seen]
    told = [text for x in sources[0] for y in sources[1] if (text := known_overlap(x, y))]
    if told and known == "raise":
        raise DataError(
            "leak",
            f"{told[0]}; their ids cannot be compared",
            accepted="data sets of different origin",
            fix='check_leakage(a, b, known="ignore") if you have made sure of it otherwise',
        )


def arrow_of(dataset: "datasets.Dataset", columns: tuple[str, ...]) -> "pa.Table":
    """Some columns of a cohort as an Arrow table, whatever was filtered, sorted or selected before."""
    missing = [name for name in columns if name not in dataset.column_names]
    if missing:
        raise DataError(
            "schema", f"the dataset has no column {missing[0]}", accepted="a cohort, as medlab.load_cohort gives it"
        )
    table = dataset.select_columns(list(columns)).with_format("arrow")[:]
    return table.cast(table.schema.remove_metadata())


def _codes(values: "pa.ChunkedArray") -> np.ndarray:
    """(n,) a whole number for each distinct value."""
    return values.combine_chunks().dictionary_encode().indices.to_numpy()


def _identities(table: "pa.Table") -> dict[str, "pa.ChunkedArray"]:
    import pyarrow as pa
    import pyarrow.compute as pc

    sources = table["source"].combine_chunks().dictionary_encode()
    spaces = [patient_space(name) for name in sources.dictionary.to_pylist()]
    space = pa.array(spaces, pa.string()).take(sources.indices)
    pictures = pc.struct_field(pc.list_flatten(table["images"]), "sha256")
    nameless = pc.and_(pc.is_null(table["patient_id"]), pc.not_equal(table["access"], "own"))
    return {
        "source": table["source"].chunks,
        "patient": pc.binary_join_element_wise(space, table["patient_id"], "|"),
        "study": pc.binary_join_element_wise(space, table["study_id"], "|"),
        "picture": pc.if_else(pc.equal(pictures, ""), None, pc.utf8_lower(pictures)),
        "case": pc.if_else(nameless, pc.binary_join_element_wise(table["source"], table["id"], "|"), None),
    }
