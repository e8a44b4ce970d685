"""Cached: how a Gemma 3 is asked, with or without a vision tower, so that nothing is computed twice.

Prompts that begin alike share an *opening* (see `openings`), which is run once; what follows it, and the reply, is
text. Rows of a batch are padded so that each sequence stays contiguous. Sums of many numbers depend on their order, so
a batch differs from one by one in the last digits: too little to change a token in float32, not so in bfloat16 where
two tokens are nearly as likely.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from medlab.core.errors import SpecError
from medlab.core.query import Query
from medlab.models.conventions.plain import Conventions
from medlab.models.hf.asked import Asked, check_scans, room_for
from medlab.models.hf.choosing import Chooser, check_finite, choose
from medlab.models.hf.eye import Eye
from medlab.models.hf.openings import TOKENS, Openings, run_pass
from medlab.models.hf.speech import Speech
from medlab.models.hf.states import State, cut, join

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

ROWS = 32
"""sequences in one batch"""
LOGITS = 1 << 27
"""numbers that a pass may give at most: half a gigabyte; MedGemma has 262,208 for each token"""

Draw = tuple[int, int, float]
"""(which prompt, token, natural log-probability)"""


class CachedEngine:
    """One Gemma 3 module and what it needs around it. `eye` is None for text alone."""

    def __init__(self, module, processor, speech: Speech, conventions: Conventions, name: str, eye: Eye | None):
        self._module, self._processor, self._speech = module, processor, speech
        self._conventions, self._name, self._eye = conventions, name, eye
        self._image_id = None if eye is None else processor.tokenizer.image_token_id
        self._openings = Openings(module, eye, self._image_id, speech.pad)

    @property
    def context(self) -> int:
        """Tokens of prompt and reply together."""
        return self._module.config.get_text_config().max_position_embeddings

    @property
    def fit(self):
        """SquareFit of a picture by (rows, cols), or None for text alone."""
        return None if self._eye is None else self._eye.preparation.fit_of

    def read(self, query: Query) -> Asked:
        """The query in tokens. Raises CapabilityError for too many scans, SpecError where the template drops some."""
        scans = check_scans(query, self._conventions, self._name)
        image = "" if self._eye is None else self._processor.boi_token
        text = self._speech.prompt(query, self._conventions, text_only=self._eye is None, image=image)
        if scans:
            text = text.replace(image, self._processor.full_image_sequence)
        ids = tuple(self._speech.ids(text))
        if scans and ids.count(self._image_id) != len(scans) * self._processor.image_seq_length:
            raise SpecError(
                f"{len(scans)} scan(s), and the prompt of {self._name} has {text.count(image)} place(s) for them",
                accepted="a chat template that writes the mark of an image for each scan",
            )
        return Asked(query, ids, scans, room_for(query, len(ids), self.context))

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
        """What the guard said of each scan when it was encoded."""
        return self._eye.warnings(asked.scans) if asked.scans else ()

    def forget(self) -> None:
        """Nothing is kept any longer: for after the weights were changed."""
        self._openings.forget()
        if self._eye is not None:
            self._eye.forget()

    def draw(self, asked: Sequence[Asked]) -> Iterator[Draw]:
        """The tokens of all replies as they come, the one that ends a reply included."""
        # the last token of each prompt is what foretells the first one of its reply
        places = [[len(one.ids) - self._openings.cut(one) - 1] for one in asked]
        for rows in self._batches(asked, places):
            yield from self._draw_batch([asked[row] for row in rows], rows)

    def force(self, asked: Sequence[Asked], more: Sequence[Sequence[Sequence[int]]]) -> list[list[list[float]]]:
        """Natural log-probability of each token of each continuation in more[prompt]; nothing is drawn."""
        owners = [prompt for prompt, group in enumerate(more) for _ in group]
        texts = [tokens for group in more for tokens in group]
        told: list[list[list[float]]] = [[] for _ in asked]
        prompts = [asked[prompt] for prompt in owners]
        places = [self._foretelling(one, text) for one, text in zip(prompts, texts, strict=True)]
        for rows in self._batches(prompts, places):
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

        rests = [one.ids[self._openings.cut(one) :] for one in batch]
        states = self._openings.states(batch)
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

        rests = [one.ids[self._openings.cut(one) :] for one in batch]
        places = [self._foretelling(one, text) for one, text in zip(batch, texts, strict=True)]
        fed = [(*rest, *text[:-1]) for rest, text in zip(rests, texts, strict=True)]
        _, _, logits = self._extend(self._openings.states(batch), fed, places)
        told = []
        for text, numbers in zip(texts, logits, strict=True):
            logprobs = torch.log_softmax(numbers.float(), -1).gather(
                -1, torch.tensor(text, device=numbers.device)[:, None]
            )
            check_finite(logprobs, numbers.dtype)
            told.append(logprobs[:, 0].tolist())
        return told

    def _foretelling(self, one: Asked, text: Sequence[int]) -> list[int]:
        """The places behind the opening whose logits foretell `text`, each one before its token."""
        first = len(one.ids) - self._openings.cut(one) - 1
        return list(range(first, first + len(text)))

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
        wanted = {place: i for i, place in enumerate(sorted({place for row in places for place in row}))}
        logits = run_pass(self._module, cache, mask, positions, torch.tensor(list(wanted)), input_ids=ids)
        return cache, mask, [logits[row, [wanted[place] for place in own]] for row, own in enumerate(places)]

    def _step(
        self, cache: "DynamicCache", mask: "torch.Tensor", tokens: list[int]
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """(logits of the next token, (rows, vocabulary); the mask grown by one) after one token of each row."""
        import torch

        positions = mask.sum(1, keepdim=True)
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        return run_pass(self._module, cache, mask, positions, 1, input_ids=torch.tensor(tokens)[:, None])[:, -1], mask

    def _select(
        self, cache: "DynamicCache", mask: "torch.Tensor", rows: list[int]
    ) -> "tuple[DynamicCache, torch.Tensor]":
        import torch

        with torch.inference_mode():
            cache.batch_select_indices(torch.tensor(rows, device=self._module.device))
        return cache, mask[rows]

    def _batches(self, asked: Sequence[Asked], places: Sequence[Sequence[int]]) -> list[list[int]]:
        """Which prompts go together: those of one opening side by side, in their order.

        places  whose logits are wanted of each; a pass gives those of every place for every row
        """
        groups: dict[tuple, list[int]] = {}
        for row, one in enumerate(asked):
            groups.setdefault(self._openings.key(one), []).append(row)
        most = LOGITS // self._module.config.get_text_config().vocab_size
        batches: list[list[int]] = []
        longest, wanted = 0, set()
        for row in (row for group in groups.values() for row in group):
            longest, wanted = max(longest, len(asked[row].ids)), wanted.union(places[row])
            rows = len(batches[-1]) + 1 if batches else ROWS + 1
            if rows > ROWS or rows * longest > TOKENS or rows * len(wanted) > most:
                batches.append([])
                longest, wanted = len(asked[row].ids), set(places[row])
            batches[-1].append(row)
        return batches
