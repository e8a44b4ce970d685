"""Speech: a tokenizer as a model speaks with it: where a turn ends, how tokens are spelled, what can be shown already.

It knows the tokenizer, the chat template and the checkpoint's end tokens; neither weights nor scans.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from medlab.core.errors import CapabilityError
from medlab.core.query import Query
from medlab.models.conventions.plain import Conventions

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_PROBE = "medlab"
_UNFINISHED = "\ufffd"
"""what decoding puts for bytes that are not yet a whole character"""


class Speech:
    """The words of one checkpoint."""

    def __init__(self, module, processor):
        self.template_owner = processor if getattr(processor, "chat_template", None) else None
        self.tokenizer = getattr(processor, "tokenizer", processor)
        self._text_only = processor is self.tokenizer
        if self.template_owner is None and getattr(self.tokenizer, "chat_template", None):
            self.template_owner = self.tokenizer
        self.stops = _stops(module, self.tokenizer)
        """ids of the tokens that end a reply"""
        pad = self.tokenizer.pad_token_id
        self.pad = pad if pad is not None else next(iter(self.stops), 0)
        special = [token.content for token in self.tokenizer.added_tokens_decoder.values() if token.special]
        self._commands = re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or r"(?!)")

    @property
    def takes_turns(self) -> bool:
        """False for a base model, which goes on with a text and knows no chat"""
        return self.template_owner is not None

    def command_in(self, text: str) -> str | None:
        """The first of the tokenizer's special tokens that stands in `text`, which it would obey."""
        found = self._commands.search(text)
        return found.group() if found else None

    def prompt(self, query: Query, conventions: Conventions, *, text_only: bool, image: str = "") -> str:
        """The whole prompt as text, up to where the model's turn begins; `image` marks a scan where no template does.

        Raises CapabilityError for a dialogue with a base model, and as `conventions.messages`.
        """
        messages = conventions.messages(query, text_only=text_only)
        if self.takes_turns:
            return self.template_owner.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        if len(query.messages) != 1:
            raise CapabilityError(
                "this checkpoint has no chat template, so it knows no turns and no system prompt",
                accepted="one message: a text that it goes on with",
                fix="choose an instruction-tuned checkpoint (its name ends in -it)",
            )
        return (self.tokenizer.bos_token or "") + "".join(
            image if part.text is None else part.text for part in query.messages[0].parts
        )

    def ids(self, text: str) -> list[int]:
        # verbose: what is longer than the context is refused in our own words, not told in a log line of transformers
        return self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids

    @property
    def turn_end(self) -> tuple[int, ...]:
        """The one id that ends a turn of this checkpoint's dialogue; () where nothing ends a reply."""
        if not self.stops:
            return ()
        if self.takes_turns:
            # contents as a prompt has them: a template that reads lists alone would render a plain text as nothing
            said = _PROBE if self._text_only else [{"type": "text", "text": _PROBE}]
            turns = [{"role": "user", "content": said}, {"role": "assistant", "content": said}]
            _, found, after = self.template_owner.apply_chat_template(turns, tokenize=False).rpartition(_PROBE)
            for token in self.ids(after) if found else ():
                if token in self.stops:
                    return (token,)
        eos = self.tokenizer.eos_token_id
        return (eos if eos in self.stops else min(self.stops),)

    def text(self, ids: Iterable[int]) -> str:
        """Decoded, special tokens dropped; untrusted."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def spelled(self, ids: list[int]) -> list[str]:
        """Each token as the tokenizer spells it; models have a few ids more than their tokenizers have words."""
        words = self.tokenizer.convert_ids_to_tokens(ids)
        return [f"<id {token}>" if word is None else word for token, word in zip(ids, words, strict=True)]

    def pieces(self, tokens: Iterable[int]) -> Iterator[str]:
        """The text of `tokens` piece by piece; what later tokens may still change is held back until they came."""
        ids: list[int] = []
        shown = ""
        for token in tokens:
            ids.append(token)
            text = self._settled(ids)
            if len(text) > len(shown) and text.startswith(shown):
                yield text[len(shown) :]
                shown = text
        rest = self.text(ids)[len(shown) :]
        if rest:
            yield rest

    def _settled(self, ids: list[int]) -> str:
        # A run of byte tokens is decoded as one: a bad byte turns the whole run into replacement characters.
        end = len(ids)
        while end and _BYTE.fullmatch(self.spelled(ids[end - 1 : end])[0]):
            end -= 1
        return self.text(ids[:end]).rstrip(_UNFINISHED)


def _stops(module, tokenizer) -> frozenset[int]:
    """End tokens of the checkpoint: its generation settings, else its config, else its tokenizer."""
    settings: list[Any] = [getattr(module, "generation_config", None), module.config, module.config.get_text_config()]
    for place in settings:
        told = getattr(place, "eos_token_id", None)
        if told is not None:
            return frozenset(told if isinstance(told, (list, tuple)) else [told])
    return frozenset([tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else [])
