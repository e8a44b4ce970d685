"""Figures of layers, heads and readers: each number in its cell, hostile words as text, pages that stay small."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from medlab.core.errors import SpecError
from medlab.core.layers import HeadAblation, LayerFlow, Readers
from medlab.plots import show
from medlab.plots.overlay import AGAINST, FOR

KINDS = ("sliding", "full", "sliding")
FLOW = LayerFlow(*np.array([[0.5, 2.0, 0.1], [0.5, 3.0, 3.1], [3.1, 2.5, 0.1]]), KINDS, 3.1, ("Yes",))
HEADS = HeadAblation(
    np.array([[0.5, -4.0], [0.01, 8.0]]), (3, 5), ("sliding", "full"), 6.0, ("Yes", "No"), contrast=True
)
READERS = Readers(np.array([[0.0, 1.2, -0.004, 0.3]]), ("", "effusion", "\n", " <b>"), ("full",), 1.0, ("yes",))


def written(plate):
    return [text.get_text() for text in plate.figure.axes[0].texts]


def ticks(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def told(plate):
    return " ".join(text.get_text() for text in plate.figure.texts)


def test_a_flow_is_three_curves_over_the_layers_of_which_the_full_ones_are_shaded():
    plate = show(FLOW)
    (axes,) = plate.figure.axes
    for values in (FLOW.alone, FLOW.from_bottom, FLOW.from_top):
        assert any(np.array_equal(line.get_ydata(), values) for line in axes.lines)
    (shade,) = axes.patches
    assert shade.get_x() + shade.get_width() / 2 == 1
    assert "this layer alone" in told(plate)


def test_a_wider_window_is_said_in_the_key():
    assert "3 layers about this" in told(show(LayerFlow(*np.zeros((3, 1)), ("full",), 1.0, ("yes",), window=3)))


def test_a_table_names_its_layers_and_heads_and_writes_its_numbers():
    plate = show(HEADS)
    (axes,) = plate.figure.axes
    assert ticks(axes.xaxis) == ["head 0", "head 1"]
    assert ticks(axes.yaxis) == ["3  window", "5  full"]
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "0.5", (1, 0): "-4.0", (1, 1): "8.0"
    }  # fmt: skip
    assert "Yes against No" in told(plate)


def test_colour_says_whether_score_is_lost_or_gained_and_0_has_none():
    (picture,) = show(HEADS).figure.axes[0].images
    cells = picture.get_array()
    assert tuple(cells[1, 1, :3]) == tuple(bytes.fromhex(FOR[1:]))
    assert tuple(cells[0, 1, :3]) == tuple(bytes.fromhex(AGAINST[1:]))
    assert cells[1, 1, 3] > cells[0, 1, 3] > cells[0, 0, 3]
    (picture,) = show(READERS).figure.axes[0].images
    assert picture.get_array()[0, 0, 3] == 0


def test_words_of_the_prompt_are_text_and_blanks_are_spelt():
    (axes,) = show(READERS).figure.axes
    assert ticks(axes.xaxis) == ["·", "effusion", "\\n", "<b>"]
    assert written(show(READERS)) == ["1.20", "0.30"]


@pytest.mark.parametrize("tokens", [("$x^2$",), ("<script>alert(1)</script>",), ("\u202e积液",)])
def test_hostile_words_are_drawn_as_they_stand(tokens):
    plate = show(Readers(np.ones((1, 1)), tokens, ("full",), 1.0, tokens))
    assert plate.png().startswith(b"\x89PNG")
    assert "\u202e" not in told(plate) + plate.description


def test_a_page_of_the_largest_model_stays_a_page():
    chance = np.random.default_rng(0)
    kinds = ("sliding",) * 62
    for made in (
        HeadAblation(chance.normal(size=(62, 32)), tuple(range(62)), kinds, 1.0, ("yes",)),
        Readers(chance.normal(size=(62, 80)), ("word",) * 80, kinds, 1.0, ("yes",)),
        LayerFlow(*chance.normal(size=(3, 62)), kinds, 1.0, ("yes",)),
    ):
        width, height = show(made).figure.get_size_inches()
        assert max(width, height) < 16


def test_chinese_figures_say_so_in_chinese():
    assert "损失" in told(show(HEADS, language="zh", theme="light"))
    assert ticks(show(HEADS, language="zh").figure.axes[0].yaxis)[1] == "5  全局"


def test_the_description_tells_the_strongest():
    assert "most for head 1 of layer 5, 8.00 nats" in show(HEADS).description
    assert show(HEADS, alt="mine").description == "mine"


@pytest.mark.parametrize(("option", "value"), [("theme", "sepia"), ("language", "fr")])
def test_an_unknown_look_or_language_is_refused(option, value):
    with pytest.raises(SpecError, match=value):
        show(FLOW, **{option: value})


def test_a_figure_without_a_film_stands_in_a_page_as_a_small_drawing():
    plate = show(HEADS)
    (picture,) = re.findall(r'src="data:image/png;base64,([^"]+)"', plate.html)
    with Image.open(io.BytesIO(base64.b64decode(picture))) as page, Image.open(io.BytesIO(plate.png())) as whole:
        assert page.size == whole.size
        apart = np.abs(np.asarray(page.convert("RGB"), int) - np.asarray(whole.convert("RGB"), int))
    assert apart.mean() < 1
    assert len(picture) < len(plate.png()) / 2
