"""EmbeddingModel: a picture tower and a text tower that were trained to meet (SigLIP, SigLIP 2, MedSigLIP, CLIP).

It is a Model of the contract as far as that goes: it scores given captions and can be differentiated, and it writes no
text, so `ask` is refused at once. It is handed a loaded module and its processor; whence they came it does not know.
"""

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medlab.core.answer import Answer, Choices, Token
from medlab.core.case import Case
from medlab.core.errors import CapabilityError, SpecError, shown
from medlab.core.query import Query
from medlab.core.record import check_whole
from medlab.core.scan import Scan
from medlab.models.base import Capabilities, Model, check_options, check_queries, scans_of
from medlab.models.embedding.captions import CaptionPair, caption_inputs, captions, pairs_of
from medlab.models.embedding.pictures import Pictures
from medlab.models.embedding.store import EmbeddingStore
from medlab.models.embedding.zero_shot import ZeroShot

if TYPE_CHECKING:
    import torch

NEEDED = ("get_image_features", "get_text_features", "logit_scale")
Scans = Scan | Case | Iterable[Scan]


class EmbeddingModel(Model):
    """One contrastive checkpoint of transformers, loaded.

    module       SiglipModel, Siglip2Model, CLIPModel, or another with their three names (see NEEDED)
    processor    its processor: a tokenizer and an image processor
    fingerprint  of weights, processor and precision; how pictures are fitted is added to it here
    fit          how a scan becomes the tower's square, one of `pictures.FITS`; None chooses by the processor

    Raises CapabilityError for a module or processor of another kind, such as a text model.
    """

    reads_questions = False

    def __init__(self, module: Any, processor: Any, *, name: str, fingerprint: str, fit: str | None = None):
        lacking = [attribute for attribute in NEEDED if not hasattr(module, attribute)]
        lacking += [part for part in ("tokenizer", "image_processor") if getattr(processor, part, None) is None]
        if lacking:
            raise CapabilityError(
                f"{shown(name)} is a {type(module).__name__} with a {type(processor).__name__}: no {lacking[0]}",
                accepted="a contrastive model with both towers: SigLIP, SigLIP 2, MedSigLIP, CLIP",
                fix='medlab.load_model("medsiglip-448")',
            )
        self.name = name
        self._module, self._tokenizer = module.eval(), processor.tokenizer
        channels = getattr(module.config.vision_config, "num_channels", 3)
        self.pictures = Pictures(processor.image_processor, channels, fit)
        self.fingerprint = hashlib.blake2b(f"{fingerprint}|{self.pictures.fit}".encode(), digest_size=16).hexdigest()
        self.capabilities = Capabilities(images=1, gradients=True)

    def __repr__(self) -> str:
        return f"EmbeddingModel({shown(self.name, 60)}, {type(self._module).__name__}, fit={self.pictures.fit!r})"

    @property
    def module(self):
        """The torch module, both towers."""
        return self._module

    @property
    def caption_tokens(self) -> int:
        """The most tokens of a caption that the text tower reads: 64 for SigLIP, 77 for CLIP."""
        return self._module.config.text_config.max_position_embeddings

    def embed_scans(
        self,
        scans: Scans,
        *,
        batch_size: int = 16,
        store: EmbeddingStore | str | os.PathLike | None = None,
        progress: bool = True,
    ) -> np.ndarray:
        """(n, dim) float32, one row a scan in order, each of length 1: the dot product of two rows is their cosine.

        scans     Scans, in a list or from a generator that loads them one by one; one Scan; or all scans of a Case
        store     where rows are kept and looked up; after an interruption the same call goes on from there

        A row does not depend on the batch it was made in, but for rounding. Raises SpecError for no scan at all or
        something else than a Scan, CapabilityError where a number is not finite.
        """
        check_whole("batch_size", batch_size, 1)
        store = store if store is None or isinstance(store, EmbeddingStore) else EmbeddingStore(store)
        rows = [row for batch in _batches(scans, batch_size, progress) for row in self._rows(batch, store)]
        if not rows:
            raise SpecError("no scan to embed", accepted="at least one Scan", fix="medlab.load_scan(path)")
        return np.stack(rows)

    def embed_texts(self, texts: Sequence[str], *, batch_size: int = 64) -> np.ndarray:
        """(n, dim) float32, one row a caption in order, each of length 1, in the space of `embed_scans`.

        A caption longer than `caption_tokens` loses its end, with a CaptionWarning.
        Raises SpecError for no caption or an empty one.
        """
        import torch

        if isinstance(texts, str) or not len(texts):
            raise SpecError(f"texts is {shown(texts)}", accepted="one or more captions in a list", fix='["a caption"]')
        check_whole("batch_size", batch_size, 1)
        rows = []
        for start in range(0, len(texts), batch_size):
            batch = texts[start : start + batch_size]
            # SigLIP was trained without a mask: its padding is seen
            inputs = caption_inputs(self._tokenizer, batch, self.caption_tokens, mask=not self.sigmoid)
            with torch.inference_mode():
                rows.append(self._unit(self._module.get_text_features(**self._moved(inputs)), "text"))
        return np.concatenate(rows)

    @property
    def sigmoid(self) -> bool:
        """Whether it was trained to judge each caption alone (SigLIP) instead of against others (CLIP)."""
        return hasattr(self._module, "logit_bias")

    def logits(self, scan_rows: np.ndarray, text_rows: np.ndarray) -> np.ndarray:
        """(n, m) float32: scale · cosine + bias of rows of `embed_scans` (n, dim) and of `embed_texts` (m, dim).

        Scale and bias are the model's own, learnt; what transformers calls `logits_per_image`.
        """
        scale = float(self._module.logit_scale.detach().float().exp())
        bias = float(self._module.logit_bias.detach()) if self.sigmoid else 0.0
        return (scan_rows @ text_rows.T * np.float32(scale) + np.float32(bias)).astype(np.float32)

    def zero_shot(
        self,
        scans: Scans,
        pairs: "Sequence[CaptionPair | tuple[str, str]] | Mapping[str, tuple[str, str]] | None" = None,
        *,
        batch_size: int = 16,
        store: EmbeddingStore | str | os.PathLike | None = None,
        progress: bool = True,
    ) -> ZeroShot:
        """Which of two captions lies nearer to each scan, for each pair: nothing is learnt from cases.

        pairs  CaptionPairs, (positive, negative) captions, or {finding: (positive, negative)}; None for the packaged
               ones of chest films, `captions()`
        """
        made = captions() if pairs is None else pairs_of(pairs)
        texts = self.embed_texts([text for pair in made for text in (pair.positive, pair.negative)])
        rows = self.embed_scans(scans, batch_size=batch_size, store=store, progress=progress)
        logits = self.logits(rows, texts).reshape(len(rows), len(made), 2)
        return ZeroShot(made, logits, self.sigmoid, self.name, self.fingerprint)

    def answer(self, queries: Sequence[Query]) -> list[Answer]:
        """Refused: raises CapabilityError."""
        raise CapabilityError(
            f"{self.name} compares pictures with captions and writes no text",
            accepted="zero_shot, score, embed_scans, embed_texts",
            fix='model.zero_shot([scan]), or medlab.load_model("demo").ask(scan, question)',
        )

    def score(self, query: Query, options: Sequence[str]) -> Choices:
        """How near each caption lies to the query's one scan: softmax over the options' logits.

        The query's text is a caption with `{}` where the option goes, or "" where options are captions themselves.
        Each option carries one Token, the logarithm of its share: the shares sum to 1 over the options given, and say
        nothing of any other text. Raises CapabilityError for a question, for several scans, or for none.
        """
        return self.score_many([query], options)[0]

    def score_many(self, queries: Sequence[Query], options: Sequence[str]) -> list[Choices]:
        """`score` of each query with the same options: the scans go in batches, each caption once."""
        check_queries(queries)
        check_options(options)
        if not queries:
            return []
        templates = [self._template(query) for query in queries]
        rows = self.embed_scans([query.scans[0] for query in queries], progress=False)
        texts = {one: self.embed_texts([one.replace("{}", option) for option in options]) for one in set(templates)}
        return [
            self._choices(self.logits(row[None], texts[template])[0], options, query)
            for row, template, query in zip(rows, templates, queries, strict=True)
        ]

    def _choices(self, logits: np.ndarray, options: Sequence[str], query: Query) -> Choices:
        shifted = logits.astype(np.float64) - logits.max()
        shares = shifted - np.log(np.exp(shifted).sum())
        tokens = tuple((Token(None, option, float(share)),) for option, share in zip(options, shares, strict=True))
        return Choices(tuple(options), tokens, self.name, self.fingerprint, query.fingerprint)

    def _template(self, query: Query) -> str:
        text = "".join(part.text or "" for message in query.messages for part in message.parts).strip()
        if len(query.scans) == 1 and text.count("{}") == (1 if text else 0):
            return text or "{}"
        raise CapabilityError(
            f"{self.name} reads no question: {len(query.scans)} scan(s) and the text {shown(text)}",
            accepted="one scan, and a caption with one {} where the option goes, or no text",
            fix='model.score(model.query(scan, "chest X-ray with {}"), ["effusion", "no effusion"])',
        )

    def _rows(self, scans: Sequence[Scan], store: EmbeddingStore | None) -> list[np.ndarray]:
        """One vector a scan; of those in the store none is made again."""
        if store is None:
            return list(self._embedded(scans))
        keys = [scan.fingerprint for scan in scans]
        known = store.find(self.fingerprint, keys)
        missing = {key: scan for key, scan in zip(keys, scans, strict=True) if key not in known}
        if missing:
            made = dict(zip(missing, self._embedded(list(missing.values())), strict=True))
            store.add(self.fingerprint, made)
            known |= made
        return [known[key] for key in keys]

    def _embedded(self, scans: Sequence[Scan]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            features = self._module.get_image_features(**self._moved(self.pictures.inputs(scans)))
            return self._unit(features, "image")

    def _moved(self, inputs: "Mapping[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
        """Where the module is; numbers in its own precision, ids and masks as they are."""
        home = self._module.logit_scale
        return {
            name: value.to(home.device, home.dtype if value.is_floating_point() else value.dtype)
            for name, value in inputs.items()
        }

    def _unit(self, features: Any, tower: str) -> np.ndarray:
        """Rows of length 1, float32. transformers answers with a tensor or with the tensor in a record."""
        rows = getattr(features, "pooler_output", features).float()
        rows = rows / rows.norm(dim=-1, keepdim=True)
        if not bool(rows.isfinite().all()):
            raise CapabilityError(
                f"the {tower} tower of {self.name}, in {self._module.logit_scale.dtype}, gave NaN or infinity",
                accepted="bfloat16 or float32: float16 overflows in towers of this kind",
                fix=f'medlab.load_model({self.name!r}, dtype="float32")',
            )
        return rows.cpu().numpy()


def _batches(scans: Scans, size: int, progress: bool) -> Iterator[list[Scan]]:
    from tqdm.auto import tqdm

    known = scans_of(scans) if isinstance(scans, (Scan, Case, list, tuple)) else scans
    total = len(known) if hasattr(known, "__len__") else None
    with tqdm(total=total, unit="scan", desc="embedding", delay=2, disable=not progress) as bar:
        stream = iter(known)
        while batch := list(itertools.islice(stream, size)):
            yield list(scans_of(batch))  # which refuses what is no Scan
            bar.update(len(batch))
