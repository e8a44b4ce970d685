"""Entry: one line of a record's timeline. Measure: one number or word that was measured. Both hold untrusted text."""

from medlab.core.errors import SpecError, shown
from medlab.core.record import Record, check_choice, check_number, check_text, record
from medlab.loaders.ehr.dates import PRECISIONS

STANDINGS = ("normal", "abnormal", "low", "high", "critically low", "critically high")


@record
class Measure(Record):
    """What was measured. A panel such as a blood pressure has several."""

    said: str
    """the value in words with its unit, such as "< 5 mg/dL" or "never smoked" """
    name: str | None = None
    """of this part of a panel; None where the entry is one measure"""
    system: str | None = None
    code: str | None = None
    value: float | None = None
    """None where it is no number"""
    comparator: str | None = None
    """such as "<" where only a bound is known"""
    unit: str | None = None
    standing: str | None = None
    """one of STANDINGS as the laboratory or its reference range says; None where nobody says, which is not normal"""
    reference: str | None = None
    """the range that was given with it, in words"""

    def __post_init__(self):
        check_text("said", self.said)
        if self.value is not None:
            check_number("value", self.value)
        if self.standing is not None:
            check_choice("standing", self.standing, STANDINGS)


@record
class Entry(Record):
    """One statement of a record."""

    id: str
    """the resource, such as "Condition/3568cbed-0b2f-48db-94f0-8f2c4c756e22"; "Condition/hidden-1" where its own id
    held a name or number"""
    cite: str
    """the same, short and unique in its record: what a digest shows and a model may cite"""
    kind: str
    """the FHIR type"""
    text: str
    """what it is, in the source's words"""
    when: str | None = None
    """as written, to the year or to the second, in the time zone of the source; None where not said"""
    precision: str | None = None
    """one of dates.PRECISIONS; None with `when`"""
    until: str | None = None
    """where the source gives an end"""
    system: str | None = None
    """of the code, such as "http://loinc.org" """
    code: str | None = None
    category: str | None = None
    """such as "vital-signs" """
    status: str | None = None
    """the source's own word"""
    active: bool | None = None
    """of a problem, an allergy, a medication: whether it holds now; None where not said or not meaningful"""
    negated: bool = False
    """True where the source says that it was not done, is not taken or must not be given"""
    measures: tuple[Measure, ...] = ()
    details: str | None = None
    """structured facts in one line: dose, body site, severity, reaction …"""
    note: str | None = None
    """free text that came with it, in lines; of persons' names those that the source itself lists are taken out"""
    encounter: str | None = None
    """the id of the visit"""

    def __post_init__(self):
        for field in ("id", "cite", "kind", "text"):
            check_text(field, getattr(self, field))
        if (self.when is None) != (self.precision is None):
            raise SpecError(f"entry {shown(self.id)}: when {shown(self.when)}, precision {shown(self.precision)}")
        if self.precision is not None:
            check_choice("precision", self.precision, PRECISIONS)

    @property
    def abnormal(self) -> bool:
        """Whether some measure of it was called anything but normal."""
        return any(measure.standing not in (None, "normal") for measure in self.measures)

    def rows(self) -> list[dict[str, str | float | bool | None]]:
        """One flat row; one for each measure where there are several."""
        shared = {
            name: getattr(self, name)
            for name in ("id", "kind", "when", "precision", "until", "system", "code", "category", "text")
        } | {name: getattr(self, name) for name in ("status", "active", "negated", "details", "note", "encounter")}
        empty = {"part": None, "part_code": None, "value": None, "comparator": None, "unit": None}
        blank = empty | {"said": None, "standing": None}
        told = [
            {
                "part": measure.name,
                "part_code": measure.code if measure.name else None,
                "value": measure.value,
                "comparator": measure.comparator,
                "unit": measure.unit,
                "said": measure.said,
                "standing": measure.standing,
            }
            for measure in self.measures
        ]
        return [shared | one for one in told or [blank]]
