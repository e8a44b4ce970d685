"""Asked: one Query as a checkpoint is given it, in tokens, and the checks that come before any work.

It knows tokens and limits. How pixels become tokens, and tokens an answer, stands in the files beside it.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from medlab.core.errors import CapabilityError, SpecError, shown
from medlab.core.query import Query
from medlab.core.scan import Scan
from medlab.models.conventions.plain import Conventions, scan_order

if TYPE_CHECKING:
    from medlab.models.hf.speech import Speech


@dataclasses.dataclass(frozen=True)
class Asked:
    """One Query in tokens."""

    query: Query
    ids: tuple[int, ...]
    """the whole prompt, the places of its scans filled with image tokens"""
    scans: tuple[Scan, ...]
    """in the order of their places; one that is shown twice stands twice"""
    room: int
    """the most tokens that may be generated; see `check_room`"""
    inputs: dict[str, Any] = dataclasses.field(default_factory=dict)
    """tensors of a processor that makes more than tokens"""


def check_scans(query: Query, conventions: Conventions, name: str) -> tuple[Scan, ...]:
    """The query's scans in the order of their places. Raises CapabilityError where there are too many."""
    places = scan_order(query)
    most = conventions.max_images
    if most is not None and len(places) > most:
        told = "text alone" if most == 0 else f"at most {most} scan(s) in one question"
        raise CapabilityError(
            f"{len(places)} scan(s) for {name}",
            accepted=told,
            fix="model.ask(None, question)" if most == 0 else f"ask about {most} at a time, or choose another model",
        )
    return tuple(query.scans[place] for place in places)


def check_texts(texts: Sequence[str], speech: "Speech") -> None:
    """Raises SpecError where a text holds one of the tokenizer's control tokens: it would be obeyed, not read."""
    for text in texts:
        held = speech.command_in(text)
        if held:
            raise SpecError(
                f"a text holds {shown(held)}, which the tokenizer takes for a command",
                accepted="text without the model's control tokens",
                fix=f"text.replace({held!r}, {held.strip('<>|')!r})",
            )


def room_for(query: Query, prompt_tokens: int, context: int | None) -> int:
    """The most tokens that may be generated; 0 or less where the prompt alone fills the context."""
    wanted = query.decoding.max_new_tokens
    return wanted if context is None else min(wanted, context - prompt_tokens)


def check_room(asked: Asked, context: int | None, name: str) -> None:
    """Raises CapabilityError where the prompt alone fills the context."""
    if asked.room < 1:
        raise CapabilityError(
            f"a prompt of {len(asked.ids)} tokens for {name}",
            accepted=f"fewer than {context}, of which each scan takes its share",
            fix="shorten the text or show fewer scans",
        )
