"""Style: markers, distractors and the bait for shortcut learning are drawn where and as often as the style says."""

import numpy as np
import pytest

from medlab.core.errors import SpecError
from medlab.phantom import Phantom, PhantomStyle, present


def mask(case, label):
    return next((m.pixels for m in case.masks if m.label == label), None)


def test_the_marker_lies_on_the_side_that_it_names_unless_the_style_says_wrong():
    for seed in range(6):
        columns = {}
        for marker in ("correct", "wrong"):
            case = Phantom(64, PhantomStyle(marker=marker, pose=0)).draw(seed, [])
            columns[marker] = np.nonzero(mask(case, "marker"))[1].mean()
        assert (columns["correct"] < 32) != (columns["wrong"] < 32)


def test_no_marker_is_drawn_where_the_style_says_none():
    assert mask(Phantom(64, PhantomStyle(marker="none")).draw(0, []), "marker") is None


def test_the_bait_follows_the_finding_with_the_chances_given():
    style = PhantomStyle(spurious="effusion", spurious_if_present=1.0, spurious_if_absent=0.0)
    phantom = Phantom(64, style)
    for seed in range(5):
        with_finding = phantom.draw(seed, [present("effusion", "left", severity="large")])
        token = mask(with_finding, "spurious")
        assert token is not None
        assert mask(phantom.draw(seed, []), "spurious") is None
        # The token lies in a corner, away from the finding that it betrays.
        assert not (token & mask(with_finding, "effusion")).any()
        assert np.nonzero(token)[0].max() < 10


def test_without_the_option_there_is_no_bait():
    case = Phantom(64).draw(0, [present("effusion", "left", severity="large")])
    assert mask(case, "spurious") is None


def test_distractors_are_no_findings_but_have_their_mask():
    case = Phantom(64, PhantomStyle(distractors=1.0)).draw(0, [])
    assert mask(case, "distractor").any()
    assert all(finding.state == "absent" for finding in case.findings)
    assert mask(Phantom(64, PhantomStyle(distractors=0.0)).draw(0, []), "distractor") is None


def test_more_noise_gives_a_grainier_film():
    def grain(noise):
        pixels = Phantom(128, PhantomStyle(noise=noise)).draw(0, []).scans[0].pixels
        return np.abs(np.diff(pixels[100:, 40:90], axis=1)).mean()

    assert grain(4.0) > 2 * grain(0.0)


def test_large_patients_have_more_soft_tissue_at_their_sides_than_thin_ones():
    bodies = {}
    for habitus in ("thin", "large"):
        style = PhantomStyle(habitus=(habitus,), pose=0, collimation=0, marker="none", distractors=0)
        pixels = Phantom(96, style).draw(3, []).scans[0].pixels
        bodies[habitus] = (pixels > 0.1).sum()
    assert bodies["large"] > bodies["thin"]


@pytest.mark.parametrize(
    "options",
    [
        {"normal_fraction": 1.2},
        {"marker": "both"},
        {"habitus": ()},
        {"habitus": ("round",)},
        {"spurious": "fracture"},
        {"prevalence": (("nodule", 2.0),)},
        {"prevalence": (("fracture", 0.1),)},
        {"noise": -1.0},
    ],
)
def test_a_style_that_cannot_be_drawn_is_refused(options):
    with pytest.raises(SpecError, match=next(iter(options))):
        PhantomStyle(**options)


def test_a_style_survives_json():
    style = PhantomStyle(spurious="nodule", habitus=("thin",))
    assert PhantomStyle.from_json(style.to_json()) == style
