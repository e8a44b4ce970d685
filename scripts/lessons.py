"""What makes a stored notebook one of medlab's lessons, beyond being clean, which scripts/notebooks.py checks.

A lesson opens with its question and its cost, sets itself up in the same cell as every other, keeps its functions
short, describes each picture in words, and ends with its limits. Each exercise has a hidden solution, and the
solutions are run too: `with_solutions` puts them where the exercise stood. This module runs nothing itself.
"""

import ast
import copy
import html.parser
import re
from collections.abc import Iterator

SETUP = """\
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("medlab") is None:  # Colab, or a kernel without medlab
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "medlab-workbench[samples,codecs]"], check=True)
import medlab"""
"""the first code cell of every lesson; run twice it does nothing twice"""

OPENING = ("Open in Colab", "**You will**", "**Minutes**", "**Hardware**", "**Data**", "**Licence**")
CLOSING = ("## What this does not show", "## Next")
MOST_FUNCTION_LINES = 5
IGNORE = "# NBVAL_IGNORE_OUTPUT"
SOLUTION = re.compile(r"<details>.*?```python\n(.*?)```.*?</details>", re.DOTALL)
BARE_PICTURES = ("image/png", "image/jpeg", "image/svg+xml")


def faults(notebook, name: str) -> Iterator[str]:
    """One sentence for each way in which a stored notebook called NAME.ipynb is not a lesson."""
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not prose or not prose[0].startswith("# "):
        yield "does not open with a title"
        return
    for part in OPENING:
        if part not in prose[0]:
            yield f"does not say {part} in its first cell"
    if f"{name}.ipynb" not in prose[0]:
        yield "does not name its own file beside the link to Colab"
    for part in CLOSING:
        if part not in "\n".join(prose[-2:]):
            yield f"does not end with {part}"
    if not code or code[0].source != SETUP:
        yield "does not begin with the set-up cell of every lesson"
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield "was not run once from top to bottom"
    for number, cell in enumerate(notebook.cells):
        for fault in (*faults_of_code(cell), *faults_of_pictures(cell)):
            yield f"cell {number} {fault}"
    yield from faults_of_exercises(notebook)


def faults_of_code(cell) -> Iterator[str]:
    if cell.cell_type != "code":
        return
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.ClassDef):
            yield f"defines the class {node.name}: that belongs in medlab, with a test"
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = node.end_lineno - node.lineno + 1
            if lines > MOST_FUNCTION_LINES:
                yield f"defines {node.name} in {lines} lines, more than {MOST_FUNCTION_LINES}"


def faults_of_pictures(cell) -> Iterator[str]:
    """Only a picture inside HTML keeps its alt text in JupyterLab and in nbconvert's default template."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        page = "".join(data.get("text/html", ""))
        if "text/html" not in data and any(kind in data for kind in BARE_PICTURES):
            yield "shows a picture that cannot carry a description: medlab.show(...)"
        if any(len(alt) < 20 for alt in _alt_texts(page)):
            yield "shows a picture without a description"


def faults_of_exercises(notebook) -> Iterator[str]:
    """An exercise is a cell tagged "exercise", followed by a cell with its solution in <details>."""
    tagged = [i for i, cell in enumerate(notebook.cells) if "exercise" in cell.metadata.get("tags", [])]
    if not tagged:
        yield "has no exercise"
    for index in tagged:
        following = notebook.cells[index + 1].source if index + 1 < len(notebook.cells) else ""
        if not SOLUTION.search(following):
            yield f"cell {index} is an exercise without a solution in <details> after it"


def with_solutions(notebook):
    """A copy in which each exercise holds its solution: running it proves that the solutions work."""
    solved = copy.deepcopy(notebook)
    for index, cell in enumerate(solved.cells[:-1]):
        if "exercise" in cell.metadata.get("tags", []):
            cell.source = SOLUTION.search(solved.cells[index + 1].source)[1].strip()
    return solved


def ignored(notebook) -> int:
    """How many cells are left out of nbval's comparison."""
    tags = sum("nbval-ignore-output" in cell.metadata.get("tags", []) for cell in notebook.cells)
    return tags + sum(IGNORE in cell.source for cell in notebook.cells if cell.cell_type == "code")


def _alt_texts(page: str) -> list[str]:
    """The alt text of every picture of a page, empty where it has none."""
    found: list[str] = []

    class Pictures(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag == "img":
                found.append(dict(attributes).get("alt") or "")

    Pictures().feed(page)
    return found
