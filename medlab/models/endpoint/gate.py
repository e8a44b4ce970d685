"""Gate: what may leave this machine. Closed until the user opens it, once and in code.

    model.gate.allow("text")     questions may go to that server
    model.gate.allow("pixels")   pictures too
    model.gate.clear(scan)       I looked at this one: no word in it tells who it is

A server on this machine needs none of it, for nothing leaves. (A tunnel that begins here looks like this machine; the
gate cannot see where it ends. One kind can be told by its name: Ollama runs models called "…cloud" elsewhere.)

What is *not* checked: the words of a question. There is no honest test for "this sentence identifies somebody".
"""

import re
from collections.abc import Callable, Iterable, Sequence

from medlab.core.errors import MissingDependency, PrivacyError, SpecError, shown
from medlab.core.geometry import BoxPx
from medlab.core.query import Query
from medlab.core.record import check_choice
from medlab.core.scan import Scan
from medlab.models.endpoint.address import Address
from medlab.models.endpoint.burned_in import find_words

LEVELS = ("text", "pixels")
"""what may leave; the second includes the first"""
_ELSEWHERE = re.compile(r"(^|[-:])cloud($|[@:\s])")
"""how Ollama spells models that run on its own machines"""


class Gate:
    """Stands before one server. It remembers what was allowed, and which scans were looked at."""

    def __init__(
        self,
        address: Address,
        served: str,
        allow: str | None = None,
        find: Callable[[Scan], tuple[BoxPx, ...]] = find_words,
    ):
        self.host = address.host
        self.leaves = not address.here or _ELSEWHERE.search(served.strip().lower()) is not None
        """whether asking means that something leaves this machine"""
        self._allowed: str | None = None
        self._cleared: set[str] = set()
        self._words: dict[str, tuple[BoxPx, ...]] = {}
        self._find = find
        if allow is not None:
            self.allow(allow)

    def allow(self, what: str) -> None:
        """Let `what`, one of LEVELS, go to this server from now on."""
        check_choice("what", what, LEVELS)
        self._allowed = what

    def clear(self, *scans: Scan) -> None:
        """A person has looked at `scans` and says that no word in them tells who it is."""
        for scan in scans:
            if not isinstance(scan, Scan):
                raise SpecError(f"a {type(scan).__name__} to clear", accepted="Scans", fix="model.gate.clear(*scans)")
        self._cleared.update(scan.fingerprint for scan in scans)

    def check(self, queries: Sequence[Query]) -> None:
        """Raises PrivacyError where anything of `queries` may not go. Nothing has been sent then."""
        if not self.leaves:
            return
        scans = {scan.fingerprint: scan for query in queries for scan in query.scans}
        needed = "pixels" if scans else "text"
        if self._allowed is None or LEVELS.index(self._allowed) < LEVELS.index(needed):
            what = f"{len(scans)} picture(s) and the question" if scans else "the question"
            raise PrivacyError(
                f"{what} would leave this machine for {shown(self.host)}; nothing was sent",
                accepted="what you allow, once: the pixels go as PNG, never the file, its name or its header",
                fix=f'model.gate.allow("{needed}")',
            )
        self._check_words(scan for fingerprint, scan in scans.items() if fingerprint not in self._cleared)

    def _check_words(self, scans: Iterable[Scan]) -> None:
        """Raises PrivacyError for the scans that hold words, or of which nobody can say that they hold none."""
        held: list[str] = []
        unread = False
        for scan in scans:
            reasons = [note.text for note in scan.notes if note.code == "burned_in_text"]
            try:
                words = self._words_of(scan)
            except MissingDependency:
                words, unread = (), True
                reasons.append("nobody looked for words: rapidocr is not installed")
            if words:
                places = ", ".join("({:.0f}, {:.0f}, {:.0f}, {:.0f})".format(*box) for box in words[:6])
                more = f" and {len(words) - 6} more" if len(words) > 6 else ""
                reasons.append(f"words at (top, left, bottom, right) = {places}{more}")
            if reasons:
                held.append(f"{shown(scan.name, 60)}: {'; '.join(reasons)}")
        if held:
            told = "\n  ".join([f"{len(held)} picture(s) may tell who it is; nothing was sent", *held[:8]])
            install = 'pip install "medlab-workbench[ocr]", or ' if unread else ""
            raise PrivacyError(
                told if len(held) <= 8 else f"{told}\n  and {len(held) - 8} more",
                accepted="pictures without words, but for L and R; or those that you looked at yourself (medlab.show)",
                fix=f"{install}model.gate.clear(scan)",
            )

    def _words_of(self, scan: Scan) -> tuple[BoxPx, ...]:
        """Looked for once: many questions are asked of one scan."""
        if scan.fingerprint not in self._words:
            self._words[scan.fingerprint] = self._find(scan)
        return self._words[scan.fingerprint]

    def __repr__(self) -> str:
        if not self.leaves:
            return "Gate(nothing leaves this machine)"
        return f"Gate({shown(self.host)} is sent {self._allowed or 'nothing'}, {len(self._cleared)} scans cleared)"
