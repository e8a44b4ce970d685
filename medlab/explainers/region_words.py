"""Regions and words: what hiding each part of a scan does to every token of an answer, all at once.

One packed pass of knockouts (see `knockout`) tells both ways: a column is the map of a word, a row the words that a
region feeds. It is what the explorer turns over. It draws no pictures.
"""

from collections.abc import Sequence

import numpy as np

from medlab.core.answer import Answer
from medlab.core.attribution import INDEPENDENT_NATS
from medlab.core.case import Mask
from medlab.core.errors import SpecError, shown
from medlab.core.geometry import SquareFit
from medlab.core.grid import to_cells
from medlab.core.query import Query
from medlab.core.record import Record, check_text, check_tuple, check_whole, frozen_array, record
from medlab.explainers.aims import Words, aim_at
from medlab.explainers.base import Request
from medlab.explainers.knockout import BATCH, Behind
from medlab.explainers.shapley import parts_of

Regions = str | np.ndarray | tuple[Mask, ...]
"""as `region_words` takes them"""
_WITHIN = "-'’_"
"""joins letters to one word"""
_CJK = ("\u2e80", "\u9fff"), ("\uac00", "\ud7a3"), ("\uf900", "\ufaff"), ("\uff00", "\uffef")


@record
class RegionWords(Record):
    """What each token of an answer loses when no word may look at a region. Losses of regions do not add up."""

    values: np.ndarray
    """(regions, tokens) float32: the token's natural log-probability less that without the region; above 0, the region
    speaks for it"""
    cells: np.ndarray
    """(regions, grid_rows, grid_cols) bool: the image tokens that were hidden"""
    fit: SquareFit
    """how the original scan was laid on the square that the grid divides evenly"""
    labels: tuple[str, ...]
    """of each region"""
    words: tuple[tuple[str, int, int], ...]
    """(text, first column, one past its last): every column is in one word; untrusted text"""
    first_token: int
    """of the answer, that the first column is"""
    logprobs_nats: np.ndarray
    """(tokens,) float32 with the whole scan in sight"""
    effects_nats: np.ndarray
    """(tokens,) float32: what is lost when no word may look at the scan at all; near 0, a token comes whatever the
    picture"""
    scan: int = 0
    model_fingerprint: str = ""
    query_fingerprint: str = ""
    answer_fingerprint: str = ""

    def __post_init__(self):
        for name, kind, axes in (
            ("values", np.float32, 2), ("cells", bool, 3), ("logprobs_nats", np.float32, 1),
            ("effects_nats", np.float32, 1),
        ):  # fmt: skip
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), kind, (axes,)))
        regions, tokens = self.values.shape
        if len(self.cells) != regions or len(self.labels) != regions:
            raise SpecError(f"{len(self.cells)} sets of cells, {len(self.labels)} labels for {regions} regions")
        if self.logprobs_nats.shape != (tokens,) or self.effects_nats.shape != (tokens,):
            raise SpecError("logprobs_nats or effects_nats of another length", accepted=f"({tokens},)")
        for label in self.labels:
            check_text("label", label)
        starts, stops = [word[1] for word in self.words], [word[2] for word in self.words]
        if starts != [0, *stops[:-1]] or stops[-1] != tokens or any(a >= b for _, a, b in self.words):
            raise SpecError(
                f"words from {starts} to {stops}", accepted=f"one or more, one after another, from 0 to {tokens}"
            )
        check_whole("first_token", self.first_token)

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, cols) of the image tokens."""
        return self.cells.shape[1:]

    def of_word(self, word: int) -> np.ndarray:
        """(regions,) float32: what the word loses, the sum over its tokens."""
        _, start, stop = self.words[word]
        return self.values[:, start:stop].sum(1)

    def map_of(self, start: int, stop: int) -> np.ndarray:
        """(grid_rows, grid_cols) float32 of columns start to stop: the mean of the regions that hold a cell, or 0."""
        lost = np.tensordot(self.values[:, start:stop].sum(1), self.cells, 1)
        return (lost / np.maximum(self.cells.sum(0), 1)).astype(np.float32)

    def words_of(self, regions: Sequence[int]) -> list[tuple[int, float]]:
        """(word, nats) of every word, those that the regions feed most first: the sum over regions hidden one by one.

        A sum of single losses misses what the regions repeat: to hide them together, give them as one region.
        """
        lost = [(word, float(self.of_word(word)[list(regions)].sum())) for word in range(len(self.words))]
        return sorted(lost, key=lambda pair: -pair[1])

    def independent(self, word: int) -> bool:
        """Whether the word comes whatever the picture: hiding all of it hardly moves any of its tokens."""
        _, start, stop = self.words[word]
        return float(abs(self.effects_nats[start:stop]).max()) < INDEPENDENT_NATS

    def __repr__(self) -> str:
        return f"RegionWords({len(self.values)} regions x {len(self.words)} words, {self.values.shape[1]} tokens)"


def region_words(
    model,
    answer: Answer,
    regions: Regions = "grid",
    *,
    scan: int = 0,
    query: Query | None = None,
    progress: bool = False,
) -> RegionWords:
    """What hiding each region does to each token of `answer`, by knockouts (see `knockout` for what is cut).

    regions  "grid" for each image token, "grid:4" for 4 x 4 oblongs; Masks, each of the cells that it covers half of,
             or most if none; or (regions, grid_rows, grid_cols) bool, any sets of cells
    scan     which of the query's scans
    query    of an answer that does not hold it any more

    The last results of a model are kept with it: asked again, they come at once. Raises as `medlab.explain`.
    """
    aim = aim_at(model, answer, query=query)
    check_whole("scan", scan, 0, len(aim.query.scans) - 1)
    glass = Request(model, aim, scan).glass
    cells, labels = _sets_of(regions, glass.fits[scan], glass.grid, scan)
    strand = aim.strands[0]
    key = ("region_words", strand, scan, labels, cells.tobytes())
    if key not in glass.notes:
        whole = np.stack([np.zeros(glass.grid, bool), np.ones(glass.grid, bool)])
        told = _told(Behind(glass, [strand], scan), np.concatenate([whole, cells]), progress)
        glass.notes[key] = RegionWords(
            told[0] - told[2:],
            cells,
            glass.fits[scan],
            labels,
            words_in(Words(model, answer).pieces[strand.places[0] : strand.places[-1] + 1]),
            strand.places[0],
            told[0],
            told[0] - told[1],
            scan,
            model.fingerprint,
            aim.query.fingerprint,
            answer.fingerprint,
        )
    return glass.notes[key]


def _told(behind: Behind, cuts: np.ndarray, progress: bool) -> np.ndarray:
    """(cuts, tokens) float32 log-probabilities."""
    from tqdm.auto import tqdm

    batches = [cuts[at : at + BATCH] for at in range(0, len(cuts), BATCH)]
    bar = tqdm(batches, "regions and words", disable=not progress, unit="batch")
    return np.concatenate([behind.logprobs(batch)[0] for batch in bar])


def _sets_of(regions: Regions, fit: SquareFit, grid: tuple[int, int], scan: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """((regions, grid_rows, grid_cols) bool, labels)."""
    if isinstance(regions, np.ndarray):
        if regions.dtype != bool or regions.ndim != 3 or regions.shape[1:] != grid or not regions.any((1, 2)).all():
            raise SpecError(
                f"regions is {regions.dtype} of shape {regions.shape}",
                accepted=f"(regions, {grid[0]}, {grid[1]}) bool, none empty",
            )
        return regions, tuple(f"region {number}" for number in range(len(regions)))
    if isinstance(regions, str):
        parts = parts_of(regions, fit, grid, scan)
        cells = parts == np.arange(parts.max() + 1)[:, None, None]
        tops = [tuple(int(place[0]) for place in np.nonzero(one)) for one in cells]
        return cells, tuple(f"row {row}, col {col}" for row, col in tops)
    check_tuple("regions", regions, Mask)
    if not regions:
        raise SpecError("regions is ()", accepted='"grid", "grid:4", Masks, or an array of cells')
    return np.stack([_half_covered(mask, fit, grid, scan) for mask in regions]), tuple(mask.label for mask in regions)


def _half_covered(mask: Mask, fit: SquareFit, grid: tuple[int, int], scan: int) -> np.ndarray:
    if mask.scan != scan or mask.pixels.shape != (fit.rows, fit.cols) or not mask.pixels.any():
        raise SpecError(
            f"mask {shown(mask.label)} of scan {mask.scan}, {mask.pixels.shape} pixels",
            accepted=f"a mask of scan {scan}, ({fit.rows}, {fit.cols}) pixels, not empty",
        )
    share = to_cells(mask.pixels, fit, grid)
    return share >= min(0.5, share.max())


def words_in(pieces: Sequence[str]) -> tuple[tuple[str, int, int], ...]:
    """(text, first piece, one past its last) of each word; every piece is in one.

    A new word begins after white space, at punctuation after letters and at letters after it, and with each piece of
    Chinese, Japanese or Korean, which write no spaces. A piece without text, part of a character of several bytes or
    a mark that is not shown, goes with what follows it.
    """
    starts, before = [], ""
    for number, piece in enumerate(pieces):
        told = "".join(pieces[starts[-1] : number]) if starts else ""
        if not starts or (told.strip() and piece and _begins(before, piece)):
            starts.append(number)
        before = piece or before
    stops = [*starts[1:], len(pieces)]
    return tuple(("".join(pieces[a:b]).strip(), a, b) for a, b in zip(starts, stops, strict=True))


def _begins(before: str, piece: str) -> bool:
    """Whether a word ends between two pieces of text."""
    if before[-1].isspace() or piece[0].isspace() or _dense(before[-1]) or _dense(piece[0]):
        return True
    return _letter(before[-1]) != _letter(piece[0])


def _letter(sign: str) -> bool:
    return sign.isalnum() or sign in _WITHIN


def _dense(letter: str) -> bool:
    return any(low <= letter <= high for low, high in _CJK)
