"""What the explorer's page may ask for: each message is one call of the panel. Whatever else comes is refused."""

from typing import TYPE_CHECKING

from medlab.core.errors import SpecError, shown
from medlab.core.record import check_number, check_whole

if TYPE_CHECKING:
    from medlab.widgets.explorer import Explorer

LONGEST = {"question": 2000, "against": 200}
"""letters that the page's own fields take; of a name, NAME"""
NAME = 80


def act(panel: "Explorer", kind: str, content: dict) -> None:
    """Do what a message of the page says. Raises SpecError for one that is none."""
    if kind not in _CALLS:
        raise SpecError(f"a message {shown(kind)}", accepted=", ".join(_CALLS))
    _CALLS[kind](panel, content)


def _ready(panel: "Explorer", content: dict) -> None:
    panel.link()


def _ask(panel: "Explorer", content: dict) -> None:
    panel.ask(_text(content, "question").strip() or None, _text(content, "language"))
    panel.link()


def _ask_beside(panel: "Explorer", content: dict) -> None:
    panel.ask_beside(_text(content, "question"))
    panel.link()


def _close(panel: "Explorer", content: dict) -> None:
    panel.ask_beside(None)


def _choose_scan(panel: "Explorer", content: dict) -> None:
    panel.choose_scan(_number(content, "number"))
    panel.link()


def _look(panel: "Explorer", content: dict) -> None:
    words = (_number(content, "first"), _number(content, "last"))
    options = {name: _text(content, name) for name in ("method", "against", "layer", "head")}
    panel.look(words, beside=content.get("beside") is True, **options)


def _brush(panel: "Explorer", content: dict) -> None:
    box = content.get("box")
    if not isinstance(box, list) or len(box) != 4:
        raise SpecError(f"box is {shown(box)}", accepted="[top, left, bottom, right]")
    for edge in box:
        check_number("box", edge)
    panel.brush(tuple(float(edge) for edge in box))


def _mask(panel: "Explorer", content: dict) -> None:
    panel.mask()


def _clear(panel: "Explorer", content: dict) -> None:
    panel.clear()


def _text(content: dict, name: str) -> str:
    value, most = content.get(name), LONGEST.get(name, NAME)
    if not isinstance(value, str) or len(value) > most:
        raise SpecError(f"{name} is {shown(value)}", accepted=f"text of at most {most} letters", fix="write less")
    return value


def _number(content: dict, name: str) -> int:
    value = content.get(name)
    check_whole(name, value)
    return value


_CALLS = {
    "ready": _ready,
    "ask": _ask,
    "beside": _ask_beside,
    "close": _close,
    "scan": _choose_scan,
    "look": _look,
    "brush": _brush,
    "mask": _mask,
    "clear": _clear,
}
