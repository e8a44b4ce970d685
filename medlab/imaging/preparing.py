"""One picture, made into the square of numbers that a vision encoder expects.

The order is fixed: window -> uint8 -> square -> normalise. A loader has done the first two; this file does the rest.
It does not know which model asked: size, fit, mean and standard deviation are given to it. On 8-bit pictures the
default with `fit="stretch"` equals Hugging Face's Pillow processor for Gemma 3 bit by bit, at a fraction of its cost:
a grey picture stays one channel until the end, and normalising is a look-up in a table of 256 numbers.
"""

import functools
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.errors import DataError, SpecError
from medlab.core.geometry import MODES, SquareFit
from medlab.core.record import Record, check_choice, check_number, check_tuple, check_whole, record
from medlab.core.scan import Scan

if TYPE_CHECKING:
    from PIL.Image import Image

PIPELINE = 1
"""Raised whenever the same file would give other pixels than before; prepared caches of another number are refused."""

MAX_SIDE = 20_000
"""Side in pixels above which a picture is not padded: a file of 1 x 100,000,000 pixels must not claim 10 petabytes"""


@record
class Preparation(Record):
    """What a vision encoder wants of a picture. The defaults are MedGemma's (SigLIP at 896)."""

    size: int = 896
    """side of the square, pixels"""
    fit: str = "pad"
    """one of SquareFit's MODES: "pad" keeps the aspect, "stretch" does not"""
    channels: int = 3
    """3, or 1 for an encoder of grey pictures"""
    mean: tuple[float, ...] = (0.5,)
    """subtracted from values in 0..1: one for all channels, or one each"""
    std: tuple[float, ...] = (0.5,)
    """then divided by: one for all channels, or one each; above 0"""

    def __post_init__(self):
        check_whole("size", self.size, 1, 16384)
        check_choice("fit", self.fit, MODES)
        if self.channels not in (1, 3):
            raise SpecError(f"channels is {self.channels!r}", accepted="1 or 3", fix="channels=3")
        for name, low in (("mean", -1e3), ("std", 1e-6)):
            values = getattr(self, name)
            check_tuple(name, values, (int, float))
            if len(values) not in (1, self.channels):
                raise SpecError(
                    f"{name} has {len(values)} values for {self.channels} channel(s)",
                    accepted=f"one number, or {self.channels}",
                    fix=f"{name}=0.5",
                )
            for value in values:
                check_number(name, value, low, 1e3)

    def fit_of(self, rows: int, cols: int) -> SquareFit:
        """The map between a picture of rows x cols and this square."""
        return SquareFit(rows, cols, self.size, self.fit)


@record
class Prepared(Record):
    """A picture as an encoder is given it, and the way back to the pixels of the original."""

    pixels: np.ndarray
    """(channels, size, size) float32, normalised, read-only"""
    fit: SquareFit
    """how the original lies on the square"""

    def __post_init__(self):
        size = self.fit.size
        shape = getattr(self.pixels, "shape", None)
        if shape not in ((1, size, size), (3, size, size)) or self.pixels.dtype != np.float32:
            raise SpecError(
                f"pixels is {getattr(self.pixels, 'dtype', type(self.pixels).__name__)} of shape {shape}",
                accepted=f"float32 of shape (1, {size}, {size}) or (3, {size}, {size})",
            )
        # Not `frozen_array`: its search for NaN costs more than preparing did, and finite tables hold none.
        view = self.pixels.view()
        view.flags.writeable = False
        object.__setattr__(self, "pixels", view)

    def __repr__(self) -> str:
        channels, size, _ = self.pixels.shape
        fit = self.fit
        return f"Prepared({channels}x{size}x{size} float32, {fit.rows}x{fit.cols} by {fit.mode})"


def prepare(
    scan: Scan | np.ndarray,
    size: int = 896,
    fit: str = "pad",
    channels: int = 3,
    *,
    mean: float | tuple[float, ...] = 0.5,
    std: float | tuple[float, ...] = 0.5,
) -> Prepared:
    """The picture as a vision encoder wants it: Prepared, `pixels` (channels, size, size) float32.

    scan      a Scan, or uint8 (rows, cols) or (rows, cols, 3)
    size      side of the square, pixels: 896 for MedGemma, 448 for MedSigLIP, 224 for XrayGLM
    fit       "pad" lays the picture in the middle of a black square of its longer side, then resizes: aspect kept.
              "stretch" resizes each axis alone: what the Gemma 3 processor does when nobody pads
    channels  3, or 1 for a grey picture and an encoder that takes one
    mean, std of values in 0..1, one for all channels or one each; 0.5 and 0.5 give -1..1

    Resizing is Pillow's bilinear filter, which widens when it shrinks (antialias).

    Raises SpecError for other arrays, or colour where one channel was asked for; DataError too_large for a side of
    more than 20,000 pixels that would have to be padded.
    """
    preparation = Preparation(size, fit, channels, _as_tuple(mean), _as_tuple(std))
    picture = scan.to_uint8() if isinstance(scan, Scan) else scan
    square = to_square(picture, preparation)
    return Prepared(normalise(square, preparation), preparation.fit_of(*picture.shape[:2]))


def to_square(picture: np.ndarray, preparation: Preparation) -> np.ndarray:
    """`picture`, uint8 (rows, cols) or (rows, cols, 3), as uint8 (size, size) or (size, size, 3); read-only.

    Padding is 0, by whole pixels, above and left as `SquareFit.offset` says. Raises as `prepare`.
    """
    image = _to_pillow(picture)
    if preparation.fit == "pad" and image.width != image.height:
        image = _padded(image, preparation.fit_of(image.height, image.width))
    if image.size != (preparation.size, preparation.size):
        image = image.resize((preparation.size, preparation.size), resample=2)  # 2: Pillow's BILINEAR
    return np.asarray(image)


def normalise(square: np.ndarray, preparation: Preparation) -> np.ndarray:
    """A uint8 square (size, size) or (size, size, 3) as float32 (channels, size, size), contiguous.

    Raises SpecError for a colour square where `preparation` wants one channel.
    """
    if square.ndim == 3 and preparation.channels == 1:
        raise SpecError("a colour picture, and one channel was asked for", accepted="a grey picture", fix="channels=3")
    pixels = np.empty((preparation.channels, *square.shape[:2]), np.float32)
    look_up(square, tables_of(preparation), pixels)
    return pixels


def look_up(square: np.ndarray, tables: tuple[np.ndarray, ...], pixels: np.ndarray) -> None:
    """Fill `pixels` (channels, size, size) with what `tables`, of its dtype, make of the levels of `square`."""
    if square.ndim == 2 and len(tables) == 1:
        tables[0].take(square, mode="clip", out=pixels[0])
        # Copied, not repeated with stride 0: np.stack of such views would lay a batch out with the channel innermost.
        pixels[1:] = pixels[0]
        return
    for channel, plane in enumerate(pixels):
        levels = square if square.ndim == 2 else square[..., channel]
        tables[channel % len(tables)].take(levels, mode="clip", out=plane)


@functools.lru_cache(maxsize=64)
def tables_of(preparation: Preparation) -> tuple[np.ndarray, ...]:
    """One (256,) float32 table for all channels, or one each: what a grey level becomes; read-only.

    The arithmetic is step by step that of transformers' Pillow backend (v / 255 in float64 rounded to float32, then
    minus mean, then over std, both in float32), so that the results are equal and not merely close.
    """
    channels = max(len(preparation.mean), len(preparation.std))
    means, stds = (values * (channels // len(values)) for values in (preparation.mean, preparation.std))
    levels = (np.arange(256, dtype=np.float64) * (1 / 255)).astype(np.float32)
    tables = tuple((levels - np.float32(m)) / np.float32(s) for m, s in zip(means, stds, strict=True))
    for table in tables:
        table.flags.writeable = False
    return tables


def _as_tuple(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _to_pillow(picture: np.ndarray) -> "Image":
    from PIL import Image

    shape = getattr(picture, "shape", ())
    is_picture = len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or not is_picture or 0 in shape:
        what = f"{picture.dtype} of shape {shape}" if isinstance(picture, np.ndarray) else type(picture).__name__
        raise SpecError(
            f"the picture is {what}",
            accepted="a Scan, or uint8 of shape (rows, cols) or (rows, cols, 3), none empty",
            fix="medlab.prepare(medlab.load_scan(picture))",
        )
    return Image.fromarray(picture)


def _padded(image: "Image", fit: SquareFit) -> "Image":
    from PIL import Image

    if fit.side > MAX_SIDE:
        raise DataError(
            "too_large",
            f"{fit.rows}x{fit.cols} pixels cannot be padded to a square",
            accepted=f"a longer side of at most {MAX_SIDE} pixels",
            fix='fit="stretch"',
        )
    above, left = fit.offset
    padded = Image.new(image.mode, (fit.side, fit.side), 0)
    padded.paste(image, (left, above))
    return padded
