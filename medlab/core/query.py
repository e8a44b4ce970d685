"""Prompt and Query: what one means to ask, and exactly what is sent."""

import re
import string
import warnings

from medlab.core.case import LANGUAGES, Case
from medlab.core.errors import SpecError, shown
from medlab.core.record import Record, check_choice, check_number, check_text, check_whole, record
from medlab.core.scan import Scan

ROLES = ("system", "user", "model")
ORDERS = ("image_first", "text_first")
RESERVED = ("self", "case", "decoding")
"""what `Prompt.fill` calls its own arguments, so no template may"""


@record
class Part(Record):
    """A piece of a message: a text, or the place of a scan."""

    text: str | None = None
    scan: int | None = None
    """index into the query's scans"""

    def __post_init__(self):
        if (self.text is None) == (self.scan is None):
            raise SpecError("a Part needs one of text and scan", accepted='Part(text="…") or Part(scan=0)')


@record
class Message(Record):
    role: str
    """one of ROLES"""
    parts: tuple[Part, ...]

    def __post_init__(self):
        check_choice("role", self.role, ROLES)


@record
class Decoding(Record):
    """How the answer is drawn from the model. The default is greedy, so the same query gives the same answer."""

    max_new_tokens: int = 256
    temperature: float = 0.0
    """0 is greedy"""
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self):
        check_whole("max_new_tokens", self.max_new_tokens, 1, 1_000_000)
        check_number("temperature", self.temperature, 0, 10)
        check_number("top_p", self.top_p, 1e-6, 1)
        check_whole("seed", self.seed)


@record
class Query(Record):
    """Exactly what is sent. Its `fingerprint` is the cache key."""

    messages: tuple[Message, ...]
    scans: tuple[Scan, ...] = ()
    decoding: Decoding = Decoding()

    def __post_init__(self):
        if not self.messages:
            raise SpecError("a Query has no messages", accepted="at least one Message")
        used = {part.scan for message in self.messages for part in message.parts if part.scan is not None}
        if used != set(range(len(self.scans))):
            raise SpecError(f"messages show scans {sorted(used)}", accepted=f"each of 0 to {len(self.scans) - 1}")


@record
class Prompt(Record):
    """A named template. `fill` makes a Query of it."""

    name: str
    template: str
    """text with {variables}; doubled braces stand for themselves"""
    language: str = "en"
    task: str = "open"
    images: int | None = 1
    """how many scans it shows; None for as many as the case has, at least one"""
    order: str = "image_first"
    """one of ORDERS: where the scans stand"""
    opening: str = ""
    """text before the scans and the template, such as what a stack of slices is; may have {variables} too"""
    label: str = ""
    """text after each scan, with {number} counted from 1, such as "SLICE {number}"; empty for none"""
    system: str | None = None
    purpose: str = ""
    source: str = ""
    """where the wording comes from"""
    suits: tuple[str, ...] = ()
    """catalog names it was written for; empty for any"""
    modality: str | None = None
    """the kind of picture that it speaks of, such as "CT"; None for any, or for no picture"""
    thinks: bool = False
    """whether it wants the model to reason before it answers"""
    max_new_tokens: int | None = None
    """a length that its answers need; None for the default of Decoding"""
    version: int = 1
    """counts the changes of the wording under this name and language"""

    def __post_init__(self):
        if not re.fullmatch(r"[\w.-]{1,80}", self.name):
            raise SpecError(f"name is {shown(self.name)}", accepted="up to 80 letters, digits and . _ -")
        check_text("template", self.template)
        check_choice("language", self.language, LANGUAGES)
        check_choice("order", self.order, ORDERS)
        check_whole("version", self.version, 1)
        if self.images is not None:
            check_whole("images", self.images)
        if self.max_new_tokens is not None:
            check_whole("max_new_tokens", self.max_new_tokens, 1, 1_000_000)
        for field in ("opening", "template", "label"):
            _check_template(self, field, getattr(self, field))
        if self.label and _variables(self.label) != ("number",):
            raise SpecError(f"label of {self.name} is {shown(self.label)}", accepted='such as "SLICE {number}"')

    @property
    def variables(self) -> tuple[str, ...]:
        """Names that `fill` needs, in order of appearance."""
        return tuple(dict.fromkeys(_variables(self.opening) + _variables(self.template)))

    def fill(
        self, case: "Case | Scan | tuple[Scan, ...]", *, decoding: Decoding | None = None, **values: str
    ) -> Query:
        """The Query for one case. Values are put in as they are: they are never read as templates.

        decoding  where None, greedy and as long as the prompt suggests

        Of a Case with more scans than the prompt shows the first are taken, and a UserWarning says so. Raises
        SpecError where there are too few, where more scans were given by themselves, and for wrong `values`.
        """
        scans = case.scans if isinstance(case, Case) else (case,) if isinstance(case, Scan) else tuple(case)
        needed = self._shown_of(scans, whole=not isinstance(case, Case))
        self._check_values(values)
        opening = (Part(text=self.opening.format(**values)),) if self.opening else ()
        text = (Part(text=self.template.format(**values)),)
        pictures = tuple(part for i in range(needed) for part in self._picture(i))
        parts = (*pictures, *text) if self.order == "image_first" else (*text, *pictures)
        system = (Message("system", (Part(text=self.system),)),) if self.system else ()
        if decoding is None:
            decoding = Decoding(max_new_tokens=self.max_new_tokens) if self.max_new_tokens else Decoding()
        return Query((*system, Message("user", (*opening, *parts))), scans[:needed], decoding)

    def _shown_of(self, scans: tuple[Scan, ...], *, whole: bool) -> int:
        """How many of the scans are shown; `whole` where it has to be all of them."""
        needed = max(len(scans), 1) if self.images is None else self.images
        if len(scans) < needed or (whole and len(scans) > needed):
            raise SpecError(
                f"prompt {self.name} shows {needed} scan(s), not {len(scans)}",
                accepted=f"{needed} scan(s)" if needed else "None: it asks in text alone",
                fix="give as many, or choose a prompt that shows as many (docs/prompts.md lists them)",
            )
        if len(scans) > needed:
            left = f"shows the first {needed} of a case's {len(scans)} scans" if needed else "shows no scan of a case"
            warnings.warn(f"prompt {self.name} {left}", stacklevel=3)
        return needed

    def _check_values(self, values: dict[str, str]) -> None:
        missing = [name for name in self.variables if name not in values]
        unknown = [name for name in values if name not in self.variables]
        if missing or unknown:
            told = [f"{word} {names}" for word, names in (("missing", missing), ("unknown", unknown)) if names]
            given = "".join(f', {name}="…"' for name in self.variables)
            raise SpecError(
                f"prompt {self.name}: {', '.join(told)}",
                accepted=f"exactly {list(self.variables)}",
                fix=f"model.ask(scan, prompt{given})",
            )

    def _picture(self, index: int) -> tuple[Part, ...]:
        label = (Part(text=self.label.format(number=index + 1)),) if self.label else ()
        return (Part(scan=index), *label)


def _variables(template: str) -> tuple[str, ...]:
    fields = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    return tuple(dict.fromkeys(fields))


def _check_template(prompt: Prompt, field: str, template: str) -> None:
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise SpecError(f"{field} of {prompt.name}: {error}", accepted="{name} or doubled braces") from error
    for _, name, layout, conversion in parsed:
        if name is None:
            continue
        if layout or conversion or name in RESERVED or not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
            raise SpecError(
                f"{field} of {prompt.name} has {shown(name)}",
                accepted=f"plain {{names}} in lower case, none of {', '.join(RESERVED)}",
            )
