"""How packages are installed: by uv where it can be had, else by pip, both obeying pip's own configuration.

uv does not read pip's settings (indexes, wheel folders, certificates), so they are read here and handed over: a
machine that reaches its packages only through them, such as one behind a hospital's mirror, works with either.
"""

import ast
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import urllib.parse

INDEX_VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
PIP_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX")


@dataclasses.dataclass(frozen=True)
class Step:
    """One command, what it is for, and the environment variables that it sets or (None) removes."""

    says: str
    command: tuple[str, ...]
    variables: tuple[tuple[str, str | None], ...] = ()

    def __str__(self) -> str:
        return " ".join(without_password(part) for part in self.command)

    def run(self) -> int:
        """Run it and return its exit status."""
        environ = dict(os.environ)
        for name, value in self.variables:
            environ.pop(name, None)
            if value is not None:
                environ[name] = value
        return subprocess.call(self.command, env=environ)


def read_pip_config(lines: str) -> dict[str, str]:
    """The settings that `pip config list` printed, by name; environment over [install] over [global]."""
    settings = {}
    for scope in ("global", "install", ":env:"):
        for line in lines.splitlines():
            name, equals, value = line.partition("=")
            section, _, key = name.rpartition(".")
            if equals and section == scope:
                settings[key] = ast.literal_eval(value)
    return settings


def wheel_folders(pip_config: dict[str, str], environ: dict[str, str]) -> tuple[pathlib.Path, ...]:
    """Local folders of wheels that pip or uv would look into, each once."""
    named = pip_config.get("find-links", "").split() + re.split(r"[\s,]+", environ.get("UV_FIND_LINKS", ""))
    folders = (pathlib.Path(urllib.parse.unquote(name.removeprefix("file://"))) for name in named if name)
    return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def uv_options(pip_config: dict[str, str], environ: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """(options, environment variables) that make uv look where pip would. uv's own variables, where set, win."""
    options = []
    if not any(environ.get(name) for name in INDEX_VARIABLES):
        if "index-url" in pip_config:
            options += ["--default-index", pip_config["index-url"]]
        extra = pip_config.get("extra-index-url", "").split()
        for url in extra:
            options += ["--index", url]
        if extra:
            # pip takes the best version of all indexes; uv's own default stops at the first that has the name
            options += ["--index-strategy", "unsafe-best-match"]
        for place in pip_config.get("find-links", "").split():
            options += ["--find-links", place]
        if pip_config.get("no-index", "").lower() in ("1", "true", "yes", "on"):
            options += ["--no-index"]
    for host in pip_config.get("trusted-host", "").split():
        options += ["--allow-insecure-host", host]
    wanted = {"SSL_CERT_FILE": pip_config.get("cert"), "HTTPS_PROXY": pip_config.get("proxy")}
    return options, {name: value for name, value in wanted.items() if value and not environ.get(name)}


def without_password(text: str) -> str:
    """`text` with the user name and password of any address in it replaced."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", text)


class Installer:
    """Installs into one environment, by uv or pip."""

    def __init__(self, python: str, uv: str | None, pip_config: dict[str, str]):
        self.python, self.uv, self.pip_config = python, uv, pip_config

    @property
    def name(self) -> str:
        return "uv" if self.uv else "pip"

    def step(self, says: str, *arguments: str, index: str | None = None) -> Step:
        """The Step that installs `arguments`; with `index`, from that index alone."""
        if self.uv:
            options, variables = uv_options(self.pip_config, dict(os.environ))
            command = [self.uv, "pip", "install", "--python", self.python]
            if index:
                options, blocked = ["--default-index", index], dict.fromkeys(INDEX_VARIABLES)
                return Step(says, (*command, *options, *arguments), tuple({**variables, **blocked}.items()))
            return Step(says, (*command, *options, *arguments), tuple(variables.items()))
        command = [self.python, "-m", "pip", "install", "--disable-pip-version-check"]
        if index:
            # --isolated would lose the certificate too, so only the places to look are blocked
            blocked = {
                "PIP_CONFIG_FILE": os.devnull,
                **dict.fromkeys(PIP_VARIABLES),
                **_pip_connection(self.pip_config),
            }
            return Step(says, (*command, "--index-url", index, *arguments), tuple(blocked.items()))
        return Step(says, (*command, *arguments))


def _pip_connection(pip_config: dict[str, str]) -> dict[str, str]:
    """Settings about how to connect, as pip's environment variables."""
    kept = ("cert", "client-cert", "proxy", "trusted-host", "timeout", "default-timeout")
    return {f"PIP_{key.upper().replace('-', '_')}": pip_config[key] for key in kept if key in pip_config}


def find_uv(python: str) -> str | None:
    """uv on PATH or in the environment of `python`, or None."""
    beside = pathlib.Path(python).parent
    return shutil.which("uv") or shutil.which("uv", path=str(beside))
