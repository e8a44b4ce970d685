"""Boxes as models write them: in any wrapping and with any fault, none crashes and none is placed by a guess."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlab.core.case import Box
from medlab.core.geometry import SquareFit
from medlab.models.conventions.box_text import MAX_LABEL, read_boxes

WIDE = (SquareFit(500, 1000, 896, "pad"),)
"""a scan of 500 x 1000: the square of 1000 has 250 rows of padding above and below it"""
CLAVICLE = Box("right clavicle", (50.0, 110.0, 150.0, 470.0), "right", 0)
WRITTEN = '{"box_2d": [300, 110, 400, 470], "label": "right clavicle"}'


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n[{WRITTEN}]\n```",
        f"[{WRITTEN}]",
        WRITTEN,
        f"The clavicle is a long bone {{see below}}.\nFinal Answer: [{WRITTEN}]",
        f'```json [{{"box_2d": [1, 2, 3, 4], "label": "draft"}}]```\nFinal Answer: [{WRITTEN}].',
        f'Final Answer: [{{"box_2d": [1, 2, 3, 4], "label": "draft"}}]\nfinal answer:\n```json\n[{WRITTEN}]\n```',
        f"```json\n[{WRITTEN}]\n```\nFinal Answer: the right clavicle",
        f"[{WRITTEN}, {WRITTEN}]",
        f'{{"objects": [{WRITTEN}]}}',
        "[{'box_2d': [300, 110, 400, 470], 'label': 'right clavicle'}]",
        '[{"box_2d": [300, 110, 400, 470,], "label": "right clavicle",},]',
        '[{"label": "right clavicle", "box_2d": [300, 110, 400, 470]}]',
        '[{"label": "right clavicle", "box_2d": [300.0, 1.1e2, 400, 470], "score": {"box_2d": 1}}]',
    ],
)
def test_a_box_is_read_in_any_wrapping_into_pixels_of_the_scan(text):
    assert read_boxes(text, WIDE) == ((CLAVICLE,), ())


@pytest.mark.parametrize(
    "text", ["", "The lungs are clear.", "[]", "```json\n[]\n```", "Final Answer: []", '[{"bbox": [1]}]']
)
def test_no_box_is_no_fault(text):
    assert read_boxes(text, WIDE) == ((), ())


def test_a_stretched_scan_is_read_back_as_it_was_stretched():
    boxes, warnings = read_boxes(f"[{WRITTEN}]", (SquareFit(500, 1000, 896, "stretch"),))
    assert boxes[0].box_px == (150.0, 110.0, 200.0, 470.0)
    assert warnings == ()


def test_whole_boxes_are_kept_where_the_reply_broke_off():
    boxes, warnings = read_boxes(f'```json\n[{WRITTEN}, {{"box_2d": [300, 110, 4', WIDE)
    assert boxes == (CLAVICLE,)
    assert warnings == ("1 box(es) could not be read: not the JSON that was asked for, or broken off",)


@pytest.mark.parametrize(
    ("written", "corners", "told"),
    [
        ("[400, 470, 300, 110]", CLAVICLE.box_px, "corners in the wrong order"),
        ("[300, -20, 400, 470]", (50.0, 0.0, 150.0, 470.0), "goes beyond 0 to 1000: cut"),
        ("[300, 110, 400, 99999]", (50.0, 110.0, 150.0, 1000.0), "goes beyond 0 to 1000: cut"),
        ("[300, 110, 300, 470]", None, "has no area"),
        ("[0, 110, 240, 470]", None, "lies in the padding"),
        ("[0.3, 0.11, 0.4, 0.47]", None, "in shares of the image"),
        ("[0, 0, 1, 1]", None, "in shares of the image"),
        ("[300, 110, 400]", None, "not four numbers"),
        ('["300", "110", "400", "470"]', None, "not four numbers"),
        ("[true, false, true, true]", None, "not four numbers"),
        ("[NaN, 110, 400, 470]", None, "not four numbers"),
        ("[300, 110, Infinity, 470]", None, "not four numbers"),
        ("[300, 110, 1e400, 470]", None, "not four numbers"),
        ("null", None, "not four numbers"),
        ("[[300, 110, 400, 470]]", None, "not four numbers"),
    ],
)
def test_faulty_corners_are_mended_or_left_out_and_told(written, corners, told):
    boxes, warnings = read_boxes(f'[{{"box_2d": {written}, "label": "right clavicle"}}]', WIDE)
    assert [box.box_px for box in boxes] == ([] if corners is None else [corners])
    assert len(warnings) == 1
    assert told in warnings[0]


@pytest.mark.parametrize(
    ("label", "side"),
    [
        ("right pleural effusion", "right"),
        ("Left-sided nodule", "left"),
        ("左侧胸腔积液", "left"),
        ("右肺", "right"),
        ("bilateral effusions", "both"),
        ("双侧肺野", "both"),
        ("left and right lung", "both"),
        ("heart", None),
        ("bright spot", None),
        ("copyright", None),
    ],
)
def test_the_side_is_read_from_the_label(label, side):
    text = json.dumps([{"box_2d": [300, 110, 400, 470], "label": label}])
    assert read_boxes(text, WIDE)[0][0].side == side


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        ("<b>\x1b[31mheart\u202e\n</b>", "<b> [31mheart </b>"),
        ("a {b} c", "a {b} c"),
        ("x" * 5000, "x" * MAX_LABEL),
        ("  ", "unlabelled"),
        (None, "unlabelled"),
        (["heart"], "unlabelled"),
    ],
)
def test_a_hostile_label_becomes_a_short_printable_line(label, kept):
    boxes, _ = read_boxes(json.dumps([{"box_2d": [300, 110, 400, 470], "label": label}]), WIDE)
    assert boxes[0].label == kept


def test_a_brace_in_a_label_before_the_box_does_not_hide_it():
    boxes, warnings = read_boxes('[{"label": "a {b", "box_2d": [300, 110, 400, 470]}]', WIDE)
    assert boxes[0].label == "a {b"
    assert warnings == ()


def test_with_several_scans_the_label_must_say_which():
    fits = (SquareFit(100, 100, 896, "pad"), SquareFit(1000, 1000, 896, "pad"))
    named = '{"box_2d": [100, 100, 200, 200], "label": "nodule in image %d"}'
    boxes, warnings = read_boxes(f"[{named % 1}, {named % 2}, {named % 3}, {WRITTEN}]", fits)
    assert [(box.scan, box.box_px) for box in boxes] == [
        (0, (10.0, 10.0, 20.0, 20.0)),
        (1, (100.0, 100.0, 200.0, 200.0)),
    ]
    assert len(warnings) == 2
    assert all("does not say on which of 2 scans" in warning for warning in warnings)


def test_a_box_where_no_scan_was_shown_is_left_out():
    boxes, warnings = read_boxes(WRITTEN, ())
    assert boxes == ()
    assert "showed no scan" in warnings[0]


def test_a_flood_of_boxes_and_text_is_cut():
    many = ", ".join(f'{{"box_2d": [300, {left}, 400, 470], "label": "x"}}' for left in range(300))
    boxes, warnings = read_boxes(f"[{many}]", WIDE)
    assert (len(boxes), len(warnings)) == (200, 1)
    boxes, warnings = read_boxes("{" * 300_000 + WRITTEN, WIDE)
    assert boxes == ()
    assert "first 100000 of" in warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "{'a" + "'box_2d'" * 10_000,
        '{"a":["box_2d",' * 6_000,
        '{"box_2d":[{},{},{},' * 4_000,
        '{"a":[' * 5_000 + '"box_2d"' * 5_000,
    ],
)
def test_hostile_text_is_given_up_after_so_many_boxes_that_cannot_be_read(text, monkeypatch):
    from medlab.models.conventions import box_text

    decoded, read = [], box_text._decoded
    monkeypatch.setattr(box_text, "_decoded", lambda text, brace: decoded.append(brace) or read(text, brace))
    boxes, warnings = read_boxes(text, WIDE)
    assert boxes == ()
    assert "no more were searched for" in warnings[0]
    assert len(decoded) == len(set(decoded)) <= 3 * 200, "each brace is read once"


FRAGMENTS = [
    "{",
    "}",
    "[",
    "]",
    '"box_2d"',
    "'box_2d'",
    ":",
    ",",
    '"label"',
    '"x"',
    "1",
    "-5e9",
    "NaN",
    "Final Answer",
    "\x00",
    "```json",
]


@given(st.lists(st.sampled_from([*FRAGMENTS, WRITTEN]), max_size=30).map("".join))
def test_no_text_makes_it_raise(text):
    boxes, warnings = read_boxes(text, WIDE)
    for box in boxes:
        top, left, bottom, right = box.box_px
        assert 0 <= top < bottom <= 500
        assert 0 <= left < right <= 1000
    assert all(isinstance(warning, str) for warning in warnings)
