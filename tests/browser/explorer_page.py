"""How the tests open the explorer's page: a real panel behind a stand-in for the kernel, and the gestures on it."""

import base64
import pathlib

import medlab.widgets.page
from medlab.core.answer import Answer, Token
from medlab.core.query import Decoding

ADDRESS = "http://127.0.0.1:9/"
STATIC = pathlib.Path(medlab.widgets.page.__file__).parent / "static"
HERE = pathlib.Path(__file__).parent
HOSTILE = (
    'The <script>window.hacked=1</script> <img src=x onerror="window.hacked=2"> heart &amp; &lt;b&gt; مرحبا '
    "左侧少量胸腔积液。 effusion\nImpression: effusion."
)
QUICK = 60_000


def says(model, monkeypatch, text: str) -> None:
    """Whatever it is asked, the model says `text`."""

    def ask(subject, question, **_):
        query = model.query(subject, question, decoding=Decoding(max_new_tokens=12))
        tokens = tuple(Token(token, "?", -1.0) for token in model.speech.ids(text))
        return Answer(text, tokens, model="tiny", query_fingerprint=query.fingerprint).to(query)

    monkeypatch.setattr(model, "ask", ask)


def opened_page(page, panel):
    """Yields the page of `panel`, drawn, with every word's map there; by the end, nothing may have gone wrong."""

    def told(message):
        if message is not None:
            panel._heard(panel.widget, message, [])
        widget = panel.widget
        arrays = {name: base64.b64encode(getattr(widget, name)).decode() for name in ("pixels", "drops", "values")}
        return {"state": widget.state, "busy": widget.busy, "view": dict(widget.view), **arrays}

    page.expose_function("tell", told)
    page.expose_function("keep", lambda view: setattr(panel.widget, "view", view))
    served = {
        "": ("text/html", (HERE / "stand_in.html").read_text("utf-8")),
        "explorer.js": ("text/javascript", panel.widget._esm),
        "explorer.css": ("text/css", (STATIC / "explorer.css").read_text("utf-8")),
    }
    for name, (kind, body) in served.items():
        page.route(ADDRESS + name, serving(kind, body))
    page.goto(ADDRESS)
    page.locator(".word").first.wait_for(timeout=QUICK)
    settled(page)
    yield page
    assert page.errors == []
    assert page.outside == []


def serving(kind: str, body: str):
    """What answers a request with a text."""
    return lambda route: route.fulfill(body=body, content_type=kind)


def side(page, number: int):
    """The first or second question's part of the page."""
    return page.locator(".medlab-explorer .side").nth(number)


def word(page, index: int):
    return page.locator(f".word[data-index='{index}']")


def index_of(one, text: str) -> int:
    """Where a word stands, in a panel or a side of it."""
    return next(index for index, word in enumerate(one.words) if word.text == text)


def colour_at(page, row: float, col: float) -> list[int]:
    """Of the picture, at a place given as shares of its height and width."""
    script = """([row, col]) => { const c = document.querySelector('.medlab-explorer canvas');
        return [...c.getContext('2d').getImageData(col * c.width | 0, row * c.height | 0, 1, 1).data].slice(0, 3); }"""
    return page.evaluate(script, [row, col])


def drag(page, start: tuple[float, float], stop: tuple[float, float], *, number: int = 0) -> None:
    """From one place to another, (row, col) as shares of the picture."""
    canvas = page.locator(".medlab-explorer canvas").nth(number)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    (y0, x0), (y1, x1) = ((box["y"] + r * box["height"], box["x"] + c * box["width"]) for r, c in (start, stop))
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()


def settled(page) -> None:
    """Everything that was asked is answered and drawn."""
    page.locator("body[data-waiting='0']").wait_for(timeout=QUICK)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
