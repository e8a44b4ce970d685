"""Data elements: which ones a stretch of bytes holds, and where their values lie (PS3.5, section 7).

It steps over everything by its length, in one loop without recursion, and notes the place of the elements in `TAGS`;
a value is read only when somebody asks for it. So a sequence nested 100,000 deep, a length of 4 GB or a name in an
odd character set costs nothing and cannot leak. It does not know what a value means.
"""

import struct
from typing import NamedTuple

from medlab.core.errors import DataError
from medlab.loaders.dicom.tags import NAMES, PIXELS, TAGS

UNDEFINED = 0xFFFFFFFF
MAX_DEPTH = 64
"""sequences inside sequences; real files stay under 10"""
MAX_VALUE = 1 << 20
"""bytes of one value that are ever taken for text or numbers; the largest honest one is a LUT of 128 KiB"""
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "OW": "H", "OV": "Q", "UV": "Q"}
_TEXTS = frozenset(("DS", "IS", "CS", "SH", "UI", "LO"))


class Element(NamedTuple):
    tag: int
    vr: str
    """as the file writes it, "" where it writes none"""
    start: int
    """of the value"""
    length: int
    """of the value, in bytes; UNDEFINED where it ends at a delimiter"""


class Syntax(NamedTuple):
    """How elements are written: explicit or implicit value representation, little or big endian."""

    explicit: bool
    little: bool

    @property
    def order(self) -> str:
        return "<" if self.little else ">"


class Elements:
    """The elements of one data set or sequence item that are in `TAGS`; the first of a name counts.

    Values that do not parse read as missing: what is missing is then said by whoever needed it.
    """

    def __init__(self, data: bytes, start: int, end: int, syntax: Syntax, depth: int = 0):
        self.data, self.syntax, self.depth = data, syntax, depth
        self._found: dict[str, Element] = {}
        self.end = self._scan(start, end)
        """where reading stopped: before the pixels, at the delimiter of an item, or at the end"""

    def _scan(self, position: int, end: int) -> int:
        while position < end:
            element = _element_at(self.data, position, end, self.syntax)
            if element.tag in (ITEM_END, SEQUENCE_END):
                return position
            name = NAMES.get(element.tag)
            if name is not None:
                self._found.setdefault(name, element)
            if element.tag in PIXELS:
                return position
            position = _after(self.data, element, end, self.syntax, self.depth)
        return position

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def element(self, name: str) -> Element | None:
        return self._found.get(name)

    def bytes(self, name: str) -> bytes | None:
        """The value as it lies in the file; None where it is missing, empty, without length or beyond MAX_VALUE."""
        found = self._found.get(name)
        if found is None or found.length == 0 or found.length > MAX_VALUE:
            return None
        return self.data[found.start : found.start + found.length]

    def texts(self, name: str) -> tuple[str, ...]:
        """Text split at backslashes and trimmed; () where missing, empty or not text."""
        raw = self.bytes(name)
        if raw is None or self._vr(name) not in _TEXTS:
            return ()
        parts = tuple(part.strip(" \0") for part in raw.decode("latin-1").split("\\"))
        return parts if any(parts) else ()

    def code(self, name: str) -> str:
        """The first text in capitals; "" where missing."""
        return next(iter(self.texts(name)), "").upper()

    def numbers(self, name: str, kind: str | None = None) -> tuple[float, ...]:
        """Every number of the value; a text that is no number reads as NaN.

        kind    value representation to read it by, in place of the file's
        """
        vr = kind or self._vr(name)
        if vr in _TEXTS:
            return tuple(_number(part) for part in self.texts(name))
        raw, letter = self.bytes(name), _NUMBERS.get(vr)
        if raw is None or letter is None:
            return ()
        size = struct.calcsize(letter)
        return struct.unpack(f"{self.syntax.order}{len(raw) // size}{letter}", raw[: len(raw) // size * size])

    def whole(self, name: str) -> int | None:
        """The first number where it is a whole one; None where missing or not."""
        first = next(iter(self.numbers(name)), float("nan"))
        return int(first) if abs(first) < 1 << 62 and first == int(first) else None

    def items(self, name: str, first: int = 0, count: int = 1) -> list["Elements"]:
        """At most `count` items of a sequence from number `first`; [] where missing.

        Raises DataError "too_deep" below MAX_DEPTH.
        """
        found = self._found.get(name)
        if found is None:
            return []
        if self.depth >= MAX_DEPTH:
            raise _too_deep()
        syntax = _inner(found, self.syntax)
        end = len(self.data) if found.length == UNDEFINED else found.start + found.length
        items: list[Elements] = []
        number, position = 0, found.start
        while position < end and number < first + count:
            item = _element_at(self.data, position, end, syntax)
            if item.tag != ITEM:
                break
            open_ended = item.length == UNDEFINED
            # the thousand frames before the one that is wanted are stepped over where they say how long they are
            if number >= first or open_ended:
                inside = Elements(
                    self.data, item.start, end if open_ended else item.start + item.length, syntax, self.depth + 1
                )
                items += [inside] * (number >= first)
            position = inside.end + 8 if open_ended else item.start + item.length
            number += 1
        return items

    def _vr(self, name: str) -> str:
        """The file's own value representation where it is one that is read here, else the table's."""
        found = self._found.get(name)
        known = found is not None and (found.vr in _NUMBERS or found.vr in _TEXTS)
        return found.vr if known else TAGS[name][1]


def _element_at(data: bytes, position: int, end: int, syntax: Syntax) -> Element:
    """The element whose tag lies at `position`. Raises DataError "truncated" where it runs past `end`."""
    if end - position < 8:
        raise DataError("truncated", "the file ends inside a data element", fix="copy or download it again")
    order = syntax.order
    group, number, length = struct.unpack_from(f"{order}HHI", data, position)
    tag, vr, start = group << 16 | number, b"", position + 8
    if syntax.explicit and group != 0xFFFE:
        written = data[position + 4 : position + 6]
        # two bytes that are no letters: some writers fall back to implicit within one element
        if written.isalpha() and written.isupper():
            vr = written
            if vr in _LONG_VRS:
                if end - position < 12:
                    raise DataError("truncated", "the file ends inside a data element", fix="copy it again")
                length, start = struct.unpack_from(f"{order}I", data, position + 8)[0], position + 12
            else:
                length = struct.unpack_from(f"{order}H", data, position + 6)[0]
    if length != UNDEFINED and tag not in (ITEM_END, SEQUENCE_END) and start + length > end:
        raise DataError(
            "truncated",
            f"an element says that it holds {length} bytes; the file has {end - start} left",
            fix="copy or download it again",
        )
    return Element(tag, vr.decode("ascii"), start, length)


def _inner(element: Element, syntax: Syntax) -> Syntax:
    """How the items of `element` are written: those of an unknown representation are implicit (PS3.5, 6.2.2)."""
    return Syntax(False, True) if element.vr == "UN" else syntax


def _after(data: bytes, element: Element, end: int, syntax: Syntax, depth: int) -> int:
    """Where the element after `element` begins. Steps through undefined lengths with a stack, not by recursion."""
    if element.length != UNDEFINED:
        return element.start + element.length
    # (inside an item?, how it is written) from the outside in
    stack = [(False, _inner(element, syntax))]
    position = element.start
    while stack:
        if depth + len(stack) > 2 * MAX_DEPTH:
            raise _too_deep()
        in_item, how = stack[-1]
        inner = _element_at(data, position, end, how)
        position = inner.start
        if inner.tag == (ITEM_END if in_item else SEQUENCE_END):
            stack.pop()
        elif inner.length != UNDEFINED:
            position += inner.length
        elif in_item:
            stack.append((False, _inner(inner, how)))
        elif inner.tag == ITEM:
            stack.append((True, how))
        else:
            raise DataError("decode", "a sequence holds something that is no item")
    return position


def _too_deep() -> DataError:
    return DataError("too_deep", f"sequences nested more than {MAX_DEPTH} deep", accepted="honest files stay under 10")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
