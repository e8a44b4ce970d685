"""A real JupyterLab and a real Chromium for the tests of this folder; they say what is missing."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 120
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # every cell stands in the page, also those that are scrolled out of sight
    "notebook-extension/tracker": {"windowingMode": "none"},
}


def copy_unrun(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copy notebooks without their outputs, so that whatever a page shows came from running it."""
    target.mkdir()
    for path in source.glob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        (target / path.name).write_text(json.dumps(notebook), encoding="utf-8")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def lab_home(tmp_path_factory):
    """The folder that JupyterLab shows: what a test writes there can be opened."""
    return tmp_path_factory.mktemp("jupyter")


@pytest.fixture(scope="session")
def lab(lab_home):
    """The address of a JupyterLab of its own, on notebooks that were never run, with settings that nobody else has."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is missing: make test installs it")
    copy_unrun(ROOT / "notebooks", lab_home / "notebooks")
    yield from started_lab(lab_home)


def started_lab(home: pathlib.Path):
    """Yields the address of a JupyterLab on a folder, and ends it."""
    for name, settings in SETTINGS.items():
        place = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(settings), encoding="utf-8")
    folders = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    lab_folders = {"SETTINGS_DIR": "settings", "WORKSPACES_DIR": "workspaces"}
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    environment |= {f"JUPYTER_{name}": str(home / folder) for name, folder in folders.items()}
    environment |= {f"JUPYTERLAB_{name}": str(home / folder) for name, folder in lab_folders.items()}
    address = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--allow-root"]
    command += [f"--port={address.rpartition(':')[2]}", "--IdentityProvider.token=", f"--ServerApp.root_dir={home}"]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(f"{address}/api"):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail("JupyterLab did not start:\n" + (home / "server.log").read_text()[-2000:])
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test installs it")
    path = os.environ.get("MEDLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is missing: apt-get install chromium, or set MEDLAB_CHROMIUM to its path")
    yield from started_browser(playwright, path)


def started_browser(playwright, path: str):
    """Yields a Chromium, and ends it."""
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=FLAGS, headless=True)
        yield started
        started.close()


@pytest.fixture
def page(browser):
    """A page that remembers its errors and every request that would leave this machine."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.errors, page.outside = [], []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: _remember(request.url, page.outside))
    yield page
    page.close()


def _remember(url: str, outside: list[str]) -> None:
    if url.startswith(("http:", "https:", "ws:", "wss:")) and "//127.0.0.1:" not in url:
        outside.append(url)
