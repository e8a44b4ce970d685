"""VinDr-CXR: one case an image, every reader's boxes kept apart. It names no patient.

Each picture of the training part was read by three of seventeen radiologists with a fixed list of findings. Where they
differ, the finding is uncertain unless more than half drew it; `raw` says who did.
"""

import pathlib
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from medlab.cohorts.boxes import clipped_boxes
from medlab.cohorts.columns import listed, one_each, picked, records
from medlab.cohorts.sources.base import Source, SourceCard, card_columns
from medlab.cohorts.tables import read_table
from medlab.cohorts.terms import finding_name
from medlab.core.errors import DataError, shown

if TYPE_CHECKING:
    import pyarrow as pa

NOTHING = "No finding"
_EDGES = ("y_min", "x_min", "y_max", "x_max")


class VinDr(Source):
    card = SourceCard(
        name="vindr",
        title="VinDr-CXR (training part)",
        licence="PhysioNet Credentialed Health Data Licence 1.5.0",
        access="credentialed",
        homepage="https://physionet.org/content/vindr-cxr/",
        names_patients=False,
        labels="three radiologists each: drawn by more than half is present, by some uncertain, by none absent",
        traps=(
            "rows of one picture come from several readers: merging them silently invents an agreement",
            "no patient is named: no split can be promised to be clean",
        ),
    )
    tables: ClassVar = {"boxes": ("train.csv", "annotations_train.csv", "vinbigdata-train.csv.gz")}

    def read(self, files: dict[str, pathlib.Path]) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.compute as pc

        name = files["boxes"].name
        keep = ("image_id", "class_name", "rad_id", "x_min", "y_min", "x_max", "y_max")
        table = read_table(files["boxes"], needed=keep, keep=keep)
        image = pc.unique(table["image_id"])
        count = len(image)
        parents = pc.index_in(table["image_id"].combine_chunks(), image).to_numpy()
        boxed = np.flatnonzero(pc.not_equal(table["x_min"], "").to_numpy())
        boxed = boxed[np.argsort(parents[boxed], kind="stable")]
        cells = table.take(pa.array(boxed))
        unknown = np.full(len(boxed), np.inf)
        boxes = clipped_boxes(
            label=[finding_name(term) for term in cells["class_name"].to_pylist()],
            edges=np.column_stack([cells[key].cast(pa.float64()).to_numpy() for key in _EDGES]),
            rows=unknown,
            cols=unknown,
            where=name,
            rater=cells["rad_id"],
        )
        return pa.table(
            {
                **card_columns(self.card, count),
                "id": image,
                "images": one_each(
                    records(
                        "images",
                        count,
                        path=pc.binary_join_element_wise(
                            "train", pc.binary_join_element_wise(image, "dicom", "."), "/"
                        ),
                        modality="DX",
                        view="PA",
                        role="current",
                    )
                ),
                "findings": _findings(table, parents, count, name),
                "boxes": listed(boxes, parents[boxed], count),
            }
        )


def _findings(table: "pa.Table", parents: np.ndarray, count: int, where: str) -> "pa.ListArray":
    """Each class of the list for each picture, with the readers' votes."""
    classes, class_of = _codes(table["class_name"])
    raters, rater_of = _codes(table["rad_id"])
    if NOTHING not in classes:
        raise DataError("schema", f"{where}: no row says {shown(NOTHING)}", accepted="the published list")
    drawn = np.zeros((count, len(classes), len(raters)), bool)
    drawn[parents, class_of, rater_of] = True
    votes, readers = drawn.sum(2), drawn.any(1).sum(1)
    code = np.select([votes == 0, 2 * votes > readers[:, None]], [1, 0], 2)
    nothing = classes.index(NOTHING)
    wanted = np.ones(code.shape, bool)
    wanted[:, nothing] = votes[:, nothing] > 0
    rows, which = np.nonzero(wanted)
    entries = records(
        "findings",
        len(rows),
        name=picked([finding_name(term) for term in classes], which),
        state=picked(["present", "absent", "uncertain"], code[rows, which]),
        raw=_ballots(drawn, rows, which, raters),
        source="radiologists",
    )
    return listed(entries, rows, count)


def _ballots(drawn: np.ndarray, rows: np.ndarray, which: np.ndarray, raters: list[str]) -> "pa.Array":
    """ "R8 R10 of R8 R9 R10" for each (row, class); equal ballots are written once."""
    import pyarrow as pa

    weights = 1 << np.arange(len(raters), dtype=np.int64)
    voters, readers = drawn[rows, which] @ weights, (drawn.any(1) @ weights)[rows]
    pairs, code = np.unique(np.column_stack([voters, readers]), axis=0, return_inverse=True)

    def names(bits: int) -> str:
        return " ".join(rater for i, rater in enumerate(raters) if bits >> i & 1) or "none"

    texts = [f"{names(int(a))} of {names(int(b))}" for a, b in pairs]
    return pa.array(texts, pa.string()).take(pa.array(code.ravel()))


def _codes(values: "pa.ChunkedArray") -> tuple[list[str], np.ndarray]:
    encoded = values.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
