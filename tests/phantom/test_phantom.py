"""The worker: same seed, same bytes; one patient at every size; findings as ordered; errors that say what to do."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from medlab.core.errors import MedlabError, SpecError, UnknownName
from medlab.phantom import Phantom, PhantomStyle, present
from medlab.phantom.checker import measured_severity
from medlab.phantom.exposure import WHITE

PLAIN = PhantomStyle(distractors=0, collimation=0, marker="none", pose=0)
KNOWN_BYTES = {
    (1, 64): "bef0580795b1bcc3ca9c19f1ea3fe0617126682c7848f554b1407b0165ba48d9",
    (2, 224): "14a5ec2cd3cd6c679d8ea561065cdf3d9dc6d7c18dcc8a49cbb431beff97994e",
    (3, 300): "f717d6d28fb8c6c407d79703f6fa4dde85f92b8635335efab7cf7a23fa1c3559",
}
"""(seed, size): sha256 of the film as little-endian 16-bit numbers. Drawn with numpy 2.4, scipy 1.17 and Pillow 13 on
x86-64; another version of these may round a curve or fill an edge differently, which shows here first."""


def organ(case, label, side=None):
    return next(mask.pixels for mask in case.masks if (mask.label, mask.side) == (label, side))


def film_bytes(case):
    return np.rint(case.scans[0].pixels * np.float32(WHITE)).astype("<u2").tobytes()


@pytest.mark.parametrize(("seed", "size"), KNOWN_BYTES)
def test_the_same_seed_gives_the_bytes_that_were_committed(seed, size):
    film = film_bytes(Phantom(size).draw(seed))
    assert hashlib.sha256(film).hexdigest() == KNOWN_BYTES[seed, size]


def test_the_bytes_do_not_depend_on_the_vector_units_of_the_machine():
    script = (
        "import hashlib, numpy as np; from medlab.phantom import Phantom;"
        "c = Phantom(96).draw(11);"
        "print(hashlib.sha256(c.scans[0].pixels.tobytes()).hexdigest())"
    )
    plain = {**os.environ, "NPY_DISABLE_CPU_FEATURES": "AVX512_SKX AVX512_SPR X86_V4 X86_V3 AVX2 FMA3"}
    runs = [
        subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=env, capture_output=True, text=True)
        for env in (os.environ, plain)
    ]
    assert runs[0].returncode == 0, runs[0].stderr
    if runs[1].returncode:
        pytest.skip(f"numpy here does not let its vector units be turned off: {runs[1].stderr[-120:]}")
    assert runs[0].stdout == runs[1].stdout


def test_drawing_again_gives_an_equal_case_and_another_seed_another_patient():
    phantom = Phantom(64)
    assert phantom.draw(5) == phantom.draw(5)
    assert phantom.draw(5).scans[0] != phantom.draw(6).scans[0]


@pytest.mark.parametrize("size", [64, 200, 512])
def test_a_patient_is_the_same_at_every_size(size):
    """Shares of the film that each mask covers agree to within a pixel's width around its edge."""
    wanted = [present("effusion", "right", severity="large"), present("nodule", "left", "mid")]
    small, large = (Phantom(s, PLAIN).draw(9, wanted) for s in (128, size))
    for one, other in zip(small.masks, large.masks, strict=True):
        assert (one.label, one.side) == (other.label, other.side)
        assert one.pixels.mean() == pytest.approx(other.pixels.mean(), rel=0.12)
        assert np.allclose(np.array(one.box_px) / 128, np.array(other.box_px) / size, atol=1.6 / min(128, size))
    assert small.reports == large.reports
    assert small.scans[0].pixels.mean() == pytest.approx(large.scans[0].pixels.mean(), abs=0.02)


def test_findings_are_drawn_as_ordered_and_the_rest_are_absent():
    case = Phantom(64).draw(3, [present("pacemaker", "left"), present("effusion", "right", severity="small")])
    assert [(f.name, f.side) for f in case.findings if f.state == "present"] == [
        ("effusion", "right"),
        ("pacemaker", "left"),
    ]
    assert case.state_of("nodule") == "absent"
    assert {f.source for f in case.findings} == {"phantom"}
    assert [mask.label for mask in case.masks][:2] == ["effusion", "pacemaker"]


def test_no_findings_means_a_normal_chest():
    case = Phantom(64).draw(3, [])
    assert all(finding.state == "absent" for finding in case.findings)
    assert case.boxes == ()
    assert "normal" in case.report("en").text.lower() or "no " in case.report("en").text.lower()


def test_the_patients_right_is_at_the_left_of_the_picture():
    case = Phantom(64).draw(0, [])
    right, left = (np.nonzero(organ(case, "lung", side))[1].mean() for side in ("right", "left"))
    assert right < 32 < left
    heart = np.nonzero(organ(case, "heart"))[1]
    middle = (right + left) / 2
    assert middle - heart.min() < heart.max() - middle


@pytest.mark.parametrize("severity", [None, "mild", "moderate", "severe"])
def test_the_cardiothoracic_ratio_lies_in_the_range_of_its_severity(severity):
    ranges = {None: (0.39, 0.50), "mild": (0.51, 0.57), "moderate": (0.58, 0.655), "severe": (0.665, 0.745)}
    wanted = [] if severity is None else [present("cardiomegaly", severity=severity)]
    case = Phantom(128).draw(21, wanted)
    low, high = ranges[severity]
    assert low < measured_severity(case, present("cardiomegaly")) < high


@pytest.mark.parametrize(
    "finding",
    [
        present("effusion", "left", severity="moderate"),
        present("consolidation", "right", "mid"),
        present("nodule", "left", "upper"),
        present("pneumothorax", "right", severity="moderate"),
        present("atelectasis", "right", "upper"),
        present("pacemaker", "left"),
        present("central_line", "right"),
        present("endotracheal_tube"),
    ],
    ids=lambda finding: finding.name,
)
def test_a_mask_holds_the_change_that_its_finding_makes_to_the_film(finding):
    """Drawn with and without: what differs lies in the mask or close to its edge, and the mask differs."""
    phantom = Phantom(160, PLAIN.replace(noise=0.0))
    without, case = phantom.draw(31, []), phantom.draw(31, [finding])
    # A lobe without volume pulls the trachea over, which changes the film outside the mask as well.
    allowed = 1.0 if finding.name == "atelectasis" else 0.02
    change = np.abs(case.scans[0].pixels - without.scans[0].pixels)
    mask = case.masks[0].pixels
    near = np.zeros_like(mask)
    rows, cols = np.nonzero(mask)
    for down in range(-6, 7):
        for across in range(-6, 7):
            near[np.clip(rows + down, 0, 159), np.clip(cols + across, 0, 159)] = True
    assert change[mask].mean() > 6 * change[~near].mean()
    assert (change[~near] > 0.08).mean() <= allowed


def test_ap_films_have_larger_hearts_and_shoulder_blades_over_the_lungs():
    phantom = Phantom(128, PLAIN)
    films = {view: phantom.draw(4, [], view=view) for view in ("PA", "AP")}
    assert [films[view].scans[0].view for view in films] == ["PA", "AP"]
    ratio = {view: measured_severity(film, present("cardiomegaly")) for view, film in films.items()}
    assert ratio["AP"] >= ratio["PA"] - 0.01


def test_every_case_says_that_it_is_synthetic_and_free_to_use():
    case = Phantom(64).draw(1)
    assert (case.source, case.licence, case.patient_id) == ("phantom", "Apache-2.0", "phantom-patient-1")
    assert "synthetic" in case.scans[0].steps[0]
    assert case.scans[0].bits == 12


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        ([present("effusion", "left")], "severity of effusion"),
        ([present("atelectasis", "left", "mid")], "zone of atelectasis"),
        ([present("cardiomegaly", "left", severity="mild")], "no side"),
        ([present("nodule", "left", "mid"), present("consolidation", "left", "upper")], "each lung"),
        ([present("pneumothorax", "left", severity="small"), present("nodule", "left", "mid")], "alone on its side"),
        ([present("nodule", "left", "mid")] * 2, "once for each side"),
        ([present("nodule", "left", "upper"), present("pacemaker", "left")], "behind a pacemaker"),
        ([present("effusion", "left", severity="large"), present("nodule", "left", "lower")], "above the effusion"),
    ],
)
def test_findings_that_cannot_be_drawn_are_refused_with_the_reason(findings, words):
    with pytest.raises(MedlabError, match=words):
        Phantom(64).draw(0, findings)


def test_an_unknown_finding_suggests_the_nearest():
    with pytest.raises(UnknownName, match="pneumothorax"):
        Phantom(64).draw(0, [present("pneumotorax", "left", severity="small")])


@pytest.mark.parametrize("arguments", [{"size": 63}, {"size": 1025}, {"size": 64.5}])
def test_sizes_outside_64_to_1024_are_refused(arguments):
    with pytest.raises(SpecError, match="size"):
        Phantom(**arguments)


def test_views_and_seeds_that_do_not_exist_are_refused():
    with pytest.raises(SpecError, match="PA"):
        Phantom(64).draw(0, view="LATERAL")
    with pytest.raises(SpecError, match="seed"):
        Phantom(64).draw(-1)
