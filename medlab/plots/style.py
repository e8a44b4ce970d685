"""The one look of medlab's figures: colours, font, and a matplotlib context that leaves the user's settings alone.

It knows no record and draws nothing. Marks use the Okabe-Ito palette, which stays apart for every common kind of
colour blindness, and differ by line style too, so that colour never carries a meaning by itself.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator

FONT = pathlib.Path(__file__).parent / "fonts" / "MedlabSansSC-Regular.otf"
FAMILIES = ("Medlab Sans SC", "DejaVu Sans")
"""packaged Latin and Chinese first; matplotlib's own font for Greek, Cyrillic and symbols"""

PALETTE = ("#E69F00", "#56B4E9", "#F0E442", "#CC79A7", "#009E73", "#D55E00")
"""Okabe and Ito (2008), jfly.uni-koeln.de/color, without black and the blue that is lost on a dark film"""
LINE_STYLES = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
ANATOMY_COLOUR = "#d7dce0"

TITLE_PT, BODY_PT, SMALL_PT = 11.0, 8.5, 7.2
LEADING = 1.45
"""line height as a multiple of the type size"""


@dataclasses.dataclass(frozen=True)
class Theme:
    """Colours of everything that is not the picture."""

    paper: str
    ink: str
    quiet: str
    """small print; at least 4.5 to 1 against `paper` (WCAG 2.2, 1.4.3)"""
    doubt: str


THEMES = {
    "dark": Theme(paper="#15181c", ink="#eceff1", quiet="#9aa5ad", doubt="#f0c05a"),
    "light": Theme(paper="#ffffff", ink="#16191d", quiet="#5d666e", doubt="#8a5a00"),
}
"""A film is read on dark ground, so "dark" is the default; "light" is for print."""


def mark_style(index: int) -> tuple[str, object]:
    """(colour, line style) of the index-th label; no two of the first 12 are alike."""
    return PALETTE[index % len(PALETTE)], LINE_STYLES[
        (index % len(PALETTE) + index // len(PALETTE)) % len(LINE_STYLES)
    ]


def register_font() -> None:
    """Tell matplotlib of the packaged font, once; its family name is its own, so no other figure changes."""
    from matplotlib import font_manager

    if not any(font.name == FAMILIES[0] for font in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(FONT)


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib's defaults and medlab's font for as long as the block runs; the user's rcParams come back after."""
    import matplotlib

    register_font()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {"font.family": list(FAMILIES), "svg.hashsalt": "medlab", "svg.fonttype": "path", "text.usetex": False}
        )
        yield
