"""Secret: the key that a server asks for. It is read from the environment or given, and shown to nobody.

A variable that belongs to one service is sent to that service alone: a Hugging Face token does not go to a stranger's
address because it happens to be set.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping

from medlab.core.errors import SpecError
from medlab.models.endpoint.address import Address

VARIABLES = {
    "MEDLAB_ENDPOINT_KEY": (),
    "HF_TOKEN": ("huggingface.co",),
    "OPENAI_API_KEY": ("openai.com",),
}
"""variable -> the domains it is sent to; () for every address, because it was set for medlab. Anybody may run a server
below hf.space or endpoints.huggingface.cloud: those get the token that is given as key= alone"""
MIN_HIDDEN = 8
"""letters of a key that is looked for in all that a server sends: a shorter one ("none") is a word of its answers"""


class Secret:
    """What is sent as the key. Neither `repr`, nor `str`, nor a pickle tells it.

    Raises SpecError where it is no text that a header can hold (its value is not repeated).
    """

    def __init__(self, value: str | Callable[[], str] | None, source: str):
        self.source = source
        self.__value = value
        self.__last = ""
        if not callable(value):
            self.reveal()

    def reveal(self) -> str | None:
        """The key, for the header of one request; asked anew each time where it was given as a function."""
        value = self.__value() if callable(self.__value) else self.__value
        if value is None:
            return None
        if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
            raise SpecError(
                f"the key from {self.source} is empty or holds blanks or signs that no header can",
                accepted="text of letters, digits and punctuation",
            )
        self.__last = value
        return value

    def hide(self, text: str) -> str:
        """`text` without the key: a server may repeat in its complaint what it was sent."""
        return text.replace(self.__last, "(key)") if self.__last else text

    def __repr__(self) -> str:
        return f"Secret(from {self.source})"

    def __reduce__(self):
        raise SpecError("a key is not pickled", fix="make the model anew where it is needed")


def without(key: str | None, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """`pieces` of a reply with "(key)" for the key, as it is or as JSON spells it, also where two pieces share it."""
    if key is None or len(key) < MIN_HIDDEN:
        yield from pieces
        return
    spelled = json.dumps(key)[1:-1]
    spellings = {word.encode() for word in (key, key.replace("/", r"\/"), spelled, spelled.replace("/", r"\/"))}
    held = b""
    for piece in pieces:
        held += piece
        for spelling in spellings:
            held = held.replace(spelling, b"(key)")
        begun = max(_begun(held, spelling) for spelling in spellings)
        if len(held) > begun:
            yield held[: len(held) - begun]
            held = held[len(held) - begun :]
    if held:
        yield held


def _begun(text: bytes, word: bytes) -> int:
    """How many bytes at the end of `text` may be the beginning of `word`."""
    return next((n for n in range(min(len(word) - 1, len(text)), 0, -1) if text.endswith(word[:n])), 0)


def find_secret(
    address: Address, key: str | Callable[[], str] | None, environment: Mapping[str, str] = os.environ
) -> Secret:
    """The key for `address`: the one given, else that of the first variable of VARIABLES that is meant for it."""
    if key is not None:
        return Secret(key, "key=")
    for variable, domains in VARIABLES.items():
        meant = not domains or any(address.host == domain or address.host.endswith(f".{domain}") for domain in domains)
        if meant and environment.get(variable):
            return Secret(environment[variable], variable)
    return Secret(None, "nowhere")
