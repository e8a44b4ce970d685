"""Do pictures keep their own labels? Ours, and what torchxrayvision does by default, on the tables in its wheel.

    python -m benchmarks.label_integrity

torchxrayvision is not imported: what CheX_Dataset and SIIM_Pneumothorax_Dataset of its version 1.5.7 do is written
here again with pandas. CheX_Dataset keeps one row a patient by `groupby("PatientID").first()`, which takes the first
value of each *column* that is not blank, and so joins labels of several studies to the picture of one.
"""

import numpy as np
import pandas as pd

from medlab.cohorts.cohort import load_cohort
from medlab.cohorts.integrity import LabelIntegrity, label_integrity
from medlab.cohorts.labels import finding_states
from medlab.cohorts.masks import decode_mask
from medlab.cohorts.sources.base import bundled_folder
from medlab.cohorts.sources.chexpert import LABELS
from medlab.cohorts.terms import finding_name

STATES = {"1.0": "present", "0.0": "absent", "-1.0": "uncertain", "": "not_mentioned"}
PATHOLOGIES = tuple(label for label in LABELS if label != "No Finding")


def chexpert_table() -> pd.DataFrame:
    """The CSV as text, by pandas: the independent reader."""
    return pd.read_csv(bundled_folder() / "chexpert_train.csv.gz", dtype=str, keep_default_na=False)


def states(table: pd.DataFrame, labels: tuple[str, ...] = LABELS) -> dict[str, np.ndarray]:
    """label -> the state in each row."""
    names = np.array(list(STATES.values()))
    return {label: names[pd.Categorical(table[label], categories=list(STATES)).codes] for label in labels}


def states_by_their_rules(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """As CheX_Dataset turns rows into labels: uncertain is no label, "No Finding" makes all but devices absent."""
    healthy = (table["No Finding"] == "1.0").to_numpy()
    found = {}
    for label, values in states(table, PATHOLOGIES).items():
        certain = np.where(values == "uncertain", "not_mentioned", values)
        found[label] = np.where(healthy & (label != "Support Devices"), "absent", certain)
    return found


def of_torchxrayvision(table: pd.DataFrame, views: tuple[str, ...]) -> LabelIntegrity:
    """CheX_Dataset(views=views, unique_patients=True) against each picture's own row, both by its own rules."""
    view = table["AP/PA"].where(table["Frontal/Lateral"] == "Frontal", "L")
    chosen = table[view.isin(views)].replace("", np.nan)
    chosen = chosen.assign(PatientID=chosen["Path"].str.extract(r"(patient\d+)", expand=False))
    merged = chosen.groupby("PatientID").first().reset_index().fillna("")
    own = table.set_index("Path").loc[merged["Path"]].reset_index()
    paths = merged["Path"].tolist()
    return label_integrity(
        f"first per patient, {'+'.join(views)}",
        paths,
        states_by_their_rules(merged),
        paths,
        states_by_their_rules(own),
    )


def of_medlab(table: pd.DataFrame) -> LabelIntegrity:
    cohort = load_cohort("chexpert", cache=False)
    claims = {label: finding_states(cohort, finding_name(label)) for label in LABELS}
    paths = [f"CheXpert-v1.0-small/{path}" for path in cohort["id"][:]]
    return label_integrity("medlab", paths, claims, table["Path"].tolist(), states(table))


def siim_masks() -> tuple[int, int, float]:
    """(pictures with an outline, of them with several, mean share of their union that the last outline leaves out)."""
    cohort = load_cohort("siim", cache=False)
    lost, several, outlined = [], 0, 0
    for masks in cohort["masks"][:]:
        outlined += bool(masks)
        if len(masks) > 1:
            several += 1
            pixels = [decode_mask(mask["format"], mask["data"], mask["rows"], mask["cols"]) for mask in masks]
            union = np.logical_or.reduce(pixels)
            lost.append(1 - pixels[-1].sum() / union.sum())
    return outlined, several, float(np.mean(lost))


def main() -> None:
    table = chexpert_table()
    print(of_torchxrayvision(table, ("PA", "AP")))
    print(of_torchxrayvision(table, ("PA",)))
    print(of_medlab(table))
    outlined, several, lost = siim_masks()
    print(
        f"SIIM: {several} of {outlined} pictures with a mask have several outlines; keeping the last one only loses "
        f"{lost:.0%} of the union on those; medlab keeps all"
    )


if __name__ == "__main__":
    main()
