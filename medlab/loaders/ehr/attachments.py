"""Attachments: the text of a note or a report that a resource carries itself. Nothing is fetched or rendered."""

import base64
import html.parser
import re
from collections import Counter
from typing import Any

from medlab.loaders.ehr.elements import MAX_NOTE, clean, listed, word

_READ = ("text/plain", "text/markdown", "text/html", "application/xhtml+xml", "text/x-markdown")
_BYTES = 4 * MAX_NOTE
"""of an attachment that are decoded at most"""
_CHARSET = re.compile(r"charset=\"?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)


def attached_text(value: Any, told: Counter) -> str:
    """The text of the Attachments in `value`, cut at MAX_NOTE characters; what is not read stands there in brackets.

    told  counts what could not be read, for the record's doubts
    """
    return "\n".join(filter(None, (_one(attachment, told) for attachment in listed(value))))


def _one(attachment: dict, told: Counter) -> str:
    kind, _, rest = word(attachment.get("contentType")).lower().partition(";")
    kind = kind.strip()
    data = attachment.get("data")
    if not isinstance(data, str) or not data:
        if word(attachment.get("url")):
            told["documents at an address, not fetched"] += 1
            return "(a document at an address, not fetched)"
        return ""
    if kind not in _READ:
        told["attachments of a kind that is not read"] += 1
        return f"(an attachment of kind {clean(kind, 60) or 'unknown'}, not read)"
    try:
        raw = base64.b64decode("".join(data[: 2 * _BYTES].split())[: _BYTES // 3 * 4], validate=True)
    except ValueError:
        told["attachments that do not decode"] += 1
        return "(an attachment that does not decode)"
    named = _CHARSET.search(rest)
    try:
        text = raw.decode(named[1] if named else "utf-8", "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    except ValueError:  # a "charset" such as base64 that is no charset
        told["attachments that do not decode"] += 1
        return "(an attachment that does not decode)"
    if "\ufffd" in text[:-4]:
        told["attachments with characters that do not decode"] += 1
    return clean(_without_markup(text) if kind.endswith(("html", "xhtml+xml")) else text, MAX_NOTE, lines=True)


class _Words(html.parser.HTMLParser):
    """The words of a page, without its scripts and styles."""

    def __init__(self):
        super().__init__()
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag, attrs):
        self._silent += tag in ("script", "style")
        if tag in ("p", "br", "div", "li", "tr", "h1", "h2", "h3"):
            self.words.append("\n")

    def handle_endtag(self, tag):
        self._silent -= tag in ("script", "style") and self._silent > 0

    def handle_data(self, data):
        if not self._silent:
            self.words.append(data)


def _without_markup(text: str) -> str:
    page = _Words()
    page.feed(text)
    page.close()
    return re.sub(r"\n\s*\n+", "\n", "".join(page.words))
