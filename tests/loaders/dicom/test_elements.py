"""The header walk against pydicom's on every sample file, and what it does where a header is odd."""

import math
import warnings

import pytest

from medlab.core.errors import DataError
from medlab.loaders.decoded import Account, ReadOptions
from medlab.loaders.dicom.container import open_container
from medlab.loaders.dicom.elements import MAX_DEPTH, Elements, Syntax
from medlab.loaders.dicom.tags import TAGS

EXPLICIT = Syntax(explicit=True, little=True)
NOT_COMPARED = {
    "rtplan_truncated.dcm": "ends early, which is refused",
    "MR_truncated.dcm": "ends early, which is refused",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "lacks its end marker, where pydicom gives up",
    "badVR.dcm": "holds the number 1A, which pydicom hands on as text",
}
NUMBERS = ("US", "SS", "DS", "IS")


def test_every_value_is_what_pydicom_reads(sample):
    """Numbers, codes and the numbers of items of all the elements that medlab looks at, one level deep."""
    import pydicom

    if sample.name in NOT_COMPARED:
        pytest.skip(f"{sample.name} {NOT_COMPARED[sample.name]}: see test_against_pydicom")
    container = open_container(sample.read_bytes(), ReadOptions(), Account())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(sample)
        _compare(container.elements, theirs)


def _compare(ours: Elements, theirs) -> None:
    for name, (tag, vr) in TAGS.items():
        if name in ("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            continue
        assert (name in ours) == (tag in theirs), name
        if tag not in theirs or theirs[tag].is_empty:
            continue
        value = theirs[tag].value
        if vr == "SQ":
            items = ours.items(name, count=1000)
            assert len(items) == len(value), name
            assert [item.end for item in ours.items(name, first=1, count=1000)] == [item.end for item in items[1:]]
            for our_item, their_item in zip(items[:2], value, strict=False):
                _compare(our_item, their_item)
        elif theirs[tag].VR in NUMBERS:
            values = [float(v) for v in (value if theirs[tag].VM > 1 else [value])]
            assert list(ours.numbers(name)) == pytest.approx(values), name
        elif vr in ("CS", "UI"):
            values = [str(v).strip() for v in (value if theirs[tag].VM > 1 else [value])]
            assert [text for text in ours.texts(name) if text] == [v for v in values if v], name


def element(tag: bytes, vr: bytes, value: bytes) -> bytes:
    return tag + vr + len(value).to_bytes(2, "little") + value


ROWS = element(b"\x28\0\x10\0", b"US", b"\x40\0")


def read(data: bytes) -> Elements:
    return Elements(data, 0, len(data), EXPLICIT)


def test_the_first_of_two_elements_counts():
    assert read(ROWS + element(b"\x28\0\x10\0", b"US", b"\x41\0")).whole("Rows") == 64


def test_a_number_may_be_written_in_another_representation():
    assert read(element(b"\x28\0\x10\0", b"IS", b"64")).whole("Rows") == 64
    assert read(element(b"\x28\0\x50\x10", b"FD", b"\0\0\0\0\0\0\xf0?")).numbers("WindowCenter") == (1.0,)


def test_text_that_is_no_number_reads_as_nan_and_a_missing_value_as_nothing():
    assert math.isnan(read(element(b"\x28\0\x50\x10", b"DS", b"wide")).numbers("WindowCenter")[0])
    assert read(element(b"\x28\0\x50\x10", b"DS", b"")).numbers("WindowCenter") == ()
    assert read(ROWS).numbers("WindowCenter") == ()
    assert read(element(b"\x28\0\x10\0", b"DS", b"1e9999")).whole("Rows") is None


def test_an_element_may_fall_back_to_implicit():
    """Two bytes that are no letters where the representation should be: a length of four bytes."""
    implicit = b"\x28\0\x11\0" + b"\x02\0\0\0" + b"\x20\0"
    assert read(ROWS + implicit).whole("Columns") == 32


def test_a_sequence_of_unknown_representation_is_implicit_inside():
    inside = b"\x28\0\x02\x30" + b"\x06\0\0\0" + b"\x02\0\0\0\x08\0"
    item = b"\xfe\xff\0\xe0" + len(inside).to_bytes(4, "little") + inside
    data = (
        b"\x28\0\x10\x30UN\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0" + ROWS.replace(b"\x28", b"\x29")
    )
    assert read(data).items("VOILUTSequence")[0].numbers("LUTDescriptor") == (2, 0, 8)


def test_items_nested_deeper_than_any_honest_file_are_refused_where_they_are_read():
    data = b""
    for _ in range(MAX_DEPTH + 2):
        item = b"\xfe\xff\0\xe0" + len(data).to_bytes(4, "little") + data
        data = b"\x28\0\x10\x30SQ\0\0" + len(item).to_bytes(4, "little") + item
    found = read(data)
    for _ in range(MAX_DEPTH):
        found = found.items("VOILUTSequence")[0]
    with pytest.raises(DataError) as caught:
        found.items("VOILUTSequence")
    assert caught.value.code == "too_deep"


def test_a_value_of_absurd_size_is_not_read():
    data = b"\x28\0\x10\0OW\0\0\0\0\x20\0" + bytes(0x200000)
    assert read(data).whole("Rows") is None


def test_what_is_not_on_the_list_is_not_kept():
    found = read(element(b"\x10\0\x10\0", b"PN", b"Name^Any") + ROWS)
    assert "Name" not in repr(found.__dict__["_found"])
    assert found.whole("Rows") == 64
