"""Reply: the JSON that a server sent back, read strictly. It knows the protocol, and nothing of models.

A server may be broken, old, or no model at all: each field is looked at before it is believed.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from medlab.core.answer import Token
from medlab.core.errors import EndpointError, shown
from medlab.core.record import Record, record

MAX_NAME = 200
"""letters of a model's name"""


@record
class Said(Record):
    """What one reply holds."""

    text: str
    """without the thought where the server splits it off; untrusted"""
    thought: str | None = None
    finish: str = ""
    """"stop", "length", "content_filter", or what else a server says; empty where it does not say"""
    refused: bool = False
    """whether `text` is a refusal"""
    tokens: tuple[Token, ...] = ()
    prompt_tokens: int | None = None
    warnings: tuple[str, ...] = ()


def parse(content: bytes, content_type: str) -> Any:
    """The JSON in `content`. Raises EndpointError for HTML, cut or endlessly nested JSON, and anything else."""
    try:
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        kind = "an HTML page" if content.lstrip()[:1] == b"<" else f"no JSON ({shown(str(error), 80)})"
        start = shown(content[:80].decode("utf-8", "replace"))
    raise EndpointError(
        f"the server sent {kind}, called {shown(content_type, 40)}, that begins {start}",
        accepted="a reply of the OpenAI chat protocol",
        fix="look at the address: most servers want /v1 at its end",
    )


def read_reply(payload: Any) -> Said:
    """What a chat completion holds. Raises EndpointError where a field is missing or of the wrong kind."""
    choice = _first(payload)
    message = _field(choice, "message", dict, "choices[0]")
    text, refused = _text(message.get("content")), False
    thought = _thought(message)
    if not text and isinstance(message.get("refusal"), str):
        text, refused = _sound(message["refusal"]), True
    finish = choice.get("finish_reason")
    if not text.strip() and not thought and finish != "content_filter":
        raise EndpointError(
            f"the server's answer is empty (finish_reason {shown(finish)})",
            accepted="text",
            fix="look at the server's log; float16 on a GPU without bfloat16 does this to Gemma 3 models: "
            "serve with --dtype float32 or on a newer GPU",
        )
    tokens, warning = _tokens(choice.get("logprobs"))
    usage = payload.get("usage")
    count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return Said(
        text=text,
        thought=thought,
        finish=finish if isinstance(finish, str) else "",
        refused=refused,
        tokens=tokens,
        prompt_tokens=count if isinstance(count, int) and not isinstance(count, bool) else None,
        warnings=(warning,) if warning else (),
    )


def read_models(payload: Any) -> list[str]:
    """The names in a reply of /models, in their order, less those that are no name. Raises EndpointError."""
    entries = _field(payload, "data", list, "the reply")
    names = [entry.get("id") for entry in entries if isinstance(entry, dict)]
    return [name for name in names if isinstance(name, str) and is_name(name)]


def is_name(text: str) -> bool:
    """Whether a server may call a model so: a line of up to MAX_NAME letters that no terminal obeys."""
    return 0 < len(text) <= MAX_NAME and text.isprintable()


def read_pieces(payload: Any) -> Iterator[tuple[str, str, str]]:
    """(text, thought that is sent apart, finish_reason) of one event of a stream; each "" where there is none."""
    choices = payload.get("choices") if isinstance(payload, dict) else None
    for choice in choices[:1] if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        words = (delta.get(name) for name in ("content", "refusal"))
        text = "".join(_sound(word) for word in words if isinstance(word, str))
        finish = choice.get("finish_reason")
        yield text, _thought(delta) or "", finish if isinstance(finish, str) else ""


def complaint(payload: Any) -> str:
    """The sentence in an error's JSON; "" where there is none."""
    for name in ("error", "detail", "message"):
        found = payload.get(name) if isinstance(payload, dict) else None
        if isinstance(found, dict):
            found = found.get("message")
        if isinstance(found, str):
            return found
    return ""


def _first(payload: Any) -> dict[str, Any]:
    choices = _field(payload, "choices", list, "the reply")
    if not choices:
        raise EndpointError("the server's list of choices is empty", accepted="one choice", fix="ask again")
    if not isinstance(choices[0], dict):
        raise EndpointError(f"the server's choice is {shown(choices[0], 60)}", accepted="an object")
    return choices[0]


def _field(where: Any, name: str, kind: type, place: str) -> Any:
    value = where.get(name) if isinstance(where, dict) else None
    if isinstance(value, kind):
        return value
    said = complaint(where)
    raise EndpointError(
        f"{place} of the server has no {name}" + (f"; it says {shown(said, 200)}" if said else ""),
        accepted=f"{name}, a {kind.__name__}, as in the OpenAI chat protocol",
        fix="look at the address: most servers want /v1 at its end",
    )


def _thought(message: dict[str, Any]) -> str | None:
    """What a server splits off as reasoning; some say it twice, under both names."""
    told = message.get("reasoning_content") or message.get("reasoning")
    return _sound(told) if isinstance(told, str) else None


def _text(content: Any) -> str:
    """Of a text, of parts with a text each, or of null."""
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return _sound("".join(text for text in texts if isinstance(text, str)))
    return _sound(content) if isinstance(content, str) else ""


def _sound(text: str) -> str:
    """`text` that can be written as UTF-8: JSON can spell half of a letter, and no file takes it."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _tokens(logprobs: Any) -> tuple[tuple[Token, ...], str]:
    """(tokens, warning): an answer is not lost because its log-probabilities cannot be read."""
    rows = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not rows:
        return (), ""
    try:
        return tuple(_token(row) for row in rows), ""
    except (TypeError, KeyError, ValueError, OverflowError):
        return (), "the server's log-probabilities cannot be read and are left out"


def _token(row: dict[str, Any]) -> Token:
    value = float(row["logprob"])
    if not math.isfinite(value) or value > 1e-4:
        raise ValueError(value)
    return Token(None, _sound(row["token"]), value)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
