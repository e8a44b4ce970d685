"""Phantom: the worker that draws a case from a seed. It keeps nothing between draws."""

import hashlib
from collections.abc import Iterable

import numpy as np

from medlab.core.case import Box, Case, Finding, Mask
from medlab.core.record import check_choice, check_whole
from medlab.core.scan import Scan
from medlab.phantom.anatomy import CM, SIGN, build_patient, draw_pose
from medlab.phantom.artefacts import collimate, lay_on, paint_distractors, side_marker, spurious_token
from medlab.phantom.exposure import WHITE, expose
from medlab.phantom.findings.painters import paint_findings
from medlab.phantom.questions import ask_everything
from medlab.phantom.raster import Canvas
from medlab.phantom.reports import PHRASES, write_report
from medlab.phantom.sampling import choose_findings
from medlab.phantom.scene import Scene, build_scene
from medlab.phantom.style import PhantomStyle
from medlab.phantom.visits import plan_visits, with_comparison
from medlab.phantom.vocabulary import check_findings, with_absent

VIEWS = ("PA", "AP")
LANGUAGES = tuple(PHRASES)


class Phantom:
    """Draws synthetic frontal chest radiographs with exact truth.

    >>> case = Phantom(size=64).draw(7)
    >>> case.scans[0].pixels.shape
    (64, 64)
    """

    def __init__(self, size: int = 512, style: PhantomStyle | None = None):
        check_whole("size", size, 64, 1024)
        self.size, self.style = size, style or PhantomStyle()

    def choose(self, seed: int) -> tuple[Finding, ...]:
        """The findings that `draw(seed)` would show; labels only, no picture."""
        return choose_findings(seed, self.style)

    def draw(self, seed: int, findings: Iterable[Finding] | None = None, view: str = "PA") -> Case:
        """One case: scan, findings, masks, boxes, reports and questions.

        findings  None lets the style's chances decide; () draws a normal chest. `vocabulary.present` makes them.
        view      "PA" or "AP"

        The same seed gives the same bytes, and the same patient at every size. Raises SpecError or UnknownName for
        findings that are unknown, incomplete or cannot be seen together.
        """
        check_whole("seed", seed)
        wanted = self.choose(seed) if findings is None else check_findings(findings)
        return self._draw(seed, wanted, view=view, visit=0, case_id=f"phantom-{seed}")

    def visits(self, seed: int, view: str = "PA") -> tuple[Case, Case]:
        """The same patient twice, with findings that came, went, grew, shrank or stayed.

        The second case's reports compare it with the first; its "progress" questions ask what changed.
        """
        check_whole("seed", seed)
        before, after = plan_visits(seed, self.style)
        first = self._draw(seed, before, view=view, visit=0, case_id=f"phantom-{seed}-visit-1")
        second = self._draw(seed, after, view=view, visit=1, case_id=f"phantom-{seed}-visit-2")
        return first, with_comparison(second, before, after, seed)

    def _draw(self, seed: int, findings: tuple[Finding, ...], *, view: str, visit: int, case_id: str) -> Case:
        check_choice("view", view, VIEWS)
        canvas = Canvas(self.size, draw_pose(seed, self.style, visit))
        patient = build_patient(seed, self.style, view, findings, visit)
        scene = build_scene(canvas, patient)
        drawn = paint_findings(scene, findings, seed)
        masks = [Mask(finding.name, drawn[finding], side=finding.side) for finding in findings]
        masks += _organs(scene)
        distractor = paint_distractors(scene, self.style, visit)
        if distractor is not None:
            masks.append(Mask("distractor", distractor))
        film = expose(canvas, patient, scene.attenuation(), self.style, visit)
        for overlay in (
            side_marker(canvas, patient, self.style),
            spurious_token(canvas, patient, self.style, findings, visit),
        ):
            if overlay is not None:
                film = lay_on(film, overlay)
                masks.append(Mask(overlay.label, overlay.mask))
        film = collimate(canvas, patient, self.style, film, visit)
        boxes = tuple(
            Box(mask.label, mask.box_px, side=mask.side) for mask in masks[: len(findings)] if mask.box_px is not None
        )
        return Case(
            id=case_id,
            scans=(_scan(film, case_id, view, canvas),),
            patient_id=f"phantom-patient-{seed}",
            findings=with_absent(findings),
            reports=tuple(write_report(findings, language, seed, view, visit) for language in LANGUAGES),
            boxes=boxes,
            masks=tuple(masks),
            questions=tuple(
                question
                for language in LANGUAGES
                for question in ask_everything(findings, boxes, self.size, language, seed)
            ),
            source="phantom",
            licence="Apache-2.0",
        )


def _organs(scene: Scene) -> list[Mask]:
    lungs = [Mask("lung", scene.lung[side] > 0.5, side=side) for side in SIGN]
    heart, mediastinum = scene.heart > 0.5, scene.mediastinum > 0.5
    # Below the heart the strip is crura and spine.
    mediastinum[np.flatnonzero(heart.any(1))[-1] + 1 :] = False
    return [*lungs, Mask("heart", heart), Mask("mediastinum", mediastinum)]


def _scan(film: np.ndarray, name: str, view: str, canvas: Canvas) -> Scan:
    millimetres = 20 * CM / canvas.size
    return Scan(
        film.astype(np.float32) / np.float32(WHITE),
        name=name,
        sha256=hashlib.sha256(film.astype("<u2").tobytes()).hexdigest(),
        modality="DX",
        view=view,
        laterality="both",
        spacing_mm=(millimetres, millimetres),
        bits=12,
        steps=("drawn by medlab.phantom: synthetic, no patient",),
    )
