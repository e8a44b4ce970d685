"""Where the words look: raw attention from them to the scan, and rollout, which follows it down through the layers.

Attention is what a layer reads, not what moves the answer: both maps are the same for every word that could stand in
one place. Only the rows that are asked for are computed, beside transformers' SDPA (`streaming`). It knows no
gradients: `relevance` does.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.errors import SpecError, shown
from medlab.core.record import check_choice, check_text, check_whole
from medlab.explainers.aims import Aim, Strand
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.cost import language_bytes, reckon
from medlab.explainers.glass import Glass, foretelling
from medlab.explainers.streaming import Layer, Watcher, piece_bytes, streamed

if TYPE_CHECKING:
    import torch

GRIDS = ("tokens", "patches")


@dataclasses.dataclass(frozen=True)
class Attention(Method):
    """How the places that foretell the words divide their attention; a share of 1, averaged over places and layers.

    layers  "all", "full" (global layers), "sliding" (local ones, which may not reach the scan at all), or by number
            from 0: "3", "0-3"
    heads   "mean", or the number of one
    reader  words of the prompt behind the scan, such as the name of the finding that is asked for: their look instead
            of that of the places that foretell. "" for none

    Two words in one place share one map: in a contrast they count once, and nothing is subtracted.
    """

    layers: str = "all"
    heads: str | int = "mean"
    reader: str = ""

    name = "attention"
    family = "attention"
    question = "Where do the places that foretell the words look?"
    not_this = "To look is not to use: it is one map for all words of a place, and fixed tokens draw much attention."
    passes = "1 forwards"

    def __post_init__(self):
        check_layers(self.layers)
        if self.heads != "mean":
            check_whole("heads", self.heads)
        check_text("reader", self.reader, empty=True)

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        told = super().settings
        return told if self.reader else told[:-1]

    def draw(self, request: Request) -> Map:
        glass = request.glass
        layers = chosen_layers(self.layers, glass.language.config.layer_types)
        if self.heads != "mean":
            check_whole("heads", self.heads, 0, glass.language.config.num_attention_heads - 1)
        shares = attention_maps(request, self.reader)[layers]
        return Map((shares.mean(1) if self.heads == "mean" else shares[:, self.heads]).mean(0))

    def cost(self, request: Request) -> Cost:
        return reckon_forward(self.name, request)


@dataclasses.dataclass(frozen=True)
class Rollout(Method):
    """Attention followed from the words down to the scan, half of each layer's flow passing it by (arXiv 2005.00928).

    Abnar & Zuidema 2020: the product A_L ... A_0 of (attention + identity) / 2, heads averaged. A value is the share
    of the words' flow that began there.

    grid  "tokens", the image tokens as the language model reads them, or "patches": on through the projector's
          pooling, evenly, and down the tower
    """

    grid: str = "tokens"

    name = "rollout"
    family = "attention"
    question = "Where does attention lead to when it is followed down through all layers?"
    not_this = "It knows neither the words nor the sign: maps of two findings in one place of a reply are one map."
    passes = "1 forwards; for patches, 1 tower more"

    def __post_init__(self):
        check_choice("grid", self.grid, GRIDS)

    def draw(self, request: Request) -> Map:
        import torch

        glass, total = request.glass, 0.0
        for sign, strands in readings(request.aim):
            read = Kept()
            with torch.no_grad(), watched(glass, request.scan, read):
                glass.logprobs(strands[0], scan=request.scan)
            row = row_of(glass, strands[0], mean=True)
            total = total + sign * rolled(row, read.layers)[glass.places(request.scan)]
        if self.grid == "patches":
            tower = Kept()
            with torch.no_grad(), watched(glass, request.scan, tower):
                glass.see(glass.pixels[request.scan][None])
            return Map(on_patches(glass, rolled(over_patches(glass, total), tower.layers)))
        return Map(total.reshape(glass.grid).cpu().numpy())

    def cost(self, request: Request) -> Cost:
        glass = request.glass
        text, vision = glass.language.config, glass.module.config.vision_config
        heads = (text.num_attention_heads + text.num_key_value_heads) * text.head_dim
        length = len(glass.ids) + len(request.aim.strands[0].reply)
        numbers, piece = text.num_hidden_layers * heads * length, piece_of(glass, self.grid, length, length)
        if self.grid == "patches":
            numbers += vision.num_hidden_layers * 2 * vision.hidden_size * glass.patches[0] * glass.patches[1]
        kept = glass.module.dtype.itemsize * numbers
        tower = 2 if self.grid == "patches" else 1
        return reckon_forward(self.name, request, tower=tower, kept=kept, later=3 * piece)


class Rows(Watcher):
    """The attention that each layer pays, from some queries, to some keys."""

    def __init__(self, queries: "torch.Tensor", keys: slice):
        self.shares: list[torch.Tensor] = []
        """of each layer, (heads, keys): mean over the queries"""
        self._queries, self._keys = queries, keys

    def saw(self, layer: Layer) -> None:
        self.shares.append(layer.attention(self._queries - layer.seen)[0, :, :, self._keys].mean(1))


class Kept(Watcher):
    """Every layer's queries and keys, the lowest first: what its map can be computed from, and no map."""

    def __init__(self):
        self.layers: list[Layer] = []

    def saw(self, layer: Layer) -> None:
        self.layers.append(layer)


def attention_maps(request: Request, reader: str = "") -> np.ndarray:
    """(layers, heads, grid_rows, grid_cols) float32: the share of attention that each head pays to each image token.

    Mean over the places that foretell the aim's tokens; for a contrast whose words stand in different contexts, those
    for less those against. With a `reader`, the mean over its tokens, whatever the aim.
    """
    import torch

    glass, place, total = request.glass, request.glass.places(request.scan), 0.0
    contexts = readings(request.aim)
    if reader:  # what the prompt's tokens look at does not hang on the reply
        contexts = [(1, contexts[0][1])]
    for sign, strands in contexts:
        places = tokens_of(glass, reader, request.scan) if reader else foretelling(glass, strands[0])
        rows = Rows(torch.tensor(places, device=glass.ids.device), place)
        with torch.no_grad(), watched(glass, request.scan, rows):
            glass.logprobs(strands[0], scan=request.scan)
        total = total + sign * torch.stack(rows.shares)
    return total.unflatten(-1, glass.grid).cpu().numpy()


def readings(aim: Aim) -> list[tuple[int, tuple[Strand, ...]]]:
    """(sign, strands) of each context in which the aim's tokens stand; a contrast of words in one place is one."""
    alike: dict[tuple, list[Strand]] = {}
    for strand in aim.strands:
        alike.setdefault((strand.reply[:-1], strand.places), []).append(strand)
    return [(one[0].sign, tuple(one)) for one in alike.values()]


def tokens_of(glass: Glass, words: str, scan: int = 0) -> list[int]:
    """Where in the prompt the tokens of `words` stand, the last time that they do.

    Raises SpecError for words that the prompt does not hold behind the scan: those before it cannot look at it.
    """
    behind = glass.places(scan).stop
    pieces = spelled(glass, behind)
    text = "".join(pieces)
    start = text.rfind(words)
    if start < 0:
        raise SpecError(
            f"reader {shown(words)}", accepted=f"words of the prompt behind the scan: {shown(text.strip())}"
        )
    ends = np.cumsum([len(piece) for piece in pieces])
    starts = ends - [len(piece) for piece in pieces]
    return (behind + np.flatnonzero((ends > start) & (starts < start + len(words)))).tolist()


def spelled(glass: Glass, start: int) -> list[str]:
    """The prompt's tokens from `start` on, each as text; "" for those that are not shown."""
    return [glass.model.speech.text([token]) for token in glass.ids[start:].tolist()]


def row_of(glass: Glass, strand: Strand, *, mean: bool) -> "torch.Tensor":
    """(tokens,) float32: 1 at each place that foretells a token of the strand, or their mean."""
    import torch

    row = torch.zeros(len(glass.ids) + len(strand.reply) - 1, device=glass.ids.device)
    row[foretelling(glass, strand)] = 1 / len(strand.places) if mean else 1
    return row


def watched(glass: Glass, scan: int, watcher: Watcher):
    """`streamed` for one run of the glass on `scan`: what it keeps of other runs is made first, unwatched."""
    glass.tokens()
    if start := glass.places(scan).start:
        glass.opening(start)
    return streamed(glass.module, watcher)


def rolled(row: "torch.Tensor", layers: list[Layer]) -> "torch.Tensor":
    """(keys,) float32: `row` (queries of the highest layer,) times (attention + 1) / 2 of each layer, highest first.

    What stands before a layer's first query has no row: nothing of it comes from what stands behind it.
    """
    for layer in reversed(layers):
        carried, unpacked = row.clone(), layer.unpacked()
        for rows in layer.pieces():
            share = row[layer.seen :][rows]
            if share.any():
                carried += share @ unpacked.attention(rows)[0].mean(0)
        row = carried / 2
    return row


def over_patches(glass: Glass, tokens: "torch.Tensor") -> "torch.Tensor":
    """(patches,) of (image tokens,): each token's value in equal parts on the patches of which it is the mean."""
    down, across = (many // few for many, few in zip(glass.patches, glass.grid, strict=True))
    cells = tokens.reshape(glass.grid) / (down * across)
    return cells.repeat_interleave(down, 0).repeat_interleave(across, 1).flatten()


def on_patches(glass: Glass, row: "torch.Tensor") -> np.ndarray:
    """(patch_rows, patch_cols) float32 of a row over the patches."""
    return row.reshape(glass.patches).cpu().numpy()


def check_layers(text: str) -> None:
    """Raises SpecError for what is not written as layers are."""
    parts = text.split("-") if isinstance(text, str) else []
    numbers = len(parts) in (1, 2) and all(part.isascii() and part.isdigit() and len(part) < 5 for part in parts)
    if text not in ("all", "full", "sliding") and not (numbers and int(parts[0]) <= int(parts[-1])):
        raise SpecError(f"layers is {shown(text)}", accepted='"all", "full", "sliding", "3" or "0-3"')


def chosen_layers(text: str, kinds: list[str]) -> list[int]:
    """The numbers of the layers meant by `text`; `kinds` are transformers' own, such as "full_attention".

    Raises SpecError where the model has none such.
    """
    check_layers(text)
    if text == "all":
        return list(range(len(kinds)))
    if text in ("full", "sliding"):
        chosen = [number for number, kind in enumerate(kinds) if kind == f"{text}_attention"]
    else:
        first, _, last = text.partition("-")
        last = int(last or first)
        chosen = list(range(int(first), last + 1)) if last < len(kinds) else []
    if not chosen:
        told = ", ".join(f"{number} {kind.removesuffix('_attention')}" for number, kind in enumerate(kinds))
        raise SpecError(f"layers is {shown(text)}", accepted=f"layers of this model: {told}")
    return chosen


def piece_of(glass: Glass, grid: str, queries: int, keys: int) -> float:
    """Bytes of the largest piece of a map: of the language model, or of the tower where `grid` leads through it."""
    text, vision = glass.language.config, glass.module.config.vision_config
    piece = piece_bytes(queries, text.num_attention_heads, keys)
    if grid == "patches":
        patches = glass.patches[0] * glass.patches[1]
        piece = max(piece, piece_bytes(patches, vision.num_attention_heads, patches))
    return piece


def reckon_forward(name: str, request: Request, *, tower: int = 1, kept: float = 0.0, later: float = 0.0) -> Cost:
    """The Cost of one run of the language model for each reading of the aim.

    kept   bytes that are kept of a run
    later  bytes that the work on what was kept holds
    """
    glass, contexts = request.glass, readings(request.aim)
    own = len(glass.ids) - glass.places(request.scan).start
    lengths = [own + len(strands[0].reply) for _, strands in contexts]
    said = [len(strands[0].places) for _, strands in contexts]
    peak = kept + max(
        later,
        *(
            language_bytes(glass, 1, length, len(glass.ids) + length - own, logits)
            for length, logits in zip(lengths, said, strict=True)
        ),
    )
    tokens = sum(lengths)
    return reckon(name, glass, tower=tower, tokens=tokens, seen=tokens / 2, rows=sum(said), peak=peak)
