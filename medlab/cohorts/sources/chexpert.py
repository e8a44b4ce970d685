"""CheXpert v1.0 (Stanford): one case an image, with the labels of that image's own row."""

import pathlib
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from medlab.cohorts.columns import constant, findings_from_cells, one_each, picked, records
from medlab.cohorts.sources.base import Source, SourceCard, card_columns
from medlab.cohorts.tables import read_table
from medlab.cohorts.terms import finding_name
from medlab.core.errors import DataError, shown

if TYPE_CHECKING:
    import pyarrow as pa

LABELS = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
_PATH = (
    r"^(?:CheXpert-v1\.0[^/]*/)?(?P<path>(?P<split>train|valid|test)/(?P<patient>patient\d+)/(?P<study>study\d+)/.+)$"
)


class CheXpert(Source):
    card = SourceCard(
        name="chexpert",
        title="CheXpert v1.0",
        licence="Stanford University Dataset Research Use Agreement",
        access="registered",
        homepage="https://stanfordmlgroup.github.io/competitions/chexpert/",
        labels="made by the CheXpert labeller from the report: 1 present, 0 absent, -1 uncertain, blank not mentioned",
        traps=(
            "labels belong to a study, not to a patient: rows of one patient may not be merged",
            "the table that torchxrayvision ships has the training part only",
            "age 0 stands for not known",
        ),
        seen_by=("medgemma",),
    )
    tables: ClassVar = {
        "train": ("train.csv", "chexpert_train.csv.gz"),
        "valid?": ("valid.csv",),
        "test?": ("test.csv",),
    }

    def read(self, files: dict[str, pathlib.Path]) -> "pa.Table":
        import pyarrow as pa

        return pa.concat_tables([_read_part(self.card, path) for path in files.values()])


def _read_part(card: SourceCard, path: pathlib.Path) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    table = read_table(path, needed=("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *LABELS))
    count = table.num_rows
    parts = pc.extract_regex(table["Path"], _PATH).combine_chunks()
    if parts.null_count:
        bad = table["Path"].filter(pc.is_null(parts))[0].as_py()
        raise DataError(
            "schema", f"{path.name}: Path {shown(bad)}", accepted="train/patient00001/study1/view1_frontal.jpg"
        )
    images = pc.struct_field(parts, "path")
    patient = pc.struct_field(parts, "patient")
    age = pc.if_else(pc.is_in(table["Age"], pa.array(["", "0", "0.0"])), None, table["Age"])
    return pa.table(
        {
            **card_columns(card, count),
            "id": images,
            "patient_id": patient,
            "study_id": pc.binary_join_element_wise(patient, pc.struct_field(parts, "study"), "/"),
            "split": pc.replace_substring(pc.struct_field(parts, "split"), "valid", "validation"),
            "split_source": constant("official", count),
            "images": one_each(
                records("images", count, path=images, modality="DX", view=_views(table), role="current")
            ),
            "findings": findings_from_cells(
                {name: table[name] for name in LABELS},
                "chexpert-labeler",
                path.name,
                {name: finding_name(name) for name in LABELS},
            ),
            "age_years": age.cast(pa.float32()),
            "sex": pc.if_else(
                pc.is_in(table["Sex"], pa.array(["Male", "Female"])), pc.utf8_slice_codeunits(table["Sex"], 0, 1), None
            ),
        }
    )


def _views(table: "pa.Table") -> "pa.Array":
    """LATERAL, PA or AP; the few frontal rows marked LL or RL contradict themselves and are OTHER."""
    import pyarrow.compute as pc

    lateral = pc.equal(table["Frontal/Lateral"], "Lateral").to_numpy()
    pa_, ap = (pc.equal(table["AP/PA"], name).to_numpy() for name in ("PA", "AP"))
    blank = pc.equal(table["AP/PA"], "").to_numpy()
    codes = np.select([lateral, pa_, ap, blank], [0, 1, 2, 4], 3)
    return picked(["LATERAL", "PA", "AP", "OTHER", "unknown"], codes)
