"""Names taken out of entries: a search for the words that the source itself lists as naming somebody (`names`).

It is no de-identification: what a note tells of a person in other words stays. A name that is also something else, as
"White" or "Na", is taken out only where what stands beside it says that it is a name, and otherwise left and counted.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from medlab.loaders.ehr.entry import Entry, Measure
from medlab.loaders.ehr.names import HONOURS, Names, Token, composed, is_weak, tokens

REMOVED = "[removed]"
_CERTAIN, _LIKELY, _WEAK = 3, 2, 1
"""taken out everywhere; in free text; only beside a title or another name"""
_SHORTEST_NUMBER = 6
"""digits of a number without letters that is known by itself; with letters one less"""
_LONGEST_NUMBER = 40
_CUES = """
    account acct fax id mrn no nr number phone plz tel zip 号 码
"""
_NUMBER_CUES = frozenset(_CUES.split())
_JOINED = re.compile(r"[^\w\n:;]{0,3}|://")
_ONLY_BLANKS = re.compile(r"[ \u00a0\-]{0,2}")
_WITHIN_NUMBER = re.compile(r"[ \-./()+_:]{0,3}")
_BESIDE = re.compile(r"[ ,\-]{0,2}")
_AFTER_CUE = re.compile(r"[ .:#,]{0,3}")
_HASH = re.compile(r"[0-9a-f.\-]{16,}", re.IGNORECASE)
_CODED = ("text", "details", "category", "status", "code")
_CODED_OF_MEASURE = ("name", "unit", "reference", "code")


class _Span(NamedTuple):
    first: int
    """index of its first token"""
    last: int
    grade: int


class _Read(NamedTuple):
    text: str
    tokens: list[Token]
    keys: tuple[str, ...]

    def start(self, span: _Span) -> int:
        return self.tokens[span.first].start

    def end(self, span: _Span) -> int:
        return self.tokens[span.last].end

    def before(self, start: int) -> str:
        return self.text[max(0, start - 1) : start]


def _read(text: str) -> _Read:
    found = tokens(text)
    return _Read(text, found, tuple(token.key for token in found))


class NamesRemover:
    """Takes names out of one text after another."""

    def __init__(self, names: Names):
        self.taken = 0
        """names that were taken out"""
        self.left = 0
        """words of free text that may be names, and were left because they are also something else"""
        self._grades = {words: _WEAK if is_weak(words) else _LIKELY for words in names.parts}
        self._grades |= dict.fromkeys(names.phrases, _CERTAIN)
        self._plain = {words for words in names.phrases if is_weak(words)}
        """full names made of weak words: "Li Na" is one, "Li, Na" is two laboratory values"""
        lengths: dict[str, set[int]] = {}
        for words in self._grades:
            lengths.setdefault(words[0], set()).add(len(words))
        self._lengths = {head: sorted(found, reverse=True) for head, found in lengths.items()}
        self._numbers = names.numbers
        self._phones = {number[i:] for number in names.phones for i in range(max(1, len(number) - 6))}

    def __call__(self, text: str, *, coded: bool = False) -> str:
        """`text` with REMOVED for each. coded  True for the name of a thing, where "Baker" alone is a cyst."""
        read = _read(composed(text))
        pieces, done = [], 0
        for span in self._spans(read, coded):
            pieces += [read.text[done : read.start(span)], REMOVED]
            done = read.end(span)
            self.taken += 1
        return "".join([*pieces, read.text[done:]])

    def names(self, identity: str) -> bool:
        """Whether an id holds a name or number. Of a hash no few letters are taken for a name."""
        left = self.left
        spans = self._spans(_read(identity), bool(_HASH.fullmatch(identity)))
        self.left = left
        return bool(spans)

    def _spans(self, read: _Read, coded: bool) -> list[_Span]:
        told, i = [], 0
        while i < len(read.keys):
            span = self._at(read, i, _CERTAIN if coded else _LIKELY)
            if span:
                told.append(span)
            i = span.last + 1 if span else i + 1
        kept: list[_Span] = []
        for k, span in enumerate(told):
            beside = [*kept[-1:], *told[k + 1 : k + 2]]
            sure = span.grade == _CERTAIN or (span.grade == _LIKELY and not coded)
            if sure or self._is_told(read, span, beside):
                kept.append(span)
            elif not coded and read.text[read.start(span)].isupper():
                self.left += 1
        return kept

    def _at(self, read: _Read, i: int, enough: int) -> _Span | None:
        """The longest name that begins with a token, of those that are graded enough, or of all."""
        told = [span] if (span := self._number(read, i)) else []
        for length in self._lengths.get(read.keys[i], ()):
            words = read.keys[i : i + length]
            grade = self._grades.get(words)
            if grade and self._reads_as_one(read, i, len(words), words in self._plain):
                told.append(_Span(i, i + len(words) - 1, grade))
        return max(told, key=lambda span: (span.grade >= enough, span.last), default=None)

    def _reads_as_one(self, read: _Read, i: int, length: int, plain: bool) -> bool:
        named = read.tokens[i : i + length]
        between = _ONLY_BLANKS if plain else _JOINED
        joined = all(between.fullmatch(read.text, one.end, other.start) for one, other in itertools.pairwise(named))
        return joined and (not plain or all(read.text[token.start].isupper() for token in named))

    def _number(self, read: _Read, i: int) -> _Span | None:
        """The longest number that begins with a token, whatever stands between its parts."""
        if not (self._numbers or self._phones):
            return None
        best, joined = None, ""
        plus = read.before(read.tokens[i].start) == "+"
        for j in range(i, len(read.keys)):
            apart = j > i and not _WITHIN_NUMBER.fullmatch(read.text, read.tokens[j - 1].end, read.tokens[j].start)
            joined += read.keys[j]
            if apart or len(joined) > _LONGEST_NUMBER:
                break
            digits = joined.isdigit()
            if joined in self._numbers:
                long = len(joined) >= (_SHORTEST_NUMBER if digits else _SHORTEST_NUMBER - 1)
                best = _Span(i, j, _CERTAIN if long else _WEAK)
            if digits and self._phones and self._is_phone(joined, plus):
                best = _Span(i, j, _CERTAIN)
        return best

    def _is_phone(self, digits: str, plus: bool) -> bool:
        """With or without the code of the country and the zero of the trunk."""
        if digits.lstrip("0") in self._phones or digits in self._phones:
            return True
        abroad = digits.removeprefix("00") if plus or digits.startswith("00") else ""
        return len(abroad) > 8 and any(abroad[n:] in self._phones for n in range(4))

    def _is_told(self, read: _Read, span: _Span, beside: list[_Span]) -> bool:
        """Whether what stands beside it says that it is a name: a title, a cue such as "MRN", another name."""
        start, end = read.start(span), read.end(span)
        digits = any(c.isdigit() for c in read.text[start:end])
        last = read.tokens[span.first - 1] if span.first else None
        cued = last is not None and last.key in (_NUMBER_CUES if digits else HONOURS)
        cued = cued and bool(_AFTER_CUE.fullmatch(read.text, last.end, start))
        if digits:
            return cued or read.before(start) == "#"
        if span.grade == _WEAK and not read.text[start].isupper():
            return False
        for one in beside:
            gap = (read.end(one), start) if one.first < span.first else (end, read.start(one))
            cued = cued or (one.grade > _WEAK and bool(_BESIDE.fullmatch(read.text, *gap)))
        return cued


def without_names(entries: Sequence[Entry], names: Names, doubts: Counter) -> list[Entry]:
    """The entries without names, in their words and in their ids.

    doubts  counts what was taken out, and what was left because it may be something else
    """
    remove = NamesRemover(names)
    ids = _opaque((one for entry in entries for one in (entry.id, entry.encounter) if one), remove)
    told = [_without(entry, remove, ids) for entry in entries]
    counts = {
        "names taken out": remove.taken,
        "words that may be names and were left, as they mean something else too": remove.left,
        "ids that held a name or number, replaced": len(ids),
    }
    doubts.update({what: n for what, n in counts.items() if n})
    return told


def _without(entry: Entry, remove: NamesRemover, ids: dict[str, str]) -> Entry:
    changed = {name: remove(text, coded=True) for name in _CODED if (text := getattr(entry, name))}
    if entry.note:
        changed["note"] = remove(entry.note)
    measures = tuple(_without_in_measure(measure, remove) for measure in entry.measures)
    encounter = ids.get(entry.encounter or "", entry.encounter)
    name = ids.get(entry.id, entry.id)
    return entry.replace(measures=measures, id=name, cite=name, encounter=encounter, **changed)


def _without_in_measure(measure: Measure, remove: NamesRemover) -> Measure:
    changed = {name: remove(text, coded=True) for name in _CODED_OF_MEASURE if (text := getattr(measure, name))}
    return measure.replace(said=remove(measure.said, coded=measure.value is not None), **changed)


def _opaque(ids: Iterable[str], remove: NamesRemover) -> dict[str, str]:
    """ "Observation/hidden-1" for each id that holds a name or number, numbered in their order."""
    known = sorted(set(ids))
    told: dict[str, str] = {}
    counted: Counter = Counter()
    for name in known:
        kind, _, identity = name.partition("/")
        if remove.names(identity):
            counted[kind] += 1
            while f"{kind}/hidden-{counted[kind]}" in known:
                counted[kind] += 1
            told[name] = f"{kind}/hidden-{counted[kind]}"
    return told
