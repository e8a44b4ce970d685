"""HFModel: a checkpoint of transformers on this machine, asked through the contract of all models.

It turns queries into answers: checks, tokens, log-probabilities, thoughts, boxes, warnings. How a checkpoint is run
stands in `cached` and `borrowed`; how its family talks, in `medlab.models.conventions`. It loads nothing.
"""

import contextlib
import re
import time
from collections.abc import Generator, Iterator, Sequence

from medlab.core.answer import Answer, Choices, Token
from medlab.core.errors import CapabilityError, SpecError, shown
from medlab.core.geometry import SquareFit
from medlab.core.query import Query
from medlab.core.scan import Scan
from medlab.imaging.processors import preparation_of
from medlab.models.base import Capabilities, Model, check_options, check_queries
from medlab.models.conventions.families import conventions_for
from medlab.models.conventions.plain import Conventions
from medlab.models.hf.asked import Asked, check_room, check_texts
from medlab.models.hf.borrowed import BorrowedEngine
from medlab.models.hf.cached import CachedEngine
from medlab.models.hf.choosing import wider_than
from medlab.models.hf.eye import Eye
from medlab.models.hf.speech import Speech

HARDLY_NATS = -10.0
"""log-probability below which a reply is one that the model would hardly give, if its tokens are unlikely besides"""
UNLIKELY_NATS = -1.0
"""of a token, on average: long replies are unlikely as a whole however well they suit"""


class HFModel(Model):
    """An image-text-to-text or text-only causal model of transformers.

    module       the torch module, on its device, in its dtype; put into eval mode
    processor    its processor; the tokenizer of a text-only model
    name         what its answers are signed with
    conventions  how its family talks; None reads them off `name`
    fingerprint  of weights, processor and settings
    guard        tells scans that are unlike what it was trained on, by `distance(features)` and `warning(distance)`
    """

    def __init__(
        self,
        module,
        processor,
        *,
        name: str,
        conventions: Conventions | None = None,
        fingerprint: str = "",
        guard=None,
    ):
        self._module = module.eval()
        self.processor = processor
        self.name, self.fingerprint = name, fingerprint
        self.conventions = conventions or conventions_for(name)
        self.speech = Speech(module, processor)
        self.notes: dict = {}
        """what others keep about this model for as long as its weights are what they are: `forget` empties it"""
        self._state = _state(module)
        self._engine = _engine(module, processor, self.speech, self.conventions, name, guard)
        self.capabilities = Capabilities(
            images=0 if processor is self.speech.tokenizer else self.conventions.max_images,
            logprobs="full",
            streams=True,
            gradients=True,
            order=self.conventions.order,
            languages=self.conventions.languages,
            context=self._engine.context,
            reply_tokens=self.conventions.reply_tokens,
        )

    @property
    def module(self):
        return self._module

    def forget(self) -> None:
        """Drop what is kept of scans seen and openings read; needed after the weights were changed.

        Another dtype, device or adapter of the module is noticed without it.
        """
        self._engine.forget()
        self.notes.clear()

    def inputs(self, query: Query, reply: str | Sequence[int] | None = None) -> dict:
        """What `module(**inputs)` takes: tensors of one row, nothing cached, so that gradients reach the pixels.

        reply  put after the prompt: a text, with the end of the turn after it, or ids as they are
        """
        more = self._reply_ids(reply) if isinstance(reply, str) else tuple(reply or ())
        return self._engine.inputs(self._read(query), more)

    def fit_of(self, scan: Scan) -> SquareFit | None:
        """How a scan is laid on the square that the model sees; None where that is not known."""
        return self._engine.fit(scan.rows, scan.cols) if self._engine.fit else None

    def answer(self, queries: Sequence[Query]) -> list[Answer]:
        """One Answer a Query, in order; tokens are those of the whole reply, its thought and its end included.

        A batch is timed as one: each Answer's `seconds` is its equal share.

        Raises CapabilityError before any work for too many scans or too long a prompt; and after it where the memory
        did not suffice, the numbers were not finite, or nothing but padding, or nothing at all, was said.
        """
        check_queries(queries)
        if not queries:
            return []
        began = time.perf_counter()
        asked = [self._read(query) for query in queries]
        drawn: list[list[tuple[int, float]]] = [[] for _ in asked]
        for row, token, logprob in self._drawn(asked):
            drawn[row].append((token, logprob))
        seconds = (time.perf_counter() - began) / max(1, len(asked))
        return [self._answer(one, self._tokens(row), seconds) for one, row in zip(asked, drawn, strict=True)]

    def score(self, query: Query, options: Sequence[str]) -> Choices:
        """How likely each of `options` is as the whole reply: its tokens and the one that ends the turn.

        Without the end, "no" would also count what begins with "no", such as "not seen".
        """
        return self.score_many([query], options)[0]

    def score_many(self, queries: Sequence[Query], options: Sequence[str]) -> list[Choices]:
        """`score` of many queries with the same options, in batches."""
        check_queries(queries)
        check_options(options)
        asked = [self._read(query) for query in queries]
        replies = [self._reply_ids(option) for option in options]
        scored = self._forced(asked, replies) if asked else []
        return [
            self._choices(one, options, [list(zip(*pair, strict=True)) for pair in zip(replies, rows, strict=True)])
            for one, rows in zip(asked, scored, strict=True)
        ]

    def _choices(self, one: Asked, options: Sequence[str], rows: list[list[tuple[int, float]]]) -> Choices:
        made = Choices(
            tuple(options),
            tuple(self._tokens(row) for row in rows),
            self.name,
            self.fingerprint,
            one.query.fingerprint,
            self._cautions(one),
        )
        best = max(made.logprobs_nats)
        each = best / len(made.tokens[made.logprobs_nats.index(best)])
        if best >= HARDLY_NATS or each >= UNLIKELY_NATS:
            return made
        told = (
            f"the model would hardly say any of these: the likeliest, {shown(made.best, 40)}, has log-probability "
            f"{best:.1f}; see how it answers by itself (model.ask) and write the options so, capitals too"
        )
        return made.replace(warnings=(*made.warnings, told))

    def stream(self, query: Query) -> Generator[str, None, Answer]:
        """The reply as it comes: whole characters, and a thought with its marks before the text.

        Whoever stops reading stops the model. What is refused is refused here, before the first piece.
        """
        check_queries([query])
        return self._streamed(self._read(query))

    def prompt_tokens(self, query: Query) -> int:
        check_queries([query])
        return len(self._tokenized(query).ids)

    def __repr__(self) -> str:
        kind = str(self._module.dtype).removeprefix("torch.")
        told = [f"{kind} on {self._module.device}"]
        told += [f"{self.capabilities.context} tokens"] if self.capabilities.context else []
        told += [" ".join(self.capabilities.languages)] if self.capabilities.languages else []
        return f"HFModel({shown(self.name, 60)}, {', '.join(told)})"

    def _streamed(self, one: Asked) -> Generator[str, None, Answer]:
        began = time.perf_counter()
        drawn: list[tuple[int, float]] = []

        def said() -> Iterator[int]:
            with contextlib.closing(self._drawn([one])) as drawing:
                for _, token, logprob in drawing:
                    drawn.append((token, logprob))
                    if token not in self.speech.stops:
                        yield token

        with contextlib.closing(said()) as tokens:
            yield from self.speech.pieces(tokens)
        return self._answer(one, self._tokens(drawn), time.perf_counter() - began)

    def _drawn(self, asked: list[Asked]) -> Generator[tuple[int, int, float], None, None]:
        """What the engine draws; where the memory does not suffice, a CapabilityError."""
        try:
            yield from self._engine.draw(asked)
            return
        except RuntimeError as error:
            told = _memory_error(error)
        raise self._too_large(told, len(asked))

    def _forced(self, asked: list[Asked], replies: list[tuple[int, ...]]) -> list[list[list[float]]]:
        """What the engine says of the replies; where the memory does not suffice, a CapabilityError."""
        try:
            return self._engine.force(asked, [replies] * len(asked))
        except RuntimeError as error:
            told = _memory_error(error)
        raise self._too_large(told, len(asked))

    def _too_large(self, told: str, questions: int) -> CapabilityError:
        """To be made after the failure was let go of: while an error is held, so are the tensors of its frames."""
        import torch

        self.forget()
        torch.cuda.empty_cache()
        return CapabilityError(
            f"{questions} question(s) at once need more memory than {self._module.device} has: {shown(told, 200)}",
            accepted="fewer questions at once, fewer scans, a shorter text or reply",
            fix="a smaller batch_size, fewer scans" if questions > 1 else "fewer scans, or quantize= of load_model",
        )

    def _tokenized(self, query: Query) -> Asked:
        if _state(self._module) != self._state:
            self.forget()
            self._state = _state(self._module)
        check_texts([part.text for message in query.messages for part in message.parts if part.text], self.speech)
        return self._engine.read(query)

    def _read(self, query: Query) -> Asked:
        asked = self._tokenized(query)
        check_room(asked, self._engine.context, self.name)
        return asked

    def _reply_ids(self, text: str) -> tuple[int, ...]:
        check_texts([text], self.speech)
        ids = (*self.speech.ids(text), *self.speech.turn_end)
        if not ids:
            raise SpecError("an empty reply of a model that has no token to end it with", accepted="some text")
        return ids

    def _tokens(self, drawn: Sequence[tuple[int, float]]) -> tuple[Token, ...]:
        spelled = self.speech.spelled([token for token, _ in drawn])
        return tuple(Token(token, word, logprob) for (token, logprob), word in zip(drawn, spelled, strict=True))

    def _cautions(self, one: Asked) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._engine.warnings(one), *self.conventions.cautions(one.query))))

    def _answer(self, one: Asked, tokens: tuple[Token, ...], seconds: float) -> Answer:
        finished = tokens[-1].id in self.speech.stops
        said = [token.id for token in (tokens[:-1] if finished else tokens)]
        full = one.room < one.query.decoding.max_new_tokens
        reply = self.conventions.read(self.speech.text(said), finished, context_full=full)
        if not reply.text.strip() and not reply.thought:
            raise self._silence(one, said)
        boxes, doubts = self.conventions.boxes_of(one.query, reply.text, self.fit_of)
        return Answer(
            reply.text,
            tokens,
            boxes,
            reply.thought,
            reply.truncated,
            seconds,
            len(one.ids),
            self.name,
            self.fingerprint,
            one.query.fingerprint,
            (*self._cautions(one), *reply.warnings, *doubts),
        )

    def _silence(self, one: Asked, said: list[int]) -> CapabilityError:
        """Why nothing came: padding alone is what overflow looks like, an empty turn is the model's own choice."""
        kind = str(self._module.dtype).removeprefix("torch.")
        if said and set(said) == {self.speech.pad}:
            return CapabilityError(
                f"{self.name} said nothing but padding, computed in {kind}",
                accepted="a reply with text; Gemma 3 overflows in float16 and then gives padding alone",
                fix=wider_than(kind),
            )
        told = f"{len(said)} token(s) without a visible character" if said else "the end of its turn at once"
        return CapabilityError(
            f"{self.name} said nothing: {told} (query {one.query.fingerprint[:8]})",
            accepted="a reply with text",
            fix="ask in other words, or score given replies: model.score(query, [...])",
        )


def _engine(module, processor, speech: Speech, conventions: Conventions, name: str, guard):
    """The fast way for what is known to go it exactly, transformers' own for the rest."""
    if module.config.model_type == "gemma3_text":
        return CachedEngine(module, processor, speech, conventions, name, None)
    if module.config.model_type == "gemma3" and hasattr(processor, "full_image_sequence"):
        preparation = preparation_of(getattr(processor, "image_processor", None), conventions.fit)
        if preparation is not None:
            return CachedEngine(module, processor, speech, conventions, name, Eye(module, preparation, guard))
    return BorrowedEngine(module, processor, speech, conventions, name)


def _state(module) -> tuple:
    """What changes a module's words besides its weights: dtype, device, and which adapters are switched on."""
    layers = (part for part in module.modules() if hasattr(part, "active_adapters") and hasattr(part, "lora_A"))
    layer = next(layers, None) if getattr(module, "_hf_peft_config_loaded", False) else None
    adapters = None if layer is None else (tuple(layer.active_adapters), layer.disable_adapters, layer.merged)
    return module.dtype, module.device, adapters


def _memory_error(error: RuntimeError) -> str:
    """What `error` says where it is about memory; it is raised on where it is not."""
    if not re.search(r"out of memory|can't allocate memory", str(error)):
        raise error
    return str(error)
