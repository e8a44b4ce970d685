"""The linter: does a prompt suit a model? Each Advice says what is wrong and what to change. It asks no model.

It compares what a prompt is with what was published of a model. A prompt without advice may still be a bad one.
"""

import dataclasses
from typing import Any

from medlab.core.errors import SpecError
from medlab.core.query import Decoding, Prompt
from medlab.core.record import Record, check_choice, record
from medlab.core.token_estimate import estimated_tokens

CODES = {
    "closing": "many scans and no question after them",
    "context": "longer than the model can read",
    "images": "more scans than the model takes, or than it was published for",
    "language": "a language that the model was not published for",
    "modality": "a kind of picture, or of question, that the model was not published for",
    "order": "scans and text in another order than the model was trained with",
    "silent": "a question for a model that writes no answers",
    "system": "a system text for a model that was published without one",
    "thinking": "a prompt that wants reasoning for a model that does none, or leaves no room for it",
}
MANY_SCANS = 4
"""from which a question in front is forgotten: MedGemma's local layers reach over 1024 tokens, four of its images"""
ROOM_TO_THINK = 300
"""tokens below which an answer that begins with reasoning is likely cut off"""
_THINK = "think silently if needed"


@record
class Advice(Record):
    """One thing that does not fit."""

    code: str
    """one of CODES"""
    told: str
    fix: str

    def __post_init__(self):
        check_choice("code", self.code, CODES)

    def __str__(self) -> str:
        return f"{self.code}: {self.told}\n  do this:  {self.fix}"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a linter needs of a model; None or empty where nobody said."""

    name: str
    order: str | None = None
    languages: tuple[str, ...] = ()
    images: int | None = None
    context: int | None = None
    image_tokens: int | None = None
    modalities: tuple[str, ...] = ()
    system: str | None = None
    thinks: str | None = None
    answers: bool = True


def lint(prompt: Prompt, model: Any, *, scans: int | None = None, **values: str) -> tuple[Advice, ...]:
    """What does not fit between a prompt and a model, in the order of CODES; empty where nothing is known to.

    model   an entry of the catalog (`medlab.models.catalog`), a loaded model, or Facts
    scans   how many will be shown, where the prompt leaves that open
    values  of the prompt's variables, where they are long enough to matter
    """
    facts = facts_of(model)
    shown = prompt.images if prompt.images is not None else scans or 1
    checks = (_closing, _context, _images, _language, _modality, _order, _silent, _system, _thinking)
    told = (check(prompt, facts, shown, values) for check in checks)
    return tuple(Advice(check.__name__[1:], *one) for check, one in zip(checks, told, strict=True) if one)


def facts_of(model: Any) -> Facts:
    """Facts of a catalog entry; of a loaded model what it is capable of, and what the catalog keeps of it besides."""
    if isinstance(model, Facts):
        return model
    if hasattr(model, "capabilities"):
        can, entry = model.capabilities, getattr(model, "published", None)
        known = Facts(model.name) if entry is None else facts_of(entry)
        return dataclasses.replace(
            known,
            name=model.name,
            order=can.order,
            languages=can.languages or known.languages,
            images=known.images if can.images is None else can.images,
            context=can.context or known.context,
        )
    if not hasattr(model, "max_images"):
        raise SpecError(
            f"a {type(model).__name__} where a model was expected",
            accepted="an entry of the catalog or a loaded model",
            fix='lint(prompt, medlab.models.catalog.entry("medgemma-1.5-4b-it"))',
        )
    return Facts(
        name=model.name,
        order=model.order,
        languages=model.languages,
        images=model.max_images,
        context=model.context_tokens,
        image_tokens=model.image_tokens,
        modalities=model.modalities,
        system=model.system,
        thinks=model.thinks,
        answers=model.task != "image-embedding",
    )


Told = tuple[str, str] | None
"""(what does not fit, what to do)"""


def _closing(prompt: Prompt, facts: Facts, shown: int, values: dict[str, str]) -> Told:
    if prompt.order == "text_first" and shown > MANY_SCANS:
        return (
            f"{shown} scans follow the question and nothing follows them: the answer may be about a single picture",
            'move what is asked behind the scans: order="image_first", what goes before them in opening="…"',
        )
    return None


def _context(prompt: Prompt, facts: Facts, shown: int, values: dict[str, str]) -> Told:
    given = {name: values.get(name, "") for name in prompt.variables}
    parts = (prompt.system or "", prompt.opening.format(**given), prompt.template.format(**given))
    text = sum(map(estimated_tokens, parts)) + shown * estimated_tokens(prompt.label)
    needed = text + shown * (facts.image_tokens or 0) + (prompt.max_new_tokens or 0)
    if facts.context is None or needed <= facts.context:
        return None
    return (
        f"about {needed} tokens with the answer, and {facts.name} reads {facts.context}",
        "show fewer scans, or shorten the text: record.digest(question, budget_tokens=…) for a health record",
    )


def _images(prompt: Prompt, facts: Facts, shown: int, values: dict[str, str]) -> Told:
    if facts.images is None or shown <= facts.images:
        return None
    if facts.images == 0:
        return (
            f"{shown} scan(s) for {facts.name}, which sees none",
            "choose a model that sees, or a prompt of text alone",
        )
    return (
        f"{shown} scans, and {facts.name} was published for at most {facts.images}",
        "show fewer, or choose a model that was published for several, such as medgemma-1.5-4b-it",
    )


def _language(prompt: Prompt, facts: Facts, shown: int, values: dict[str, str]) -> Told:
    if not facts.languages or prompt.language in facts.languages:
        return None
    there = ", ".join(facts.languages)
    return (
        f"asked in {prompt.language}, and {facts.name} was published for {there}: it may mix languages",
        f'medlab.prompts.load("{prompt.name}", language="{facts.languages[0]}") where that wording exists, '
        "and translate the answer",
    )


def _modality(prompt: Prompt, facts: Facts, shown: int, values: dict[str, str]) -> Told:
    if prompt.modality is None or not facts.modalities or prompt.modality in facts.modalities:
        return None
    return (
        f"it speaks of {prompt.modality}, and {facts.name} was published for {', '.join(facts.modalities)}",
        "choose another model, or do not rest anything on the answer",
    )


def _order(prompt: Prompt, facts: Facts, shown: int, values: dict[str, str]) -> Told:
    if not shown or facts.order in (None, prompt.order):
        return None
    words = {"image_first": "scans first", "text_first": "text first"}
    return (
        f"{words[prompt.order]}, and {facts.name} was published with {words[facts.order]}",
        f'prompt.replace(order="{facts.order}")',
    )


def _silent(prompt: Prompt, facts: Facts, shown: int, values: dict[str, str]) -> Told:
    if facts.answers:
        return None
    return (
        f"{facts.name} compares pictures with captions and writes no answer",
        "use zero-shot captions, or another model",
    )


def _system(prompt: Prompt, facts: Facts, shown: int, values: dict[str, str]) -> Told:
    # "" is "published without", None is "nobody said"; the switch for thinking is no persona
    if not prompt.system or facts.system != "" or _THINK in prompt.system:
        return None
    return f"a system text, and {facts.name} was published without one", "prompt.replace(system=None)"


def _thinking(prompt: Prompt, facts: Facts, shown: int, values: dict[str, str]) -> Told:
    if prompt.thinks and facts.thinks == "never":
        return (
            f"it wants reasoning first, and {facts.name} was published without",
            "choose the prompt that asks directly",
        )
    room = prompt.max_new_tokens or Decoding().max_new_tokens
    if facts.thinks == "unasked" and room < ROOM_TO_THINK:
        return (
            f"{room} tokens for the answer, and {facts.name} may reason first, unasked: it would be cut off",
            "decoding=Decoding(max_new_tokens=1000), or model.score where the answers are known",
        )
    return None
