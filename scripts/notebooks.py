"""Build and check the notebooks: `notebooks.py build [NAME.py ...]`, `notebooks.py check`.

The source of a notebook is a py:percent file; `build` runs it from top to bottom and writes the .ipynb with outputs
beside it, the same bytes each time. `check` says where a pair is out of step, or where a stored notebook holds what it
should not. It does not run anything and does not compare outputs: nbval does.
"""

import argparse
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
MAX_BYTES = 1_000_000
MAX_CODE_LINES = 10
MIN_PROSE = 0.4
WIDGET = "application/vnd.jupyter.widget-view+json"
PRIVATE_PATH = re.compile(r"(?<![\w/])/(?:home|root|Users|tmp|work)/[\w.-]+|[A-Z]:\\Users\\")


def build(source: pathlib.Path) -> None:
    """Run `source` (py:percent) and write the .ipynb beside it."""
    import jupytext
    import nbclient
    import nbformat

    notebook = jupytext.read(source)
    place = {"metadata": {"path": str(source.parent)}}
    client = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", record_timing=False, store_widget_state=False, resources=place
    )
    with tempfile.TemporaryDirectory() as cache:  # what was measured on this machine alone is in no notebook
        client.execute(env=os.environ | {"MEDLAB_CACHE": cache})
    nbformat.write(cleaned(notebook), source.with_suffix(".ipynb"))


def cleaned(notebook):
    """The notebook without what differs from run to run or from machine to machine."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata.language_info = {"name": "python"}
    widgets = 0
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell{number:03d}"
        for key in ("execution", "scrolled", "collapsed", "ExecuteTime"):
            cell.metadata.pop(key, None)
        for output in cell.get("outputs", []):
            if WIDGET in output.get("data", {}):
                output.data[WIDGET].model_id = f"{widgets:032x}"
                widgets += 1
    return notebook


def faults(ipynb: pathlib.Path) -> Iterator[str]:
    """One sentence for each thing that is wrong with a stored notebook."""
    import jupytext
    import nbformat

    source = ipynb.with_suffix(".py")
    notebook = nbformat.read(ipynb, 4)
    if not source.exists():
        yield f"has no source {source.name}"
    elif cells(notebook) != cells(jupytext.read(source)):
        yield "is out of step with its source: make notebooks"
    if ipynb.stat().st_size > MAX_BYTES:
        yield f"has {ipynb.stat().st_size} bytes, more than {MAX_BYTES}"
    if "widgets" in notebook.metadata:
        yield "stores the state of its widgets"
    if found := PRIVATE_PATH.search(ipynb.read_text("utf-8")):
        yield f"names a path of one machine: {found[0]}"
    yield from faults_of_prose(notebook)
    for number, cell in enumerate(notebook.cells):
        for fault in faults_of_cell(cell):
            yield f"cell {number} {fault}"


def cells(notebook) -> list[tuple[str, str, list[str]]]:
    """What must be the same in source and notebook."""
    return [(c.cell_type, c.source.rstrip(), sorted(c.metadata.get("tags", []))) for c in notebook.cells]


def faults_of_prose(notebook) -> Iterator[str]:
    prose = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "markdown")
    code = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "code")
    if prose < MIN_PROSE * (prose + code):
        yield f"is {prose / max(prose + code, 1):.0%} prose, less than {MIN_PROSE:.0%}"


def faults_of_cell(cell) -> Iterator[str]:
    if cell.cell_type != "code":
        return
    lines = [line for line in cell.source.splitlines() if line.strip()]
    if len(lines) > MAX_CODE_LINES:
        yield f"has {len(lines)} lines of code, more than {MAX_CODE_LINES}"
    tags = cell.metadata.get("tags", [])
    for output in cell.outputs:
        if output.output_type == "error" and "raises-exception" not in tags:
            yield "stores a traceback"
        if output.output_type == "stream" and output.name == "stderr":
            yield "stores warnings (stderr), which nbval compares"
        data = output.get("data", {})
        if WIDGET in data and not {"image/png", "image/jpeg", "text/html"} & set(data) and len(data["text/plain"]) < 8:
            yield "shows a widget without a picture for readers who have no kernel"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("build", "check"))
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="all of notebooks/ where none is named")
    chosen = parser.parse_args(arguments)
    if chosen.verb == "build":
        for source in chosen.files or sorted(FOLDER.glob("*.py")):
            print(f"running {source.name}", flush=True)
            build(source)
        return 0
    found = [(path, fault) for path in chosen.files or sorted(FOLDER.glob("*.ipynb")) for fault in faults(path)]
    for path, fault in found:
        print(f"{path.name} {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
