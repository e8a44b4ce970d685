"""Glass: a Gemma 3 that is looked into, for one query: tower, projector and language model as separate steps.

Each step takes a batch and can be differentiated, and what does not change is run once: the tokens of the scans, and
the text before them. Image tokens are found by their id; which token sees which is read off the installed
transformers, never assumed; and before anything is explained, the steps together must give what the model itself
gives. It knows no method.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medlab.core.errors import CapabilityError, SpecError
from medlab.core.geometry import SquareFit
from medlab.core.query import Query
from medlab.explainers.aims import Aim, Strand
from medlab.models.hf.states import State, cut, join

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

KEPT = 4
"""queries that are kept open for each model, so that a second method or word costs only its own work"""
TOKENS = 16_384
"""tokens of a batch that go through the language model at once"""
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

        if stop not in self._states:
            with torch.no_grad():
                row = self.embedded(Strand((), ()))[:, :stop]
                cache = self._pass(row, self.allowed(stop), torch.arange(stop)[None], None)[1]
            self._states[stop] = cut(cache, [(0, stop)])[0]
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
        self, embedded: "torch.Tensor", allowed: Allowed, positions: "torch.Tensor", state: State | None = None
    ) -> "torch.Tensor":
        """(batch, new, hidden) of the last layer, as `run` reads its logits from: for whoever wants few at a time."""
        return self._pass(embedded, allowed, positions, state)[0]

    def logprobs(self, strand: Strand, tokens: "torch.Tensor | None" = None, scan: int = 0) -> "torch.Tensor":
        """(batch, places) natural log-probability of each token of the strand that counts; can be differentiated.

        tokens  (batch, image tokens, hidden) in place of those of `scan`; None for the query's own scans alone
        """
        return chosen_logprobs(self._logits(strand, tokens, scan), strand)

    def score(self, aim: Aim, tokens: "torch.Tensor | None" = None, scan: int = 0) -> "torch.Tensor":
        """(batch,) sum over the aim's tokens, natural: for, less against."""
        total, known = 0, {}
        for strand in aim.strands:
            same = (strand.reply[:-1], strand.places)  # two words in one place cost one pass
            if same not in known:
                known[same] = self._logits(strand, tokens, scan)
            total = total + strand.sign * chosen_logprobs(known[same], strand).sum(-1)
        return total

    def score_many(self, aim: Aim, tokens: "torch.Tensor", scan: int = 0) -> "torch.Tensor":
        """`score` without gradients, of any number of rows, in batches that fit."""
        import torch

        at_once = max(1, TOKENS // (len(self.ids) + max(len(strand.reply) for strand in aim.strands)))
        with torch.no_grad():
            return torch.cat([self.score(aim, part, scan) for part in tokens.split(at_once)])

    def blind_score(self, aim: Aim, scan: int = 0) -> "torch.Tensor":
        """(1,) `score` where nothing but the scan's own tokens may look at the scan."""
        import torch

        total, place = 0, self._places[scan]
        for strand in aim.strands:
            embedded = self.embedded(strand)
            length = embedded.shape[1] - 1
            outside = torch.ones(length, dtype=torch.bool, device=embedded.device)
            outside[place] = False
            allowed = {}
            for kind, mask in self.allowed(length).items():
                allowed[kind] = mask.clone()
                allowed[kind][:, outside, place] = False
            said = [len(self.ids) - 1 + at for at in strand.places]
            logits = self.run(embedded[:, :length], allowed, torch.arange(length)[None], said)
            total = total + strand.sign * chosen_logprobs(logits, strand).sum(-1)
        return total

    def check(self, aim: Aim) -> None:
        """That the steps give what the model gives. Raises CapabilityError where they do not, or are not finite."""
        import torch

        if self._checked:
            return
        strand = aim.strands[0]
        with torch.no_grad():
            inputs = self.model.inputs(self.query, strand.reply)
            places = torch.tensor([len(self.ids) - 1 + place for place in strand.places])
            logits = self.module(**inputs, logits_to_keep=places.to(self.ids.device)).logits
            own, steps = chosen_logprobs(logits, strand), self.logprobs(strand)
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
        said = [len(self.ids) - 1 + place - start for place in strand.places]
        return self.run(embedded[:, start:length], allowed, torch.arange(start, length)[None], said, state)

    def _pass(
        self, embedded: "torch.Tensor", allowed: Allowed, positions: "torch.Tensor", state: State | None
    ) -> "tuple[torch.Tensor, DynamicCache | None]":
        """(hidden states (batch, new, hidden), cache) of the language model."""
        import torch

        rows, there = len(embedded), embedded.device
        cache = join([state] * rows)[0] if state is not None else None
        if cache is None and not torch.is_grad_enabled():
            from transformers import DynamicCache

            cache = DynamicCache()
        plain = self.language.config._attn_implementation == "eager"
        masks = {}
        for kind, mask in allowed.items():
            mask = mask.to(there)[:, None]
            if plain:
                least = torch.finfo(embedded.dtype).min
                mask = torch.zeros_like(mask, dtype=embedded.dtype).masked_fill(~mask, least)
            masks[kind] = mask.expand(rows, -1, -1, -1)
        out = self.language(
            inputs_embeds=embedded, attention_mask=masks, position_ids=positions.to(there), past_key_values=cache,
            use_cache=cache is not None,
        )  # fmt: skip
        return out.last_hidden_state, cache

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
