"""The browser's side of the explorer as one anywidget: what is sent to the page, and what comes back.

It knows traits and bytes, not models. Arrays travel as binary; everything else is one dictionary, which the page
shows as text and never as markup.
"""

import functools
import pathlib

import numpy as np

from medlab.core.scan import Scan

STATIC = pathlib.Path(__file__).parent / "static"
SCRIPTS = ("elements", "line", "picture", "words", "hands", "explorer")
"""files of STATIC that make the page's module, read one after another: anywidget takes one text, and no bundler"""
MOST_PIXELS = 1024
"""of the longer side of the picture that is sent: a page needs no more"""
GREYS = 65535
VIEW = {"centre": 0.5, "width": 1.0, "opacity": 0.75, "draw": "heat", "cells": True}
"""how the picture is shown, as the page starts"""


@functools.cache
def page_class() -> type:
    """The anywidget class of the explorer's page; made when first needed, for anywidget is heavy."""
    import anywidget
    import traitlets

    class ExplorerPage(anywidget.AnyWidget):
        _esm = script()
        _css = STATIC / "explorer.css"
        pixels = traitlets.Bytes().tag(sync=True)
        """the scan for the page: uint16, little endian, (rows, cols, channels)"""
        drops = traitlets.Bytes().tag(sync=True)
        """a map for each word: float32, (words, grid_rows, grid_cols), one side after the other; empty for none"""
        values = traitlets.Bytes().tag(sync=True)
        """the maps that are shown: float32, their cells row by row, one side after the other; empty for none"""
        state = traitlets.Dict().tag(sync=True)
        """everything else that the page shows"""
        busy = traitlets.Bool(False).tag(sync=True)
        """True from the moment that a message of the page is heard until it is answered"""
        view = traitlets.Dict(VIEW).tag(sync=True)
        """how the picture is shown: grey levels, opacity, heat or contour; the page writes it"""

    return ExplorerPage


def script() -> str:
    """The page's module: one ES module that fetches nothing."""
    return "\n".join((STATIC / f"{name}.js").read_text("utf-8") for name in SCRIPTS)


def picture_bytes(scan: Scan) -> tuple[bytes, tuple[int, int, int]]:
    """(pixels for the page, their (rows, cols, channels)): means over blocks of whole pixels where it is too large."""
    pixels = scan.pixels if scan.is_colour else scan.pixels[..., None]
    step = -(-max(scan.rows, scan.cols) // MOST_PIXELS)
    if step > 1:
        for axis in (0, 1):
            starts = np.arange(0, pixels.shape[axis], step)
            counts = np.diff([*starts, pixels.shape[axis]]).reshape((-1, 1, 1) if axis == 0 else (-1, 1))
            pixels = np.add.reduceat(pixels, starts, axis) / counts
    return np.round(pixels * GREYS).astype("<u2").tobytes(), pixels.shape


def float_bytes(values: np.ndarray | None) -> bytes:
    """float32, little endian; empty for None."""
    return b"" if values is None else np.ascontiguousarray(values, "<f4").tobytes()
