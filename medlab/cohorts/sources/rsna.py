"""RSNA Pneumonia Detection Challenge (stage 2): one case an image, with its boxes. It names no patient."""

import pathlib
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from medlab.cohorts.boxes import clipped_boxes
from medlab.cohorts.columns import listed, one_each, picked, records
from medlab.cohorts.sources.base import Source, SourceCard, card_columns
from medlab.cohorts.tables import read_table

if TYPE_CHECKING:
    import pyarrow as pa

SIDE_PX = 1024


class RSNA(Source):
    card = SourceCard(
        name="rsna",
        title="RSNA Pneumonia Detection Challenge 2018",
        licence="Kaggle competition rules: non-commercial and academic use",
        access="competition",
        homepage="https://www.kaggle.com/c/rsna-pneumonia-detection-challenge",
        names_patients=False,
        labels="radiologists: lung opacity suspicious for pneumonia, boxed; 0 means that it is absent",
        traps=(
            "patientId names an image: the pictures come from NIH ChestX-ray14, several of one patient",
            "so there is no split here, and scores on it are not independent of NIH",
        ),
    )
    tables: ClassVar = {
        "labels": (
            "stage_2_train_labels.csv",
            "kaggle_stage_2_train_labels.csv.zip",
            "stage_2_train_labels.csv.zip",
        ),
        "headers?": ("kaggle_stage_2_train_images_dicom_headers.csv.gz",),
    }

    def read(self, files: dict[str, pathlib.Path]) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.compute as pc

        name = files["labels"].name
        table = read_table(files["labels"], needed=("patientId", "x", "y", "width", "height", "Target"))
        image = pc.unique(table["patientId"])
        count = len(image)
        parents = pc.index_in(table["patientId"].combine_chunks(), image).to_numpy()
        target = pc.equal(table["Target"], "1").to_numpy()
        present = np.zeros(count, bool)
        present[parents[target]] = True
        entries = records(
            "findings",
            count,
            name="Lung Opacity",
            state=picked(["absent", "present"], present.astype(int)),
            raw=picked(["0", "1"], present.astype(int)),
            source="radiologist",
        )
        boxed = np.flatnonzero(pc.not_equal(table["x"], "").to_numpy())
        boxed = boxed[np.argsort(parents[boxed], kind="stable")]
        cells = table.take(pa.array(boxed))
        x, y, w, h = (cells[key].cast(pa.float64()).to_numpy() for key in ("x", "y", "width", "height"))
        boxes = clipped_boxes(
            label=["Lung Opacity"] * len(boxed),
            edges=np.column_stack([y, x, y + h, x + w]),
            rows=np.full(len(boxed), SIDE_PX),
            cols=np.full(len(boxed), SIDE_PX),
            where=name,
        )
        return pa.table(
            {
                **card_columns(self.card, count),
                "id": image,
                "images": one_each(
                    records(
                        "images",
                        count,
                        path=pc.binary_join_element_wise(image, "dcm", "."),
                        modality="CR",
                        rows=SIDE_PX,
                        cols=SIDE_PX,
                        role="current",
                        **_headers(files.get("headers"), image),
                    )
                ),
                "findings": one_each(entries),
                "boxes": listed(boxes, parents[boxed], count),
            }
        )


def _headers(path: pathlib.Path | None, image: "pa.Array") -> dict[str, "pa.Array"]:
    """View of each image, from the table of header fields where it is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if path is None:
        return {"view": "unknown"}
    table = read_table(path, needed=("PatientID", "ViewPosition"), keep=("PatientID", "ViewPosition"))
    place = pc.index_in(image, table["PatientID"].combine_chunks())
    view = table["ViewPosition"].combine_chunks().take(place)
    return {"view": pc.if_else(pc.fill_null(pc.is_in(view, pa.array(["PA", "AP"])), False), view, "unknown")}
