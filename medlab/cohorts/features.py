"""The columns of a cohort, written down once: their names, their types and what they mean.

The Hugging Face features, the Arrow schema and the table in docs/cohorts.md are all derived from `COLUMNS`, and
`conform` brings any table to them. This file reads no file and knows no data set.
"""

import dataclasses
import functools
from typing import TYPE_CHECKING

from medlab.core.case import LANGUAGES, QUESTION_KINDS, SIDES, SPLIT_SOURCES, SPLITS, STATES, ZONES
from medlab.core.errors import DataError, shown
from medlab.core.scan import LATERALITIES, VIEWS

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

_NUMBER_WAS_TEXT = r"^\d([.,]\d+)?[eE]\+\d{2,3}$"
_LEAVES_ITS_FOLDER = r"^/|^[A-Za-z]:|\\|(^|/)\.\.(/|$)|://|\x00"
ACCESS = ("open", "registered", "credentialed", "competition", "own")
MASK_FORMATS = ("coco-rle", "siim-rle", "polygon", "png")


@dataclasses.dataclass(frozen=True)
class Column:
    """One column, or one field of a list column."""

    name: str
    kind: str
    """"string", "int32", "float32", "binary", "strings" (a list of text) or "list" (of records with `fields`)"""
    meaning: str
    choices: tuple[str, ...] = ()
    """the only values allowed besides null; empty means any"""
    fields: tuple["Column", ...] = ()
    needed: bool = False
    """True where null is an error"""
    default: str | None = None
    """what a table without this column gets"""


COLUMNS: tuple[Column, ...] = (
    Column("id", "string", "name of the case, unique in its cohort", needed=True),
    Column("patient_id", "string", "who, as text even where it is a number; null: the source names no patient"),
    Column("study_id", "string", "which examination; rows that share it share one report"),
    Column("source", "string", "data set or generator, such as openi or phantom", needed=True),
    Column("licence", "string", "terms of the source in its own words; null: not known"),
    Column("access", "string", "how the source is obtained", ACCESS, needed=True),
    Column("language", "string", "language of the source", LANGUAGES, needed=True),
    Column("split", "string", "null: not assigned, as for every case without a patient", SPLITS),
    Column("split_source", "string", "who decided the split", SPLIT_SOURCES, needed=True, default="none"),
    Column("root", "string", "folder that paths start from on this machine; null: paths cannot be opened yet"),
    Column(
        "images",
        "list",
        "the pictures, in the order a reader would hang them",
        fields=(
            Column("path", "string", "path from the root, with forward slashes; null where `bytes` holds the file"),
            Column("bytes", "binary", "the file itself, where the cohort carries its pictures"),
            Column("sha256", "string", "hex, of the file's bytes; null: not computed"),
            Column("modality", "string", "DICOM modality such as CR, DX, CT; null: not said"),
            Column("view", "string", "projection, never guessed", VIEWS),
            Column("laterality", "string", "side of the body that was imaged", LATERALITIES),
            Column("rows", "int32", "height in pixels to which boxes and masks refer; null: not said"),
            Column("cols", "int32", "width in pixels to which boxes and masks refer; null: not said"),
            Column("frame", "int32", "which frame of a file with several, from 0"),
            Column("role", "string", "this examination or an earlier one", ("current", "prior")),
        ),
    ),
    Column(
        "reports",
        "list",
        "what was written, one report a language; marks of redaction (XXXX, ___) stay as they are",
        fields=(
            Column("language", "string", "language of this report", LANGUAGES, needed=True),
            Column("findings", "string", "section; null: the source has none"),
            Column("impression", "string", "section; null: the source has none"),
            Column("indication", "string", "section; null: the source has none"),
            Column("comparison", "string", "section; null: the source has none"),
            Column("technique", "string", "section; null: the source has none"),
            Column("full", "string", "the whole text, where the source does not divide it"),
        ),
    ),
    Column(
        "findings",
        "list",
        "one statement each; a finding that is not listed is not mentioned, which is not the same as absent",
        fields=(
            Column("name", "string", "medlab's name where there is one, else the source's own term", needed=True),
            Column("state", "string", "uncertain and not mentioned are states of their own", STATES, needed=True),
            Column("side", "string", "the patient's side", SIDES),
            Column("zone", "string", "height in the lung", ZONES),
            Column("severity", "string", "the source's own word"),
            Column("raw", "string", "what stood in the source"),
            Column("source", "string", "who said so: a labeller, a reader, the generator"),
        ),
    ),
    Column(
        "boxes",
        "list",
        "rectangles in pixels of the original picture, half-open, clipped to it",
        fields=(
            Column("label", "string", "what it surrounds", needed=True),
            Column("top", "float32", "first row", needed=True),
            Column("left", "float32", "first column", needed=True),
            Column("bottom", "float32", "row after the last", needed=True),
            Column("right", "float32", "column after the last", needed=True),
            Column("side", "string", "the patient's side", SIDES),
            Column("scan", "int32", "which of `images`, from 0", needed=True),
            Column("rater", "string", "who drew it; readers are kept apart"),
            Column("raw", "string", "the source's four numbers, where they had to be clipped"),
        ),
    ),
    Column(
        "masks",
        "list",
        "pixels of one thing on one picture, encoded",
        fields=(
            Column("label", "string", "what it covers", needed=True),
            Column("side", "string", "the patient's side", SIDES),
            Column("scan", "int32", "which of `images`, from 0", needed=True),
            Column("rater", "string", "who drew it"),
            Column("format", "string", "how `data` is encoded", MASK_FORMATS, needed=True),
            Column("path", "string", "path from the root of a PNG mask; null where `data` holds it"),
            Column("data", "binary", "the encoded mask; text formats as ASCII"),
            Column("rows", "int32", "height in pixels; null: that of the PNG"),
            Column("cols", "int32", "width in pixels; null: that of the PNG"),
        ),
    ),
    Column(
        "questions",
        "list",
        "what may be asked of the case, with the true answer",
        fields=(
            Column("question", "string", "as a person would ask", needed=True),
            Column("answer", "string", "the reference answer", needed=True),
            Column("kind", "string", "what sort of answer is wanted", QUESTION_KINDS, needed=True),
            Column("language", "string", "of question and answer", LANGUAGES, needed=True),
            Column("options", "strings", "choices offered, where there are any"),
            Column("about", "string", "the finding that it asks about"),
        ),
    ),
    Column("age_years", "float32", "null: not said; the source's stand-ins for unknown (0, 999) are null"),
    Column("sex", "string", "as recorded; null: not said", ("F", "M", "O")),
    Column("meta", "string", "what else the source says, as one JSON object"),
)


def column(name: str) -> Column:
    """The top-level column of that name."""
    return next(item for item in COLUMNS if item.name == name)


@functools.cache
def schema() -> "pa.Schema":
    """The Arrow schema of a cohort, without Hugging Face's metadata."""
    import pyarrow as pa

    return pa.schema([(item.name, _arrow_type(item)) for item in COLUMNS])


def features() -> "datasets.Features":
    """The Hugging Face features of a cohort, derived from `COLUMNS`."""
    import datasets

    def feature(item: Column):
        if item.kind == "list":
            return datasets.List({field.name: feature(field) for field in item.fields})
        if item.kind == "strings":
            return datasets.List(datasets.Value("string"))
        return datasets.Value(item.kind)

    return datasets.Features({item.name: feature(item) for item in COLUMNS})


def conform(table: "pa.Table", where: str) -> "pa.Table":
    """`table` with exactly the columns of a cohort, in order, checked.

    Columns that are missing become null, lists become empty. Raises DataError schema for a column or type that is not
    in the schema, a value outside its choices, a null that may not be one, or two cases of one id.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    unknown = sorted(set(table.column_names) - {item.name for item in COLUMNS})
    if unknown:
        raise DataError("schema", f"{where}: no column {shown(unknown[0])}", accepted=", ".join(schema().names))
    arrays = []
    for item, field in zip(COLUMNS, schema(), strict=True):
        if item.name in table.column_names:
            try:
                array = table[item.name].cast(field.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
                raise DataError("schema", f"{where}: column {item.name}: {shown(str(error), 200)}") from error
            if pa.types.is_list(field.type) and array.null_count:
                array = pc.fill_null(array, pa.scalar([], field.type))
        elif pa.types.is_list(field.type):
            offsets = pa.repeat(pa.scalar(0, pa.int32()), table.num_rows + 1)
            array = pa.ListArray.from_arrays(offsets, pa.array([], field.type.value_type))
        else:
            array = pa.repeat(pa.scalar(item.default, field.type), table.num_rows)
        _check_values(item, array, f"{where}: {item.name}")
        arrays.append(array)
    _check_ids(arrays, where)
    conformed = pa.table(arrays, schema=schema())
    ids = pc.value_counts(conformed["id"].combine_chunks())
    repeated = ids.filter(pc.greater(ids.field("counts"), 1))
    if len(repeated):
        first = repeated[0]["values"].as_py()
        raise DataError(
            "schema",
            f"{where}: {len(repeated)} case id(s) stand more than once, first {shown(first)}",
            accepted="each id once",
            fix="put the pictures of one case into one line, or make the ids differ",
        )
    return conformed


def _arrow_type(item: Column) -> "pa.DataType":
    import pyarrow as pa

    if item.kind == "list":
        return pa.list_(pa.struct([(field.name, _arrow_type(field)) for field in item.fields]))
    if item.kind == "strings":
        return pa.list_(pa.string())
    return {"string": pa.string(), "int32": pa.int32(), "float32": pa.float32(), "binary": pa.binary()}[item.kind]


def _check_ids(arrays: list["pa.ChunkedArray"], where: str) -> None:
    """Refuse ids that a table program has turned into numbers: 313572750430997347502932654319389875966 -> 3.1e+38."""
    import pyarrow.compute as pc

    for name in ("id", "patient_id", "study_id"):
        values = arrays[schema().get_field_index(name)]
        lost = values.filter(pc.match_substring_regex(values, _NUMBER_WAS_TEXT))
        if len(lost):
            raise DataError(
                "schema",
                f"{where}: {len(lost)} {name} such as {shown(lost[0].as_py())}: a number whose digits are lost",
                accepted="ids as text",
                fix="export the table again with that column as text",
            )


def _check_paths(values: "pa.ChunkedArray", where: str) -> None:
    import pyarrow.compute as pc

    leaving = values.filter(pc.match_substring_regex(values, _LEAVES_ITS_FOLDER))
    if len(leaving):
        raise DataError(
            "unsafe_path",
            f"{where}: {shown(leaving[0].as_py())} is not a path inside its folder",
            accepted="a relative path without '..'",
        )


def _check_values(item: Column, array: "pa.ChunkedArray", where: str) -> None:
    import pyarrow.compute as pc

    if item.needed and array.null_count:
        raise DataError("schema", f"{where} is missing in {array.null_count} place(s)", accepted=item.meaning)
    if item.choices:
        wrong = [v for v in pc.unique(array).to_pylist() if v is not None and v not in item.choices]
        if wrong:
            raise DataError("schema", f"{where} is {shown(wrong[0])}", accepted=", ".join(item.choices))
    if item.name == "path":
        _check_paths(array, where)
    if item.kind == "list":
        records = pc.list_flatten(array)
        for field in item.fields:
            _check_values(field, pc.struct_field(records, field.name), f"{where}.{field.name}")


def as_markdown() -> str:
    """The table in docs/cohorts.md."""
    lines = ["| column | type | meaning |", "|---|---|---|"]
    for item in COLUMNS:
        lines.append(_markdown_row(item.name, item))
        lines += [_markdown_row(f"{item.name}[].{field.name}", field) for field in item.fields]
    return "\n".join(lines)


def _markdown_row(name: str, item: Column) -> str:
    choices = f" ({', '.join(item.choices)})" if item.choices else ""
    return f"| `{name}` | {item.kind}{', needed' if item.needed else ''} | {item.meaning}{choices} |"
