"""Knockout: attention to parts of a scan is cut, and what the model then says is read; all cuts packed in one pass.

What a scan's own tokens are does not change, so their keys and values are kept (Glass.opening) and only what stands
after the scan is run again. Many cuts share those keys and values: the tokens after the scan stand side by side, once
for each cut, in one sequence in which every copy sees the opening, less what is hidden from it, and itself; of a
contrast, a copy holds both replies (see `branches`). Which token sees which otherwise is what the model itself lets it
see. The idea is that of attention knockout (Geva et al.
2023, arXiv 2304.14767); the packing is medlab's own, equal to running each cut alone. It draws no conclusions.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medlab.explainers.aims import Strand
from medlab.explainers.base import Cost, Map, Method, Request
from medlab.explainers.cost import language_bytes, reckon
from medlab.explainers.glass import Glass
from medlab.explainers.tokens import check_squares, mean_over_squares, squares

if TYPE_CHECKING:
    import torch

FEWEST, MOST = 256, 4096
"""tokens in one packed sequence: too few leave the machine idle, too many spend it on pairs that may not see each
other"""
BATCH = 128
"""cuts that are scored from one sign of progress to the next"""
LOGITS = 1 << 24
"""numbers of the vocabulary's logits that exist at once: 64 MB"""


@dataclasses.dataclass(frozen=True)
class Knockout(Method):
    """Each square of `cells` x `cells` image tokens is hidden in turn from all that stands after the scan.

    Text after the scan, the reply, and later scans' tokens with the text between may not look at the square, in no
    layer; what stands before the scan could not see it anyway. The scan's own tokens still look at one another, so
    that what they took over from the square remains in sight: hiding single cells misses evidence that is repeated,
    and larger squares or rise_knockout miss less. A cell's value is the mean over the squares that hold it.

    cells   side of the square that is hidden, image tokens
    stride  by which it moves, at most its side
    """

    cells: int = 1
    stride: int = 1

    name = "knockout"
    family = "perturbation"
    question = "What does the score lose when no word may look at this place?"
    not_this = "A place without effect may hold evidence that other image tokens repeat or have taken over."
    passes = "1 tower, 1 language pass, and for each image token one over what stands after the scan"
    causal = True

    def __post_init__(self):
        check_squares(self.cells, self.stride)

    def draw(self, request: Request) -> Map:
        masks = squares(request.glass.grid, self.cells, self.stride)
        scores = in_batches(cut_scorer(request), np.concatenate([np.zeros_like(masks[:1]), masks]), request)
        return Map(mean_over_squares(scores[0] - scores[1:], masks))

    def cost(self, request: Request) -> Cost:
        return reckon_knockouts(self.name, request, 1 + len(squares(request.glass.grid, self.cells, self.stride)))


def cut_scorer(request: Request) -> Callable[[np.ndarray], np.ndarray]:
    """The aim's score, (cuts,) float64, as a function of cuts: (cuts, grid_rows, grid_cols) bool, True is hidden."""
    strands = request.aim.strands
    behind = Behind(request.glass, strands, request.scan)

    def score(cuts: np.ndarray) -> np.ndarray:
        told = behind.logprobs(cuts)
        return sum(strand.sign * one.sum(-1, dtype=np.float64) for strand, one in zip(strands, told, strict=True))

    return score


def in_batches(score: Callable[[np.ndarray], np.ndarray], cuts: np.ndarray, request: Request) -> np.ndarray:
    """(cuts,) the score of each, with a bar where the request wants one."""
    from tqdm.auto import tqdm

    batches = [cuts[at : at + BATCH] for at in range(0, len(cuts), BATCH)]
    return np.concatenate([score(batch) for batch in tqdm(batches, "knockout", disable=not request.progress)])


class Behind:
    """What stands behind a scan, up to the last token that foretells one that counts: of all strands, as branches."""

    def __init__(self, glass: Glass, strands: Sequence[Strand], scan: int = 0):
        import torch

        self._glass, self._place = glass, glass.places(scan)
        self._laid, stop = glass.laid(strands), self._place.stop
        with torch.no_grad():
            self._embedded = glass.embedded(Strand(self._laid.tokens, ()))[:, stop:]
        allowed = self._laid.allowed(glass.allowed(self._laid.longest))
        self._allowed = {kind: mask[0, stop:] for kind, mask in allowed.items()}
        self._positions = self._laid.positions()[:, stop:]
        self._rows = torch.tensor(self._laid.rows) - stop
        self._state = glass.opening(stop)

    def __len__(self) -> int:
        return self._embedded.shape[1]

    @property
    def at_once(self) -> int:
        """Cuts that go into one packed sequence."""
        return max(1, packed_tokens(self._glass) // len(self))

    def logprobs(self, hidden: np.ndarray) -> list[np.ndarray]:
        """Of each strand (cuts, places) float32, natural: of its tokens that count, where they may not look at a part.

        hidden  (cuts, grid_rows, grid_cols) bool: what they may not look at
        """
        import torch

        cuts = torch.tensor(hidden.reshape(len(hidden), -1))  # a copy: what a record holds is read-only
        there = self._embedded.device
        with torch.no_grad():
            parts = [self._read(part.to(there)) for part in cuts.split(self.at_once)]
        return [torch.cat(one).cpu().numpy() for one in zip(*parts, strict=True)]

    def _read(self, cuts: "torch.Tensor") -> "list[torch.Tensor]":
        """(cuts, places) of each strand, of one packed sequence."""
        import torch

        number, there = len(cuts), cuts.device
        allowed = {kind: self._packed(mask, cuts) for kind, mask in self._allowed.items()}
        rows = (torch.arange(number)[:, None] * len(self) + self._rows).flatten().to(there)
        positions = self._positions.repeat(1, number)
        hidden = self._glass.hidden(self._embedded.repeat(1, number, 1), allowed, positions, self._state, rows)[0]
        chosen = torch.zeros(len(self._laid.strands), len(self._rows), dtype=torch.long)
        for one, strand, said in zip(chosen, self._laid.strands, self._laid.said, strict=True):
            one[list(said)] = torch.tensor([strand.reply[place] for place in strand.places])
        told = _logprobs(self._glass, hidden, chosen.repeat(1, number).to(there)).unflatten(1, (number, -1))
        return [one[:, list(said)] for one, said in zip(told, self._laid.said, strict=True)]

    def _packed(self, mask: "torch.Tensor", cuts: "torch.Tensor") -> "torch.Tensor":
        """(1, cuts x length, opening + cuts x length) bool, from (length, opening + length) of one copy alone."""
        import torch

        number, length, stop = len(cuts), len(self), self._place.stop
        seen = mask[:, :stop].repeat(number, 1, 1)
        seen[:, :, self._place] &= ~cuts[:, None]
        own = mask.new_zeros(number, length, number, length)
        each = torch.arange(number, device=mask.device)
        own[each, :, each] = mask[:, stop:]
        return torch.cat([seen.flatten(0, 1), own.reshape(number * length, -1)], 1)[None]


def packed_tokens(glass: Glass) -> int:
    """Tokens in one packed sequence: half as many as would make attention cost as much as the layers' weights."""
    config = glass.language.config
    weights = sum(p.numel() for p in glass.language.layers.parameters())
    width = config.num_attention_heads * config.head_dim * config.num_hidden_layers
    return int(min(max(weights / (4 * width), FEWEST), MOST))


def _logprobs(glass: Glass, hidden: "torch.Tensor", chosen: "torch.Tensor") -> "torch.Tensor":
    """(strands, rows) float32 of (rows, hidden) and the tokens chosen, (strands, rows); a part of the rows at a time.

    Of MedGemma the logits of a report under 256 cuts would be 40 GB.
    """
    import torch

    at_once = max(1, LOGITS // glass.language.config.vocab_size)
    told = []
    for part, tokens in zip(hidden.split(at_once), chosen.split(at_once, 1), strict=True):
        logits = glass.module.lm_head(part).float()
        told.append(logits.gather(1, tokens.T).T - logits.logsumexp(1))
    return torch.cat(told, 1)


def reckon_knockouts(name: str, request: Request, cuts: int) -> Cost:
    """What so many cuts cost."""
    glass = request.glass
    stop = glass.places(request.scan).stop
    laid = glass.laid(request.aim.strands)
    length, said = len(laid) - stop, len(laid.rows)
    at_once = max(1, packed_tokens(glass) // length)
    packed = length * min(at_once, cuts)
    # the mask of each kind of layer, and one as numbers, which is what attention makes of it
    kinds = len(set(glass.language.config.layer_types))
    masks = packed * (stop + packed) * (kinds + 1 + glass.module.dtype.itemsize)
    logits = 3 * 4 * min(LOGITS, packed // length * said * glass.language.config.vocab_size)
    peak = max(masks + language_bytes(glass, 1, packed, stop + packed, 0), logits)
    return reckon(name, glass, tower=1, tokens=stop + cuts * length, seen=stop + packed, rows=cuts * said, peak=peak)
