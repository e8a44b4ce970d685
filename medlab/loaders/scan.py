"""The way in: anything a person may hold, to a Scan. What was asked is settled here; `decode` does the reading."""

import hashlib
from typing import Any

import numpy as np

from medlab.core.errors import SpecError, UnknownName, shown
from medlab.core.scan import Scan
from medlab.loaders.decode import decode, decode_bytes, in_memory
from medlab.loaders.decoded import WINDOW_PRESETS, ReadOptions
from medlab.loaders.files import read_source


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
    window      None: what the file says; an int: which of its windows; (centre, width); or, for CT in HU, one of
                "lung", "mediastinum", "bone", "brain"
    full_range  True: no window; black is the least value present, white the greatest
    three_windows   True: a CT slice as the RGB of three windows that MedGemma 1.5 was trained on
    untrusted   True decodes bytes in a child process with limits on memory and time
    options     a ReadOptions: limits on size, folders that paths must lie under, NIfTI plane, salt of pseudonyms

    `print(load_scan("chest.dcm").audit())` tells what was done; `medlab.show(scan)` draws it.
    Raises DataError for what was given, SpecError for what was asked.
    """
    asked = asked_options(options, frame=frame, window=window, full_range=full_range, three_windows=three_windows)
    if in_memory(source):
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
