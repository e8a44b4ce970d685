"""Each notebook is a lesson, in step with its source; and each rule of that refuses a lesson that breaks it."""

import copy
import importlib.util
import pathlib

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is missing: make test installs it")
jupytext = pytest.importorskip("jupytext", reason="jupytext is missing: make test installs it")

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOT_COMPARED = {
    "00_start_here": 1,
    "01_loading": 1,
    "02_inference": 3,
    "03_attention": 1,
    "04_gradients_and_occlusion": 2,
    "05_should_we_believe_it": 1,
}
"""cells that nbval runs but does not compare: versions, seconds and memory differ from machine to machine"""


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lessons = script("lessons")
stored = script("notebooks")


def read(path):
    return nbformat.read(path, 4)


def test_every_source_has_its_notebook_and_every_notebook_its_source():
    sources = {path.stem for path in (ROOT / "notebooks").glob("*.py")}
    assert sources == {path.stem for path in NOTEBOOKS} == set(NOT_COMPARED)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_clean_and_in_step(path):
    assert list(stored.faults(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_lesson(path):
    assert list(lessons.faults(read(path), path.stem)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_only_what_speaks_of_the_machine_escapes_comparison(path):
    assert lessons.ignored(read(path)) == NOT_COMPARED[path.stem]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_index_names_each_notebook(path):
    assert path.stem in (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_hidden_solutions_run(path):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is missing: make test installs it")
    solved = lessons.with_solutions(read(path))
    place = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(solved, timeout=300, kernel_name="python3", resources=place).execute()


@pytest.fixture
def lesson():
    """The smallest lesson without a fault."""
    new = nbformat.v4
    opening = "# Title\n" + "\n".join(lessons.OPENING) + "\nsmall.ipynb"
    exercise = new.new_code_cell("x = 1", execution_count=2)
    exercise.metadata["tags"] = ["exercise"]
    solution = "<details><summary>Solution</summary>\n\n```python\nx = 2\n```\n\n</details>"
    closing = "\n".join(lessons.CLOSING)
    return new.new_notebook(
        cells=[
            new.new_markdown_cell(opening),
            new.new_code_cell(lessons.SETUP, execution_count=1),
            exercise,
            new.new_markdown_cell(solution),
            new.new_markdown_cell(closing),
        ]
    )


def faults_after(lesson, change):
    broken = copy.deepcopy(lesson)
    change(broken)
    return "; ".join(lessons.faults(broken, "small"))


def test_the_smallest_lesson_has_no_fault(lesson):
    assert list(lessons.faults(lesson, "small")) == []


def picture(page):
    return nbformat.v4.new_output("display_data", {"text/html": page, "text/plain": "a picture"})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda n: n.cells[0].update(source="no title"), "does not open with a title"),
        (lambda n: n.cells[0].update(source="# Title"), "does not say **Minutes**"),
        (lambda n: n.cells[0].update(source=n.cells[0].source.replace("small", "other")), "own file"),
        (lambda n: n.cells[1].update(source="import medlab"), "set-up cell"),
        (lambda n: n.cells[2].update(execution_count=7), "not run once from top to bottom"),
        (lambda n: n.cells[2].update(source="class A: pass"), "defines the class A"),
        (lambda n: n.cells[2].update(source="def f():\n" + " x = 1\n" * 6), "defines f in 7 lines"),
        (lambda n: n.cells[3].update(source="no solution"), "without a solution"),
        (lambda n: n.cells[2].metadata.update(tags=[]), "has no exercise"),
        (lambda n: n.cells[4].update(source="## Next"), "does not end with ## What this does not show"),
        (lambda n: n.cells[2].outputs.append(picture('<img src="x">')), "without a description"),
        (lambda n: n.cells[2].outputs.append(picture('<img alt="short" src="x">')), "without a description"),
        (
            lambda n: n.cells[2].outputs.append(nbformat.v4.new_output("display_data", {"image/png": "iVBO"})),
            "cannot carry a description",
        ),
    ],
)
def test_a_broken_lesson_is_found_out(lesson, change, fault):
    assert fault in faults_after(lesson, change)


def test_a_described_picture_is_no_fault(lesson):
    page = '<figure><img alt="A frontal chest film without findings." src="x"></figure>'
    assert faults_after(lesson, lambda n: n.cells[2].outputs.append(picture(page))) == ""


def test_a_solution_takes_the_place_of_its_exercise(lesson):
    assert lessons.with_solutions(lesson).cells[2].source == "x = 2"
    assert lesson.cells[2].source == "x = 1"


def test_comments_and_tags_that_escape_comparison_are_both_counted(lesson):
    lesson.cells[2].source = "# NBVAL_IGNORE_OUTPUT\nx = 1"
    lesson.cells[1].metadata["tags"] = ["nbval-ignore-output"]
    assert lessons.ignored(lesson) == 2
