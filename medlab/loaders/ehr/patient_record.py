"""PatientRecord: what is known of one patient, as a timeline. It is data: it reads no file and asks no model."""

from collections import Counter
from collections.abc import Callable

from medlab.core.record import Record, record
from medlab.core.token_estimate import estimated_tokens
from medlab.loaders.ehr.digest import Digest, digest
from medlab.loaders.ehr.entry import Entry
from medlab.loaders.ehr.lines import line_of, note_lines
from medlab.loaders.ehr.people import Person


@record
class PatientRecord(Record):
    """One patient's entries in order of time."""

    entries: tuple[Entry, ...]
    """those without a date first"""
    person: Person = Person()
    left_out: tuple[tuple[str, int], ...] = ()
    """(why, how many) resources that state nothing of this patient: "entered in error", "refuted", …"""
    doubts: tuple[tuple[str, int], ...] = ()
    """(what, how often) that a reader should know, such as "dates that are none" """

    def rows(self) -> list[dict[str, str | float | bool | None]]:
        """Flat rows, one a measure, for `pandas.DataFrame(...)` or `pyarrow.Table.from_pylist(...)`."""
        return [row for entry in self.entries for row in entry.rows()]

    def to_text(self, *, language: str = "en") -> str:
        """Every entry with its whole note: complete, and as long as it is. `digest` makes what a model can read."""
        parts = ((line_of(e, language=language), note_lines(e, e.note or "", language=language)) for e in self.entries)
        return "\n".join(text for part in parts for text in part if text)

    def digest(
        self,
        question: str,
        *,
        budget_tokens: int = 4000,
        count: Callable[[str], int] = estimated_tokens,
        language: str = "en",
    ) -> Digest:
        """What of the record a model needs for one question, in at most `budget_tokens`.

        First active allergies, problems and medications, then what shares words with the question, is abnormal, or
        new. Each line ends with its source. The ranking compares words: it may leave out what only a clinician would
        see is relevant, and says how much was left out.
        count  tokens of a text by the model's own tokenizer; without it an estimate that rather says too many
        """
        return digest(self.entries, self.person, question, budget_tokens=budget_tokens, count=count, language=language)

    @property
    def shown(self) -> tuple[tuple[str, str], ...]:
        """(cite, id) of each entry."""
        return tuple((entry.cite, entry.id) for entry in self.entries)

    def __repr__(self) -> str:
        kinds = Counter(entry.kind for entry in self.entries)
        told = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        missing = sum(n for _, n in self.left_out)
        return f"PatientRecord({len(self.entries)} entries: {told}; {missing} left out)"
