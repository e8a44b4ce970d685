"""The columns of a cohort: one place says what they are, and tables that differ are refused."""

import pathlib

import datasets
import pyarrow as pa
import pytest

from medlab.cohorts.features import COLUMNS, as_markdown, conform, features, schema
from medlab.core.errors import DataError

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
LEAST = {
    "id": ["a", "b"],
    "source": ["x", "x"],
    "access": ["own", "own"],
    "language": ["en", "zh"],
}


def test_the_table_in_the_documentation_is_the_one_in_the_code():
    assert as_markdown() in (CHECKOUT / "docs" / "cohorts.md").read_text(encoding="utf-8")


def test_hugging_face_features_and_arrow_schema_describe_the_same_columns():
    derived = features().arrow_schema.remove_metadata()
    assert [field.name for field in derived] == [item.name for item in COLUMNS] == schema().names
    empty = datasets.table.InMemoryTable(schema().empty_table())
    assert datasets.Dataset(empty, info=datasets.DatasetInfo(features=features())).features == features()
    assert derived == schema()


def test_every_column_says_what_it_means():
    for item in COLUMNS:
        assert item.meaning
        assert all(field.meaning for field in item.fields)


def test_a_table_is_completed_with_nulls_empty_lists_and_defaults():
    table = conform(pa.table(LEAST), "t")
    assert table.schema == schema()
    assert table["findings"].to_pylist() == [[], []]
    assert table["patient_id"].to_pylist() == [None, None]
    assert table["split_source"].to_pylist() == ["none", "none"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": ["a", "a"]}, "'a'"),
        ({"id": ["a", None]}, "id is missing in 1"),
        ({"language": ["en", "fr"]}, "'fr'"),
        ({"split": ["train", "dev"]}, "'dev'"),
        ({"colour": ["red", "red"]}, "colour"),
        ({"age_years": ["old", "new"]}, "age_years"),
        ({"findings": [[{"name": "effusion", "state": "maybe"}], []]}, "'maybe'"),
        ({"findings": [[{"name": "effusion", "state": None}], []]}, "findings.state is missing"),
        ({"patient_id": ["3.13572750430997e+38", "7"]}, "digits are lost"),
        ({"patient_id": ["3,13572750430997E+038", "7"]}, "digits are lost"),
    ],
)
def test_a_wrong_table_is_refused_by_name(changes, told):
    columns = dict(LEAST) | changes
    if "findings" in columns:
        columns["findings"] = pa.array(columns["findings"])
    with pytest.raises(DataError, match="schema") as caught:
        conform(pa.table(columns), "t")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "path", ["../a.png", "a/../../b.png", "/etc/passwd", "C:\\a.png", "a\\b.png", "http://x/a.png"]
)
def test_a_path_that_leaves_its_folder_is_refused_in_any_table(path):
    images = pa.array([[{"path": path}], []])
    with pytest.raises(DataError, match="unsafe_path"):
        conform(pa.table({**LEAST, "images": images}), "t")


def test_paths_with_dots_and_spaces_in_names_are_fine():
    images = pa.array([[{"path": "a..b/c d.e.png"}], [{"path": "..a.png"}]])
    assert conform(pa.table({**LEAST, "images": images}), "t").num_rows == 2
