"""Bytes to stored values and the table that shows them: all that a training loop needs.

It finds the reader by the bytes and knows no format itself. Whatever a reader or the library below it throws leaves
here as one family of error.
"""

import sys
from typing import Any

import numpy as np

from medlab.core.errors import DataError, MedlabError, shown
from medlab.core.registry import Registry
from medlab.loaders.decoded import Decoded, ReadOptions
from medlab.loaders.doubts import look
from medlab.loaders.files import read_source
from medlab.loaders.sniff import disagreement, sniff

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


def decode(source: Any, options: ReadOptions | None = None) -> Decoded:
    """Stored values of one picture and the table that shows them, from whatever `load_scan` accepts. No sha256."""
    options = options or ReadOptions()
    if not in_memory(source):
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


def in_memory(source: Any) -> bool:
    """Whether `source` is an array or a PIL image; PIL is not imported to find out."""
    pil = sys.modules.get("PIL.Image")
    return isinstance(source, np.ndarray) or (pil is not None and isinstance(source, pil.Image))
