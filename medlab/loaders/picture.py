"""PNG, JPEG, TIFF and GIF by Pillow, with what Pillow leaves to its caller: limits, checksums, frames, 16-bit colour.

A picture comes whole or not at all: a truncated file is an error, even where the person told Pillow to fill the rest
with grey. It does not decide what is black; `tone` does.
"""

import contextlib
import importlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.errors import DataError, MedlabError, MissingDependency, shown
from medlab.loaders import png, tiff
from medlab.loaders.decoded import Account, Decoded, ReadOptions
from medlab.loaders.flatten import flatten, grey_if_equal, note_turn, on_black, orientation_of, upright
from medlab.loaders.sniff import sniff
from medlab.loaders.strict import strict_pillow
from medlab.loaders.tone import show_values

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# the classes, not Image.open: that would also accept a phone's second picture (MPO) and hide why a file is refused
_PLUGINS = {
    "gif": "PIL.GifImagePlugin:GifImageFile",
    "jpeg": "PIL.JpegImagePlugin:JpegImageFile",
    "png": "PIL.PngImagePlugin:PngImageFile",
    "tiff": "PIL.TiffImagePlugin:TiffImageFile",
}


def read(data: bytes, options: ReadOptions, name: str) -> Decoded:
    """One picture, or frame `options.frame` of a file with several.

    Raises DataError "too_large" before decoding, "truncated", "decode", "geometry", "needs_frame", "unsupported";
    MissingDependency for colour of 16 bits without the package that reads it.
    """
    kind = sniff(data, name)
    account = Account(steps=[f"{kind} decoded"])
    with _one_family(name), strict_pillow() as warned:
        image = _opened(data, kind, name)
        _check_size(image, options, name)
        frame, frames = _seek(image, options, name)
        _check_size(image, options, name)  # the pages of a TIFF may differ
        if kind == "tiff":
            tiff.check_blocks(image, len(data), name)
        inverted = kind == "tiff" and tiff.white_is_zero(image)
        values = _values(image, data, kind, frame, name, account)
    if kind == "tiff":
        tiff.check_warnings(warned, name)
    for text in warned:
        account.doubt("decoder_warned", f"Pillow warned: {shown(text, 200)[1:-1]}")
    decoded = show_values(values, options, account, name)
    if inverted:
        _invert(decoded)
    decoded.fields |= {"name": name, "frames": frames, "frame": frame if frames > 1 else None}
    return decoded


def _opened(data: bytes, kind: str, name: str) -> "ImageFile":
    """The file with its header read and its frame checked, no pixel decoded."""
    if kind == "png":
        png.check(data, name)
    if kind == "tiff":
        tiff.check_directory(data, name)
    module, _, attribute = _PLUGINS[kind].partition(":")
    return getattr(importlib.import_module(module), attribute)(io.BytesIO(data))


def _check_size(image: "ImageFile", options: ReadOptions, name: str) -> None:
    cols, rows = image.size
    if rows < 1 or cols < 1:
        raise DataError("geometry", f"{shown(name)} declares {rows} rows and {cols} columns")
    if rows * cols > options.max_pixels:
        raise DataError(
            "too_large",
            f"{shown(name)} declares {rows} x {cols} pixels",
            accepted=f"at most {options.max_pixels}",
            fix=f"medlab.load_scan(..., options=medlab.loaders.ReadOptions(max_pixels={rows * cols})) if you trust it",
        )


def _seek(image: "ImageFile", options: ReadOptions, name: str) -> tuple[int, int]:
    """(frame, frames) after going to the frame that was asked for."""
    frames = getattr(image, "n_frames", 1)
    if frames > options.max_frames:
        raise DataError("too_large", f"{shown(name)} has {frames} frames", accepted=f"at most {options.max_frames}")
    if options.frame is None and frames > 1:
        raise DataError(
            "needs_frame",
            f"{shown(name)} holds {frames} pictures",
            accepted=f"frame=0 to frame={frames - 1}",
            fix=f"medlab.load_scan(..., frame={frames // 2})",
        )
    frame = options.frame or 0
    if frame >= frames:
        raise DataError(
            "geometry", f"frame {frame} of {shown(name)}, which has {frames}", accepted=f"0 to {frames - 1}"
        )
    if frames > 1:
        image.seek(frame)
    return frame, frames


def _values(image: "ImageFile", data: bytes, kind: str, frame: int, name: str, account: Account) -> np.ndarray:
    """The numbers of the current frame, upright: (rows, cols) or (rows, cols, 3)."""
    deep = tiff.is_deep_colour(image) if kind == "tiff" else kind == "png" and png.is_deep_colour(data)
    # Pillow turns a TIFF while it loads and forgets about it; others it leaves as they lie
    before = tiff.orientation(image) if kind == "tiff" else 1
    image.load()
    orientation = before if kind == "tiff" else orientation_of(image)
    if deep:
        return upright(_deep_colour(data, kind, frame, name, account), orientation, account)
    values = flatten(image, account)
    if kind != "tiff":
        return upright(values, orientation, account)
    note_turn(orientation, account)
    return values


def _deep_colour(data: bytes, kind: str, frame: int, name: str, account: Account) -> np.ndarray:
    """(rows, cols) or (rows, cols, 3) uint16 of a picture with several 16-bit channels, which Pillow cuts to 8."""
    try:
        import imagecodecs
    except ImportError as error:
        raise MissingDependency(
            f"{shown(name)} has colour channels of 16 bits, of which Pillow keeps 8",
            accepted="imagecodecs is installed, or a picture with 8 bits a channel",
            fix='pip install "medlab-workbench[codecs]"',
        ) from error
    values = imagecodecs.png_decode(data) if kind == "png" else imagecodecs.tiff_decode(data, index=frame)
    if values.ndim != 3 or values.shape[2] not in (2, 3, 4) or values.dtype != np.uint16:
        raise DataError("unsupported", f"{shown(name)} holds {values.dtype} of shape {values.shape}")
    if values.shape[2] % 2 == 0:
        values = on_black(values[..., :-1], values[..., -1:], account)
    return values[..., 0] if values.shape[2] == 1 else grey_if_equal(values, account)


def _invert(decoded: Decoded) -> None:
    decoded.correct("white_is_zero", "the file stores white as 0 (PhotometricInterpretation); inverted")
    if decoded.lut is None:
        decoded.stored = 1 - decoded.stored
    else:
        decoded.lut = 1 - decoded.lut


@contextlib.contextmanager
def _one_family(name: str) -> Iterator[None]:
    """What Pillow raises, as DataError. Anything it does not list falls into the net of `scan.decode_bytes`."""
    try:
        yield
    except MedlabError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        text = str(error)
        code = "decode"
        if isinstance(error, EOFError) or "truncated" in text.lower():
            code = "truncated"
        elif "cannot handle" in text or "unknown pixel mode" in text:
            code = "unsupported"
        raise DataError(
            code, f"{shown(name)} does not decode: {shown(text)[1:-1]}", fix="copy or download the file again"
        ) from error
