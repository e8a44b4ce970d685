"""Secret: the key that a server asks for. It is read from the environment or given, and shown to nobody.

A variable that belongs to one service is sent to that service alone: a Hugging Face token does not go to a stranger's
address because it happens to be set.
"""

import os
import re
from collections.abc import Callable, Mapping

from medlab.core.errors import SpecError
from medlab.models.endpoint.address import Address

VARIABLES = {
    "MEDLAB_ENDPOINT_KEY": (),
    "HF_TOKEN": ("huggingface.co", "huggingface.cloud", "hf.space"),
    "OPENAI_API_KEY": ("openai.com",),
}
"""variable -> the domains it is sent to; () for every address, because it was set for medlab"""


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
