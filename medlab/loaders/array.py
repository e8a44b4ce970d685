"""Numbers in memory, numpy's .npy files and PIL images, as pictures.

It checks shapes; `tone` decides what is black.
"""

import io
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.errors import DataError, shown
from medlab.loaders.decoded import Account, Decoded, ReadOptions
from medlab.loaders.flatten import flatten, grey_if_equal, on_black, orientation_of, upright
from medlab.loaders.tone import show_values

if TYPE_CHECKING:
    from PIL import Image as pillow

_ACCEPTED = "(rows, cols), (rows, cols, 1), (rows, cols, 3) or (rows, cols, 4)"


def from_array(array: np.ndarray, options: ReadOptions, name: str = "array") -> Decoded:
    """A picture from an array of shape (rows, cols) or (rows, cols, 1 | 3 | 4); see `tone.show_values` for ranges.

    Raises DataError "geometry" for another shape, with the line that mends it; "needs_window", "decode".
    """
    account = Account(steps=[f"{array.dtype} array"])
    _check_shape(array, options, name)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    elif array.ndim == 3:
        array = _colour(array, account)
    if array.dtype.byteorder not in "=|":
        array = array.astype(array.dtype.newbyteorder("="))
    decoded = show_values(array, options, account, name)
    decoded.fields["name"] = name
    return decoded


def from_pil(image: "pillow.Image", options: ReadOptions) -> Decoded:
    """A picture from a PIL image: the one it shows now, turned upright as its EXIF says."""
    account = Account(steps=["PIL image"])
    _check_pixels(image.height, image.width, options, "PIL image")
    try:
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError("decode", f"the PIL image does not load: {shown(str(error))[1:-1]}") from error
    # asked only now, because Pillow turns a TIFF itself while it loads
    values = upright(flatten(image, account), orientation_of(image), account)
    decoded = show_values(values, options, account, "PIL image")
    decoded.fields["name"] = "PIL image"
    return decoded


def read(data: bytes, options: ReadOptions, name: str) -> Decoded:
    """A .npy file. Raises DataError "pickle" for one that holds objects: opening those would run code."""
    header, dtype, order, start = _npy_header(data, name)
    if dtype.hasobject:
        raise DataError(
            "pickle",
            f"{shown(name)} holds Python objects: opening them runs code that the file brings",
            accepted="an array of numbers",
            fix="np.save(path, np.asarray(x, dtype=np.uint16)) on the machine that made it",
        )
    size = int(np.prod(header, dtype=object)) * dtype.itemsize
    if len(data) - start < size:
        raise DataError("truncated", f"{shown(name)}: {size} bytes are declared, {len(data) - start} are there")
    array = np.frombuffer(data, dtype, size // dtype.itemsize, start).reshape(header, order=order)
    return from_array(array, options, name)


def _npy_header(data: bytes, name: str) -> tuple[tuple[int, ...], np.dtype, str, int]:
    """(shape, dtype, order "C" or "F", where the numbers begin) of a .npy file."""
    stream = io.BytesIO(data)
    try:
        major, _ = np.lib.format.read_magic(stream)
        # format 3.0 differs from 2.0 only in names of fields of structured dtypes, which are no picture
        read_header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read_header(stream)
    except (ValueError, EOFError, SyntaxError, TypeError, RecursionError) as error:
        raise DataError("decode", f"{shown(name)}: the header of the .npy file is broken") from error
    if any(side < 0 for side in shape):
        raise DataError("geometry", f"{shown(name)} declares the shape {shown(shape)}")
    return shape, dtype, "F" if by_columns else "C", stream.tell()


def _check_shape(array: np.ndarray, options: ReadOptions, name: str) -> None:
    shape = array.shape
    if array.size == 0:
        raise DataError("geometry", f"{shown(name)} has shape {shape}: it holds no number", accepted=_ACCEPTED)
    if options.frame:
        raise DataError("geometry", f"frame {options.frame} of one array", accepted="array[frame] instead")
    if len(shape) == 3 and shape[2] not in (1, 3, 4):
        fix = f"array[{shape[0] // 2}] for one slice of a stack"
        if shape[0] in (1, 3, 4):
            fix = "np.moveaxis(array, 0, -1), if the channels come first"
        raise DataError("geometry", f"{shown(name)} has shape {shape}", accepted=_ACCEPTED, fix=fix)
    if len(shape) not in (2, 3):
        fix = "array[0] for the first of a batch" if len(shape) == 4 else "array.reshape(rows, cols)"
        raise DataError("geometry", f"{shown(name)} has shape {shape}", accepted=_ACCEPTED, fix=fix)
    _check_pixels(shape[0], shape[1], options, name)


def _check_pixels(rows: int, cols: int, options: ReadOptions, name: str) -> None:
    if rows * cols > options.max_pixels:
        raise DataError(
            "too_large", f"{shown(name)} has {rows} x {cols} pixels", accepted=f"at most {options.max_pixels}"
        )


def _colour(array: np.ndarray, account: Account) -> np.ndarray:
    """(rows, cols, 3 | 4) as grey or RGB; a fourth channel of whole numbers is transparency."""
    if array.shape[2] == 4:
        if array.dtype.kind != "u":
            raise DataError(
                "geometry", f"four channels of {array.dtype}", accepted="RGBA as uint8 or uint16", fix="array[..., :3]"
            )
        array = on_black(array[..., :3], array[..., 3:], account)
    return grey_if_equal(array, account)
