"""A stranger opens a notebook in JupyterLab and presses Run All: it runs, each picture is there and described, and
nothing leaves the machine.
"""

import json
import os
import pathlib

import pytest

from tests.browser.driving import READY, WAIT_MS, run_all

expect = pytest.importorskip("playwright.sync_api").expect

NAMES = (
    "00_start_here",
    "01_loading",
    "02_inference",
    "03_attention",
    "04_gradients_and_occlusion",
    "05_should_we_believe_it",
)
PROMPTS = "[...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(prompt => prompt.textContent)"
FAILED = '[data-mime-type="application/vnd.jupyter.stderr"]'
"""JupyterLab shows errors as this kind of output, and warnings too"""
FINISHED = f"""([cells, errors]) => {{
    const prompts = {PROMPTS};
    const failed = document.querySelectorAll('{FAILED}').length;
    return failed > errors || (prompts.length >= cells && prompts.every(text => /\\d/.test(text)));
}}"""
"""every cell has its number, or more went wrong than the stored notebook says"""
DRAWN_MS = 20_000
"""an output may be drawn a moment after its cell has its number"""
PICTURES = """[...document.querySelectorAll('.jp-OutputArea img')]
    .map(image => ({alt: image.alt, width: image.naturalWidth}))"""


def expected(name: str) -> tuple[int, int, int]:
    """How many code cells, errors and pictures the stored notebook has."""
    path = pathlib.Path(__file__).resolve().parents[2] / "notebooks" / f"{name}.ipynb"
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    errors = sum(output["output_type"] == "error" for output in outputs)
    return len(cells), errors, sum("<img" in "".join(o.get("data", {}).get("text/html", "")) for o in outputs)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_top_to_bottom(page, lab, name, tmp_path):
    cells, errors, pictures = expected(name)
    run_all(page, f"{lab}/lab/tree/notebooks/{name}.ipynb?reset")
    try:
        page.wait_for_function(FINISHED, arg=[cells, errors], timeout=WAIT_MS)
        page.get_by_text(READY).wait_for(timeout=WAIT_MS)
    finally:
        folder = pathlib.Path(os.environ.get("MEDLAB_SCREENSHOTS", tmp_path))
        page.screenshot(path=folder / f"{name}.png")
    expect(page.locator(FAILED)).to_have_count(errors, timeout=DRAWN_MS)
    assert len(page.evaluate(PROMPTS)) == cells
    expect(page.locator(".jp-OutputArea img")).to_have_count(pictures, timeout=DRAWN_MS)
    drawn = page.evaluate(PICTURES)
    assert all(picture["width"] > 0 and len(picture["alt"]) > 20 for picture in drawn)
    assert page.errors == []
    assert page.outside == []


def test_a_request_that_leaves_this_machine_is_noticed(page):
    page.set_content('<img src="http://127.0.0.2:9/pixel.png">')
    assert page.outside == ["http://127.0.0.2:9/pixel.png"]
