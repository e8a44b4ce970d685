"""How many tokens a text has, where no tokenizer is at hand. It knows no model: ask the model where there is one."""

import re

_TOKEN = re.compile(r"\d|[A-Za-z]{1,4}|[^\W\dA-Za-z]|[^\w\s]")


def estimated_tokens(text: str) -> int:
    """Each digit, sign and CJK character counts as one token, Latin words as one for every four letters.

    Gemma's tokenizer splits numbers into digits too, and makes fewer tokens of common English words than this.
    """
    return len(_TOKEN.findall(text))
