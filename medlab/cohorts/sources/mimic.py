"""MIMIC-CXR-JPG: one case an image; labels are the study's, split and patients the official ones."""

import pathlib
from typing import TYPE_CHECKING, ClassVar

from medlab.cohorts.columns import constant, findings_from_cells, one_each, records
from medlab.cohorts.sources.base import Source, SourceCard, card_columns
from medlab.cohorts.sources.chexpert import LABELS
from medlab.cohorts.tables import read_table
from medlab.cohorts.terms import finding_name
from medlab.core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


class MIMIC(Source):
    card = SourceCard(
        name="mimic-cxr",
        title="MIMIC-CXR-JPG 2",
        licence="PhysioNet Credentialed Health Data Licence 1.5.0",
        access="credentialed",
        homepage="https://physionet.org/content/mimic-cxr-jpg/",
        labels="made by the CheXpert labeller from the report of the study: 1, 0, -1 uncertain, blank not mentioned",
        traps=(
            "labels belong to the study: each of its pictures carries all of them",
            "the JPEG pictures are histogram-equalised: not the same grey as the DICOM files",
            "may not be sent to third parties, and so to no hosted model",
        ),
        seen_by=("medgemma",),
    )
    tables: ClassVar = {
        "metadata": ("mimic-cxr-2.0.0-metadata.csv.gz", "mimic-cxr-2.0.0-metadata.csv"),
        "labels": ("mimic-cxr-2.0.0-chexpert.csv.gz", "mimic-cxr-2.0.0-chexpert.csv"),
        "split": ("mimic-cxr-2.0.0-split.csv.gz", "mimic-cxr-2.0.0-split.csv"),
    }

    def read(self, files: dict[str, pathlib.Path]) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.compute as pc

        keys = ("dicom_id", "subject_id", "study_id", "ViewPosition", "Rows", "Columns")
        table = read_table(files["metadata"], needed=keys, keep=keys)
        labels = read_table(files["labels"], needed=("study_id", *LABELS), keep=("study_id", *LABELS))
        count = table.num_rows
        image, subject, study = (table[key] for key in ("dicom_id", "subject_id", "study_id"))
        folder = pc.binary_join_element_wise(
            "files",
            pc.binary_join_element_wise("p", pc.utf8_slice_codeunits(subject, 0, 2), ""),
            pc.binary_join_element_wise("p", subject, ""),
            pc.binary_join_element_wise("s", study, ""),
            pc.binary_join_element_wise(image, "jpg", "."),
            "/",
        )
        place = pc.index_in(study.combine_chunks(), labels["study_id"].combine_chunks())
        return pa.table(
            {
                **card_columns(self.card, count),
                "id": image,
                "patient_id": subject,
                "study_id": study,
                "split": _split(files["split"], image.combine_chunks()),
                "split_source": constant("official", count),
                "images": one_each(
                    records(
                        "images",
                        count,
                        path=folder,
                        modality="DX",
                        view=_views(table["ViewPosition"]),
                        rows=table["Rows"],
                        cols=table["Columns"],
                        role="current",
                    )
                ),
                "findings": findings_from_cells(
                    {name: pc.fill_null(labels[name].take(place), "") for name in LABELS},
                    "chexpert-labeler",
                    files["labels"].name,
                    {name: finding_name(name) for name in LABELS},
                ),
            }
        )


def _split(path: pathlib.Path, image: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    table = read_table(path, needed=("dicom_id", "split"), keep=("dicom_id", "split"))
    split = table["split"].combine_chunks().take(pc.index_in(image, table["dicom_id"].combine_chunks()))
    if split.null_count:
        raise DataError("mismatch", f"{path.name}: {split.null_count} picture(s) without a split")
    return pc.if_else(pc.equal(split, "validate"), "validation", split)


def _views(position: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    frontal = pc.is_in(position, pa.array(["PA", "AP"]))
    lateral = pc.is_in(position, pa.array(["LATERAL", "LL"]))
    other = pc.if_else(pc.equal(position, ""), "unknown", "OTHER")
    return pc.if_else(frontal, position, pc.if_else(lateral, "LATERAL", other))
