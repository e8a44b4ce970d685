"""`medlab lab` for real: a JupyterLab that answers at the printed address, and to nobody without the token."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

pytest.importorskip("jupyterlab")

ADDRESS = re.compile(r"JupyterLab is at  (http://127\.0\.0\.1:\d+)(/lab\S*)\?token=(\S+)")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(root address, path, token) of a server on a folder with one notebook, and its process."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "00_start_here.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4}')
    private = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    environ = {name: value for name, value in os.environ.items() if name != "JUPYTER_TOKEN"}
    code = "from medlab.cli import main; main(['lab', '--port', '0', '--no-browser'])"
    server = subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env={**environ, **private}, stdout=subprocess.PIPE, text=True
    )
    try:
        found = next((match for line in server.stdout if (match := ADDRESS.match(line))), None)
        assert found, "no address was printed"
        yield (*found.groups(), server)
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def test_the_printed_address_shows_jupyterlab(served):
    root, path, token, _ = served
    assert path == "/lab/tree/notebooks/00_start_here.ipynb"
    with urllib.request.urlopen(f"{root}{path}?token={token}", timeout=30) as page:
        assert "JupyterLab" in page.read().decode("utf-8")


def test_the_notebook_is_served_from_the_folder(served):
    root, _, token, _ = served
    with urllib.request.urlopen(f"{root}/api/contents/notebooks?token={token}", timeout=30) as listing:
        assert "00_start_here.ipynb" in listing.read().decode("utf-8")


def test_without_the_token_nothing_is_given(served):
    root, _, _, _ = served
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{root}/api/contents", timeout=30)
    assert refused.value.code == 403


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent to a process by POSIX means")
def test_ctrl_c_ends_it_quietly(served):
    server = served[3]
    server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0
