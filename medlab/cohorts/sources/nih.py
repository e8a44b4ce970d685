"""NIH ChestX-ray14: one case an image, with its boxes. Its labels say only what is there, never what is not."""

import pathlib
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from medlab.cohorts.boxes import clipped_boxes
from medlab.cohorts.columns import constant, listed, one_each, records
from medlab.cohorts.sources.base import Source, SourceCard, card_columns
from medlab.cohorts.tables import as_utf8, file_bytes, read_table
from medlab.cohorts.terms import finding_name
from medlab.core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

SIDE_PX = 1024
"""published pictures are 1024 x 1024; boxes are in those pixels"""
BOX_HEADINGS = ["Image Index", "Finding Label", "x", "y", "w", "h"]
"""the file's own first line has commas inside a heading, and so more headings than cells"""


class NIH(Source):
    card = SourceCard(
        name="nih",
        title="NIH ChestX-ray14",
        licence="NIH Clinical Center: free use, cite the source",
        access="open",
        homepage="https://nihcc.app.box.com/v/ChestXray-NIHCC",
        labels="mined from reports by NLP: present only; a label that is not there is not mentioned, not absent",
        traps=(
            "RSNA, SIIM, the Google 2019 labels and ChestMNIST are drawn from these pictures",
            "boxes say Infiltrate where labels say Infiltration",
            "boxes are in pixels of the 1024 x 1024 pictures",
        ),
        seen_by=("medgemma",),
    )
    tables: ClassVar = {
        "entries": ("Data_Entry_2017_v2020.csv", "Data_Entry_2017_v2020.csv.gz", "Data_Entry_2017.csv"),
        "boxes?": ("BBox_List_2017.csv", "BBox_List_2017.csv.gz"),
        "train?": ("train_val_list.txt",),
        "test?": ("test_list.txt",),
    }

    def read(self, files: dict[str, pathlib.Path]) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.compute as pc

        needed = ("Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender")
        table = read_table(files["entries"], needed=(*needed, "View Position"))
        count = table.num_rows
        image, patient = table["Image Index"].combine_chunks(), table["Patient ID"]
        age = table["Patient Age"].cast(pa.float32())
        columns = {
            **card_columns(self.card, count),
            "id": image,
            "patient_id": patient,
            "study_id": pc.binary_join_element_wise(patient, table["Follow-up #"], "/"),
            "images": one_each(
                records(
                    "images",
                    count,
                    path=image,
                    modality="DX",
                    view=_views(table["View Position"]),
                    rows=SIDE_PX,
                    cols=SIDE_PX,
                    role="current",
                )
            ),
            "findings": _findings(table["Finding Labels"].combine_chunks()),
            "age_years": pc.if_else(pc.less_equal(age, 120), age, None),
            "sex": pc.if_else(pc.is_in(table["Patient Gender"], pa.array(["F", "M"])), table["Patient Gender"], None),
            **_official_split(files, image),
        }
        if "boxes" in files:
            columns["boxes"] = _boxes(files["boxes"], image)
        return pa.table(columns)


def _views(position: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.is_in(position, pa.array(["PA", "AP"])), position, "unknown")


def _findings(cells: "pa.Array") -> "pa.ListArray":
    import pyarrow.compute as pc

    split = pc.split_pattern(cells, "|")
    raw = pc.list_flatten(split)
    encoded = raw.dictionary_encode()
    names = [finding_name(term) for term in encoded.dictionary.to_pylist()]
    entries = records(
        "findings",
        len(raw),
        name=_take(names, encoded.indices),
        state="present",
        raw=raw,
        source="nih-nlp",
    )
    return listed(entries, pc.list_parent_indices(split).to_numpy(), len(cells))


def _take(names: list[str], indices: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    return pa.array(names, pa.string()).take(indices)


def _boxes(path: pathlib.Path, image: "pa.Array") -> "pa.ListArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    table = read_table(path, names=[*BOX_HEADINGS, *_spare_headings(path)], keep=BOX_HEADINGS)
    place = pc.index_in(table["Image Index"].combine_chunks(), image)
    if place.null_count:
        raise DataError("mismatch", f"{path.name}: {place.null_count} box(es) on pictures that are not listed")
    order = np.argsort(place.to_numpy(), kind="stable")
    parents = place.to_numpy()[order]
    table = table.take(pa.array(order))
    x, y, w, h = (table[name].cast(pa.float64()).to_numpy() for name in "xywh")
    entries = clipped_boxes(
        label=[finding_name(term) for term in table["Finding Label"].to_pylist()],
        edges=np.column_stack([y, x, y + h, x + w]),
        rows=np.full(len(x), SIDE_PX),
        cols=np.full(len(x), SIDE_PX),
        where=path.name,
    )
    return listed(entries, parents, len(image))


def _spare_headings(path: pathlib.Path) -> list[str]:
    """Names for cells that follow the sixth, which some copies of the list have and leave empty."""
    lines = as_utf8(file_bytes(path), path.name).split(b"\n", 2)
    cells = lines[1].count(b",") + 1 if len(lines) > 1 else len(BOX_HEADINGS)
    return [f"spare{i}" for i in range(cells - len(BOX_HEADINGS))]


def _official_split(files: dict[str, pathlib.Path], image: "pa.Array") -> dict[str, "pa.Array"]:
    """The published lists where both are there; they give no validation part."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if "train" not in files or "test" not in files:
        return {}
    split = pa.nulls(len(image), pa.string())
    for name in ("train", "test"):
        listed_images = as_utf8(file_bytes(files[name]), files[name].name).decode().split()
        split = pc.if_else(pc.is_in(image, pa.array(listed_images, pa.string())), name, split)
    return {"split": split, "split_source": constant("official", len(image))}
