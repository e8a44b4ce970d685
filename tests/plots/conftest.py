"""Small scans and cases that the tests of figures share; every number can be worked out by hand."""

import numpy as np
import pytest

from medlab.core.case import Box, Case, Finding, Mask, Report
from medlab.core.scan import Note, Scan


@pytest.fixture
def scan() -> Scan:
    """100 rows by 80 columns of mid grey, frontal, half a millimetre a pixel: 5 cm by 4 cm."""
    return Scan(
        np.full((100, 80), 0.5, np.float32),
        name="film.dcm",
        sha256="ab" * 32,
        modality="CR",
        view="PA",
        window=(40.0, 400.0),
        spacing_mm=(0.5, 0.5),
        bits=12,
        steps=("read 12-bit values", "window 40/400"),
        notes=(
            Note("correction", "inverted", "turned so that bright is dense"),
            Note("doubt", "text", "may hold text"),
        ),
    )


@pytest.fixture
def case(scan: Scan) -> Case:
    """The scan with an effusion (20 x 20 pixels, 5 % of the picture), a heart, a box and two reports."""
    effusion, heart = np.zeros((2, 100, 80), bool)
    effusion[70:90, 50:70] = True
    heart[40:60, 30:60] = True
    return Case(
        "case-7",
        (scan,),
        findings=(Finding("effusion", "present", "left", "lower", "small"), Finding("nodule", "absent")),
        reports=(
            Report("en", findings="Small left effusion.", impression="Effusion."),
            Report("zh", findings="左侧少量胸腔积液。", impression="胸腔积液。"),
        ),
        masks=(Mask("effusion", effusion, "left"), Mask("heart", heart)),
        boxes=(Box("effusion", (70.0, 50.0, 90.0, 70.0), "left"),),
    )
