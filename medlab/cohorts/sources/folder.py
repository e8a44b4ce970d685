"""Somebody's own folder: cases.jsonl, metadata.jsonl or metadata.csv beside the pictures, or nothing but pictures.

Headings of a CSV that medlab has no column for are kept in `meta`, unless they are named as labels.
"""

import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from medlab.cohorts.columns import STATE_OF_CELL
from medlab.cohorts.entries import SECTIONS, row_of_entry
from medlab.cohorts.features import schema
from medlab.cohorts.jsonl import read_lines
from medlab.cohorts.paths import files_below
from medlab.cohorts.sources.base import Source, SourceCard
from medlab.cohorts.tables import read_table
from medlab.cohorts.terms import finding_name
from medlab.core.errors import DataError, SpecError, shown

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = ("cases.jsonl", "metadata.jsonl", "metadata.csv")
"""looked for in this order"""
LINES, COMMAS = (".jsonl", ".ndjson"), (".csv", ".csv.gz", ".csv.zip")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom", ".nii", ".nii.gz")
_AGE = "age_years"
_TEXT = (
    "id",
    "patient_id",
    "study_id",
    "source",
    "licence",
    "access",
    "language",
    "split",
    "sex",
    "question",
    "answer",
)
_IMAGE = ("image", "file_name", "filename", "path", "view", "modality", "laterality")
CSV_HEADINGS = (*_TEXT, *_IMAGE, "findings", *SECTIONS, "report", _AGE)
"""what medlab understands in a CSV; "findings" is the section of the report"""


class Folder(Source):
    card = SourceCard(
        name="folder",
        title="a folder of one's own",
        licence="as its owner says",
        access="own",
        homepage="docs/cohorts.md",
        labels="as the table says",
    )

    def find(self, root: pathlib.Path | None) -> dict[str, pathlib.Path]:
        """{"table": the file} for a folder or a table itself; {} for a folder of mere pictures."""
        if root is None or not root.exists():
            name = shown(str(root))
            raise DataError("missing_file", f"{name} is not there", fix="look at the folder that you are in")
        if root.is_file():
            if root.name.lower().endswith((*LINES, *COMMAS)):
                return {"table": root}
            pickled = root.suffix.lower() in (".pkl", ".pickle", ".pt", ".pth")
            raise DataError(
                "pickle" if pickled else "unsupported",
                f"{shown(root.name)} cannot be read as a cohort",
                accepted=f"a folder, or a table ending with {', '.join((*LINES, *COMMAS))}",
                fix="medlab.load_scan(path) reads one picture",
            )
        found = next((root / name for name in TABLES if (root / name).is_file()), None)
        return {"table": found} if found else {"pictures": root}

    def pictures(self, root: pathlib.Path | None) -> pathlib.Path | None:
        return root.parent if root is not None and root.is_file() else root

    def watched(self, files: dict[str, pathlib.Path]) -> list[pathlib.Path]:
        return [] if "pictures" in files else list(files.values())

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """labels: headings of a CSV that are findings; columns: {medlab's heading: the table's}."""
        labels, columns = given.pop("labels", ()), given.pop("columns", {})
        super().options(given)
        unknown = [name for name in columns if name not in CSV_HEADINGS]
        if unknown:
            raise SpecError(f"columns names {shown(unknown[0])}", accepted=", ".join(CSV_HEADINGS))
        return {"labels": tuple(labels), "columns": dict(columns)}

    def read(
        self, files: dict[str, pathlib.Path], labels: tuple[str, ...] = (), columns: dict | None = None
    ) -> "pa.Table":
        import pyarrow as pa

        path = files.get("table")
        if path is None:
            entries = _from_pictures(files["pictures"])
        elif path.name.lower().endswith(LINES):
            entries = read_lines(path)
        else:
            entries = _from_csv(path, labels, columns or {})
        source = (path.parent if path else files["pictures"]).resolve().name or "folder"
        return pa.Table.from_pylist([row_of_entry(e, where, source=source) for where, e in entries], schema=schema())


def _from_pictures(root: pathlib.Path) -> Iterator[tuple[str, dict[str, Any]]]:
    found = [path for path in files_below(root) if path.lower().endswith(PICTURES)]
    if not found:
        raise DataError(
            "missing_file",
            f"{shown(root.name)} holds neither a table nor a picture",
            accepted=f"{', '.join(TABLES)}, or files ending with {', '.join(PICTURES)}",
        )
    for path in found:
        if not is_text(path):
            raise DataError(
                "encoding", f"the name {shown(path)} is not UTF-8", accepted="names that are text", fix="rename it"
            )
        yield path, {"id": path, "images": [path]}


def is_text(name: str) -> bool:
    """Whether a file's name is text, and not bytes of another encoding, which no table can hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _from_csv(
    path: pathlib.Path, labels: tuple[str, ...], columns: dict[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    table = read_table(path, needed=(*labels, *columns.values()))
    renamed = {theirs: ours for ours, theirs in columns.items()}
    table = table.rename_columns([renamed.get(name, name) for name in table.column_names])
    if not {"id", "image", "file_name", "filename", "path"} & set(table.column_names):
        raise DataError(
            "schema",
            f"{path.name}: no column id or image",
            accepted=f"headings such as {', '.join(CSV_HEADINGS)}",
            fix='medlab.load_cohort(path, columns={"image": "the heading that your table uses"})',
        )
    for number, cells in enumerate(table.to_pylist(), 2):
        where = f"{path.name} line {number}"
        yield where, _entry(cells, labels, where)


def _entry(cells: dict[str, str], labels: tuple[str, ...], where: str) -> dict[str, Any]:
    entry: dict[str, Any] = {key: cell for key, cell in cells.items() if cell != "" and key not in labels}
    if _AGE in entry:
        try:
            entry[_AGE] = float(entry[_AGE])
        except ValueError as error:
            raise DataError("schema", f"{where}: {_AGE} is {shown(entry[_AGE])}", accepted="a number") from error
    section = entry.pop("findings", None)
    sections = {key: entry.pop(key) for key in SECTIONS if key in entry}
    if section or sections or "report" in entry:
        report = {
            "language": entry.get("language", "en"),
            "findings": section,
            "full": entry.pop("report", None),
            **sections,
        }
        entry["reports"] = [report]
    entry["findings"] = [finding for name in labels if (finding := _finding(name, cells[name], where))]
    return entry


def _finding(heading: str, cell: str, where: str) -> dict[str, Any] | None:
    state = STATE_OF_CELL.get(cell.strip().lower())
    if state is None:
        raise DataError("schema", f"{where}: {shown(heading)} is {shown(cell)}", accepted="1, 0, -1, blank or a state")
    if state == "not_mentioned":
        return None
    return {"name": finding_name(heading), "state": state, "raw": cell, "source": "table"}
