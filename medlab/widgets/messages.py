"""What the explorer's page may ask for: each message is one call of the panel. Whatever else comes is refused."""

from typing import TYPE_CHECKING

from medlab.core.errors import SpecError, shown

if TYPE_CHECKING:
    from medlab.widgets.explorer import Explorer


def act(panel: "Explorer", kind: str, content: dict) -> None:
    """Do what a message of the page says. Raises SpecError, KeyError or ValueError for one that is none."""
    if kind not in _CALLS:
        raise SpecError(f"a message {shown(kind)}", accepted=", ".join(_CALLS))
    _CALLS[kind](panel, content)


def _ready(panel: "Explorer", content: dict) -> None:
    panel.link()


def _ask(panel: "Explorer", content: dict) -> None:
    panel.ask(str(content["question"]).strip() or None, content["language"])
    panel.link()


def _ask_beside(panel: "Explorer", content: dict) -> None:
    panel.ask_beside(str(content["question"]))
    panel.link()


def _close(panel: "Explorer", content: dict) -> None:
    panel.ask_beside(None)


def _choose_scan(panel: "Explorer", content: dict) -> None:
    panel.choose_scan(int(content["number"]))
    panel.link()


def _look(panel: "Explorer", content: dict) -> None:
    words = (int(content["first"]), int(content["last"]))
    options = {name: str(content[name]) for name in ("method", "against", "layer", "head")}
    panel.look(words, beside=bool(content["beside"]), **options)


def _brush(panel: "Explorer", content: dict) -> None:
    panel.brush(tuple(float(edge) for edge in content["box"]))


def _mask(panel: "Explorer", content: dict) -> None:
    panel.mask()


def _clear(panel: "Explorer", content: dict) -> None:
    panel.clear()


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
