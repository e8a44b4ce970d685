"""ZeroShot: probabilities worked out by hand, and the two readings of SigLIP side by side."""

import numpy as np
import pytest

from medlab.core.errors import CapabilityError, SpecError, UnknownName
from medlab.models.embedding.captions import CaptionPair
from medlab.models.embedding.zero_shot import ZeroShot

FLUID = CaptionPair("fluid", "fluid", "no fluid")
AIR = CaptionPair("air", "air", "no air")


def shot(logits, *, sigmoid: bool = True) -> ZeroShot:
    return ZeroShot((FLUID, AIR), np.array(logits, np.float32), sigmoid, "m")


def test_a_probability_is_the_softmax_of_the_two_logits():
    made = shot([[[0, 0], [np.log(3), 0]], [[-9, -9 + np.log(4)], [1000, -1000]]])
    assert made.probabilities == pytest.approx(np.array([[0.5, 0.75], [0.2, 1.0]]), abs=1e-6)
    assert made.of("air") == pytest.approx([0.75, 1.0])
    assert made.probabilities.dtype == np.float32


def test_the_sigmoid_reading_may_be_near_0_for_both_captions():
    made = shot([[[-8, -9], [0, np.log(3)]]])
    assert made.sigmoids[0, 0].max() < 0.001
    assert made.probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-6)
    assert made.sigmoids[0, 1] == pytest.approx([0.5, 0.75])


def test_a_model_without_a_sigmoid_says_so():
    with pytest.raises(CapabilityError, match="not trained with a sigmoid"):
        _ = shot([[[0, 0], [0, 0]]], sigmoid=False).sigmoids


def test_logits_of_another_shape_and_unknown_findings_are_refused():
    with pytest.raises(SpecError, match=r"accepted: \(n, 2, 2\)"):
        shot([[[0, 0]]])
    with pytest.raises(UnknownName, match="did you mean 'fluid'"):
        shot([[[0, 0], [0, 0]]]).of("fluids")


def test_it_is_a_record_and_tells_itself_in_one_line():
    made = shot([[[0, 0], [np.log(3), 0]]])
    assert ZeroShot.from_json(made.to_json()) == made
    assert repr(made) == "ZeroShot(1 scan(s), mean fluid 0.500, air 0.750; m)"


def test_a_model_reads_the_packaged_captions_unless_given_others(models, scans):
    for family, model in models.items():
        packaged = model.zero_shot(scans)
        assert packaged.probabilities.shape == (5, 9)
        assert packaged.sigmoid == (family != "clip")
        given = model.zero_shot(scans, {"effusion": ("large pleural effusion", "no pleural effusion")})
        assert given.of("effusion") == pytest.approx(packaged.of("effusion"), abs=1e-5)
        rows, texts = model.embed_scans(scans), model.embed_texts(["large pleural effusion", "no pleural effusion"])
        expected = model.logits(rows, texts)
        assert given.logits[:, 0] == pytest.approx(expected, abs=1e-4)


def test_swapping_the_captions_turns_the_probability_round(siglip, scans):
    there = siglip.zero_shot(scans, [("fluid", "no fluid")]).probabilities
    back = siglip.zero_shot(scans, [("no fluid", "fluid")]).probabilities
    assert there + back == pytest.approx(np.ones((5, 1)), abs=1e-5)
