"""A record made short enough to ask about: what always matters first, then what the question needs, within a budget.

What is left out is counted in the text itself, so that neither the model nor the reader takes silence for absence.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from medlab.core.errors import SpecError
from medlab.core.record import Record, check_choice, check_text, check_whole, record
from medlab.core.token_estimate import estimated_tokens
from medlab.loaders.ehr.entry import Entry
from medlab.loaders.ehr.lines import line_of, note_lines
from medlab.loaders.ehr.people import MAX_AGE_YEARS, Person
from medlab.loaders.ehr.relevance import Relevance
from medlab.loaders.ehr.wording import WORDING, Wording

NOTE_CHARACTERS = 600
"""of one note that a digest quotes at most"""
SAFETY = (("allergies", ("AllergyIntolerance",)), ("problems", ("Condition",)))
STANDING = (*SAFETY, ("medications", ("MedicationRequest", "MedicationStatement")))
"""(section, kinds) whose active entries come first, whatever is asked"""


@record
class Digest(Record):
    """The text that stands for a record in a prompt."""

    text: str
    tokens: int
    """of `text`, as counted by `count`"""
    budget_tokens: int
    shown: tuple[tuple[str, str], ...]
    """(cite, id) of each entry in `text`"""
    left_out: tuple[tuple[str, int], ...]
    """(kind, how many entries did not fit)"""

    def __str__(self) -> str:
        return self.text


def digest(
    entries: Sequence[Entry],
    person: Person,
    question: str,
    *,
    budget_tokens: int,
    count: Callable[[str], int] = estimated_tokens,
    language: str = "en",
) -> Digest:
    """The entries that matter for `question`, oldest first, as text of at most `budget_tokens`.

    entries  in order of time
    count    tokens of a text; a model's own `count` is better than the estimate
    Raises SpecError where not even the head fits.
    """
    check_text("question", question)
    check_whole("budget_tokens", budget_tokens, 1)
    check_choice("language", language, WORDING)
    words = WORDING[language]
    relevance = Relevance(entries, question)
    order = _ranked(entries, relevance.scores())
    blocks = {i: _block(entries[i], relevance, language) for i in order}
    chosen: set[int] = set()
    room = budget_tokens - count(_text(entries, person, set(), blocks, words))
    for i in order:
        cost = count(blocks[i] + "\n")
        if cost <= room:
            chosen.add(i)
            room -= cost
    # a tokenizer may make more of the whole than of its parts
    for i in reversed(order):
        text = _text(entries, person, chosen, blocks, words)
        if count(text) <= budget_tokens:
            break
        chosen.discard(i)
    text = _text(entries, person, chosen, blocks, words)
    tokens = count(text)
    if tokens > budget_tokens:
        raise SpecError(
            f"the head of the digest alone has {tokens} tokens",
            accepted=f"budget_tokens of at least {tokens}, better some thousands; given {budget_tokens}",
        )
    shown = tuple((entries[i].cite, entries[i].id) for i in sorted(chosen))
    return Digest(text, tokens, budget_tokens, shown, tuple(_missing(entries, chosen)))


def _ranked(entries: Sequence[Entry], scores: list[float]) -> list[int]:
    """Indices by importance: what stands (allergies, problems, medications; newest first), then by score."""
    first = [i for _, kinds in STANDING for i in _active(entries, kinds)]
    rest = sorted(set(range(len(entries))) - set(first), key=lambda i: (-scores[i], -i))
    return [*first, *rest]


def _active(entries: Sequence[Entry], kinds: tuple[str, ...]) -> list[int]:
    """Newest first. One thing said several times stands once among these; its older entries are ranked as others."""
    found: dict[tuple, int] = {}
    for i in range(len(entries) - 1, -1, -1):
        entry = entries[i]
        # what must not be given matters as much as what is given
        if entry.kind in kinds and (entry.active or entry.negated):
            found.setdefault((entry.system, entry.code or entry.text, entry.negated), i)
    return list(found.values())


def _block(entry: Entry, relevance: Relevance, language: str) -> str:
    excerpt = relevance.excerpt(entry.note, NOTE_CHARACTERS) if entry.note else ""
    quotation = note_lines(entry, excerpt, language=language)
    hidden = len(entry.note or "") - len(excerpt)
    more = WORDING[language].more.format(n=hidden) if hidden > 0 and quotation else ""
    return "\n".join(filter(None, (line_of(entry, language=language), quotation, more)))


def _text(entries: Sequence[Entry], person: Person, chosen: set[int], blocks: dict[int, str], words: Wording) -> str:
    parts = [_head(entries, person, chosen, words)]
    placed: set[int] = set()
    for section, kinds in STANDING:
        active = _active(entries, kinds)
        here = [i for i in active if i in chosen]
        placed.update(here)
        title = getattr(words, section)
        if not any(entry.kind in kinds for entry in entries):
            parts.append(f"{title} {words.none_recorded}")
        elif not active:
            parts.append(f"{title} {words.none_active}")
        else:
            short = words.did_not_fit.format(n=len(active) - len(here)) if len(here) < len(active) else ""
            parts.append("\n".join([f"{title}{short}", *(blocks[i] for i in here)]))
    rest = sorted(chosen - placed)
    if rest:
        parts.append("\n".join([words.timeline, *(blocks[i] for i in rest)]))
    missing = _missing(entries, chosen)
    if missing:
        told = ", ".join(f"{n} {kind}" for kind, n in missing)
        parts.append(words.left_out.format(told=told))
    return "\n\n".join(parts)


def _head(entries: Sequence[Entry], person: Person, chosen: set[int], words: Wording) -> str:
    dated = [entry.when[:10] for entry in entries if entry.when]
    span = words.span.format(first=dated[0], last=dated[-1]) if dated else ""
    age = words.age_unknown
    if person.age_years is not None:
        age = (words.age_most if person.age_years == MAX_AGE_YEARS else words.age).format(n=person.age_years)
    died = words.deceased if person.deceased else ""
    who = words.patient.format(sex=words.sexes[person.sex], age=age, died=died)
    size = words.size.format(n=len(entries), span=span, shown=len(chosen))
    return f"{who}\n{size}\n{words.rule}"


def _missing(entries: Sequence[Entry], chosen: set[int]) -> list[tuple[str, int]]:
    return sorted(Counter(entry.kind for i, entry in enumerate(entries) if i not in chosen).items())
