"""`medlab lab`: JupyterLab on the notebooks, at an address that is printed once it answers.

Only this machine can reach it, and only with the token in the address. It does not install anything.
"""

import os
import pathlib
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from medlab.core.errors import DataError, MissingDependency, SpecError
from medlab.core.provenance import installed_version

FIRST = "00_start_here.ipynb"
HOST = "127.0.0.1"
PATIENCE_SECONDS = 120


def notebooks_folder(start: pathlib.Path) -> pathlib.Path:
    """`start`/notebooks, else the notebooks of the checkout that medlab runs from. Raises DataError without either."""
    checkout = pathlib.Path(__file__).resolve().parents[1]
    for place in (start, checkout):
        if any((place / "notebooks").glob("*.ipynb")):
            return place / "notebooks"
    raise DataError(
        "missing_file",
        "no notebooks/ here",
        accepted="a folder that holds medlab's notebooks/",
        fix="run this in a checkout of medlab, or: jupyter lab",
    )


def free_port(wanted: int) -> int:
    """`wanted`, or with 0 a port that is free now. Raises SpecError where `wanted` is taken."""
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise SpecError(f"port {wanted} is taken ({error.strerror})", fix="medlab lab --port 0") from error
        return probe.getsockname()[1]


def command(folder: pathlib.Path, port: int, *, browser: bool) -> list[str]:
    """The command line of the server. The token is not in it: other users of the machine can read command lines."""
    options = [f"--ServerApp.ip={HOST}", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    options += [f"--ServerApp.root_dir={folder.parent}", f"--LabApp.default_url={first_page(folder)}"]
    options += ["--Application.log_level=WARN"]
    if not browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    return [sys.executable, "-m", "jupyterlab", *options]


def first_page(folder: pathlib.Path) -> str:
    """Path of the page to open: the first notebook, else the folder."""
    return f"/lab/tree/notebooks/{FIRST}" if (folder / FIRST).is_file() else "/lab/tree/notebooks"


def serve(start: pathlib.Path, port: int = 8888, *, browser: bool = True) -> int:
    """Start JupyterLab, print its address once it answers, and stay until it ends. Returns its exit status."""
    if installed_version("jupyterlab") is None:
        raise MissingDependency("JupyterLab is not installed", fix='pip install "medlab-workbench[lab]"')
    folder = notebooks_folder(start)
    port = free_port(port)
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_urlsafe(24)
    server = subprocess.Popen(
        command(folder, port, browser=browser), env={**os.environ, "JUPYTER_TOKEN": token}, cwd=folder.parent
    )
    try:
        if answers(f"http://{HOST}:{port}/api", server):
            print(f"\nJupyterLab is at  http://{HOST}:{port}{first_page(folder)}?token={token}", flush=True)
            print("Stop it with Ctrl-C.", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait()
        return 0


def answers(address: str, server: subprocess.Popen) -> bool:
    """Wait until `address` answers; False where the server ends first or does not answer in time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False
