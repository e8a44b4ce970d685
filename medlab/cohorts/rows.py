"""A row of a cohort to a Case and back. This is where a cohort's pictures and masks are opened, and nowhere else."""

import io
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from medlab.cohorts.entries import row_of_entry
from medlab.cohorts.masks import decode_mask, png_of_mask
from medlab.cohorts.paths import inner_path, under
from medlab.core.case import Box, Case, Finding, Mask, Question, Report
from medlab.core.errors import DataError, PrivacyError, shown
from medlab.core.provenance import sha256_of
from medlab.core.scan import Scan

if TYPE_CHECKING:
    from medlab.loaders.decoded import ReadOptions


def case_of(
    row: Mapping[str, Any],
    *,
    root: str | pathlib.Path | None = None,
    load: bool = True,
    options: "ReadOptions | None" = None,
) -> Case:
    """The Case that a row of a cohort describes.

    root     the folder that paths start from, where it has moved since the cohort was loaded
    load     False opens no file: no scans, and only masks that the row itself holds
    options  how pictures are read, for all of them
    Raises DataError: missing_file; mismatch where a file is not the one that the row describes; mask; as load_scan.
    """
    if "images" not in row or "id" not in row:
        raise DataError(
            "schema", f"a row with {', '.join(map(shown, row))}", accepted="a row of a cohort", fix="cohort[0]"
        )
    folder = root if root is not None else row.get("root")
    folder = pathlib.Path(folder) if folder is not None else None
    where = shown(row["id"])
    images = row["images"] or []
    masks = row["masks"] or []
    scans = tuple(_scan(image, folder, where, options) for image in images) if load else ()
    if load:
        _check_sizes(row, images, scans, where)
    held = masks if load else [mask for mask in masks if mask["data"] is not None]
    return Case(
        id=row["id"],
        scans=scans,
        patient_id=row["patient_id"],
        findings=tuple(Finding(**finding) for finding in row["findings"] or []),
        reports=tuple(Report(**report) for report in row["reports"] or []),
        boxes=tuple(_box(box) for box in row["boxes"] or []),
        masks=tuple(_mask(mask, scans, folder, where) for mask in held),
        questions=tuple(
            Question(**{**question, "options": tuple(question["options"] or ())})
            for question in row["questions"] or []
        ),
        language=row["language"],
        source=row["source"],
        licence=row["licence"],
        split=row["split"],
        split_source=row["split_source"],
    )


def row_of(case: Case) -> dict[str, Any]:
    """The row that describes `case` and carries its pictures as 8-bit PNG: what a model's processor is given."""
    images = [
        {
            "path": f"{case.id}_{i}.png",
            "modality": None if scan.modality == "unknown" else scan.modality,
            "view": scan.view,
            "laterality": scan.laterality,
            "rows": scan.rows,
            "cols": scan.cols,
        }
        for i, scan in enumerate(case.scans)
    ]
    for image in images:
        image["path"] = image["path"].replace("/", "_").replace("\\", "_")
    entry = {
        **{name: getattr(case, name) for name in ("id", "patient_id", "language", "source", "licence")},
        "split": case.split,
        "split_source": case.split_source,
        "images": images,
        "findings": [finding.to_dict() for finding in case.findings],
        "reports": [report.to_dict() for report in case.reports],
        "boxes": [box.to_dict() for box in case.boxes],
        "questions": [question.to_dict() for question in case.questions],
        "masks": [
            {
                "label": mask.label,
                "side": mask.side,
                "scan": mask.scan,
                "rater": mask.rater,
                "data": png_of_mask(mask.pixels),
                "rows": mask.pixels.shape[0],
                "cols": mask.pixels.shape[1],
            }
            for mask in case.masks
        ],
    }
    row = row_of_entry(entry, f"case {shown(case.id)}", source=case.source)
    for image, scan in zip(row["images"], case.scans, strict=True):
        image["bytes"] = _png(scan)
        image["sha256"] = sha256_of(image["bytes"])
    return row


def carried(row: Mapping[str, Any], root: str | pathlib.Path | None = None) -> dict[str, Any]:
    """The row with the bytes of its pictures and masks in it, and no root.

    Raises PrivacyError for a DICOM file: its header travels with its bytes.
    """
    folder = root if root is not None else row["root"]
    folder = pathlib.Path(folder) if folder is not None else None
    where = shown(row["id"])
    images, masks = [dict(image) for image in row["images"]], [dict(mask) for mask in row["masks"]]
    for image in images:
        if image["bytes"] is None:
            image["bytes"] = file_of(image["path"], folder, where).read_bytes()
        if image["bytes"][128:132] == b"DICM":
            raise PrivacyError(
                f"{where}: {shown(image['path'])} is a DICOM file, whose header may name the patient",
                accepted="pictures without such a header",
                fix="cohort_of(case_of(row) for row in cohort) carries what is shown, as PNG of 8 bits",
            )
        image["sha256"] = image["sha256"] or sha256_of(image["bytes"])
    for mask in masks:
        if mask["data"] is None:
            mask["data"] = file_of(mask["path"], folder, where).read_bytes()
    return {**row, "images": images, "masks": masks, "root": None}


def file_of(path: str, folder: pathlib.Path | None, where: str) -> pathlib.Path:
    """The file that a row names. Raises DataError missing_file, unsafe_path."""
    if folder is None:
        raise DataError(
            "missing_file",
            f"{where}: {shown(path)} has no folder to start from",
            accepted="a cohort loaded with its pictures",
            fix='medlab.load_cohort(..., root="folder") or medlab.case_of(row, root="folder")',
        )
    target = under(folder, path, where)
    if not target.is_file():
        there = "is not in" if folder.is_dir() else "cannot be found: there is no folder"
        raise DataError(
            "missing_file",
            f"{where}: {shown(path)} {there} {shown(folder.name)}",
            accepted="the folder that holds the pictures",
            fix='medlab.case_of(row, root="folder") where it is now, or load the cohort again from there',
        )
    return target


def _scan(image: Mapping[str, Any], folder: pathlib.Path | None, where: str, options: "ReadOptions | None") -> Scan:
    from medlab.loaders.decoded import ReadOptions
    from medlab.loaders.scan import load_scan

    path = image["path"]
    name = inner_path(path, where).rpartition("/")[2] if path else "picture"
    options = options or ReadOptions()
    if image["frame"] is not None:
        options = options.replace(frame=image["frame"])
    if image["bytes"] is not None:
        scan = load_scan(image["bytes"], options=options).replace(name=name)
    elif path is not None:
        scan = load_scan(file_of(path, folder, where), options=options)
    else:
        raise DataError("missing_file", f"{where}: an image with neither bytes nor path")
    if image["sha256"] and image["sha256"].lower() != scan.sha256:
        raise DataError(
            "mismatch",
            f"{where}: {shown(name)} is not the file that the cohort was made from (its sha256 differs)",
            fix="load the cohort again, or bring the right file back",
        )
    said = {key: image[key] for key in ("modality", "view", "laterality") if image[key] is not None}
    news = {key: value for key, value in said.items() if value != "unknown" and getattr(scan, key) == "unknown"}
    return scan.replace(**news) if news else scan


def _check_sizes(row: Mapping[str, Any], images: list, scans: tuple[Scan, ...], where: str) -> None:
    """Boxes and masks are in pixels of a picture of known size: refuse them on a picture of another size."""
    for i, (image, scan) in enumerate(zip(images, scans, strict=True)):
        marked = any(thing["scan"] == i for thing in (*(row["boxes"] or []), *(row["masks"] or [])))
        size = (image["rows"], image["cols"])
        if marked and None not in size and size != (scan.rows, scan.cols):
            told = f"boxes and masks are in pixels of {size[0]} x {size[1]}, the picture is {scan.rows} x {scan.cols}"
            raise DataError(
                "mismatch",
                f"{where}: {told}",
                accepted="the picture in its published size",
            )


def _box(box: Mapping[str, Any]) -> Box:
    edges = tuple(float(box[name]) for name in ("top", "left", "bottom", "right"))
    return Box(box["label"], edges, side=box["side"], scan=box["scan"], rater=box["rater"])


def _mask(mask: Mapping[str, Any], scans: tuple[Scan, ...], folder: pathlib.Path | None, where: str) -> Mask:
    data = mask["data"] if mask["data"] is not None else file_of(mask["path"], folder, where).read_bytes()
    pixels = decode_mask(mask["format"], data, mask["rows"], mask["cols"])
    if scans and pixels.shape != (scans[mask["scan"]].rows, scans[mask["scan"]].cols):
        scan = scans[mask["scan"]]
        raise DataError(
            "mask", f"{where}: mask {shown(mask['label'])} is {pixels.shape}", accepted=f"{(scan.rows, scan.cols)}"
        )
    return Mask(mask["label"], pixels, side=mask["side"], scan=mask["scan"], rater=mask["rater"])


def _png(scan: Scan) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(scan.to_uint8())).save(stream, "PNG", compress_level=6)
    return stream.getvalue()
