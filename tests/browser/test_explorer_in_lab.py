"""The explorer in a real JupyterLab, on the demo model: a word, a region, asked again, read back in the next cell."""

import json
import os
import pathlib
import re

import pytest

from tests.browser.driving import READY, WAIT_MS, run_all

expect = pytest.importorskip("playwright.sync_api").expect

CELLS = [
    "import medlab\nmodel = medlab.load_model('demo')\ncase = medlab.Phantom(224).draw(700_007)",
    "panel = medlab.explore(model, case)\npanel",
    "import json\nread = [panel.attribution.target, panel.region.box_px, bool(panel.counterfactual)]\n"
    "print('READ', json.dumps(read))",
]


@pytest.fixture
def notebook(lab_home) -> str:
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for n, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (lab_home / "explorer.ipynb").write_text(json.dumps(content), "utf-8")
    return "explorer.ipynb"


def test_the_explorer_links_words_and_regions_in_jupyterlab(page, lab, notebook, tmp_path):
    folder = pathlib.Path(os.environ.get("MEDLAB_SCREENSHOTS", tmp_path))
    run_all(page, f"{lab}/lab/tree/{notebook}?reset")
    root = page.locator(".medlab-explorer[data-done]:not([data-done=''])[aria-busy='false']").first
    root.wait_for(timeout=WAIT_MS)
    root.scroll_into_view_if_needed()
    chosen = root.locator(".word:not(.still)", has_text=re.compile(r"\w{6}")).first
    chosen.click()
    expect(chosen).to_have_attribute("aria-pressed", "true", timeout=WAIT_MS)
    expect(root.locator(".caption")).not_to_be_empty(timeout=WAIT_MS)
    expect(root.locator(".verdict")).not_to_be_empty()
    canvas = root.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
    page.mouse.up()
    expect(root.locator(".region h4")).to_be_visible(timeout=WAIT_MS)
    page.screenshot(path=folder / "explorer_region.png")
    root.locator("[data-kind='mask']").click()
    expect(root.locator(".again h4")).to_be_visible(timeout=WAIT_MS)
    root.screenshot(path=folder / "explorer_again.png")
    drawn = canvas.bounding_box()
    # the verdict stays under its map, however much stands beside it
    assert root.locator(".told").bounding_box()["y"] < drawn["y"] + drawn["height"] + 40
    read_back(page)
    assert page.errors == []
    assert page.outside == []


def read_back(page) -> None:
    """Run the last cell: what the mouse made is there as records."""
    last = page.locator(".jp-CodeCell").nth(len(CELLS) - 1)
    last.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    expect(last.locator(".jp-OutputArea-output", has_text="READ [")).to_be_visible(timeout=WAIT_MS)
    page.get_by_text(READY).wait_for(timeout=WAIT_MS)
    told = last.locator(".jp-OutputArea-output", has_text="READ [").inner_text()
    target, box, asked = json.loads(told.partition("READ ")[2])
    assert target
    assert len(box) == 4
    assert asked is True
