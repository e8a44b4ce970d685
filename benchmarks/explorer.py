"""How long the explorer takes from a click to the drawn map: in a real JupyterLab in Chromium, on the demo model.

    python -m benchmarks.explorer                # needs jupyterlab, playwright and Chromium (see tests/browser)
    python -m benchmarks.explorer --words 6 --write

The clock is the browser's: it starts with the time stamp of the click itself and stops at the frame after the one in
which the map was drawn, so that it holds the page, the line to the kernel, the kernel and the way back. Words are
chosen evenly over the whole report, first and last among them. "new": a word that nobody asked for; "again": the same
words a second time. Other programs slow it: the load of the machine is told with the numbers.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import shutil
import statistics
import sys
import tempfile

FRESH_MS, AGAIN_MS = 2000, 300
"""what the explorer promises for a new word, and for one that was seen before"""
FIRST = "knockout"
"""the method whose maps are shown first: the promise is about it"""
METHODS = ("instant", "attention", "token_occlusion", "refine", "reference")
"""beside it, each on fewer words"""
CELLS = (
    "import medlab\nmodel = medlab.load_model('demo')\ncase = medlab.Phantom(224).draw({seed})",
    "panel = medlab.explore(model, case)\npanel",
)
RESULTS = pathlib.Path(__file__).parent / "results" / "explorer.json"
WAIT_MS = 300_000
CLOCK = """([selector, kind, until]) => {
    const root = document.querySelector(".medlab-explorer"), node = root.querySelector(selector);
    const map = () => root.querySelector(".side").dataset.map, was = map(), before = root.dataset.done;
    const drawn = {
        preview: () => map() !== was,
        map: () => map() !== was && !map().startsWith("preview"),
        done: () => root.dataset.done !== before,
    }[until];
    let began = 0;
    node.addEventListener(kind, (event) => { began = event.timeStamp; }, { capture: true, once: true });
    window.taken = new Promise((told) => {
        const watch = new MutationObserver(() => {
            if (!began || !drawn()) return;
            watch.disconnect();
            requestAnimationFrame(() => told(performance.now() - began));
        });
        watch.observe(root, { attributes: true, subtree: true });
    });
}"""
"""arms the clock on an element; `window.taken` is the milliseconds until what it started is drawn"""


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 1 where a promise is broken."""
    asked = _parser().parse_args(arguments)
    load = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as folder, opened(pathlib.Path(folder), asked.seed) as page:
        results = measure(page, asked.words, tuple(filter(None, asked.methods.split(","))))
    load.append(os.getloadavg()[0])
    told = {
        name: {"n": len(ms), "median_ms": statistics.median(ms), "most_ms": max(ms)} for name, ms in results.items()
    }
    for name, row in told.items():
        print(f"{name:<28} n {row['n']:>3}   median {row['median_ms']:8.0f} ms   most {row['most_ms']:8.0f} ms")
    told_of = f"{load[0]:.1f}, {load[1]:.1f} on {os.cpu_count()} cores, this at nice {os.nice(0)}"
    print(f"load of the machine before and after: {told_of}")
    kept = told[f"{FIRST}, new"]["most_ms"] <= FRESH_MS and told[f"{FIRST}, again"]["most_ms"] <= AGAIN_MS
    print(f"promised: {FRESH_MS} ms for a new word, {AGAIN_MS} ms for one seen before: {'kept' if kept else 'BROKEN'}")
    if asked.write:
        _write(told, load, asked)
    return 0 if kept else 1


@contextlib.contextmanager
def opened(home: pathlib.Path, seed: int):
    """A page with the explorer in a running notebook, every word's map there."""
    from playwright import sync_api

    from tests.browser.conftest import started_browser, started_lab
    from tests.browser.driving import run_all

    path = os.environ.get("MEDLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise SystemExit("Chromium is missing: apt-get install chromium, or set MEDLAB_CHROMIUM to its path")
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for n, source in enumerate(cell.format(seed=seed) for cell in CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (home / "explorer.ipynb").write_text(json.dumps(content), "utf-8")
    lab, browser = contextlib.contextmanager(started_lab), contextlib.contextmanager(started_browser)
    with lab(home) as address, browser(sync_api, path) as started:
        page = started.new_page(viewport={"width": 1400, "height": 1200})
        run_all(page, f"{address}/lab/tree/explorer.ipynb?reset")
        page.locator(".medlab-explorer[data-done]:not([data-done=''])[aria-busy='false']").wait_for(timeout=WAIT_MS)
        yield page


def measure(page, words: int, methods: tuple[str, ...] = METHODS) -> dict[str, list[float]]:
    """Milliseconds of each thing that one may do."""
    number = page.locator(".medlab-explorer .word").count()
    chosen = sorted({round(at * (number - 1) / max(words - 1, 1)) for at in range(words)})
    results = {"hover": [hovered(page, word) for word in chosen]}
    for name in (FIRST, *methods):
        page.locator(".medlab-explorer select.method").select_option(name)  # nothing is shown, so nothing is asked
        some = [f".word[data-index='{word}']" for word in (chosen if name == FIRST else chosen[:: max(1, words // 3)])]
        for kind in ("new", "again"):
            results[f"{name}, {kind}"] = [clicked(page, word, "map") for word in some]
        clicked(page, "[data-kind='clear']")
        print(f"{name}: {len(some)} words", file=sys.stderr, flush=True)
    results["region"] = [dragged(page, top) for top in (0.2, 0.3, 0.4)]
    results["mask and ask again"] = [clicked(page, "[data-kind='mask']")]
    return results


def clicked(page, selector: str, until: str = "done") -> float:
    """Milliseconds from a click on an element to "map", another map that was asked for, or "done", any answer."""
    page.mouse.move(0, 0)
    page.evaluate(CLOCK, [selector, "click", until])
    page.locator(f".medlab-explorer {selector}").click()
    return page.evaluate("() => window.taken")


def hovered(page, word: int) -> float:
    """Milliseconds from the pointer's coming over a word to its map; no kernel is asked."""
    page.mouse.move(0, 0)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.evaluate(CLOCK, [f".word[data-index='{word}']", "pointerover", "preview"])
    page.locator(f".medlab-explorer .word[data-index='{word}']").hover()
    return page.evaluate("() => window.taken")


def dragged(page, top: float) -> float:
    """Milliseconds from letting go of a region to the words that it feeds."""
    canvas = page.locator(".medlab-explorer canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + top * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + (top + 0.3) * box["height"], steps=4)
    page.evaluate(CLOCK, ["canvas", "pointerup", "done"])
    page.mouse.up()
    return page.evaluate("() => window.taken")


def _write(told: dict, load: list[float], asked: argparse.Namespace) -> None:
    import importlib.metadata

    versions = {
        name: importlib.metadata.version(name) for name in ("torch", "transformers", "jupyterlab", "anywidget")
    }
    about = {"what": __doc__.splitlines()[0], "model": "demo", "phantom": asked.seed, "cores": os.cpu_count()}
    about |= {"machine": platform.machine(), "load_before_and_after": load, "nice": os.nice(0), "versions": versions}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(about | {"results": told}, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=12, help="words of the report that are clicked (default 12)")
    parser.add_argument("--methods", default=",".join(METHODS), help=f"beside {FIRST}, each on three words or so")
    parser.add_argument("--seed", type=int, default=700_007, help="of the phantom (default 700007)")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/explorer.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
