"""The outside of a DICOM file (PS3.10, section 7): preamble, file meta information, transfer syntax, deflation.

It finds where the data set begins and how it is written, and hands on its elements. It does not know pixels.
"""

import dataclasses
import struct
import zlib

from medlab.core.errors import DataError
from medlab.loaders.decoded import Account, ReadOptions
from medlab.loaders.dicom.elements import UNDEFINED, Elements, Syntax
from medlab.loaders.dicom.layout import read_layout
from medlab.loaders.dicom.notes import note

IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN = (f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".1.99", ".2"))
HEADER_BYTES = 16 << 20
"""how much is inflated before the header must have said how large the pixels are"""
TRAILING_BYTES = 1 << 20
"""what may follow the pixels"""
_CHARSETS = frozenset((6, 13, 58, 87, 100, 101, 109, 110, 126, 127, 138, 144, 148, 149, 159, 166, 192, 203))
"""n of ISO_IR n and ISO 2022 IR n (PS3.3, C.12.1.1.2)"""
_POLYGLOTS = (
    (b"MZ", "a Windows program"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x7fELF", "a Linux program"),
    (b"%PDF", "a PDF document"),
    (b"#!", "a script"),
    (b"<", "markup"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\xca\xfe\xba\xbe", "a macOS program or Java class"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
)
"""TIFF is not among them: PS3.10, 7.1 allows it there, and many scanners write it"""


@dataclasses.dataclass
class Container:
    data: bytes
    """the file, or what it inflates to; the elements point into it"""
    elements: Elements
    syntax_uid: str
    """of the transfer syntax"""


def open_container(data: bytes, options: ReadOptions, account: Account) -> Container:
    """Elements of the data set of a file. Raises DataError "not_dicom", "truncated", "too_deep", "too_large"."""
    if data[128:132] != b"DICM":
        raise DataError(
            "not_dicom",
            "the letters DICM are not at byte 128",
            accepted="a DICOM Part 10 file",
            fix='if it is a bare data set: medlab.load_scan(b"\\0" * 128 + b"DICM" + data)',
        )
    _look_at_preamble(data, account)
    uid, start = _file_meta(data)
    if uid == DEFLATED:
        data, start = _inflated(data, start, options), 0
    syntax = _syntax(data, start, uid, account)
    elements = Elements(data, start, len(data), syntax)
    if not uid:
        uid = BIG_ENDIAN if not syntax.little else EXPLICIT if syntax.explicit else IMPLICIT
    _look_at_charset(elements, account)
    return Container(data, elements, uid)


def _look_at_preamble(data: bytes, account: Account) -> None:
    looks = next((what for signature, what in _POLYGLOTS if data.startswith(signature)), None)
    if looks:
        note(account, "polyglot_preamble", looks)


def _look_at_charset(elements: Elements, account: Account) -> None:
    for text in elements.texts("SpecificCharacterSet"):
        number = text.upper().removeprefix("ISO_IR ").removeprefix("ISO 2022 IR ")
        known = number.isdecimal() and int(number) in _CHARSETS
        if text and not known and text.upper() not in ("GB18030", "GBK"):
            note(account, "charset")
            return


def _file_meta(data: bytes) -> tuple[str, int]:
    """(transfer syntax UID or "", where the data set begins). Group 0002 is always explicit little endian."""
    position, uid = 132, ""
    while position + 8 <= len(data) and data[position : position + 2] == b"\2\0":
        long = data[position + 4 : position + 6] in (b"OB", b"UN", b"UT", b"OW", b"SQ")
        if position + (12 if long else 8) > len(data):
            break
        where, letter = (position + 8, "<I") if long else (position + 6, "<H")
        length = struct.unpack_from(letter, data, where)[0]
        start = where + struct.calcsize(letter)
        if length == UNDEFINED or start + length > len(data):
            raise DataError("truncated", "the file ends inside its meta information", fix="copy or download it again")
        if data[position + 2 : position + 4] == b"\x10\0":
            uid = data[start : start + length].decode("latin-1").strip(" \0")
        position = start + length
    return uid, position


def _syntax(data: bytes, start: int, uid: str, account: Account) -> Syntax:
    """How the data set is written: as the transfer syntax says, unless its first element shows otherwise."""
    stated = Syntax(explicit=uid != IMPLICIT, little=uid != BIG_ENDIAN)
    head = data[start : start + 8]
    if len(head) < 8:
        return stated
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    # a data set begins with a low group (0008 in nearly all): the byte that is zero tells the order
    little = stated.little if head[0] == head[1] else head[0] > head[1]
    seen = Syntax(explicit, little or not explicit)  # implicit big endian does not exist
    if not uid:
        note(account, "transfer_syntax_missing")
        return seen
    if seen != stated:
        note(account, "transfer_syntax_wrong")
        return seen
    return stated


def _inflated(data: bytes, start: int, options: ReadOptions) -> bytes:
    """The data set of a deflated file (PS3.5, A.5): its header first, then no more than that accounts for.

    A megabyte can inflate to a gigabyte, so what a file may unpack to is decided by its own rows and columns.
    """
    stream = zlib.decompressobj(-15)
    try:
        head = stream.decompress(data[start:], HEADER_BYTES)
        rest = b"" if stream.eof else stream.decompress(stream.unconsumed_tail, _still_due(head, options))
    except zlib.error as error:
        raise DataError("decode", "the deflated data set does not inflate") from error
    if not stream.eof and stream.unconsumed_tail:
        raise _bomb()
    return head + rest if rest else head


def _still_due(head: bytes, options: ReadOptions) -> int:
    """How many bytes beyond `head`, the beginning of a data set, its pixels may take up."""
    try:
        elements = Elements(head, 0, 1 << 62, Syntax(True, True))
    except struct.error as error:  # the pixels do not begin within HEADER_BYTES
        raise _bomb() from error
    layout = read_layout(elements, options, Account())
    pixels = elements.element("PixelData")
    due = (pixels.start if pixels else 0) + layout.frames * layout.frame_bytes + TRAILING_BYTES - len(head)
    if due <= 0 or due + len(head) > options.max_bytes:
        raise _bomb()
    return due


def _bomb() -> DataError:
    return DataError("too_large", "the deflated data set inflates to more than its header accounts for")
