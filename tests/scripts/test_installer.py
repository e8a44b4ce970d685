"""uv is told what pip's configuration says, and neither prints a password."""

import pytest
from installer import Installer, Step, read_pip_config, uv_options, wheel_folders, without_password

LISTED = """\
:env:.find-links='/wheels'
global.cert='/etc/ca.pem'
global.extra-index-url='https://one.example/simple file:///two'
global.find-links='/elsewhere'
install.index-url='https://user:secret@mirror.example/simple'
global.index-url='https://other.example/simple'
"""


@pytest.fixture
def config():
    return read_pip_config(LISTED)


def test_the_nearer_setting_of_pip_wins(config):
    assert config == {
        "cert": "/etc/ca.pem",
        "extra-index-url": "https://one.example/simple file:///two",
        "find-links": "/wheels",
        "index-url": "https://user:secret@mirror.example/simple",
    }


def test_a_line_that_is_no_setting_is_passed_over():
    assert read_pip_config("") == {}
    assert read_pip_config("WARNING: something\n") == {}


def test_uv_looks_where_pip_would(config):
    options, variables = uv_options(config, {})
    assert options == [
        *("--default-index", "https://user:secret@mirror.example/simple"),
        *("--index", "https://one.example/simple"),
        *("--index", "file:///two"),
        *("--index-strategy", "unsafe-best-match"),
        *("--find-links", "/wheels"),
    ]
    assert variables == {"SSL_CERT_FILE": "/etc/ca.pem"}


def test_without_settings_uv_is_told_nothing():
    assert uv_options({}, {}) == ([], {})


@pytest.mark.parametrize("name", ["UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_FIND_LINKS"])
def test_uvs_own_settings_win(config, name):
    options, _ = uv_options(config, {name: "x"})
    assert options == []


def test_a_certificate_that_is_set_stays(config):
    assert uv_options(config, {"SSL_CERT_FILE": "/mine"})[1] == {}


def test_a_closed_network_stays_closed():
    assert uv_options({"no-index": "true"}, {})[0] == ["--no-index"]
    assert uv_options({"no-index": "false"}, {})[0] == []
    assert uv_options({"trusted-host": "a b"}, {})[0] == ["--allow-insecure-host", "a", "--allow-insecure-host", "b"]


def test_wheel_folders_are_those_that_are_there_each_once(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "c").mkdir()
    config = {"find-links": f"file://{tmp_path}/a%20b {tmp_path}/missing https://wheels.example/"}
    folders = wheel_folders(config, {"UV_FIND_LINKS": f"{tmp_path}/c,{tmp_path}/c"})
    assert folders == (tmp_path / "a b", tmp_path / "c")
    assert wheel_folders({}, {}) == ()


def test_a_step_of_uv_and_of_pip(monkeypatch):
    for name in ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    uv = Installer("py", "/bin/uv", {"find-links": "/w"}).step("x", "torch")
    assert uv.command == ("/bin/uv", "pip", "install", "--python", "py", "--find-links", "/w", "torch")
    pip = Installer("py", None, {"find-links": "/w"}).step("x", "torch")
    assert pip.command == ("py", "-m", "pip", "install", "--disable-pip-version-check", "torch")


@pytest.mark.parametrize("uv", ["/bin/uv", None])
def test_the_cpu_index_is_asked_alone_but_through_the_same_certificate(uv, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    config = {"extra-index-url": "https://one.example/simple", "cert": "/etc/ca.pem"}
    step = Installer("py", uv, config).step("torch", "torch>=2.4", index="https://cpu.example")
    assert "https://cpu.example" in step.command
    assert not any("one.example" in part for part in step.command)
    variables = dict(step.variables)
    assert variables["SSL_CERT_FILE" if uv else "PIP_CERT"] == "/etc/ca.pem"
    assert variables["UV_INDEX" if uv else "PIP_EXTRA_INDEX_URL"] is None


def test_a_step_sets_and_removes_variables_for_its_command_only(monkeypatch, tmp_path):
    import sys

    monkeypatch.setenv("MEDLAB_GONE", "1")
    code = "import os, sys; sys.exit('MEDLAB_GONE' in os.environ or os.environ['MEDLAB_SET'] != 'yes')"
    step = Step("x", (sys.executable, "-c", code), (("MEDLAB_GONE", None), ("MEDLAB_SET", "yes")))
    assert step.run() == 0


def test_no_password_is_printed():
    assert without_password("--index https://me:secret@host/simple") == "--index https://***@host/simple"
    step = Step("x", ("uv", "--index", "https://me:secret@host/simple"))
    assert "secret" not in str(step)
