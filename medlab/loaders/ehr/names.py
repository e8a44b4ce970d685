"""Which words of a source name somebody: names, birth dates, addresses, telephone and other numbers that it lists.

Words are compared in lower case, composed (NFC) and without what stands between them; numbers by their digits. What
names a person is listed here; where it is taken out, and where it is something else, `removing` decides.
"""

import calendar
import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from medlab.loaders.ehr.dates import precision_of
from medlab.loaders.ehr.elements import listed, reference, word
from medlab.loaders.ehr.ordinary_words import ORDINARY
from medlab.loaders.ehr.references import Index

Words = tuple[str, ...]
NAMED_KINDS = ("Patient", "Person", "Practitioner", "PractitionerRole", "RelatedPerson")
_HONOURS = """
    do doctor dr frau herr jr md miss mr mrs ms np pa phd prof professor rn sir sr
"""
HONOURS = frozenset(_HONOURS.split())
CJK_TITLES = ("医生", "医师", "大夫", "主任", "教授", "护士", "先生", "女士", "小姐", "太太")
MAX_WORDS = 24
"""of one name or address that are compared"""
_SOLID = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""scripts written without blanks, of which each character is a token"""
_TOKEN = re.compile(rf"\d+|[{_SOLID}]|[^\W\d_{_SOLID}]+")
_SOLID_RUN = re.compile(rf"[{_SOLID}]+")
_MONTHS = [name.lower() for name in calendar.month_name[1:]]
_REFERRING = """
    actor assessor asserter attester author authorReference collector individual informationSource interpreter
    operator participant patient performer practitioner prescriber recorder requester responsible resultsInterpreter
    source subject
"""
_PERSON_ELEMENTS = frozenset(_REFERRING.split())
"""elements that refer to a person where the reference itself does not tell to what"""


class Token(NamedTuple):
    key: str
    """as it is compared"""
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Words, numbers, and single characters of scripts without blanks; `text` is composed (NFC)."""
    return [Token(_key(found[0]), found.start(), found.end()) for found in _TOKEN.finditer(text)]


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _key(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _words(text: str) -> Words:
    return tuple(token.key for token in tokens(composed(text)))[:MAX_WORDS]


@dataclasses.dataclass(frozen=True)
class Names:
    """What names somebody, as tokens."""

    phrases: set[Words] = dataclasses.field(default_factory=set)
    """names in full, birth dates, addresses: nothing else reads so"""
    parts: set[Words] = dataclasses.field(default_factory=set)
    """a family name, a given name, a town"""
    numbers: set[str] = dataclasses.field(default_factory=set)
    """letters and digits without what stands between them"""
    phones: set[str] = dataclasses.field(default_factory=set)
    """digits"""

    def add_person(self, person: dict) -> None:
        for name in listed(person.get("name")):
            self._add_human(name)
        for address in listed(person.get("address")):
            self._add_address(address)
        for contact in listed(person.get("telecom")):
            self._add_contact(word(contact.get("value")))
        for identifier in listed(person.get("identifier")):
            self._add_number(word(identifier.get("value")))
        self._add_birth(word(person.get("birthDate")))
        for near in listed(person.get("contact")):
            self.add_person({"name": near.get("name"), "telecom": near.get("telecom"), "address": near.get("address")})
        for extension in listed(person.get("extension")):
            if word(extension.get("url")).endswith("mothersMaidenName"):
                self.add_name(word(extension.get("valueString")))
            if word(extension.get("url")).endswith("birthPlace"):
                self._add_address(extension.get("valueAddress"))

    def add_name(self, text: str) -> None:
        """A whole name, with or without a title: "Dr. Anna Smith"."""
        whole = bare = _words(text)
        while bare and bare[0] in HONOURS:
            bare = bare[1:]
        while bare and bare[-1] in HONOURS:
            bare = bare[:-1]
        self.phrases.update(one for one in (whole, bare, (*bare[-1:], *bare[:-1])) if len(one) > 1)
        for piece in re.split(r"[\s\-,]+", text):
            words = _words(piece)
            if not _SOLID_RUN.search(piece) and not HONOURS.issuperset(words):
                self._add_part(words)

    def _add_human(self, name: dict) -> None:
        given = [word(one) for one in name["given"] if isinstance(one, str)] if _is_list(name.get("given")) else []
        family = word(name.get("family"))
        self.add_name(word(name.get("text")))
        self.add_name(" ".join([*given, family]))
        self.add_name(" ".join([*given[:1], family]))
        self.phrases.update(filter(lambda one: len(one) > 1, [_words(" ".join([family, *given]))]))
        for piece in (family, *given):
            if _SOLID_RUN.fullmatch(piece):
                self._add_part(_words(piece))
            elif len(_words(piece)) > 1:
                self.phrases.add(_words(piece))
        if _SOLID_RUN.fullmatch(family):
            self.phrases.update(_words(family + title) for title in CJK_TITLES)

    def _add_part(self, words: Words) -> None:
        if len("".join(words)) > 1:
            self.parts.add(words)

    def _add_address(self, address: Any) -> None:
        if not isinstance(address, dict):
            return
        lines = address["line"] if _is_list(address.get("line")) else []
        whole = address.get("text") if isinstance(address.get("text"), str) else ""
        for line in (*lines, address.get("city"), address.get("district"), *re.split(r"[,;\n]", whole)):
            self._add_place(word(line))
        code, city = _words(word(address.get("postalCode"))), _words(word(address.get("city")))
        self._add_number("".join(code))
        if code and city:
            self.phrases.update([(*code, *city), (*city, *code)])

    def _add_place(self, text: str) -> None:
        """A bare number, such as that of a house, is none: it would be found in every dose."""
        words = _words(text)
        if all(one.isdigit() for one in words):
            return
        if len(words) == 1 or _SOLID_RUN.fullmatch(text):
            self._add_part(words)
        elif len("".join(words)) > 4:
            self.phrases.add(words)

    def _add_contact(self, text: str) -> None:
        digits = re.sub(r"\D", "", re.split(r"[^\W\d_]", text, maxsplit=1)[0])
        if len(digits) > 5 and "@" not in text:
            self.phones.add(digits.removeprefix("00") if text.strip().startswith(("+", "00")) else digits)
        elif len(words := _words(text)) > 1:
            self.phrases.add(words)

    def _add_number(self, text: str) -> None:
        words = _words(text)
        joined = "".join(words)
        if any(c.isdigit() for c in joined):
            self.numbers.add(joined)
        elif len(joined) > 4:
            self._add_part(words)

    def _add_birth(self, text: str) -> None:
        if precision_of(text) != "day":
            return
        year, month, day = text.split("-")
        self.numbers.add(year + month + day)
        named = _MONTHS[int(month) - 1]
        for m, d in {(month, day), (month.lstrip("0"), day.lstrip("0"))}:
            self.phrases.update([(year, m, d), (d, m, year), (m, d, year), (year, "年", m, "月", d, "日")])
            for spelled in (named, named[:3]):
                self.phrases.update([(d, spelled, year), (spelled, d, year)])


def is_weak(words: Words) -> bool:
    """Whether it is as likely no name: of at most two Latin letters, or an ordinary word, or made of such."""
    return all(one in ORDINARY or (len(one) < 3 and one.isascii() and one.isalpha()) for one in words)


def names_in(resources: Iterable[dict], index: Index) -> Names:
    """All that some resources list: of persons, of those within others, and how resources call whom they refer to."""
    names = Names()
    for resource in resources:
        for person in (resource, *listed(resource.get("contained"))):
            if word(person.get("resourceType")) in NAMED_KINDS:
                names.add_person(person)
        for display in _displayed(resource, index):
            names.add_name(display)
    return names


def _displayed(resource: dict, index: Index) -> Iterator[str]:
    """How a resource calls the persons that it refers to, wherever it does."""
    waiting: list[tuple[str, Any]] = list(resource.items())
    while waiting:
        element, value = waiting.pop()
        if isinstance(value, list):
            waiting.extend((element, one) for one in value)
        elif isinstance(value, dict):
            if word(value.get("display")) and _is_person(element, value, index):
                yield word(value["display"])
            waiting.extend(value.items())
        elif element == "authorString":
            yield word(value)


def _is_person(element: str, value: dict, index: Index) -> bool:
    if "code" in value:
        return False
    key = index.key(reference(value))
    kind = (key.kind if key else "") or word(value.get("type"))
    return kind in NAMED_KINDS if kind else element in _PERSON_ELEMENTS


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
