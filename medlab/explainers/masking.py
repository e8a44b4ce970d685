"""Mask a part of a scan and ask again: what the model says then, and how each word of its first answer moved.

The box is painted over in the pixels and everything is run anew, tower included: a counterfactual of the picture,
where a knockout is one of the attention. What is painted is itself something that the model sees. It ranks nothing.
"""

from typing import TYPE_CHECKING

import numpy as np

from medlab.core.answer import Answer
from medlab.core.errors import SpecError, shown
from medlab.core.geometry import BoxPx
from medlab.core.query import Query
from medlab.core.record import Record, check_choice, check_number, record
from medlab.core.scan import Note, Scan
from medlab.explainers.aims import Aim, Strand, aim_at
from medlab.explainers.glass import look_into

if TYPE_CHECKING:
    from medlab.models.base import Model

FILLS = ("border", "mean", "black")
"""what is painted: the mean of a frame around the box, the mean of the scan, or nothing"""
FRAME = 0.04
"""width of that frame, as a share of the scan's longer side"""


@record
class Counterfactual(Record):
    """What became of an answer when a part of the scan was painted over."""

    box_px: BoxPx
    """(top, left, bottom, right) that was painted over, pixels of the scan"""
    fill: str
    """one of FILLS"""
    scan: int
    """which of the query's scans, from 0"""
    answer: Answer
    """to the same question about the masked scan"""
    before_nats: tuple[float, ...]
    """natural log-probability of each token of the first answer, the scan as it is"""
    after_nats: tuple[float, ...]
    """of the same tokens, forced on the model that sees the masked scan"""
    answer_fingerprint: str = ""
    """of the first answer"""

    @property
    def moved_nats(self) -> tuple[float, ...]:
        """What masking did to each token of the first answer: below 0, it became less likely."""
        return tuple(after - before for before, after in zip(self.before_nats, self.after_nats, strict=True))

    def __repr__(self) -> str:
        return f"Counterfactual({tuple(round(edge) for edge in self.box_px)} masked: {self.answer!r})"


def masked(scan: Scan, box_px: BoxPx, fill: str = "border") -> Scan:
    """`scan` with a box painted over; the account says so. Raises SpecError for a box that holds no pixel of it."""
    check_choice("fill", fill, FILLS)
    top, left, bottom, right = pixels_of(box_px, scan)
    pixels = scan.pixels.copy()
    pixels[top:bottom, left:right] = _paint(scan.pixels, (top, left, bottom, right), fill)
    told = f"painted over rows {top} to {bottom}, columns {left} to {right} ({fill})"
    note = Note("correction", "masked", f"{told}, on purpose")
    return scan.replace(pixels=pixels, steps=(*scan.steps, told), notes=(*scan.notes, note))


def ask_again(
    model: "Model", answer: Answer, box_px: BoxPx, *, fill: str = "border", scan: int = 0, query: Query | None = None
) -> Counterfactual:
    """The same question about the scan with a box painted over.

    box_px  (top, left, bottom, right) in pixels of the scan; its parts outside are left out
    query   of an answer that does not hold it any more

    Raises SpecError for a box outside the scan, CapabilityError for a model that cannot be looked into.
    """
    aim = aim_at(model, answer, query=query)
    scans = list(aim.query.scans)
    scans[scan] = masked(scans[scan], box_px, fill)
    other = aim.query.replace(scans=tuple(scans))
    before, after = (_told(model, one, answer, aim) for one in (aim.query, other))
    said = model.answer([other])[0].to(other)
    box = tuple(float(edge) for edge in pixels_of(box_px, aim.query.scans[scan]))
    return Counterfactual(box, fill, scan, said, before, after, answer.fingerprint)


def _told(model: "Model", query: Query, answer: Answer, aim: Aim) -> tuple[float, ...]:
    """Natural log-probability of each of the answer's tokens as the reply to `query`."""
    import torch

    reply = tuple(token.id for token in answer.tokens)
    glass = look_into(model, query)
    glass.check(aim)
    with torch.no_grad():
        return tuple(glass.logprobs(Strand(reply, tuple(range(len(reply)))))[0].tolist())


def pixels_of(box_px: BoxPx, scan: Scan) -> tuple[int, int, int, int]:
    """The whole pixels that the box covers at least by half, within the scan."""
    if not isinstance(box_px, (tuple, list)) or len(box_px) != 4:
        raise SpecError(f"box_px is {shown(box_px)}", accepted="(top, left, bottom, right), pixels of the scan")
    for edge in box_px:
        check_number("box_px", edge)
    top, left, bottom, right = (round(edge) for edge in box_px)
    top, left, bottom, right = max(top, 0), max(left, 0), min(bottom, scan.rows), min(right, scan.cols)
    if top >= bottom or left >= right:
        raise SpecError(
            f"box_px is {tuple(box_px)}",
            accepted=f"(top, left, bottom, right) that holds a pixel of {scan.rows} x {scan.cols}",
        )
    return top, left, bottom, right


def _paint(pixels: np.ndarray, box: tuple[int, int, int, int], fill: str) -> np.ndarray:
    """A grey, or a colour, to paint the box with."""
    if fill == "black":
        return np.zeros(pixels.shape[2:], np.float32)
    if fill == "mean":
        return pixels.mean((0, 1), dtype=np.float64).astype(np.float32)
    top, left, bottom, right = box
    wide = max(1, round(FRAME * max(pixels.shape[:2])))
    around = np.zeros(pixels.shape[:2], bool)
    around[max(top - wide, 0) : bottom + wide, max(left - wide, 0) : right + wide] = True
    around[top:bottom, left:right] = False
    if not around.any():  # the box is the whole scan
        return _paint(pixels, box, "mean")
    return pixels[around].mean(0, dtype=np.float64).astype(np.float32)
