"""Cached: how a Gemma 3 is asked, with or without a vision tower, so that nothing is computed twice.

A prompt is cut behind its last scan. What stands before the cut, its *opening*, is run once for all prompts that share
it, with transformers' own mask: image tokens of one scan see one another, text only what came before. The rest and
the reply are text. Where the image comes first, all questions of one scan share the opening; where the text comes first
they share the image tokens alone, and only the turns of one dialogue share more.

Rows of a batch are padded so that each sequence stays contiguous. Sums of many numbers depend on their order, so a batch
may differ from one by one in the last digits: in float32 that has changed no token yet, in bfloat16 near-ties can.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from medlab.core.query import Query
from medlab.models.conventions.plain import Conventions
from medlab.models.hf.asked import Asked, check_scans, room_for
from medlab.models.hf.choosing import Chooser, check_finite, choose
from medlab.models.hf.eye import Eye
from medlab.models.hf.speech import Speech
from medlab.models.hf.states import State, cut, join

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

ROWS = 32
"""sequences in one batch"""
TOKENS = 8192
"""tokens in one pass over openings; a longer one goes alone"""
LOGITS = 1 << 27
"""numbers that a pass may give at most: half a gigabyte; MedGemma has 262,208 for each token"""
KEPT_OPENINGS = 4
KEPT_BYTES = 1 << 29
"""of all openings that are kept between calls"""

Draw = tuple[int, int, float]
"""(which prompt, token, natural log-probability)"""


class CachedEngine:
    """One Gemma 3 module and what it needs around it. `eye` is None for text alone."""

    def __init__(self, module, processor, speech: Speech, conventions: Conventions, name: str, eye: Eye | None):
        self._module, self._processor, self._speech = module, processor, speech
        self._conventions, self._name, self._eye = conventions, name, eye
        self._image_id = None if eye is None else processor.tokenizer.image_token_id
        self._kept: OrderedDict[tuple, State] = OrderedDict()

    @property
    def fit(self):
        """SquareFit of a picture by (rows, cols), or None for text alone."""
        return None if self._eye is None else self._eye.preparation.fit_of

    def read(self, query: Query) -> Asked:
        """The query in tokens. Raises CapabilityError for too many scans or a prompt that is too long."""
        scans = check_scans(query, self._conventions, self._name)
        image = "" if self._eye is None else self._processor.boi_token
        text = self._speech.prompt(query, self._conventions, text_only=self._eye is None, image=image)
        if scans:
            text = text.replace(image, self._processor.full_image_sequence)
        ids = tuple(self._speech.ids(text))
        context = self._module.config.get_text_config().max_position_embeddings
        return Asked(query, ids, scans, room_for(query, len(ids), context, self._name))

    def inputs(self, asked: Asked, more: Sequence[int] = ()) -> "dict[str, torch.Tensor]":
        """What `module(**inputs)` takes for the prompt and `more` tokens after it, nothing cached."""
        import torch

        ids = torch.tensor([[*asked.ids, *more]])
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if self._eye is not None:
            inputs["token_type_ids"] = (ids == self._image_id).long()
        if asked.scans:
            inputs["pixel_values"] = self._eye.pixels(asked.scans)
        return {name: tensor.to(self._module.device) for name, tensor in inputs.items()}

    def warnings(self, asked: Asked) -> tuple[str, ...]:
        """What the guard says of each scan."""
        seen = self._eye.see(asked.scans) if asked.scans else ()
        return tuple(warning for one in seen for warning in one.warnings)

    def forget(self) -> None:
        """Nothing is kept any longer: for after the weights were changed."""
        self._kept.clear()
        if self._eye is not None:
            self._eye.forget()

    def draw(self, asked: Sequence[Asked]) -> Iterator[Draw]:
        """The tokens of all replies as they come, the one that ends a reply included."""
        for rows in self._batches(asked, ROWS):
            yield from self._draw_batch([asked[row] for row in rows], rows)

    def force(self, asked: Sequence[Asked], more: Sequence[Sequence[Sequence[int]]]) -> list[list[list[float]]]:
        """Natural log-probability of each token of each continuation in more[prompt]; nothing is drawn."""
        owners = [prompt for prompt, group in enumerate(more) for _ in group]
        texts = [tokens for group in more for tokens in group]
        words = self._module.config.get_text_config().vocab_size * max(map(len, texts))
        told: list[list[list[float]]] = [[] for _ in asked]
        for rows in self._batches([asked[prompt] for prompt in owners], max(1, LOGITS // words)):
            batch = [asked[owners[row]] for row in rows]
            for row, logprobs in zip(rows, self._force_batch(batch, [texts[row] for row in rows]), strict=True):
                # those of one prompt share its opening, so they come in their order
                told[owners[row]].append(logprobs)
        return told

    def _draw_batch(self, batch: list[Asked], names: list[int]) -> Iterator[Draw]:
        choosers = [Chooser(one.query.decoding) for one in batch]
        rooms = [one.room for one in batch]
        cache, mask, logits = self._begin(batch)
        while True:
            drawn = choose(logits, choosers)
            for place, (token, logprob) in enumerate(drawn):
                rooms[place] -= 1
                yield names[place], token, logprob
            going = [i for i, (token, _) in enumerate(drawn) if rooms[i] and token not in self._speech.stops]
            if not going:
                return
            if len(going) < len(drawn):
                names, choosers, rooms = ([column[i] for i in going] for column in (names, choosers, rooms))
                cache, mask = self._select(cache, mask, going)
            logits, mask = self._step(cache, mask, [drawn[i][0] for i in going])

    def _begin(self, batch: list[Asked]) -> "tuple[DynamicCache, torch.Tensor, torch.Tensor]":
        """(cache, its mask, logits of the first token of each reply): the prompts are run."""
        import torch

        rests = [one.ids[self._cut(one) :] for one in batch]
        states = self._openings(batch)
        cache, mask, logits = self._extend(states, rests, [[len(rest) - 1] for rest in rests])
        if len({len(rest) for rest in rests}) > 1:  # padding now stands on the right as well
            begun = mask.argmax(1).tolist()
            spans = [
                (start, start + state.length + len(rest))
                for start, state, rest in zip(begun, states, rests, strict=True)
            ]
            cache, mask = join(cut(cache, spans))
        return cache, mask, torch.cat(logits)

    def _force_batch(self, batch: list[Asked], texts: list[Sequence[int]]) -> list[list[float]]:
        import torch

        rests = [one.ids[self._cut(one) :] for one in batch]
        # the token before each one of `text` is what foretells it
        places = [
            list(range(len(rest) - 1, len(rest) - 1 + len(text))) for rest, text in zip(rests, texts, strict=True)
        ]
        fed = [(*rest, *text[:-1]) for rest, text in zip(rests, texts, strict=True)]
        _, _, logits = self._extend(self._openings(batch), fed, places)
        told = []
        for text, numbers in zip(texts, logits, strict=True):
            logprobs = torch.log_softmax(numbers.float(), -1).gather(
                -1, torch.tensor(text, device=numbers.device)[:, None]
            )
            check_finite(logprobs, numbers.dtype)
            told.append(logprobs[:, 0].tolist())
        return told

    def _extend(
        self, states: list[State], texts: list[Sequence[int]], places: list[list[int]]
    ) -> "tuple[DynamicCache, torch.Tensor, list[torch.Tensor]]":
        """Run each text after its state: (cache, mask, logits of each row at its places, (places, vocabulary)).

        Shorter texts are padded on the right, where causal attention cannot see.
        """
        import torch

        longest = max(map(len, texts))
        cache, mask = join(states)
        ids = torch.tensor([[*text, *[self._speech.pad] * (longest - len(text))] for text in texts])
        real = torch.tensor([[1] * len(text) + [0] * (longest - len(text)) for text in texts])
        mask = torch.cat([mask, real], 1)
        positions = torch.tensor([state.length for state in states])[:, None] + torch.arange(longest)
        wanted = sorted({place for row in places for place in row})
        logits = self._run(cache, mask, positions, torch.tensor(wanted), input_ids=ids)
        return cache, mask, [logits[row, [wanted.index(place) for place in own]] for row, own in enumerate(places)]

    def _step(
        self, cache: "DynamicCache", mask: "torch.Tensor", tokens: list[int]
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """(logits of the next token, (rows, vocabulary); the mask grown by one) after one token of each row."""
        import torch

        positions = mask.sum(1, keepdim=True)
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        return self._run(cache, mask, positions, 1, input_ids=torch.tensor(tokens)[:, None])[:, -1], mask

    def _select(
        self, cache: "DynamicCache", mask: "torch.Tensor", rows: list[int]
    ) -> "tuple[DynamicCache, torch.Tensor]":
        import torch

        with torch.inference_mode():
            cache.batch_select_indices(torch.tensor(rows, device=self._module.device))
        return cache, mask[rows]

    def _run(self, cache, mask, positions, keep, **inputs) -> "torch.Tensor":
        """Logits where `keep` says; `cache` grows. Everything is brought to the module's device."""
        import torch

        there = self._module.device
        with torch.inference_mode():
            return self._module(
                **{name: tensor.to(there) for name, tensor in inputs.items()},
                attention_mask=mask.to(there),
                position_ids=positions.to(there),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=keep.to(there) if isinstance(keep, torch.Tensor) else keep,
            ).logits

    def _cut(self, one: Asked) -> int:
        """Where the opening ends: behind the last scan, or before the last token where there is none."""
        if not one.scans:
            return len(one.ids) - 1
        return len(one.ids) - one.ids[::-1].index(self._image_id)

    def _key(self, one: Asked) -> tuple:
        """Prompts of one key share their opening."""
        return one.ids[: self._cut(one)], tuple(scan.fingerprint for scan in one.scans)

    def _batches(self, asked: Sequence[Asked], most: int) -> list[list[int]]:
        """Which prompts go together: those of one opening side by side, in their order."""
        groups: dict[tuple, list[int]] = {}
        for row, one in enumerate(asked):
            groups.setdefault(self._key(one), []).append(row)
        batches: list[list[int]] = [[]]
        longest = 0
        for row in (row for group in groups.values() for row in group):
            length = len(asked[row].ids)
            full = len(batches[-1]) == min(most, ROWS) or (len(batches[-1]) + 1) * max(longest, length) > TOKENS
            if batches[-1] and full:
                batches.append([])
                longest = 0
            batches[-1].append(row)
            longest = max(longest, length)
        return batches

    def _openings(self, batch: list[Asked]) -> list[State]:
        """The state of each prompt's opening; each different one is run once, and lately used ones are not run."""
        wanted = {self._key(one): one for one in batch}
        states = {key: self._kept[key] for key in wanted if key in self._kept}
        fresh = sorted((key for key in wanted if key not in states), key=lambda key: len(key[0]))
        while fresh:
            fitting = max(1, TOKENS // len(fresh[-1][0]))
            group, fresh = fresh[-fitting:], fresh[:-fitting]
            states.update(zip(group, self._open([wanted[key] for key in group]), strict=True))
        self._keep({key: states[key] for key, one in wanted.items() if one.scans})
        return [states[self._key(one)] for one in batch]

    def _open(self, group: list[Asked]) -> list[State]:
        import torch
        from transformers import DynamicCache

        cuts = [self._cut(one) for one in group]
        longest = max(cuts)
        ids = torch.tensor(
            [[self._speech.pad] * (longest - end) + [*one.ids[:end]] for one, end in zip(group, cuts, strict=True)]
        )
        mask = (torch.arange(longest) >= longest - torch.tensor(cuts)[:, None]).long()
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        cache = DynamicCache()
        self._run(cache, mask, positions, 1, **self._embedded(ids, group))
        return [state.copy() for state in cut(cache, [(longest - end, longest) for end in cuts])]

    def _embedded(self, ids: "torch.Tensor", group: list[Asked]) -> "dict[str, torch.Tensor]":
        """The inputs of openings: plain ids, or embeddings with the tokens of the scans in their places."""
        import torch

        scans = [scan for one in group for scan in one.scans]
        if not scans:
            return {"input_ids": ids}
        places = (ids == self._image_id).to(self._module.device)
        with torch.inference_mode():
            words = ids.to(self._module.device).masked_fill(places, self._speech.pad)
            embedded = self._module.get_input_embeddings()(words)
            tokens = torch.cat([seen.tokens for seen in self._eye.see(scans)])
            embedded[places] = tokens.to(embedded)
        # which places see one another; all later passes are text after a cache, where there are none
        return {"inputs_embeds": embedded, "token_type_ids": places.long()}

    def _keep(self, states: dict[tuple, State]) -> None:
        for key, state in states.items():
            self._kept[key] = state
            self._kept.move_to_end(key)
        while self._kept and (
            len(self._kept) > KEPT_OPENINGS or sum(state.bytes for state in self._kept.values()) > KEPT_BYTES
        ):
            self._kept.popitem(last=False)
