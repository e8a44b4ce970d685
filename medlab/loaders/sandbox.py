"""Decoding of bytes that nobody vouches for, in a child process with limits on memory, processor time and patience.

The child is a fresh interpreter (not a fork), gets the bytes on its standard input, inherits no token or other
setting from the environment, may write no file, and answers with raw numbers and JSON: nothing is unpickled. A
crash of a decoder, a bomb or an endless loop costs the child and becomes a DataError here. It is no jail: the child
may still read files and open connections. On Windows, which has no such limits, only the time-out holds.
"""

import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
from typing import Any

import numpy as np

from medlab.core import errors
from medlab.core.errors import DataError, MedlabError, shown
from medlab.core.record import Record, check_number, check_whole, record
from medlab.core.scan import Note
from medlab.loaders.decoded import Decoded, ReadOptions

_COMMAND = (sys.executable, "-P", "-m", "medlab.loaders.sandbox")  # -P: a numpy.py in the current folder stays unread
_INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
_LENGTH = struct.Struct("<Q")
_DTYPES = ("|u1", "<u2", "<i2", "<f4")
_FIELDS = ("modality", "view", "laterality", "window", "windows", "spacing_mm", "bits", "frame", "frames", "patient")
_ERRORS = ("DataError", "SpecError", "MissingDependency", "CapabilityError", "PrivacyError", "MedlabError")


@record
class Limits(Record):
    """What one untrusted file may cost."""

    memory_bytes: int = 4 << 30
    """address space of the child; the interpreter and its libraries need about 0.3 GiB of it"""
    cpu_seconds: int = 60
    seconds: float = 60.0
    """wall time, start of the child included"""

    def __post_init__(self):
        check_whole("memory_bytes", self.memory_bytes, 1 << 20)
        check_whole("cpu_seconds", self.cpu_seconds, 1, 86_400)
        check_number("seconds", self.seconds, 0.01, 86_400)


def decode_apart(data: bytes, options: ReadOptions, name: str, limits: Limits | None = None) -> Decoded:
    """`scan.decode_bytes` in a child process: the same result, or the same MedlabError.

    Raises besides DataError "timeout", "too_large" where the memory did not suffice, "decode" where the child crashed.
    """
    limits = limits or Limits()
    request = _packed({"options": options.to_dict(), "name": name, "limits": limits.to_dict()}, data)
    return _unpacked(supervise(_COMMAND, request, name, limits), name)


def supervise(command: tuple[str, ...], request: bytes, name: str, limits: Limits) -> bytes:
    """What `command` answers to `request`; its end by a signal or by the clock is a DataError about `name`."""
    environment = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    package = str(pathlib.Path(errors.__file__).resolve().parents[2])
    environment |= {"PYTHONPATH": package, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        try:
            answer, _ = child.communicate(request, limits.seconds)
        except subprocess.TimeoutExpired as error:
            child.kill()
            child.communicate()
            raise _too_slow(name, f"{limits.seconds:g} seconds") from error
        except BaseException:  # after an interrupt Popen would leave the child at work
            child.kill()
            child.wait()
            raise
    if child.returncode:
        raise _ended(child.returncode, name, limits)
    return answer


def _too_slow(name: str, limit: str) -> DataError:
    return DataError(
        "timeout", f"{shown(name)}: decoding took longer than {limit}", fix="raise Limits if you trust it"
    )


def _ended(status: int, name: str, limits: Limits) -> DataError:
    """The error for a child that ended otherwise than by answering."""
    if -status == getattr(signal, "SIGXCPU", None):
        return _too_slow(name, f"{limits.cpu_seconds} seconds of processor time")
    if -status == getattr(signal, "SIGKILL", None):
        return DataError("too_large", f"{shown(name)}: the system ended its decoder, most likely for want of memory")
    how = f"signal {-status}" if status < 0 else f"status {status}"
    return DataError(
        "decode",
        f"{shown(name)}: its decoder crashed ({how}); only the child process was lost",
        fix="treat the file as hostile",
    )


def _packed(head: dict[str, Any], *bodies: bytes | memoryview) -> bytes:
    text = json.dumps({**head, "sizes": [len(body) for body in bodies]}).encode()
    return b"".join((_LENGTH.pack(len(text)), text, *bodies))


def _parts(message: bytes) -> tuple[dict[str, Any], list[memoryview]]:
    """(head, bodies) of what `_packed` made. Raises ValueError for anything else."""
    if len(message) < _LENGTH.size:
        raise ValueError("no head")
    view, at = memoryview(message), _LENGTH.size + _LENGTH.unpack_from(message)[0]
    head = json.loads(bytes(view[_LENGTH.size : at]))
    bodies = []
    for size in head["sizes"]:
        bodies.append(view[at : at + size])
        at += size
    if at != len(message):
        raise ValueError("the parts do not fill the message")
    return head, bodies


def _unpacked(answer: bytes, name: str) -> Decoded:
    """The child's answer; checked as what it is, the word of a process that hostile bytes ran in."""
    try:
        head, bodies = _parts(answer)
        result = _error(**head["error"]) if "error" in head else _decoded(head, bodies, name)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise DataError("decode", f"{shown(name)}: its decoder gave no proper answer") from error
    if isinstance(result, MedlabError):
        raise result
    return result


def _decoded(head: dict[str, Any], bodies: list[memoryview], name: str) -> Decoded:
    arrays = []
    for body, dtype, shape in zip(bodies, head["dtypes"], head["shapes"], strict=True):
        if dtype not in _DTYPES:
            raise ValueError(f"dtype {dtype!r}")
        arrays.append(np.frombuffer(body, dtype).reshape([int(side) for side in shape]))
    stored, lut = (*arrays, None)[:2]
    if (None if lut is None else lut.shape) != _lut_shape(stored):
        raise ValueError("a table that does not fit its values")
    fields = {key: _tuples(value) for key, value in head["fields"].items() if key in _FIELDS}
    notes = [Note(*note) for note in head["notes"]]
    steps = [str(step) for step in head["steps"]]
    return Decoded(stored, lut, {**fields, "name": name}, steps=steps, notes=notes)


def _lut_shape(stored: np.ndarray) -> tuple[int] | None:
    return None if stored.dtype.kind == "f" else (1 << 8 * stored.itemsize,)


def _error(kind: str, code: str, given: str, accepted: str, fix: str) -> MedlabError:
    if kind not in _ERRORS:
        raise ValueError(f"error of kind {kind!r}")
    if kind == "DataError":
        return DataError(code, given.removeprefix(f"[{code}] "), accepted=accepted, fix=fix)
    return getattr(errors, kind)(given, accepted=accepted, fix=fix)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


# what runs in the child


def _main() -> None:
    message = sys.stdin.buffer.read()
    head, (data,) = _parts(message)
    _restrict(Limits.from_dict(head["limits"]))
    from medlab.loaders.decode import decode_bytes

    options = ReadOptions.from_dict(head["options"])
    try:
        answer = _answer(decode_bytes(bytes(data), options, head["name"]))
    except MemoryError:
        answer = _refusal(DataError("too_large", f"{shown(head['name'])}: decoding it needs more memory than allowed"))
    except MedlabError as error:
        answer = _refusal(error)
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


def _restrict(limits: Limits) -> None:
    """Lay the limits on this process, as far as the system knows them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, value in (
        ("RLIMIT_AS", limits.memory_bytes),
        ("RLIMIT_CPU", limits.cpu_seconds),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_CORE", 0),
    ):
        number = getattr(resource, kind)
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(number, (value, hard if kind == "RLIMIT_CPU" else value))
        except (ValueError, OSError):  # macOS refuses RLIMIT_AS; the time-out holds there
            continue


def _answer(decoded: Decoded) -> bytes:
    arrays = [np.ascontiguousarray(array) for array in (decoded.stored, decoded.lut) if array is not None]
    head = {
        "dtypes": [array.dtype.newbyteorder("<").str for array in arrays],
        "shapes": [array.shape for array in arrays],
        "fields": {key: value for key, value in decoded.fields.items() if key in _FIELDS},
        "steps": decoded.steps,
        "notes": [(note.kind, note.code, note.text) for note in decoded.notes],
    }
    return _packed(_plain(head), *(memoryview(array).cast("B") for array in arrays))


def _refusal(error: MedlabError) -> bytes:
    kind = type(error).__name__ if type(error).__name__ in _ERRORS else "MedlabError"
    told = {"given": error.given, "accepted": error.accepted, "fix": error.fix}
    return _packed({"error": {"kind": kind, "code": getattr(error, "code", ""), **told}})


def _plain(value: Any) -> Any:
    """`value` with numpy's numbers as Python's, for JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


if __name__ == "__main__":
    _main()
