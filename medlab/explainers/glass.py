"""Glass: a Gemma 3 that is looked into, for one query: tower, projector and language model as separate steps.

Each step takes a batch and can be differentiated, and what does not change is run once: the tokens of the scans, and
the text before them. Image tokens are found by their id; which token sees which is read off the installed
transformers, never assumed; and before anything is explained, the steps together must give what the model itself
gives. It knows no method.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.core.errors import CapabilityError, SpecError
from medlab.core.geometry import SquareFit
from medlab.core.query import Query
from medlab.explainers.aims import Aim, Strand
from medlab.explainers.branches import Branches
from medlab.explainers.lastlayer import only
from medlab.models.hf.states import Prefix, State, cut

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

KEPT = 4
"""queries that are kept open for each model, so that a second method or word costs only its own work"""
TOKENS = 16_384
"""tokens of a batch that go through the language model at once"""
CACHED = 2048
"""of them on a CPU: more outgrow its cache, which costs more than it saves"""
SCANS = 16
"""pictures that go through the tower at once"""
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.25, "float16": 0.05}
"""by which the steps' log-probabilities may differ from the model's own"""
Allowed = dict[str, "torch.Tensor"]
"""kind of layer -> (1 or batch, new, seen + new) bool: who may look where"""


def look_into(model, query: Query) -> "Glass":
    """The model opened for `query`; lately opened ones are kept, scan and all.

    Raises CapabilityError for a model that is no Gemma 3 with a tower, or whose steps do not add up to the model.
    """
    kept = model.notes.setdefault("glass", OrderedDict()) if hasattr(model, "notes") else OrderedDict()
    if query.fingerprint not in kept:
        kept[query.fingerprint] = Glass(model, query)
    kept.move_to_end(query.fingerprint)
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return kept[query.fingerprint]


class Glass:
    """One model and one query. Tensors are on the model's device; log-probabilities are natural, float32."""

    def __init__(self, model, query: Query):
        import torch

        kind = getattr(getattr(model.module, "config", None), "model_type", None) if _has_module(model) else None
        if kind != "gemma3" or not hasattr(model, "inputs"):
            raise CapabilityError(
                f"{model.name} cannot be looked into",
                accepted="a local Gemma 3 with a vision tower (demo, MedGemma)",
                fix='method="occlusion" or "rise_pixels" work on any model that scores given replies',
            )
        self.model, self.query, self.module = model, query, model.module
        inputs = model.inputs(query)
        self.ids: torch.Tensor = inputs["input_ids"][0]
        """(length,) of the prompt"""
        self.pixels: torch.Tensor = inputs["pixel_values"]
        """(scans, 3, size, size) as the tower takes them"""
        self.image = inputs["token_type_ids"][0].bool()
        """(length,) True at image tokens"""
        self.count = self.module.config.mm_tokens_per_image
        """image tokens of each scan"""
        self.fits: tuple[SquareFit, ...] = tuple(model.fit_of(scan) for scan in query.scans)
        self._places = self._find_scans()
        self._tokens: torch.Tensor | None = None
        self._states: dict[int, State] = {}
        self._masks: Allowed = {}
        self._checked = False
        self.notes: dict = {}
        """what methods keep about this query while it is open"""

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, cols) of a scan's image tokens."""
        side = round(self.count**0.5)
        return side, side

    @property
    def patches(self) -> tuple[int, int]:
        """(rows, cols) of a scan's patches in the tower."""
        vision = self.module.config.vision_config
        side = vision.image_size // vision.patch_size
        return side, side

    @property
    def tower(self):
        return self.module.model.vision_tower

    @property
    def language(self):
        return self.module.model.language_model

    def places(self, scan: int = 0) -> slice:
        """Where a scan's tokens stand in the prompt."""
        return self._places[scan]

    def laid(self, strands: Sequence[Strand]) -> Branches:
        """Replies side by side behind the prompt, as `lean_score` reads them."""
        return Branches(len(self.ids), strands)

    def at_once(self, length: int) -> int:
        """How many rows of `length` tokens go through the language model in one batch."""
        return max(1, (CACHED if self.module.device.type == "cpu" else TOKENS) // length)

    def see(self, pixels: "torch.Tensor") -> "torch.Tensor":
        """(n, patches, width) of (n, 3, size, size): what the tower makes of pictures."""
        return self.tower(pixel_values=pixels.to(self.module.dtype)).last_hidden_state

    def project(self, patches: "torch.Tensor") -> "torch.Tensor":
        """(n, image tokens, hidden): patches as the language model reads them."""
        return self.module.model.multi_modal_projector(patches)

    def tokens(self) -> "torch.Tensor":
        """(scans, image tokens, hidden): those of the query's own scans."""
        import torch

        if self._tokens is None:
            with torch.no_grad():
                rows = [self.project(self.see(part)) for part in self.pixels.split(SCANS)]
                self._tokens = torch.cat(rows)
        return self._tokens

    def embedded(self, strand: Strand, tokens: "torch.Tensor | None" = None, scan: int = 0) -> "torch.Tensor":
        """(batch, length, hidden) of the prompt and the strand's reply.

        tokens  (batch, image tokens, hidden) in place of those of `scan`; None for its own
        """
        import torch

        ids = torch.cat([self.ids, torch.tensor(strand.reply, device=self.ids.device, dtype=self.ids.dtype)])
        words = ids.masked_fill(ids == self.module.config.image_token_id, self.language.config.pad_token_id or 0)
        with torch.no_grad():
            row = self.language.get_input_embeddings()(words)
        own = self.tokens()
        rows = 1 if tokens is None else len(tokens)
        pieces, at = [], 0
        for index, place in enumerate(self._places):
            shown = tokens if tokens is not None and index == scan else own[index : index + 1].expand(rows, -1, -1)
            pieces += [row[at : place.start].expand(rows, -1, -1), shown.to(row.dtype)]
            at = place.stop
        return torch.cat([*pieces, row[at:].expand(rows, -1, -1)], 1)

    def allowed(self, length: int) -> Allowed:
        """Which of the first `length` tokens may look at which: (1, length, length) bool for each kind of layer."""
        if not self._masks or next(iter(self._masks.values())).shape[-1] < length:
            self._masks = self._read_masks(length)
        return {kind: mask[:, :length, :length] for kind, mask in self._masks.items()}

    def opening(self, stop: int) -> State:
        """Keys and values of the first `stop` tokens of the prompt, the scans being what they are."""
        import torch
        from transformers import DynamicCache

        if stop not in self._states:
            with torch.no_grad():
                row = self.embedded(Strand((), ()))[:, :stop]
                last, cache = torch.tensor([stop - 1], device=row.device), DynamicCache()
                self._pass(row, self.allowed(stop), torch.arange(stop)[None], cache, last)
            (self._states[stop],) = cut(cache, [(0, stop)])
        return self._states[stop]

    def run(
        self,
        embedded: "torch.Tensor",
        allowed: Allowed,
        positions: "torch.Tensor",
        rows: "Sequence[int] | torch.Tensor",
        state: State | None = None,
    ) -> "torch.Tensor":
        """(batch, rows, vocabulary) logits at the places `rows` of what is new, behind `state`.

        embedded   (batch, new, hidden)
        allowed    of each kind of layer, (1 or batch, new, seen + new)
        positions  (1 or batch, new) of each token in its own sequence
        """
        return self.module.lm_head(self.hidden(embedded, allowed, positions, state)[:, rows])

    def hidden(
        self,
        embedded: "torch.Tensor",
        allowed: Allowed,
        positions: "torch.Tensor",
        state: State | None = None,
        rows: "torch.Tensor | None" = None,
    ) -> "torch.Tensor":
        """(batch, new, hidden) of the last layer, as `run` reads its logits from: for whoever wants few at a time.

        rows  (rows,) places: these alone, (batch, rows, hidden); the last layer does no more than they need
        """
        return self._pass(embedded, allowed, positions, Prefix(state) if state is not None else None, rows)

    def logprobs(self, strand: Strand, tokens: "torch.Tensor | None" = None, scan: int = 0) -> "torch.Tensor":
        """(batch, places) natural log-probability of each token of the strand that counts; can be differentiated.

        tokens  (batch, image tokens, hidden) in place of those of `scan`; None for the query's own scans alone
        """
        return chosen_logprobs(self._logits(strand, tokens, scan), strand)

    def score(self, aim: Aim, tokens: "torch.Tensor | None" = None, scan: int = 0) -> "torch.Tensor":
        """(batch,) sum over the aim's tokens, natural: for, less against.

        Every layer reads every token, and replies behind different words have passes of their own: for whoever watches
        the layers. `lean_score` gives the same numbers for less.
        """
        total, known = 0, {}
        for strand in aim.strands:
            same = (strand.reply[:-1], strand.places)  # two words in one place cost one pass
            if same not in known:
                known[same] = self._logits(strand, tokens, scan)
            total = total + strand.sign * chosen_logprobs(known[same], strand).sum(-1)
        return total

    def lean_score(self, aim: Aim, tokens: "torch.Tensor | None" = None, scan: int = 0) -> "torch.Tensor":
        """`score` in one pass for all replies, the last layer run where something is foretold; has gradients too."""
        told = self._lean_logprobs(aim.strands, tokens, scan)
        return sum(strand.sign * one.sum(-1) for strand, one in zip(aim.strands, told, strict=True))

    def score_many(self, aim: Aim, tokens: "torch.Tensor", scan: int = 0) -> "torch.Tensor":
        """`lean_score` without gradients, of any number of rows, in batches that fit."""
        import torch

        at_once = self.at_once(len(self.laid(aim.strands)) - self._places[scan].start)
        with torch.no_grad():
            return torch.cat([self.lean_score(aim, part, scan) for part in tokens.split(at_once)])

    def check(self, aim: Aim) -> None:
        """That the steps give what the model gives. Raises CapabilityError where they do not, or are not finite.

        Raises SpecError for a reply that does not fit behind the prompt.
        """
        import torch

        longest, room = max(len(strand.reply) for strand in aim.strands), self.model.capabilities.context
        if room is not None and len(self.ids) + longest > room:
            raise SpecError(
                f"a reply of {longest} tokens behind a prompt of {len(self.ids)}",
                accepted=f"together at most {room}, the context of {self.model.name}",
                fix="explain a part of the reply alone",
            )
        if self._checked:
            return
        strand = aim.strands[0]
        with torch.no_grad():
            inputs = self.model.inputs(self.query, strand.reply)
            said = torch.tensor(foretelling(self, strand), device=self.ids.device)
            own = chosen_logprobs(self.module(**inputs, logits_to_keep=said).logits, strand)
            steps = torch.cat([self.logprobs(strand), self._lean_logprobs(aim.strands, None, 0)[0]])
        apart = float((own - steps).abs().max())
        kind = str(self.module.dtype).removeprefix("torch.")
        if not apart <= TOLERANCE.get(kind, 1e-3):
            raise CapabilityError(
                f"{self.model.name} taken apart gives other log-probabilities than whole ({apart:.3g} nats apart)",
                accepted=f"a difference of at most {TOLERANCE.get(kind, 1e-3)}",
                fix='dtype="float32", or another release of transformers; method="occlusion" needs neither',
            )
        self._checked = True

    def _logits(self, strand: Strand, tokens: "torch.Tensor | None", scan: int) -> "torch.Tensor":
        import torch

        start = self._places[scan].start
        embedded = self.embedded(strand, tokens, scan)
        length = embedded.shape[1] - 1  # nothing is foretold by the last token
        allowed = {kind: mask[:, start:] for kind, mask in self.allowed(length).items()}
        state = self.opening(start) if start else None
        said = [row - start for row in foretelling(self, strand)]
        return self.run(embedded[:, start:length], allowed, torch.arange(start, length)[None], said, state)

    def _lean_logprobs(
        self, strands: Sequence[Strand], tokens: "torch.Tensor | None", scan: int
    ) -> "list[torch.Tensor]":
        """(batch, places) of each strand, as `logprobs`; all of them in one pass."""
        import torch

        start, laid = self._places[scan].start, self.laid(strands)
        embedded = self.embedded(Strand(laid.tokens, ()), tokens, scan)[:, start:]
        allowed = {kind: mask[:, start:] for kind, mask in laid.allowed(self.allowed(laid.longest)).items()}
        state = self.opening(start) if start else None
        rows = torch.tensor(laid.rows, device=embedded.device) - start
        logits = self.module.lm_head(self.hidden(embedded, allowed, laid.positions()[:, start:], state, rows))
        return [chosen_logprobs(logits[:, said], s) for s, said in zip(strands, laid.said, strict=True)]

    def _pass(
        self,
        embedded: "torch.Tensor",
        allowed: Allowed,
        positions: "torch.Tensor",
        state: "Prefix | DynamicCache | None" = None,
        few: "torch.Tensor | None" = None,
    ) -> "torch.Tensor":
        """(batch, new, hidden), or of the places `few` alone; a cache in `state` has then keys and values of all."""
        import torch

        there = embedded.device
        plain = self.language.config._attn_implementation == "eager"
        masks = {}
        for kind, mask in allowed.items():
            mask = mask.to(there)[:, None]
            if plain:
                least = torch.finfo(embedded.dtype).min
                mask = torch.zeros_like(mask, dtype=embedded.dtype).masked_fill(~mask, least)
            masks[kind] = mask.expand(len(embedded), -1, -1, -1)
        with only(self.language, few) if few is not None else contextlib.nullcontext():
            out = self.language(
                inputs_embeds=embedded, attention_mask=masks, position_ids=positions.to(there), past_key_values=state,
                use_cache=False,
            )  # fmt: skip
        return out.last_hidden_state

    def _read_masks(self, length: int) -> Allowed:
        """What transformers itself lets the layers of this model look at."""
        import torch

        caught: dict[str, torch.Tensor] = {}

        class Caught(Exception):
            pass

        def catch(module, args, kwargs):
            caught.update(kwargs["attention_mask"] or {})
            raise Caught

        more = length - len(self.ids)
        with torch.no_grad():
            row = self.embedded(Strand((0,) * max(0, more), ()))[:, :length]
            kinds = torch.nn.functional.pad(self.image.long(), (0, max(0, more)))[None, :length]
            hook = self.language.register_forward_pre_hook(catch, with_kwargs=True)
            try:
                self.module(inputs_embeds=row, token_type_ids=kinds, attention_mask=torch.ones_like(kinds))
            except Caught:
                pass
            finally:
                hook.remove()
        if not caught or any(mask is None or mask.ndim != 4 for mask in caught.values()):
            raise CapabilityError(
                "the installed transformers does not tell which tokens see which",
                fix="pip install transformers==5.23.0",
            )
        return {kind: (mask if mask.dtype == torch.bool else mask > -1)[:, 0] for kind, mask in caught.items()}

    def _find_scans(self) -> tuple[slice, ...]:
        """Each scan's run of image tokens, in the order of the query's scans."""
        edges = self.image.int().diff(prepend=self.image.new_zeros(1).int(), append=self.image.new_zeros(1).int())
        starts, stops = (edges == 1).nonzero()[:, 0].tolist(), (edges == -1).nonzero()[:, 0].tolist()
        runs = [slice(a, b) for a, b in zip(starts, stops, strict=True)]
        lengths = [run.stop - run.start for run in runs]
        if lengths != [self.count] * len(self.query.scans):
            raise CapabilityError(
                f"runs of {lengths} image tokens for {len(self.query.scans)} scan(s)",
                accepted=f"{self.count} in a row for each scan, each scan shown once",
            )
        order = [part.scan for message in self.query.messages for part in message.parts if part.scan is not None]
        if order != sorted(order):
            raise SpecError(f"scans shown in the order {order}", accepted="in the order of query.scans")
        return tuple(runs)


def foretelling(glass: Glass, strand: Strand) -> list[int]:
    """Where in prompt and reply each token of the strand that counts is foretold: by the token before it."""
    return [len(glass.ids) - 1 + place for place in strand.places]


def chosen_logprobs(logits: "torch.Tensor", strand: Strand) -> "torch.Tensor":
    """(batch, places) float32 of (batch, places, vocabulary) logits: those of the strand's own tokens."""
    import torch

    chosen = torch.tensor([strand.reply[place] for place in strand.places], device=logits.device)
    return torch.log_softmax(logits.float(), -1).gather(-1, chosen[None, :, None].expand(len(logits), -1, 1))[..., 0]


def _has_module(model) -> bool:
    try:
        return model.module is not None
    except CapabilityError:
        return False
