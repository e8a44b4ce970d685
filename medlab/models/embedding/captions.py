"""What is said of a film with a finding and of one without it: pairs of captions for zero-shot reading.

A contrastive model is asked nothing: it is shown two captions and tells which lies nearer to the picture. The pairs
are English, because the towers were trained on English reports. How the words are chosen moves the result, and none of
these pairs was tuned on data: other words are one argument away.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from medlab.core.errors import SpecError, UnknownName, shown
from medlab.core.record import Record, check_text, record
from medlab.core.vocabulary import FINDING_TERMS

if TYPE_CHECKING:
    import torch

PUBLISHED = {
    "effusion": ("large pleural effusion", "no pleural effusion"),
    "pneumothorax": ("small pneumothorax", "no pneumothorax"),
}
"""(positive, negative) as Google's zero-shot notebook for ELIXR has them: Google-Health/cxr-foundation,
notebooks/classify_images_with_natural_language. Those of MedSigLIP's own evaluation are not published."""


class CaptionWarning(UserWarning):
    """A caption that the model does not see whole."""


@record
class CaptionPair(Record):
    """One finding in two captions."""

    finding: str
    """such as "effusion": what the probability is of"""
    positive: str
    negative: str
    source: str = "the asker"
    """who chose the words"""

    def __post_init__(self):
        for field in ("finding", "positive", "negative"):
            check_text(field, getattr(self, field))
        if self.positive == self.negative:
            raise SpecError(f"both captions of {shown(self.finding)} are {shown(self.positive)}", accepted="two texts")


def captions(findings: Sequence[str] | None = None) -> tuple[CaptionPair, ...]:
    """The packaged pairs for chest films, of all findings of `medlab.core.vocabulary` or of those named.

    Two are published (see PUBLISHED); the others follow their pattern, "X" and "no X", and are medlab's own.
    Raises UnknownName for a finding without a pair.
    """
    known = list(FINDING_TERMS)
    wanted = known if findings is None else findings
    for name in wanted:
        if name not in known:
            raise UnknownName("pair of captions", name, known)
    return tuple(_pair(name) for name in wanted)


def pairs_of(given: "Sequence[CaptionPair | tuple[str, str]] | Mapping[str, tuple[str, str]]") -> tuple:
    """Pairs in any of three forms as CaptionPairs: records, (positive, negative), or {finding: (positive, negative)}.

    A bare (positive, negative) is called by its positive caption. Raises SpecError for anything else, and for none.
    """
    named = given.items() if isinstance(given, Mapping) else ((None, pair) for pair in given)
    made = tuple(_read(name, pair) for name, pair in named)
    if not made:
        raise SpecError("no pair of captions", accepted="at least one", fix="captions()")
    return made


def caption_inputs(tokenizer, texts: Sequence[str], length: int, *, mask: bool) -> "dict[str, torch.Tensor]":
    """What a text tower is given: (n, length) token ids, and an attention mask where `mask` says so.

    Every caption is padded to `length`, the tower's own number of positions. SigLIP was trained so, padding seen and
    not masked, and reads its summary off the last position: padded to the longest caption of the batch instead, it
    gives other numbers, which depend on the captions beside (mteb pull request 1424: about 10 instead of over 80 % of
    handwritten digits right). For CLIP, whose summary stands on the end token, padding changes nothing. The padding
    stands on the right, as in training, whatever the tokenizer's class says: transformers' Siglip2Tokenizer says left
    unless the checkpoint's own settings say otherwise.

    A caption of more than `length` tokens loses its end, with a CaptionWarning that names it.
    """
    listed = list(texts)
    for text in listed:
        check_text("caption", text)
    counts = [len(ids) for ids in tokenizer(listed, verbose=False)["input_ids"]]
    for text, count in zip(listed, counts, strict=True):
        if count > length:
            told = f"the caption {shown(text, 60)} has {count} tokens; the model reads the first {length}"
            warnings.warn(told, CaptionWarning, stacklevel=3)
    whole = {"padding": "max_length", "max_length": length, "truncation": True, "padding_side": "right"}
    padded = tokenizer(listed, **whole, return_tensors="pt")
    return {name: padded[name] for name in ("input_ids", "attention_mask") if name == "input_ids" or mask}


def _pair(name: str) -> CaptionPair:
    term = FINDING_TERMS[name].en
    positive, negative = PUBLISHED.get(name, (term, f"no {term}"))
    return CaptionPair(name, positive, negative, "cxr-foundation notebook" if name in PUBLISHED else "medlab")


def _read(name: str | None, pair: object) -> CaptionPair:
    if isinstance(pair, CaptionPair):
        return pair
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
        raise SpecError(
            f"a pair of captions is {shown(pair)}",
            accepted="a CaptionPair, or (positive, negative)",
            fix='[("pleural effusion", "no pleural effusion")]',
        )
    return CaptionPair(name or pair[0], *pair)
