"""The way in: anything a person may hold, to a Scan. It finds the reader by the bytes and knows no format itself.

`decode` stops at stored values and their table, which is all that a training loop needs; `load_scan` goes on to the
record. Whatever a reader or the library below it throws leaves here as one family of error.
"""

import hashlib
import sys
from typing import Any

import numpy as np

from medlab.core.errors import DataError, MedlabError, SpecError, UnknownName, shown
from medlab.core.registry import Registry
from medlab.core.scan import Scan
from medlab.loaders.decoded import WINDOW_PRESETS, Decoded, ReadOptions
from medlab.loaders.doubts import look
from medlab.loaders.sniff import disagreement, sniff
from medlab.loaders.source import read_source

READERS = Registry(
    "scan format",
    {
        "dicom": "medlab.loaders.dicom.reader:read",
        "gif": "medlab.loaders.picture:read",
        "jpeg": "medlab.loaders.picture:read",
        "nifti": "medlab.loaders.nifti:read",
        "npy": "medlab.loaders.array:read",
        "png": "medlab.loaders.picture:read",
        "tiff": "medlab.loaders.picture:read",
    },
)
"""format name to `read(data: bytes, options: ReadOptions, name: str) -> Decoded`"""


def load_scan(
    source: Any,
    *,
    frame: int | None = None,
    window: int | str | tuple[float, float] | None = None,
    full_range: bool = False,
    three_windows: bool = False,
    untrusted: bool = False,
    options: ReadOptions | None = None,
) -> Scan:
    """One picture as a Scan, whatever it came in; what was corrected or doubted is in `scan.notes`.

    source      path (str or Path), bytes, numpy array or PIL image. The bytes decide the format, never the name
    frame       which frame or slice of several, from 0
    window      None: what the file says; an int: which of its windows; (centre, width); or one of WINDOW_PRESETS
    full_range, three_windows   see ReadOptions, as for limits, roots and salt, which `options` sets
    untrusted   True decodes bytes in a child process with limits on memory and time

    Raises DataError for what was given, SpecError for what was asked.
    """
    asked = asked_options(options, frame=frame, window=window, full_range=full_range, three_windows=three_windows)
    if _in_memory(source):
        return decode(source, asked).to_scan()
    data, name = read_source(source, asked)
    return scan_of_bytes(data, asked, name, sha256=hashlib.sha256(data).hexdigest(), untrusted=untrusted)


def asked_options(
    options: ReadOptions | None,
    *,
    frame: int | None = None,
    window: int | str | tuple[float, float] | None = None,
    full_range: bool = False,
    three_windows: bool = False,
) -> ReadOptions:
    """`options` with what `load_scan` was asked besides; a preset's name becomes its numbers."""
    changes: dict[str, Any] = {} if frame is None else {"frame": frame}
    changes |= {key: True for key, on in (("full_range", full_range), ("three_windows", three_windows)) if on}
    return (options or ReadOptions()).replace(**changes, **_window_choice(window))


def scan_of_bytes(data: bytes, options: ReadOptions, name: str, *, sha256: str, untrusted: bool = False) -> Scan:
    """A Scan of one frame of bytes in hand, whose sha256 the caller knows: a file of many frames is hashed once."""
    if untrusted:
        from medlab.loaders.sandbox import decode_apart

        decoded = decode_apart(data, options, name)
    else:
        decoded = decode_bytes(data, options, name)
    decoded.fields["sha256"] = sha256
    return decoded.to_scan()


def decode(source: Any, options: ReadOptions | None = None) -> Decoded:
    """Stored values of one picture and the table that shows them, from whatever `load_scan` accepts. No sha256."""
    options = options or ReadOptions()
    if not _in_memory(source):
        data, name = read_source(source, options)
        return decode_bytes(data, options, name)
    from medlab.loaders.array import from_array, from_pil

    read = from_array if isinstance(source, np.ndarray) else from_pil
    return _finished(read(source, options), "array")


def decode_bytes(data: bytes, options: ReadOptions, name: str = "bytes") -> Decoded:
    """`decode` for bytes in hand. Raises nothing but MedlabError, whatever the bytes."""
    kind = sniff(data, name)
    reader = READERS.get(kind)
    try:
        decoded = reader(data, options, name)
    except (MedlabError, KeyboardInterrupt, SystemExit):
        raise
    except MemoryError as error:
        raise DataError("too_large", f"{shown(name)}: decoding it needs more memory than there is") from error
    except BaseException as error:  # decoders in Rust panic with a BaseException
        # its text may quote the header, and so a patient: only its kind is told
        given = f"{shown(name)} begins like {kind} but its reader gave up ({type(error).__name__})"
        raise DataError("decode", given, fix="check that the file was copied whole") from None
    promised = disagreement(name, kind)
    if promised:
        decoded.doubt("name_disagrees", f"the name promises {promised}, the bytes are {kind} and were read as that")
    return _finished(decoded, name)


def _finished(decoded: Decoded, name: str) -> Decoded:
    decoded.fields.setdefault("name", name)
    look(decoded)
    return decoded


def _in_memory(source: Any) -> bool:
    """Whether `source` is an array or a PIL image; PIL is not imported to find out."""
    pil = sys.modules.get("PIL.Image")
    return isinstance(source, np.ndarray) or (pil is not None and isinstance(source, pil.Image))


def _window_choice(window: int | str | tuple[float, float] | None) -> dict[str, Any]:
    """`window` as `load_scan` takes it, as fields of ReadOptions."""
    if window is None:
        return {}
    if isinstance(window, str):
        if window not in WINDOW_PRESETS:
            raise UnknownName("window", window, sorted(WINDOW_PRESETS))
        return {"window": WINDOW_PRESETS[window]}
    if isinstance(window, (int, np.integer)) and not isinstance(window, bool):
        return {"window_index": int(window)}
    try:
        centre, width = (float(value) for value in window)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"window is {shown(window)}",
            accepted="the number of one of the file's windows, (centre, width), or a preset: "
            + ", ".join(WINDOW_PRESETS),
        ) from error
    return {"window": (centre, width)}
