"""Look-up tables as DICOM writes them: a descriptor of three numbers and the data, plain or in segments.

PS3.3, C.11.1.1 (modality), C.11.2.1.1 (VOI), C.7.6.3.1.5 (palettes), C.7.9.2 (segmented palettes).
"""

from typing import NamedTuple

import numpy as np

from medlab.loaders.decoded import Account
from medlab.loaders.dicom.elements import Elements
from medlab.loaders.dicom.notes import note

MAX_ENTRIES = 65536


class Table(NamedTuple):
    first: int
    """input that the first entry belongs to; lower ones get it too, higher ones than the last get the last"""
    entries: np.ndarray
    """(n,) int64, 0 to 65535"""
    bits: int
    """of an entry"""

    @property
    def peak(self) -> int:
        """White: the greatest number of `bits` bits, or the greatest entry where a file exceeds that."""
        return max((1 << self.bits) - 1, int(self.entries.max()))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        places = np.clip(np.round(values) - self.first, 0, len(self.entries) - 1)
        return self.entries[places.astype(np.int64)].astype(np.float64)


def read_table(
    elements: Elements,
    account: Account,
    *,
    descriptor: str = "LUTDescriptor",
    data: str = "LUTData",
    segments: str = "",
    signed_input: bool = False,
) -> Table | None:
    """A table by the names of its elements; None where it is missing or makes no sense."""
    numbers = elements.numbers(descriptor)
    raw = elements.bytes(data)
    segmented = raw is None and bool(segments)
    if segmented:
        raw = elements.bytes(segments)
    if len(numbers) != 3 or raw is None:
        return None
    # the count of 65536 is written 0; a descriptor of signed numbers turns counts above 32767 negative
    count, first, bits = int(numbers[0]) & 0xFFFF or MAX_ENTRIES, int(numbers[1]), int(numbers[2])
    if not 1 <= bits <= 16:
        return None
    if signed_input and first > 32767:
        first -= 65536
    wide = len(raw) >= 2 * count or bits > 8 or len(raw) < count
    if segmented:
        entries = _expanded(np.frombuffer(raw, f"{elements.syntax.order}u2" if bits > 8 else np.uint8), count)
    else:
        entries = np.frombuffer(raw[: len(raw) // 2 * 2], f"{elements.syntax.order}u2") if wide else None
        entries = np.frombuffer(raw, np.uint8) if entries is None else entries
    if entries is None or len(entries) == 0:
        return None
    # one byte may make an odd length even
    if len(entries) < count or len(entries) > count + (not wide):
        note(account, "lut_length", f"{len(entries)} entries, {count} stated")
    return Table(first, entries[:count].astype(np.int64), bits)


def _expanded(words: np.ndarray, count: int) -> np.ndarray | None:
    """Segments to entries: 0 discrete, 1 linear, 2 a repeat of earlier segments. None where they make no sense."""
    entries: list[int] = []
    plan = _segments(words)
    if plan is None:
        return None
    for kind, values in plan:
        if kind == 0:
            entries.extend(values.tolist())
        elif not entries:
            return None
        else:
            length, end = int(values[0]), int(values[1])
            entries.extend(np.round(np.linspace(entries[-1], end, length + 1)[1:]).astype(int).tolist())
        if len(entries) > count:
            return None
    return np.array(entries, np.int64)


def _segments(words: np.ndarray) -> list[tuple[int, np.ndarray]] | None:
    """Discrete and linear segments in order, repeats replaced by what they repeat."""
    found: list[tuple[int, np.ndarray]] = []
    places: dict[int, int] = {}
    bits = 8 * words.itemsize
    place_words = 32 // bits  # where a repeat begins is a number of 32 bits
    position = 0
    while position + 2 < len(words):
        kind, length = int(words[position]), int(words[position + 1])
        places[position] = len(found)
        if kind == 0:
            found.append((0, words[position + 2 : position + 2 + length]))
            position += 2 + length
        elif kind == 1:
            found.append((1, np.array([length, words[position + 2]], np.int64)))
            position += 3
        elif kind == 2 and position + 2 + place_words <= len(words):
            place = words[position + 2 : position + 2 + place_words]
            start = places.get(sum(int(word) << bits * number for number, word in enumerate(place)))
            if start is None or len(found) > MAX_ENTRIES:
                return None
            found.extend(found[start : start + length])
            position += 2 + place_words
        else:
            return None
    return found
