"""Questions about several scans: their order, how they are picked, and that what does not fit is said before."""

import numpy as np
import pytest

from medlab.core.errors import CapabilityError, DataError, SpecError
from medlab.core.query import Decoding, Message, Part, Prompt
from medlab.core.scan import Scan
from medlab.models.base import Capabilities
from medlab.models.stacks import comparison_query, drawn, patches_query, slices_query, spread, tissue_patches
from tests.models.parrot import Parrot, film

SLICES = tuple(film(number / 100) for number in range(100))
STAINED, GLASS = (0.8, 0.5, 0.7), (0.95, 0.95, 0.95)


def said(*parts: str | int) -> tuple[Message, ...]:
    return (Message("user", tuple(Part(text=p) if isinstance(p, str) else Part(scan=p) for p in parts)),)


def slide(rows: list[str], side: int = 4, **facts) -> Scan:
    """A slide of square fields: "x" stained all over, "h" in half its rows, "." glass."""
    pixels = np.empty((len(rows) * side, len(rows[0]) * side, 3), np.float32)
    for row, line in enumerate(rows):
        for col, kind in enumerate(line):
            field = pixels[row * side : (row + 1) * side, col * side : (col + 1) * side]
            field[:] = GLASS
            field[: {"x": side, "h": side // 2, ".": 0}[kind]] = STAINED
    return Scan(pixels, **facts)


def places(patches: tuple[Scan, ...]) -> list[str]:
    return [patch.steps[-1] for patch in patches]


@pytest.mark.parametrize("order", ["image_first", "text_first"])
def test_prior_and_current_stand_before_the_question_whatever_the_models_order(order):
    query = comparison_query(Parrot(order=order), film(0.1), film(0.2), "What {changed}?")
    assert query.messages == said(0, 1, "What {changed}?")
    assert query.scans == (film(0.1), film(0.2))


def test_a_prompt_for_a_comparison_is_filled():
    prompt = Prompt("compare", "Has the {finding} grown?", images=2)
    query = comparison_query(Parrot(), film(0.1), film(0.2), prompt, finding="effusion")
    assert query.messages == said(0, 1, "Has the effusion grown?")


def test_a_comparison_needs_two_pictures_of_one_patient():
    with pytest.raises(SpecError, match="the same scan"):
        comparison_query(Parrot(), film(0.1), film(0.1), "Changed?")
    with pytest.raises(DataError, match="of two patients"):
        comparison_query(Parrot(), film(0.1, patient="a"), film(0.2, patient="b"), "Changed?")
    assert comparison_query(Parrot(), film(0.1, patient="a"), film(0.2), "Changed?")


def test_each_slice_is_counted_and_the_question_comes_last():
    query = slices_query(Parrot(), SLICES[:3], "Is the liver normal?", decoding=Decoding(max_new_tokens=9))
    assert query.messages == said(0, "SLICE 1", 1, "SLICE 2", 2, "SLICE 3", "Is the liver normal?")
    assert query.decoding.max_new_tokens == 9


def test_of_many_slices_85_are_spread_evenly_with_both_ends():
    query = slices_query(Parrot(), SLICES, "?")
    assert len(query.scans) == 85
    assert (query.scans[0], query.scans[-1]) == (SLICES[0], SLICES[-1])
    assert spread(range(10), 4) == (0, 3, 6, 9)
    assert spread(range(10), 1) == (5,)
    assert spread(range(3), 85) == (0, 1, 2)


def test_patches_follow_the_question_and_the_drawn_ones_keep_their_order():
    query = patches_query(Parrot(), SLICES, "What tissue?", limit=3, seed=1)
    assert query.messages == said("What tissue?", 0, 1, 2)
    assert query.scans == patches_query(Parrot(), SLICES, "What tissue?", limit=3, seed=1).scans
    assert query.scans != patches_query(Parrot(), SLICES, "What tissue?", limit=3, seed=2).scans
    assert list(drawn(range(100), 10, 0)) == sorted(set(drawn(range(100), 10, 0)))
    assert drawn(range(3), 125, 0) == (0, 1, 2)


def test_slices_that_the_context_does_not_hold_are_told_with_the_number_that_fits():
    # a slice takes 10 tokens and " | SLICE 1" 10 more, from the tenth on 11; the question 7
    model = Parrot(context=250)
    with pytest.raises(CapabilityError, match="85 scans and the text take") as caught:
        slices_query(model, SLICES, "Normal?", decoding=Decoding(max_new_tokens=20))
    assert caught.value.fix == "limit=10, or a model with a longer context"
    assert slices_query(model, SLICES, "Normal?", limit=10, decoding=Decoding(max_new_tokens=20))


def test_a_context_that_holds_not_even_one_slice_names_no_number():
    with pytest.raises(CapabilityError) as caught:
        slices_query(Parrot(context=21), SLICES[:2], "Normal?", decoding=Decoding(max_new_tokens=20))
    assert caught.value.fix == "a model with a longer context"


def test_more_scans_than_the_model_takes_are_told():
    model = Parrot()
    model.capabilities = Capabilities(images=4)
    with pytest.raises(CapabilityError, match="85 scans for parrot") as caught:
        slices_query(model, SLICES, "?")
    assert caught.value.fix == "limit=4"


def test_a_model_that_counts_no_tokens_is_not_held_to_them(monkeypatch):
    monkeypatch.setattr(Parrot, "prompt_tokens", lambda self, query: None)
    assert slices_query(Parrot(context=10), SLICES, "?")


def test_nothing_to_show_is_told():
    with pytest.raises(SpecError, match="no scan was given"):
        slices_query(Parrot(), (), "?")


def test_patches_are_cut_row_by_row_where_there_is_tissue():
    patches = tissue_patches(slide(["x.h", ".x."], sha256="ab" * 32), side=4)
    assert places(patches) == [
        "patch of 4 pixels from row 0, column 0",
        "patch of 4 pixels from row 0, column 8",
        "patch of 4 pixels from row 4, column 4",
    ]
    assert {patch.pixels.shape for patch in patches} == {(4, 4, 3)}
    assert patches[0].sha256 == "ab" * 32
    assert patches[0].notes[-1].code == "magnification_unknown"
    np.testing.assert_array_equal(patches[2].pixels, np.broadcast_to(np.float32(STAINED), (4, 4, 3)))


def test_how_much_of_a_patch_must_be_stained_can_be_said():
    assert len(tissue_patches(slide(["xh."]), side=4, tissue=0.5)) == 2
    assert len(tissue_patches(slide(["xh."]), side=4, tissue=0.51)) == 1
    with pytest.raises(SpecError, match="no patch of the slide is stained over 25%"):
        tissue_patches(slide(["..."]), side=4)


def test_what_is_left_at_the_edges_is_no_patch():
    assert len(tissue_patches(slide(["xx", "xx"]), side=5)) == 1


def test_of_many_patches_so_many_are_drawn_by_the_seed():
    whole = slide(["x" * 20] * 10)
    chosen = tissue_patches(whole, side=4, limit=125, seed=3)
    assert len(chosen) == len(set(places(chosen))) == 125
    assert places(chosen) == places(tissue_patches(whole, side=4, limit=125, seed=3))
    assert places(chosen) != places(tissue_patches(whole, side=4, limit=125, seed=4))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (film(), "the slide is grey"),
        (slide(["x"], side=3), "the slide is 3x3"),
        (slide(["x"], spacing_mm=(0.00025, 0.00025)), r"0\.25 micrometres wide, which is about 40x"),
        (slide(["x"], spacing_mm=(0.001, 0.002)), r"2 micrometres wide, which is about 5x"),
    ],
)
def test_a_slide_that_gives_no_patches_at_10x_is_refused(given, told):
    with pytest.raises(SpecError, match=told):
        tissue_patches(given, side=4)


def test_a_slide_at_10x_gives_patches_without_a_doubt():
    patches = tissue_patches(slide(["x"], spacing_mm=(0.001, 0.001)), side=4)
    assert patches[0].notes == ()
    assert patches[0].spacing_mm == (0.001, 0.001)
