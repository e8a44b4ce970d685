"""Borrowed: any other checkpoint of transformers is asked by its own `generate`, one question at a time.

Slower than `cached`, and right for every class that transformers can load: pictures go through the checkpoint's own
processor, positions and masks are the class's own affair. The checkpoint's generation settings are not used: published
ones sample, punish repetition, or stop early.
"""

import contextlib
import copy
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from medlab.core.geometry import SquareFit
from medlab.core.query import Query
from medlab.core.scan import Scan
from medlab.imaging import Preparation
from medlab.models.conventions.plain import Conventions
from medlab.models.hf.asked import Asked, check_scans, room_for
from medlab.models.hf.choosing import Chooser, check_finite, choose
from medlab.models.hf.speech import Speech

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image
    from transformers import PreTrainedModel

_WHOLE = 1000
"""size of the square in a SquareFit where the processor's is not known: boxes are told in thousandths"""


class BorrowedEngine:
    """One module of transformers, its processor (or tokenizer), and nothing known about either."""

    def __init__(self, module, processor, speech: Speech, conventions: Conventions, name: str):
        self._module, self._processor, self._speech = module, processor, speech
        self._conventions, self._name = conventions, name
        self._text_only = processor is speech.tokenizer

    @property
    def context(self) -> int | None:
        """Tokens of prompt and reply together; None where the checkpoint does not say."""
        return getattr(self._module.config.get_text_config(), "max_position_embeddings", None)

    def fit(self, rows: int, cols: int) -> SquareFit:
        return SquareFit(rows, cols, _WHOLE, self._conventions.fit)

    def read(self, query: Query) -> Asked:
        """The query in tokens. Raises CapabilityError for too many scans."""
        scans = check_scans(query, self._conventions, self._name)
        image = getattr(self._processor, "boi_token", None) or getattr(self._processor, "image_token", "")
        text = self._speech.prompt(query, self._conventions, text_only=self._text_only, image=image)
        told = {"text": [text], "return_tensors": "pt", "add_special_tokens": self._begins_itself(text)}
        if scans:
            told["images"] = [[self._picture(scan) for scan in scans]]
        inputs = dict(self._processor(**told))
        ids = tuple(inputs["input_ids"][0].tolist())
        return Asked(query, ids, scans, room_for(query, len(ids), self.context), inputs)

    def _begins_itself(self, text: str) -> bool:
        """Whether the tokenizer puts its first token itself: as transformers has it, where the template wrote none."""
        bos = self._speech.tokenizer.bos_token
        return not (self._text_only or (bos and text.startswith(bos)))

    def inputs(self, asked: Asked, more: Sequence[int] = ()) -> "dict[str, torch.Tensor]":
        """What `module(**inputs)` takes for the prompt and `more` tokens after it, nothing cached."""
        import torch

        inputs = {}
        for name, value in asked.inputs.items():
            if isinstance(value, torch.Tensor) and value.shape == (1, len(asked.ids)):
                fill = {"input_ids": list(more), "attention_mask": [1] * len(more)}.get(name, [0] * len(more))
                value = torch.cat([value, torch.tensor([fill], dtype=value.dtype)], 1)
            inputs[name] = value.to(self._module.device) if isinstance(value, torch.Tensor) else value
        return {name: self._cast(value) for name, value in inputs.items()}

    def warnings(self, asked: Asked) -> tuple[str, ...]:
        """None: a guard knows the tower of one checkpoint, and this one is not known."""
        return ()

    def forget(self) -> None:
        """Nothing is kept here."""

    def draw(self, asked: Sequence[Asked]) -> Iterator[tuple[int, int, float]]:
        """(which prompt, token, natural log-probability) as they come, prompt after prompt."""
        for row, one in enumerate(asked):
            with contextlib.closing(self._draw_one(one)) as drawn:
                for token, logprob in drawn:
                    yield row, token, logprob

    def force(self, asked: Sequence[Asked], more: Sequence[Sequence[Sequence[int]]]) -> list[list[list[float]]]:
        """Natural log-probability of each token of each continuation in more[prompt]; nothing is drawn."""
        return [[self._force_one(one, tokens) for tokens in group] for one, group in zip(asked, more, strict=True)]

    def _draw_one(self, one: Asked) -> Iterator[tuple[int, float]]:
        """`generate` runs in a thread of its own and hands over each token; it ends when nobody listens any longer."""
        drawn: queue.SimpleQueue = queue.SimpleQueue()
        left = threading.Event()
        thread = threading.Thread(target=self._generate, args=(one, drawn, left), daemon=True)
        thread.start()
        try:
            while (item := drawn.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            left.set()
            thread.join()

    def _generate(self, one: Asked, drawn: queue.SimpleQueue, left: threading.Event) -> None:
        import torch

        chooser = Chooser(one.query.decoding)

        def decide(ids: "torch.Tensor", logits: "torch.Tensor") -> "torch.Tensor":
            # generate hands over float32, whatever they were computed in
            ((token, logprob),) = choose(logits, [chooser], computed=self._module.dtype)
            drawn.put((token, logprob))
            # the likeliest of what is left is what was chosen
            return torch.full_like(logits, -torch.inf).index_fill(-1, torch.tensor([token], device=logits.device), 0.0)

        def nobody_listens(ids: "torch.Tensor", logits: "torch.Tensor", **_) -> "torch.Tensor":
            return torch.full((len(ids),), left.is_set(), device=ids.device)

        try:
            with torch.inference_mode():
                self._speaker(one.room).generate(
                    **self.inputs(one), logits_processor=[decide], stopping_criteria=[nobody_listens]
                )
            drawn.put(None)
        except BaseException as error:  # whatever it is belongs to who asked, in whose thread it is raised
            drawn.put(error)

    def _speaker(self, room: int) -> "PreTrainedModel":
        """The module with settings of its own: greedy, up to `room` tokens, and the checkpoint's end tokens.

        A shallow copy, so weights and hooks are the module's. `generate(generation_config=…)` would fill what is left
        open from the published settings, and setting those aside would mix up replies that are drawn side by side.
        """
        from transformers import GenerationConfig

        speaker = copy.copy(self._module)
        speaker.generation_config = GenerationConfig(
            max_new_tokens=room,
            do_sample=False,
            eos_token_id=sorted(self._speech.stops) or None,
            pad_token_id=self._speech.pad,
            bos_token_id=self._module.generation_config.bos_token_id,
        )
        return speaker

    def _force_one(self, one: Asked, tokens: Sequence[int]) -> list[float]:
        import torch

        with torch.inference_mode():
            logits = self._module(**self.inputs(one, tokens[:-1])).logits[0, -len(tokens) :]
        wanted = torch.tensor(list(tokens), device=logits.device)[:, None]
        logprobs = torch.log_softmax(logits.float(), -1).gather(-1, wanted)
        check_finite(logprobs, logits.dtype)
        return logprobs[:, 0].tolist()

    def _picture(self, scan: Scan) -> "Image":
        """8 bits a channel, three channels, padded to a square where the family's conventions pad."""
        from PIL import Image

        from medlab.imaging.preparing import to_square

        pixels = scan.to_uint8()
        if self._conventions.fit == "pad":
            pixels = to_square(pixels, Preparation(max(pixels.shape[:2]), "pad"))
        return Image.fromarray(pixels).convert("RGB")

    def _cast(self, value):
        """Pictures in the module's own dtype; whole numbers as they are."""
        floating = getattr(value, "is_floating_point", None)
        return value.to(self._module.dtype) if floating is not None and floating() else value
