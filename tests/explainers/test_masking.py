"""Mask a part and ask again: what is painted where, and how each token moves."""

import numpy as np
import pytest

from medlab.core.errors import SpecError
from medlab.core.query import Decoding
from medlab.core.scan import Scan
from medlab.explainers.masking import ask_again, masked

RAMP = Scan(np.tile(np.arange(100, dtype=np.float32) / 100, (100, 1)), "ramp")


def test_the_box_is_painted_with_the_mean_of_the_frame_around_it():
    # columns 40 to 60 of a ramp: the frame is even on both sides, so its mean is that of columns 36 to 64
    painted = masked(RAMP, (30, 40, 70, 60)).pixels
    np.testing.assert_allclose(painted[30:70, 40:60], 0.495, atol=1e-6)
    painted = painted.copy()
    painted[30:70, 40:60] = RAMP.pixels[30:70, 40:60]
    np.testing.assert_array_equal(painted, RAMP.pixels)


@pytest.mark.parametrize(("fill", "expected"), [("mean", 0.495), ("black", 0.0)])
def test_other_fills(fill, expected):
    assert masked(RAMP, (0, 90, 10, 100), fill).pixels[5, 95] == pytest.approx(expected)


def test_the_whole_scan_is_painted_with_its_own_mean():
    np.testing.assert_allclose(masked(RAMP, (0, 0, 100, 100)).pixels, 0.495, atol=1e-6)


def test_a_colour_scan_is_painted_with_a_colour():
    pixels = np.zeros((20, 20, 3), np.float32)
    pixels[..., 1] = 0.5
    np.testing.assert_allclose(masked(Scan(pixels), (5, 5, 9, 9)).pixels[6, 6], [0, 0.5, 0], atol=1e-6)


def test_the_account_of_the_scan_says_what_was_painted():
    assert "painted over rows 30 to 70, columns 40 to 60 (border)" in masked(RAMP, (30, 40, 70, 60)).steps


@pytest.mark.parametrize("box", [(50, 50, 50, 60), (200, 0, 300, 10), (0, 0, 10), (0, 0, float("nan"), 10)])
def test_a_box_that_holds_no_pixel_is_refused(box):
    with pytest.raises(SpecError, match="box_px"):
        masked(RAMP, box)


def test_each_token_moves_by_what_the_model_says_of_the_masked_scan(model, scans):
    brief = Decoding(max_new_tokens=12)
    answer = model.ask(scans[0], "Describe this chest X-ray.", decoding=brief)
    again = ask_again(model, answer, (10, 10, 80, 60))
    other = masked(scans[0], (10, 10, 80, 60))
    ids = [token.id for token in answer.tokens]
    for scan, found in ((scans[0], again.before_nats), (other, again.after_nats)):
        inputs = model.inputs(model.query(scan, "Describe this chest X-ray."), ids)
        logits = model.module(**inputs).logits[0].float().log_softmax(-1)
        first = inputs["input_ids"].shape[1] - len(ids)
        plain = [float(logits[first + at - 1, token].detach()) for at, token in enumerate(ids)]
        np.testing.assert_allclose(found, plain, atol=1e-4)
    assert again.answer.text == model.ask(other, "Describe this chest X-ray.", decoding=brief).text
    np.testing.assert_allclose(again.moved_nats, np.subtract(again.after_nats, again.before_nats))
