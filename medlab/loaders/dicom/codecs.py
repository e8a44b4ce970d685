"""Which decoder reads which transfer syntax: one explicit choice each, and what to install where it is missing.

The choices are measured (docs/dicom.md): decoders that crash on damaged streams (gdcm, dicomsdl) are never used even
where they are installed. A decoder may throw anything, Rust panics included; `decode` lets out DataError alone.
"""

import importlib.util
import io
from typing import NamedTuple

import numpy as np

from medlab.core.errors import DataError, MedlabError, MissingDependency
from medlab.loaders.dicom.codestream import Codestream
from medlab.loaders.dicom.container import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT
from medlab.loaders.dicom.layout import Layout

NATIVE = "native"


class Syntax(NamedTuple):
    name: str
    family: str
    """NATIVE, or what `codestream.inspect` and `decode` know: "jpeg", "jpegls", "j2k", "rle" """
    package: str = ""
    """the module that decodes it; "" where none is needed"""
    lossy: bool = False
    """True where it is lossy by definition"""


class CodecRow(NamedTuple):
    syntax_uid: str
    name: str
    decoder: str
    """the package that decodes it, or "built in" """
    fix: str
    """the install command; "" where it works here"""


_INSTALL = {
    "PIL": "pip install pillow",
    "imagecodecs": "pip install imagecodecs",
    "jpeg_ls": "pip install pyjpegls",
    "openjpeg": "pip install pylibjpeg-openjpeg",
    "rle": "pip install pylibjpeg-rle",
}
_JPEG = "1.2.840.10008.1.2.4"
SYNTAXES: dict[str, Syntax] = {
    IMPLICIT: Syntax("Implicit VR Little Endian", NATIVE),
    EXPLICIT: Syntax("Explicit VR Little Endian", NATIVE),
    BIG_ENDIAN: Syntax("Explicit VR Big Endian", NATIVE),
    DEFLATED: Syntax("Deflated Explicit VR Little Endian", NATIVE),
    "1.2.840.10008.1.2.5": Syntax("RLE Lossless", "rle", "rle"),
    f"{_JPEG}.50": Syntax("JPEG Baseline", "jpeg", "PIL", lossy=True),
    f"{_JPEG}.51": Syntax("JPEG Extended, 12 bit", "jpeg", "imagecodecs", lossy=True),
    f"{_JPEG}.57": Syntax("JPEG Lossless", "jpeg", "imagecodecs"),
    f"{_JPEG}.70": Syntax("JPEG Lossless SV1", "jpeg", "imagecodecs"),
    f"{_JPEG}.80": Syntax("JPEG-LS Lossless", "jpegls", "jpeg_ls"),
    f"{_JPEG}.81": Syntax("JPEG-LS Near-Lossless", "jpegls", "jpeg_ls"),
    f"{_JPEG}.90": Syntax("JPEG 2000 Lossless", "j2k", "openjpeg"),
    f"{_JPEG}.91": Syntax("JPEG 2000", "j2k", "openjpeg"),
    f"{_JPEG}.201": Syntax("High-Throughput JPEG 2000 Lossless", "j2k", "openjpeg"),
    f"{_JPEG}.202": Syntax("High-Throughput JPEG 2000 RPCL Lossless", "j2k", "openjpeg"),
    f"{_JPEG}.203": Syntax("High-Throughput JPEG 2000", "j2k", "openjpeg"),
}
"""every transfer syntax that is read; anything else is DataError "unsupported" """


def codec_table() -> list[CodecRow]:
    """What can be decoded on this machine, in the order of SYNTAXES; for `medlab doctor`."""
    return [
        CodecRow(uid, syntax.name, syntax.package or "built in", _fix(syntax.package))
        for uid, syntax in SYNTAXES.items()
    ]


def syntax_of(uid: str) -> Syntax:
    """Raises DataError "unsupported" for a transfer syntax that is not read; a private UID is not repeated."""
    if uid in SYNTAXES:
        return SYNTAXES[uid]
    standard = uid.startswith("1.2.840.10008.") and uid.replace(".", "").isdigit()
    raise DataError(
        "unsupported",
        f"transfer syntax {uid}" if standard else "a private or malformed transfer syntax",
        accepted=", ".join(syntax.name for syntax in SYNTAXES.values()),
        fix="convert it with dcmtk: dcmconv, dcmdjpeg or dcmdjpls",
    )


def decode(stream: bytes, found: Codestream | None, family: str, layout: Layout) -> np.ndarray:
    """A compressed frame as `layout.shape`: whole numbers as the stream holds them.

    Colour comes as RGB from 8-bit JPEG that names its colour and from JPEG 2000 with a component transform, else as
    stored. Raises DataError "decode", MissingDependency with the install command.
    """
    package = _package(family, found)
    fix = _fix(package)
    if fix:
        raise MissingDependency(f"{package} is not installed and this file's pixels need it", fix=fix)
    try:
        values = _DECODERS[package](stream, layout, found)
    except (MedlabError, KeyboardInterrupt, SystemExit):
        raise
    except MemoryError as error:
        raise DataError("too_large", "decoding the pixels needs more memory than there is") from error
    except BaseException as error:  # pylibjpeg-rle panics in Rust, and PanicException is no Exception
        # what a decoder says may quote a comment of the stream: only its kind is told, in the traceback too
        raise DataError("decode", f"{package} cannot decode the pixels ({type(error).__name__})") from None
    if values.shape != layout.shape:
        raise DataError("mismatch", f"the pixels decode to {values.shape}", accepted=str(layout.shape))
    return values


def _package(family: str, found: Codestream | None) -> str:
    """The stream decides, whatever the transfer syntax promised: Pillow knows lossy JPEG of 8 bits and no other."""
    if family == "jpeg":
        return "imagecodecs" if found.lossless_jpeg or found.bits > 8 else "PIL"
    return next(syntax.package for syntax in SYNTAXES.values() if syntax.family == family)


def _fix(package: str) -> str:
    return "" if not package or importlib.util.find_spec(package) else _INSTALL[package]


def _by_pillow(stream: bytes, layout: Layout, found: Codestream) -> np.ndarray:
    from PIL import Image

    image = Image.open(io.BytesIO(stream), formats=("JPEG",))
    if layout.samples == 3 and not found.colour:
        # where the stream does not name its colour Pillow takes it for YBR; asking for YBR leaves it as it is
        image.draft("YCbCr", image.size)
    return np.asarray(image)


def _by_imagecodecs(stream: bytes, layout: Layout, found: Codestream) -> np.ndarray:
    import imagecodecs

    # "RGB to RGB" keeps the samples as they are
    same = {} if layout.samples == 1 else {"colorspace": "RGB", "outcolorspace": "RGB"}
    return imagecodecs.jpeg_decode(stream, **same)


def _by_pyjpegls(stream: bytes, layout: Layout, found: Codestream) -> np.ndarray:
    import jpeg_ls

    raw, info = jpeg_ls.decode_buffer(stream)
    values = np.frombuffer(raw, "<u2" if info["bits_per_sample"] > 8 else "u1")
    if layout.samples == 3 and info["interleave_mode"] == 0:
        return values.reshape(3, layout.rows, layout.cols).transpose(1, 2, 0)
    return values.reshape(layout.shape)


def _by_openjpeg(stream: bytes, layout: Layout, found: Codestream) -> np.ndarray:
    import openjpeg

    return openjpeg.decode(stream)


def _by_rle(stream: bytes, layout: Layout, found: None) -> np.ndarray:
    from rle.rle import decode_frame

    raw = decode_frame(stream, layout.rows * layout.cols, layout.bits_allocated, "<")
    values = np.frombuffer(raw, f"<u{layout.bits_allocated // 8}")
    if layout.samples == 3:
        return values.reshape(3, layout.rows, layout.cols).transpose(1, 2, 0)
    return values.reshape(layout.shape)


_DECODERS = {
    "PIL": _by_pillow,
    "imagecodecs": _by_imagecodecs,
    "jpeg_ls": _by_pyjpegls,
    "openjpeg": _by_openjpeg,
    "rle": _by_rle,
}
