"""Occlusion and RISE on pixels: parts of the scan itself are hidden, and the model is asked anew from the first step.

They need a model that scores given replies and nothing else of it, so they are the yardstick for methods that look
inside. What is hidden is hidden in the scan's own pixels, before anything is done to it, so that every model is shown
the same pictures: a Gemma 3 that can be opened is given them in batches, any other checkpoint of transformers one by
one, and a model that only scores texts through `Model.score_many`. It knows no weights.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np

from medlab.core.errors import CapabilityError, SpecError, shown
from medlab.core.geometry import SquareFit
from medlab.core.grid import covered, to_pixels
from medlab.core.record import check_number, check_whole
from medlab.core.scan import Scan
from medlab.explainers.aims import Strand
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.baselines import BLUR
from medlab.explainers.cost import reckon_rows
from medlab.explainers.glass import SCANS, Glass, chosen_logprobs
from medlab.explainers.rise import Rise, Scores
from medlab.explainers.tokens import check_squares, mean_over_squares, squares

CELLS = 14
"""cells along each side where the model has no image tokens to go by"""
FILLS = ("mean", "black", "blur")
"""what hides a place: the scan's mean grey (of each colour), black, or the scan out of focus by BLUR of its side"""


@dataclasses.dataclass(frozen=True)
class Occlusion(Method):
    """A window is moved over the scan, and its content replaced (Zeiler & Fergus 2014); equal to captum's Occlusion.

    A cell's value is the mean, over the windows that hold it, of what the score lost. A window sees no evidence that
    stands in two places: hiding either leaves the other.

    window  side of the window, in cells
    stride  by which it moves, in cells; at most the window
    cells   along each side of the square that the scan is laid on; None for the image tokens of the model, or CELLS
    fill    one of FILLS, or a grey from 0 (black) to 1; none is neutral
    """

    window: int = 1
    stride: int = 1
    cells: int | None = None
    fill: str | float = "mean"

    name = "occlusion"
    family = "perturbation"
    question = "What does the score lose when this part of the picture is hidden?"
    not_this = "A hidden place is a new picture: a grey square too can mean something. Repeated evidence is missed."
    passes = "tower and language model once for each window"
    needs = "scores"
    causal = True

    def __post_init__(self):
        check_squares(self.window, self.stride, "window")
        check_cells(self.cells)
        check_fill(self.fill)

    def draw(self, request: Request) -> Map:
        from tqdm.auto import tqdm

        fit, grid = laid(request, self.cells)
        masks = squares(grid, self.window, self.stride)
        touched = (masks & (covered(fit, grid) > 0)).any((1, 2))  # a window over padding alone hides nothing
        score = hiding(request, fit, self.fill)
        whole = score(np.zeros((1, *grid), np.float32))
        lost = np.zeros(len(masks))
        batches = np.array_split(touched.nonzero()[0], -(-int(touched.sum()) // SCANS))
        for batch in tqdm(batches, self.name, disable=not request.progress, unit="batch"):
            lost[batch] = whole - score(masks[batch].astype(np.float32))
        return Map(mean_over_squares(lost, masks))

    def cost(self, request: Request) -> Cost:
        _, grid = laid(request, self.cells)
        return reckon_scans(self.name, request, 1 + len(squares(grid, self.window, self.stride)))


@dataclasses.dataclass(frozen=True)
class RisePixels(Rise):
    """RISE on the scan's own pixels, as in the paper but for what `rise` tells: any model that scores given replies.

    A mask's cells are smooth from one to the next and even within: each mixes the scan with `fill`.

    cells  along each side of the square that the scan is laid on; None for the image tokens of the model, or CELLS
    fill   one of FILLS, or a grey from 0 (black) to 1
    """

    masks: int = 500
    cells: int | None = None
    fill: str | float = "mean"

    name = "rise_pixels"
    passes = "tower and language model once for each mask"
    needs = "scores"

    def __post_init__(self):
        super().__post_init__()
        check_cells(self.cells)
        check_fill(self.fill)

    def scorer(self, request: Request) -> tuple[tuple[int, int], Scores]:
        fit, grid = laid(request, self.cells)
        score = hiding(request, fit, self.fill)
        return grid, lambda masks: score(1 - masks)

    def cost(self, request: Request) -> Cost:
        return reckon_scans(self.name, request, self.masks)


def check_cells(cells: object) -> None:
    if cells is not None:
        check_whole("cells", cells, 1, 1024)


def check_fill(fill: object) -> None:
    if isinstance(fill, str):
        if fill not in FILLS:
            raise SpecError(f"fill is {shown(fill)}", accepted=f"{', '.join(FILLS)}, or a grey from 0 to 1")
    else:
        check_number("fill", fill, 0, 1)


def laid(request: Request, cells: int | None) -> tuple[SquareFit, tuple[int, int]]:
    """How the scan lies on the square, and the grid of `cells` over it."""
    fit = request.model.fit_of(request.aim.query.scans[request.scan])
    if fit is None:
        raise CapabilityError(f"{request.model.name} reads no scans", accepted="a model that does")
    if cells is None:
        glass = request.opened
        return fit, glass.grid if glass else (CELLS, CELLS)
    return fit, (cells, cells)


def hiding(request: Request, fit: SquareFit, fill: str | float) -> Scores:
    """A function of masks, (masks, grid_rows, grid_cols) from 0 seen to 1 hidden, that gives each score: (masks,)."""
    query, scan = request.aim.query, request.aim.query.scans[request.scan]
    score, filled = scorer_of(request), filling(scan, fill)

    def told(masks: np.ndarray) -> np.ndarray:
        scans = [hidden(scan, to_pixels(mask, fit), filled) for mask in masks]
        shown = [(*query.scans[: request.scan], one, *query.scans[request.scan + 1 :]) for one in scans]
        return np.asarray(score(shown), np.float64)

    return told


def hidden(scan: Scan, share: np.ndarray, filled: np.ndarray) -> Scan:
    """The scan with `share`, (rows, cols) from 0 to 1, of each pixel replaced by `filled`."""
    part = share if scan.pixels.ndim == 2 else share[..., None]
    pixels = scan.pixels * (1 - part) + filled * part
    return scan.replace(pixels=np.clip(pixels, 0, 1).astype(np.float32), steps=(*scan.steps, "partly hidden"))


def filling(scan: Scan, fill: str | float) -> np.ndarray:
    """What stands in the place of hidden pixels; it broadcasts to `scan.pixels`."""
    if not isinstance(fill, str):
        return np.float32(fill)
    if fill == "blur":
        from scipy.ndimage import gaussian_filter

        spread = BLUR * max(scan.rows, scan.cols)
        return gaussian_filter(scan.pixels, (spread, spread, 0)[: scan.pixels.ndim])
    return scan.pixels.mean((0, 1)) if fill == "mean" else np.float32(0)


def scorer_of(request: Request) -> Callable[[Sequence[tuple[Scan, ...]]], Sequence[float]]:
    """The aim's score of each of several sets of scans in place of the query's own.

    Raises CapabilityError for a model that scores no given reply.
    """
    glass = request.opened
    if glass is not None:
        return lambda sets: _by_glass(glass, request, sets)
    if request.aim.strands:
        return lambda sets: [_by_module(request, scans) for scans in sets]
    if request.model.capabilities.logprobs != "full":
        raise CapabilityError(
            f"{request.model.name} scores no given reply",
            accepted='a model whose capabilities.logprobs is "full"',
            fix='a local model: medlab.load_model("demo")',
        )
    return lambda sets: _by_replies(request, sets)


def _by_glass(glass: Glass, request: Request, sets: Sequence[tuple[Scan, ...]]) -> np.ndarray:
    import torch

    scores = []
    for at in range(0, len(sets), SCANS):
        queries = [request.aim.query.replace(scans=scans) for scans in sets[at : at + SCANS]]
        pixels = torch.stack([request.model.inputs(query)["pixel_values"][request.scan] for query in queries])
        with torch.no_grad():
            tokens = glass.project(glass.see(pixels))
        scores.append(glass.score_many(request.aim, tokens, request.scan))
    return torch.cat(scores).cpu().numpy()


def _by_module(request: Request, scans: tuple[Scan, ...]) -> float:
    """By a plain pass of a checkpoint that medlab cannot open, for each strand."""
    import torch

    def told(strand: Strand) -> float:
        inputs = request.model.inputs(request.aim.query.replace(scans=scans), strand.reply)
        start = inputs["input_ids"].shape[1] - len(strand.reply) - 1  # a token is foretold by the one before it
        with torch.no_grad():
            logits = request.model.module(**inputs).logits[:, [start + place for place in strand.places]]
        return float(chosen_logprobs(logits, strand).sum())

    return sum(strand.sign * told(strand) for strand in request.aim.strands)


def _by_replies(request: Request, sets: Sequence[tuple[Scan, ...]]) -> list[float]:
    queries = [request.aim.query.replace(scans=scans) for scans in sets]
    told = [choices.logprobs_nats for choices in request.model.score_many(queries, request.aim.replies)]
    return [row[0] - sum(row[1:]) for row in told]


def reckon_scans(name: str, request: Request, scans: int) -> Cost:
    """What so many changed scans cost; of a model that cannot be opened, by the clock of one of them."""
    glass = request.opened
    if glass is None:
        score = scorer_of(request)
        began = time.perf_counter()
        score([request.aim.query.scans])
        return Cost(name, tower_passes=float(scans), seconds=scans * (time.perf_counter() - began))
    return reckon_rows(name, request, scans, tower=scans, at_once=SCANS)
