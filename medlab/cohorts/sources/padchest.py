"""PadChest (Valencia): one case an image, with the Spanish report. Patient numbers of 39 digits stay text."""

import ast
import pathlib
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from medlab.cohorts.columns import listed, one_each, picked, records
from medlab.cohorts.sources.base import Source, SourceCard, card_columns
from medlab.cohorts.tables import read_table
from medlab.cohorts.terms import finding_name
from medlab.core.errors import DataError, shown

if TYPE_CHECKING:
    import pyarrow as pa

VIEWS_OF_PROJECTION = {
    "PA": "PA",
    "AP": "AP",
    "AP_horizontal": "AP",
    "L": "LATERAL",
    "COSTAL": "OTHER",
    "EXCLUDE": "OTHER",
    "UNK": "unknown",
}
_NEEDED = (
    "ImageID",
    "ImageDir",
    "StudyID",
    "PatientID",
    "PatientSex_DICOM",
    "Projection",
    "Modality_DICOM",
    "Rows_DICOM",
    "Columns_DICOM",
    "Report",
    "MethodLabel",
    "Labels",
)


class PadChest(Source):
    card = SourceCard(
        name="padchest",
        title="PadChest (BIMCV)",
        licence="PadChest Dataset Research Use Agreement",
        access="registered",
        homepage="https://bimcv.cipf.es/bimcv-projects/padchest/",
        language="es",
        labels="read by physicians for a quarter, by a network for the rest (source says which): present only",
        traps=(
            "pictures are 16-bit PNG: an 8-bit reader shows them white",
            "numbers of 36 and more digits become 1e35 in any table program",
            "reports are stemmed Spanish, not sentences",
        ),
    )
    tables: ClassVar = {
        "images": (
            "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv",
            "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz",
        )
    }

    def read(self, files: dict[str, pathlib.Path]) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.compute as pc

        name = files["images"].name
        table = read_table(files["images"], needed=_NEEDED, keep=_NEEDED)
        count = table.num_rows
        report = table["Report"].combine_chunks()
        written = np.flatnonzero(pc.not_equal(pc.utf8_trim_whitespace(report), "").to_numpy(zero_copy_only=False))
        reports = records("reports", len(written), language="es", full=report.take(pa.array(written)))
        sex = table["PatientSex_DICOM"]
        return pa.table(
            {
                **card_columns(self.card, count),
                "id": table["ImageID"],
                "patient_id": _or_null(table["PatientID"]),
                "study_id": _or_null(table["StudyID"]),
                "images": one_each(
                    records(
                        "images",
                        count,
                        path=pc.binary_join_element_wise(table["ImageDir"], table["ImageID"], "/"),
                        modality=_or_null(table["Modality_DICOM"]),
                        view=_views(table["Projection"].combine_chunks()),
                        rows=_whole(table["Rows_DICOM"]),
                        cols=_whole(table["Columns_DICOM"]),
                        role="current",
                    )
                ),
                "reports": listed(reports, written, count),
                "findings": _findings(table, name),
                "sex": pc.if_else(pc.is_in(sex, pa.array(["F", "M"])), sex, None),
            }
        )


def _or_null(values: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    return pc.if_else(pc.equal(values, ""), None, values)


def _whole(values: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.match_substring_regex(values, r"^\d{1,6}$"), values, None).cast(pa.int32())


def _views(projection: "pa.Array") -> "pa.Array":
    encoded = projection.dictionary_encode()
    views = [VIEWS_OF_PROJECTION.get(term, "unknown") for term in encoded.dictionary.to_pylist()]
    return picked(views, encoded.indices.to_numpy())


def _findings(table: "pa.Table", where: str) -> "pa.ListArray":
    """The label lists, each distinct text of which is parsed once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = table["Labels"].combine_chunks().dictionary_encode()
    terms = pa.array([_terms(text, where) for text in encoded.dictionary.to_pylist()], pa.list_(pa.string()))
    lists = terms.take(encoded.indices)
    raw, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
    words = raw.dictionary_encode()
    names = [finding_name(term) for term in words.dictionary.to_pylist()]
    method = table["MethodLabel"].combine_chunks().dictionary_encode()
    sources = [f"padchest-{text.lower() or 'unknown'}" for text in method.dictionary.to_pylist()]
    entries = records(
        "findings",
        len(raw),
        name=picked(names, words.indices.to_numpy()),
        state="present",
        raw=raw,
        source=picked(sources, method.indices.to_numpy()).take(parents),
    )
    return listed(entries, parents.to_numpy(), table.num_rows)


def _terms(text: str, where: str) -> list[str]:
    """The terms in "['a', 'b']"; blank where the report was not labelled."""
    if text.strip() in ("", "nan"):
        return []
    try:
        terms = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise DataError("schema", f"{where}: Labels {shown(text)}", accepted="['term', 'term']") from error
    if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms):
        raise DataError("schema", f"{where}: Labels {shown(text)}", accepted="['term', 'term']")
    return [term.strip() for term in terms if term.strip()]
