"""Plate: a finished figure and the same thing in words, ready for a notebook page or a file.

It knows how to show and save a figure, not what is on it. Front ends drop the alt text of a bare `image/png` (the
lab template of nbconvert and JupyterLab both do), so the picture travels inside HTML that carries its own.
"""

import base64
import functools
import html
import io
import pathlib
from typing import TYPE_CHECKING, Any

from medlab.core.errors import SpecError, shown
from medlab.core.provenance import Provenance
from medlab.plots.style import drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCREEN_DPI, PRINT_DPI = 100, 300
FORMATS = ("png", "svg")
JPEG = {"quality": 80, "subsampling": 0}
"""of films, for the page only, where it is a third of PNG's size; a saved file is never lossy"""
COLOURS = 64
"""on the page, of a figure without a film: a third of the size of either"""


class Plate:
    """What `medlab.show` returns. Draws itself at the end of a notebook cell; `repr` is its description.

    figure       the matplotlib figure, to add to or to take apart
    description  what a person who cannot see it should be told; also the alt text
    sources      of the films in it; empty for a figure that shows none
    """

    def __init__(self, figure: "Figure", description: str, provenance: Provenance, sources: tuple[str, ...] = ()):
        self.figure = figure
        self.description = description
        self.provenance = provenance
        self.sources = sources

    def png(self, dpi: int = SCREEN_DPI) -> bytes:
        """The figure as it is now, as PNG bytes with provenance in its text chunks."""
        software = f"medlab {self.provenance.medlab}"
        return self._print("png", dpi, metadata={**self._metadata(), "Software": software})

    def save(self, path: str | pathlib.Path, *, dpi: int = PRINT_DPI) -> pathlib.Path:
        """Write PNG or SVG, chosen by the suffix; returns the path. The same figure gives the same bytes.

        Title, description, the sha256 of each source file and the versions that made it go into the file's metadata.
        """
        path = pathlib.Path(path)
        kind = path.suffix.lower().lstrip(".")
        if kind not in FORMATS:
            raise SpecError(
                f"save to {shown(path.name)}",
                accepted="a name that ends in .png or .svg",
                fix=f"plate.save({path.stem + '.png'!r}); other formats: plate.figure.savefig(...)",
            )
        if kind == "png":
            path.write_bytes(self.png(dpi))
        else:
            creator = {"Creator": f"medlab {self.provenance.medlab}", "Date": None}
            path.write_bytes(self._print("svg", dpi, metadata={**self._metadata(), **creator}))
        return path

    def _metadata(self) -> dict[str, Any]:
        return {
            "Title": "medlab figure (research and teaching only)",
            "Description": self.description,
            "Source": "; ".join((*self.sources, self.provenance.to_json())),
        }

    def _print(self, kind: str, dpi: int, **options: Any) -> bytes:
        stream = io.BytesIO()
        with drawing():
            self.figure.savefig(stream, format=kind, dpi=dpi, **options)
        return stream.getvalue()

    @functools.cached_property
    def html(self) -> str:
        """One `<figure>` with the picture inside it and the description as its alt text; no script, no address."""
        kind, picture = ("jpeg", self._print("jpeg", SCREEN_DPI, pil_kwargs=JPEG)) if self.sources else self._drawing()
        alt = html.escape(self.description, quote=True)
        width = round(self.figure.get_figwidth() * SCREEN_DPI)
        return (
            f'<figure style="margin:0"><img style="max-width:100%;height:auto" width="{width}" alt="{alt}" '
            f'src="data:image/{kind};base64,{base64.b64encode(picture).decode("ascii")}"></figure>'
        )

    def _drawing(self) -> tuple[str, bytes]:
        """PNG of few colours, for lines and letters."""
        from PIL import Image

        stream = io.BytesIO()
        with Image.open(io.BytesIO(self._print("png", SCREEN_DPI))) as picture:
            few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        few.save(stream, "PNG", optimize=True)
        return "png", stream.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.description}

    def __repr__(self) -> str:
        return self.description
