"""The child that decodes what nobody vouches for: same results, and every way that it can come to grief."""

import dataclasses
import io
import os
import signal
import struct
import sys
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from medlab.core.errors import DataError, MissingDependency, SpecError
from medlab.core.scan import Scan
from medlab.loaders import sandbox
from medlab.loaders.decode import decode_bytes
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.sandbox import Limits, decode_apart, supervise
from medlab.loaders.scan import load_scan

COLOUR = np.random.default_rng(6).integers(0, 256, (60, 70, 3), np.uint8)
PIXELS = np.random.default_rng(5).integers(0, 4096, (60, 70), np.uint16)
POSIX = pytest.mark.skipif(os.name != "posix", reason="limits and signals are a matter of POSIX systems")


def png(pixels: np.ndarray = PIXELS) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def zeros_png(rows: int, cols: int) -> bytes:
    """A grey PNG of nothing but zeros, 1 bit a pixel: about a thousandth of a thousandth of its size in memory."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    engine = zlib.compressobj(6)
    row = bytes(1 + (cols + 7) // 8)
    body = b"".join(engine.compress(row * 100) for _ in range(rows // 100)) + engine.flush()
    header = struct.pack(">IIBBBBB", cols, rows, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def refused(*given, **asked) -> DataError:
    with pytest.raises(DataError) as caught:
        supervise(*given, **asked)
    return caught.value


# the same results


@pytest.mark.parametrize("pixels", [PIXELS, COLOUR, COLOUR[..., 0]], ids=["16 bits", "colour", "8 bits"])
def test_the_child_gives_the_scan_that_this_process_gives(pixels):
    data = png(pixels)
    assert load_scan(data, untrusted=True) == load_scan(data)


def test_options_name_and_real_values_cross_over(tmp_path):
    path = tmp_path / "ein film\n.png"
    path.write_bytes(png())
    apart, here = (load_scan(path, window=(900, 1000), untrusted=flag) for flag in (True, False))
    assert apart == here
    assert apart.window == (900.0, 1000.0)
    stream = io.BytesIO()
    np.save(stream, PIXELS / 4095)
    assert load_scan(stream.getvalue(), untrusted=True) == load_scan(stream.getvalue())


def test_a_real_dicom_film_reads_the_same_in_the_child(fixtures):
    path = fixtures("dicom/JPEG2000_UNC.dcm")
    assert load_scan(path, untrusted=True) == load_scan(path)


@pytest.mark.parametrize("data", [b"", b"plain text", png()[:-8], b"\xff\xd8\xff\xe0", b"\x80\x04\x95....."])
def test_the_child_raises_the_error_that_this_process_raises(data):
    with pytest.raises(DataError) as apart:
        load_scan(data, untrusted=True)
    with pytest.raises(DataError) as here:
        load_scan(data)
    for field in ("code", "given", "accepted", "fix"):
        assert getattr(apart.value, field) == getattr(here.value, field)


def test_errors_of_the_asker_cross_over_too():
    with pytest.raises(SpecError, match="three_windows was asked for uint16"):
        load_scan(png(), three_windows=True, untrusted=True)


def test_a_missing_dependency_keeps_its_kind():
    answer = sandbox._refusal(MissingDependency("no codec", fix="pip install it"))
    with pytest.raises(MissingDependency, match="pip install it"):
        sandbox._unpacked(answer, "x")


def test_every_field_of_a_scan_that_a_reader_may_set_crosses_over():
    made_here = {"pixels", "name", "sha256", "steps", "notes"}
    assert set(sandbox._FIELDS) == {field.name for field in dataclasses.fields(Scan)} - made_here


# how it may end


def test_an_endless_loop_ends_with_the_clock():
    began = time.monotonic()
    error = refused(python("while True: pass"), b"", "x.png", Limits(seconds=0.5))
    assert error.code == "timeout"
    assert "0.5 seconds" in str(error)
    assert time.monotonic() - began < 30


@POSIX
def test_an_interrupt_ends_the_child_too(tmp_path):
    """The child says that it runs, and its parent alone is interrupted, as by the stop button of a notebook."""
    fifo = tmp_path / "running"
    os.mkfifo(fifo)

    def interrupt():
        children.append(int(fifo.read_text()))
        os.kill(os.getpid(), signal.SIGINT)

    children: list[int] = []
    threading.Thread(target=interrupt, daemon=True).start()
    code = f"import os, time; open({str(fifo)!r}, 'w').write(str(os.getpid())); time.sleep(30)"
    with pytest.raises(KeyboardInterrupt):
        supervise(python(code), b"", "x.png", Limits(seconds=50))
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)


@POSIX
def test_an_endless_loop_ends_with_its_processor_time():
    code = "from medlab.loaders.sandbox import *; from medlab.loaders.sandbox import _restrict\n"
    code += "_restrict(Limits(cpu_seconds=1))\nwhile True: pass"
    error = refused(python(code), b"", "x.png", Limits(cpu_seconds=1, seconds=60))
    assert error.code == "timeout"
    assert "processor time" in str(error)


@POSIX
@pytest.mark.parametrize(
    ("number", "code"), [("SIGSEGV", "decode"), ("SIGABRT", "decode"), ("SIGBUS", "decode"), ("SIGKILL", "too_large")]
)
def test_a_child_that_dies_by_a_signal_is_an_error_here(number, code):
    ending = "import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0));"
    ending += f"os.kill(os.getpid(), {getattr(signal, number).value})"
    assert refused(python(ending), b"", "x.png", Limits()).code == code


def test_a_child_that_leaves_or_talks_nonsense_is_an_error_here(monkeypatch):
    assert refused(python("raise SystemExit(3)"), b"", "x.png", Limits()).code == "decode"
    for words in ("", "print('hello')", "import sys; sys.stdout.buffer.write(bytes(8))"):
        monkeypatch.setattr(sandbox, "_COMMAND", python(words or "pass"))
        with pytest.raises(DataError, match="no proper answer"):
            decode_apart(png(), ReadOptions(), "x.png")


@POSIX
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_a_bomb_ends_at_the_memory_limit_with_the_pixel_limit_lifted():
    bomb = zeros_png(30_000, 30_000)
    assert len(bomb) < 300_000
    with pytest.raises(DataError) as caught:
        decode_bytes(bomb, ReadOptions(), "bomb.png")
    assert caught.value.code == "too_large"
    lifted = ReadOptions(max_pixels=10**10)
    with pytest.raises(DataError) as caught:
        decode_apart(bomb, lifted, "bomb.png", Limits(memory_bytes=1 << 29))
    assert caught.value.code == "too_large"


@POSIX
def test_the_child_may_write_no_file(tmp_path):
    target = tmp_path / "written"
    code = "from medlab.loaders.sandbox import *; from medlab.loaders.sandbox import _restrict\n"
    code += f"with open({str(target)!r}, 'wb') as file: file.write(b'data')"
    supervise(python(code), b"", "x.png", Limits())
    assert target.read_bytes() == b"data", "the same child without limits writes: else this test shows nothing"
    target.unlink()
    refused(python(code.replace("with", "_restrict(Limits())\nwith", 1)), b"", "x.png", Limits())
    assert not target.exists() or target.stat().st_size == 0


def test_the_child_inherits_no_token(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "canary")
    heard = supervise(python("import os; print(sorted(os.environ.items()))"), b"", "x.png", Limits())
    assert b"canary" not in heard
    assert b"PYTHONPATH" in heard


def test_a_module_in_the_current_folder_is_not_imported_by_the_child(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert load_scan(png(), untrusted=True) == load_scan(png())


# an answer is not believed


@pytest.mark.parametrize(
    "change",
    [
        {"dtypes": ["|O8", "<f4"]},
        {"shapes": [[60, 71], [65536]]},
        {"shapes": [[60, 70], [256, 256]]},
        {"notes": [["correction", "", ""]]},
        {"notes": [["boast", "x", "y"]]},
        {"fields": []},
        {"error": {"kind": "SystemExit", "code": "", "given": "", "accepted": "", "fix": ""}},
        {"error": {"kind": "DataError", "code": "no such code", "given": "", "accepted": "", "fix": ""}},
    ],
)
def test_a_forged_answer_is_an_error(change):
    answer = sandbox._answer(decode_bytes(png(), ReadOptions(), "x.png"))
    head, bodies = sandbox._parts(answer)
    assert sandbox._unpacked(sandbox._packed(head, *bodies), "x.png").to_scan() == load_scan(png()).replace(
        name="x.png", sha256=""
    )
    with pytest.raises(DataError):
        sandbox._unpacked(sandbox._packed({**head, **change}, *bodies), "x.png")


@pytest.mark.parametrize(
    "limits", [{"memory_bytes": 0}, {"cpu_seconds": 0}, {"seconds": 0}, {"seconds": float("inf")}]
)
def test_limits_that_are_none_are_refused(limits):
    with pytest.raises(SpecError):
        Limits(**limits)
