"""Which function paints which finding, and in which order."""

import numpy as np

from medlab.core.case import Finding
from medlab.phantom.chance import stream
from medlab.phantom.findings.atelectasis import paint_atelectasis
from medlab.phantom.findings.devices import paint_central_line, paint_endotracheal_tube, paint_pacemaker
from medlab.phantom.findings.opacities import paint_consolidation, paint_nodule
from medlab.phantom.findings.pleura import paint_effusion, paint_pneumothorax
from medlab.phantom.scene import Scene


def paint_cardiomegaly(scene: Scene, finding: Finding, rng: np.random.Generator) -> np.ndarray:
    """The patient was built with a large heart already; the mask is the heart."""
    return scene.heart > 0.5


PAINTERS = {
    "cardiomegaly": paint_cardiomegaly,
    "pneumothorax": paint_pneumothorax,
    "atelectasis": paint_atelectasis,
    "consolidation": paint_consolidation,
    "nodule": paint_nodule,
    "effusion": paint_effusion,
    "pacemaker": paint_pacemaker,
    "central_line": paint_central_line,
    "endotracheal_tube": paint_endotracheal_tube,
}
"""in the order of painting: fluid covers what lies in the lung, devices cover everything"""


def paint_findings(scene: Scene, findings: tuple[Finding, ...], seed: int) -> dict[Finding, np.ndarray]:
    """Paint every finding into the scene; the mask (size, size) bool of each.

    The stream of a finding depends on its name and side alone, so its shape stays when others come or go.
    """
    masks = {}
    for name, paint in PAINTERS.items():
        for finding in findings:
            if finding.name == name:
                masks[finding] = paint(scene, finding, stream(seed, "finding", name, finding.side))
    return masks
