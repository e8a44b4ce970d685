"""SIIM-ACR Pneumothorax Segmentation: one case an image with *all* of its masks. It names no patient."""

import pathlib
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from medlab.cohorts.columns import listed, one_each, picked, records
from medlab.cohorts.sources.base import Source, SourceCard, card_columns
from medlab.cohorts.tables import read_table
from medlab.core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

SIDE_PX = 1024


class SIIM(Source):
    card = SourceCard(
        name="siim",
        title="SIIM-ACR Pneumothorax Segmentation",
        licence="Kaggle competition rules: non-commercial and academic use",
        access="competition",
        homepage="https://www.kaggle.com/c/siim-acr-pneumothorax-segmentation",
        names_patients=False,
        labels="radiologists: pneumothorax outlined; -1 means that there is none",
        traps=(
            "a picture with several outlines stands in several rows: the mask is their union, not the last one",
            "run lengths are relative and go down the columns",
            "the pictures come from NIH ChestX-ray14 and name no patient: no split",
        ),
    )
    tables: ClassVar = {"masks": ("train-rle.csv", "siim-pneumothorax-train-rle.csv.gz", "stage_2_train.csv")}

    def read(self, files: dict[str, pathlib.Path]) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.compute as pc

        table = read_table(files["masks"])
        table = table.rename_columns([name.strip() for name in table.column_names])
        if not {"ImageId", "EncodedPixels"} <= set(table.column_names):
            raise DataError(
                "schema", f"{files['masks'].name}: no column EncodedPixels", accepted="ImageId, EncodedPixels"
            )
        image = pc.unique(table["ImageId"])
        count = len(image)
        parents = pc.index_in(table["ImageId"].combine_chunks(), image).to_numpy()
        runs = pc.utf8_trim_whitespace(table["EncodedPixels"])
        outlined = np.flatnonzero(pc.not_equal(runs, "-1").to_numpy())
        outlined = outlined[np.argsort(parents[outlined], kind="stable")]
        present = np.bincount(parents[outlined], minlength=count)
        findings = records(
            "findings",
            count,
            name="pneumothorax",
            state=picked(["absent", "present"], (present > 0).astype(int)),
            raw=pc.binary_join_element_wise(pa.array(present).cast(pa.string()), "outlines", " "),
            source="radiologist",
        )
        masks = records(
            "masks",
            len(outlined),
            label="pneumothorax",
            scan=0,
            format="siim-rle",
            data=runs.take(pa.array(outlined)),
            rows=SIDE_PX,
            cols=SIDE_PX,
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
                        view="unknown",
                        rows=SIDE_PX,
                        cols=SIDE_PX,
                        role="current",
                    )
                ),
                "findings": one_each(findings),
                "masks": listed(masks, parents[outlined], count),
            }
        )
