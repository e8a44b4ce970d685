"""Conventions of a chat model that nothing more is known of: the base of every family's.

It turns a Query into the messages that a chat template takes, and the text that was generated into a Reply. It knows
neither tokens nor weights; what a family does differently stands in that family's file.
"""

import re
from collections.abc import Callable
from typing import Any

from medlab.core.case import Box
from medlab.core.errors import CapabilityError, SpecError, shown
from medlab.core.geometry import MODES, SquareFit
from medlab.core.query import ORDERS, Message, Query
from medlab.core.record import Record, check_choice, check_text, check_whole, record
from medlab.core.scan import Scan

CUT_OFF = "the reply was cut off at max_new_tokens: ask again with a larger Decoding(max_new_tokens=…)"
CONTEXT_FULL = "the reply was cut off because prompt and reply fill the context: shorten the text or show fewer scans"
_TEMPLATE_ROLES = {"system": "system", "user": "user", "model": "assistant"}
"""what transformers' chat templates call the roles of a Message"""
_HAN = re.compile(r"[一-鿿]")
_SLICED = ("CT", "MR")


@record
class Reply(Record):
    """What was generated, read: the parts of an Answer that depend on the family."""

    text: str
    thought: str | None = None
    """None where none was written"""
    truncated: bool = False
    warnings: tuple[str, ...] = ()


@record
class Conventions(Record):
    """How a family is talked to. The defaults are those of an unknown image-text-to-text model."""

    family: str = "plain"
    order: str = "image_first"
    """one of ORDERS: where scans stand in a plain question"""
    fit: str = "stretch"
    """one of MODES: how a scan is laid on the model's square"""
    max_images: int | None = None
    """the most scans of one Query that the family was published with; None where nobody said"""
    several: bool = True
    """whether it was evaluated on several scans of one Query"""
    thinks: bool = False
    """whether it writes a thought before its answer, asked or not"""
    system: bool = True
    """whether it was published with a system prompt"""
    languages: tuple[str, ...] = ()
    """that it was published for; () where nobody said"""
    reply_tokens: int = 256
    """the longest reply where nobody says; more of what thinks unasked, or it would be cut off within its thought"""
    controls: tuple[str, ...] = ()
    """pieces of text that the tokenizer takes for commands, which no question may hold"""

    def __post_init__(self):
        check_text("family", self.family)
        check_choice("order", self.order, ORDERS)
        check_choice("fit", self.fit, MODES)
        if self.max_images is not None:
            check_whole("max_images", self.max_images)
        check_whole("reply_tokens", self.reply_tokens, 1)

    def messages(self, query: Query, *, text_only: bool = False) -> list[dict[str, Any]]:
        """The chat-template messages: contents as lists of {"type": "text", "text": …} and {"type": "image"}.

        The scans are `query.scans[i]` in the order of `scan_order(query)`.

        text_only  contents as plain text, which is what templates of models without a vision tower take; the texts of
                   a message are joined by newlines

        Raises SpecError where roles do not alternate or a text holds a command; CapabilityError for scans and
        `text_only`.
        """
        if text_only and query.scans:
            raise CapabilityError(
                f"{len(query.scans)} scan(s) for a model that reads text alone",
                accepted="a question of text alone: model.ask(None, question)",
                fix='medlab.load_model("medgemma-4b-it"), or "demo", for scans',
            )
        _check_roles(query.messages)
        made = []
        for message in query.messages:
            self._check_text(message)
            role = _TEMPLATE_ROLES[message.role]
            if text_only:
                made.append({"role": role, "content": "\n".join(part.text for part in message.parts)})
                continue
            parts = [{"type": "image"} if p.text is None else {"type": "text", "text": p.text} for p in message.parts]
            made.append({"role": role, "content": parts})
        return made

    def read(self, text: str, finished: bool, *, context_full: bool = False) -> Reply:
        """What was generated, as a Reply.

        text          decoded, without the token that ends the turn
        finished      False where the token limit ended it
        context_full  whether that limit was the model's context, and not the one that was asked for
        """
        return Reply(text, None, not finished, () if finished else (CONTEXT_FULL if context_full else CUT_OFF,))

    def boxes(self, text: str, fits: tuple[SquareFit, ...]) -> tuple[tuple[Box, ...], tuple[str, ...]]:
        """(the boxes that a reply's text names, in pixels of the scans; warnings). An unknown family has no format.

        fits  how each of the query's scans was laid on the model's square
        """
        return (), ()

    def boxes_of(
        self, query: Query, text: str, fit_of: Callable[[Scan], SquareFit]
    ) -> tuple[tuple[Box, ...], tuple[str, ...]]:
        """`boxes` of a reply to `query`: "image 2" is the second that was shown, a Box's `scan` counts query.scans."""
        places = scan_order(query) if len(query.scans) > 1 else range(len(query.scans))
        boxes, warnings = self.boxes(text, tuple(fit_of(query.scans[place]) for place in places))
        return tuple(box.replace(scan=places[box.scan]) for box in boxes), warnings

    def think(self, query: Query) -> Query:
        """The same question with the family's instruction to think first. Raises CapabilityError where it has none."""
        raise CapabilityError(
            f"{self.family} knows no instruction to think before it answers",
            accepted="a MedGemma of 27B, or MedGemma 1.5",
        )

    def cautions(self, query: Query) -> tuple[str, ...]:
        """What speaks against asking this family in this way, each a sentence that says what to change."""
        found = [*self._order_cautions(query)]
        shown_scans = len(query.scans)
        if self.max_images is not None and shown_scans > self.max_images:
            found.append(f"{self.family} was published with at most {self.max_images} image(s), not {shown_scans}")
        elif shown_scans > 1 and not self.several:
            found.append(f"{self.family} was not evaluated on several images; ask about one, or ask MedGemma 1.5")
        if not self.system and query.messages[0].role == "system":
            found.append(f"{self.family} was published without a system prompt: leave it out")
        if self.languages and "zh" not in self.languages and _HAN.search(_asked(query)):
            known = ", ".join(self.languages)
            found.append(f"{self.family} was published for {known} alone and this is Chinese: better ask in {known}")
        return tuple(found)

    def _order_cautions(self, query: Query) -> list[str]:
        """About the first question that shows scans, whose order alone is published."""
        parts = next((m.parts for m in query.messages if any(p.scan is not None for p in m.parts)), ())
        if not parts:
            return []
        starts, ends = parts[0].scan is not None, parts[-1].scan is not None
        sliced = any(query.scans[part.scan].modality in _SLICED for part in parts if part.scan is not None)
        if ends and sliced and len(query.scans) > 1:
            return ["nothing is asked after the last slice: put the question after the slices (see slices_query)"]
        if len(query.scans) == 1 and len(parts) > 1:
            if self.order == "image_first" and ends:
                return [f"{self.family} was trained with the image before the question: put the text after the scan"]
            if self.order == "text_first" and starts:
                return [f"{self.family} was published with the question before the image: put the text first"]
        return []

    def _check_text(self, message: Message) -> None:
        for part in message.parts:
            held = next((word for word in self.controls if word in (part.text or "")), None)
            if held is not None:
                raise SpecError(
                    f"a {message.role} text holds {shown(held)}, which {self.family} reads as a command",
                    accepted="text without the model's own control words",
                    fix=f"text.replace({held!r}, {held.strip('<>')!r})",
                )


def scan_order(query: Query) -> tuple[int, ...]:
    """Which of the query's scans stands at each image place of its messages, from first to last."""
    return tuple(part.scan for message in query.messages for part in message.parts if part.scan is not None)


def _asked(query: Query) -> str:
    """All that the user wrote."""
    return " ".join(part.text or "" for message in query.messages if message.role != "model" for part in message.parts)


def _check_roles(messages: tuple[Message, ...]) -> None:
    """[system,] user, model, user, …, user; none empty. Templates refuse the rest with a riddle; here it is said."""
    turns = messages[1:] if messages[0].role == "system" else messages
    roles = [message.role for message in turns]
    if roles != ["user", "model"] * (len(roles) // 2) + ["user"]:
        raise SpecError(
            f"messages are of {', '.join(message.role for message in messages)}",
            accepted="at most one system message, then user and model in turn, the last a user's",
        )
    for message in messages:
        if not any(part.scan is not None or part.text.strip() for part in message.parts):
            raise SpecError(f"a {message.role} message says nothing", accepted="text or a scan in each message")
        if message.role != "user" and any(part.scan is not None for part in message.parts):
            raise SpecError(f"a {message.role} message shows a scan", accepted="scans in user messages alone")
