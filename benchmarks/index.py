"""How long a cohort takes to open: MIMIC-CXR's size cold and warm, and each public table against pandas alone.

    python -m benchmarks.index                    # or --rows 20000 --repeats 1 for a quick look

The MIMIC-shaped tables are random, of the published headings, sizes and shares of blanks; no record of MIMIC is in
them. Cold reads the three csv.gz; warm the kept index. Least wall and CPU seconds (all threads) of some runs; imports
are told apart.
"""

import argparse
import os
import pathlib
import tempfile
import time

import numpy as np

from medlab.cohorts.cohort import load_cohort
from medlab.cohorts.sources.base import bundled_folder
from medlab.cohorts.sources.chexpert import LABELS

WHEEL_TABLES = {
    "openi": (),
    "chexpert": ("chexpert_train.csv.gz",),
    "nih": ("Data_Entry_2017_v2020.csv.gz", "BBox_List_2017.csv.gz"),
    "padchest": ("PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz",),
    "rsna": ("kaggle_stage_2_train_labels.csv.zip", "kaggle_stage_2_train_images_dicom_headers.csv.gz"),
    "siim": ("siim-pneumothorax-train-rle.csv.gz",),
    "vindr": ("vinbigdata-train.csv.gz",),
}


def write_mimic(folder: pathlib.Path, rows: int, seed: int = 0) -> None:
    """Three csv.gz with the headings of MIMIC-CXR-JPG 2.0.0; about 1.66 pictures a study, 3.5 studies a patient."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    study = np.sort(rng.integers(0, int(rows / 1.656), rows))
    subject_of = np.sort(rng.integers(10_000_000, 10_065_379, study.max() + 1))
    digits = rng.integers(0, 16, (rows, 5), dtype=np.int64) @ (16 ** np.arange(5))
    names = [f"{number:08x}-{digit:05x}-{number * 7 % 65536:04x}" for number, digit in enumerate(digits)]
    table = pd.DataFrame(
        {
            "dicom_id": names,
            "subject_id": subject_of[study],
            "study_id": 50_000_000 + study,
            "PerformedProcedureStepDescription": rng.choice(["CHEST (PA AND LAT)", "CHEST (PORTABLE AP)", ""], rows),
            "ViewPosition": rng.choice(["AP", "PA", "LATERAL", "LL", ""], rows, p=[0.39, 0.26, 0.22, 0.09, 0.04]),
            "Rows": rng.choice([3056, 2544, 2022], rows),
            "Columns": rng.choice([2544, 3056, 1736], rows),
            "StudyDate": rng.integers(21100101, 22001231, rows),
            "StudyTime": rng.integers(0, 235959, rows) + 0.25,
            "ProcedureCodeSequence_CodeMeaning": rng.choice(["CHEST (PA AND LAT)", "CHEST (PORTABLE AP)"], rows),
            "ViewCodeSequence_CodeMeaning": rng.choice(["antero-posterior", "postero-anterior", "lateral"], rows),
            "PatientOrientationCodeSequence_CodeMeaning": rng.choice(["Erect", "Recumbent", ""], rows),
        }
    )
    table.to_csv(
        folder / "mimic-cxr-2.0.0-metadata.csv.gz", index=False, compression={"method": "gzip", "compresslevel": 1}
    )
    split = table[["dicom_id", "study_id", "subject_id"]].copy()
    split["split"] = np.array(["train", "validate", "test"])[
        np.searchsorted([0.97, 0.98], (table.subject_id % 997) / 997)
    ]
    split.to_csv(
        folder / "mimic-cxr-2.0.0-split.csv.gz", index=False, compression={"method": "gzip", "compresslevel": 1}
    )
    studies = np.arange(study.max() + 1)
    labels = pd.DataFrame({"subject_id": subject_of, "study_id": 50_000_000 + studies})
    for name in LABELS:
        labels[name] = rng.choice(["1.0", "0.0", "-1.0", ""], len(studies), p=[0.16, 0.06, 0.05, 0.73])
    labels.to_csv(
        folder / "mimic-cxr-2.0.0-chexpert.csv.gz", index=False, compression={"method": "gzip", "compresslevel": 1}
    )


def timed(job, repeats: int) -> tuple[float, float, object]:
    """(least wall seconds, least CPU seconds, last result) of some runs."""
    walls, cpus, result = [], [], None
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        result = job()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus), result


def read_with_pandas(source: str) -> object:
    """The floor of any reader built on pandas: the tables read with its defaults, nothing done to them."""
    import pandas as pd

    return [pd.read_csv(bundled_folder() / name, low_memory=False) for name in WHEEL_TABLES[source]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=377_110)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    started = time.perf_counter()
    import datasets  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.csv  # noqa: F401

    print(f"imports of datasets, pandas, pyarrow: {time.perf_counter() - started:.1f} s")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.environ["MEDLAB_CACHE"] = str(folder / "cache")
        write_mimic(folder, asked.rows)
        size = sum(path.stat().st_size for path in folder.glob("*.gz")) / 1e6
        print(f"{'':34}wall s   CPU s")

        def opened(cache: bool):
            return load_cohort("mimic-cxr", root=folder, verify=False, cache=cache)

        wall, cpu, cohort = timed(lambda: opened(False), asked.repeats)
        print(f"mimic-cxr {len(cohort):,} rows, {size:.0f} MB, cold {wall:8.2f}{cpu:8.2f}")
        opened(True)
        wall, cpu, again = timed(lambda: opened(True), asked.repeats)
        kept = next((folder / "cache" / "cohorts").glob("*.arrow")).stat().st_size / 1e6
        print(f"mimic-cxr index of {kept:.0f} MB, warm    {wall:8.2f}{cpu:8.2f}")
        if again[123] != cohort[123] or again[-1] != cohort[-1]:
            raise SystemExit("the kept index does not give the cases that were kept")
        if bundled_folder() is None:
            print("torchxrayvision is not installed: its tables are left out")
            return
        for source in WHEEL_TABLES:
            wall, cpu, cohort = timed(lambda source=source: load_cohort(source, cache=False), asked.repeats)
            floor = ""
            if WHEEL_TABLES[source]:
                floor = "pandas.read_csv alone {:6.2f} {:6.2f}".format(
                    *timed(lambda source=source: read_with_pandas(source), asked.repeats)[:2]
                )
            load_cohort(source)
            warm = timed(lambda source=source: load_cohort(source), asked.repeats)[:2]
            print(
                f"{source:9} {len(cohort):8,} rows  cold {wall:6.2f} {cpu:6.2f}  warm {warm[0]:6.2f} {warm[1]:6.2f}"
                f"  {floor}"
            )


if __name__ == "__main__":
    main()
