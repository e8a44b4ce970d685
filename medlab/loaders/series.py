"""A CT or MR series: the files of a folder, or the frames of one enhanced file, as Scans in the order of the body.

Order comes from positions in the patient, never from file names or instance numbers. Localizers are left out; slices
that do not belong together are refused, because a stack of two series looks like a body and is none. It reads headers
first and decodes only the slices that are wanted.
"""

import dataclasses
import hashlib
import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from medlab.core.errors import DataError, SpecError, shown
from medlab.core.record import check_whole
from medlab.core.scan import Scan
from medlab.loaders.decoded import Account, ReadOptions
from medlab.loaders.dicom.container import open_container
from medlab.loaders.dicom.frame_header import frame_headers
from medlab.loaders.dicom.layout import read_layout
from medlab.loaders.dicom.notes import note
from medlab.loaders.files import read_source
from medlab.loaders.scan import asked_options, scan_of_bytes
from medlab.loaders.sniff import sniff

MEDGEMMA_SLICES = 85
"""the greatest number that MedGemma 1.5 was trained on; load_series(..., limit=MEDGEMMA_SLICES)"""
SAME_MM = 0.01
"""positions closer than this are one position"""
SAME_DIRECTION = 1e-3
"""orientations whose cosines differ by less are one orientation"""
UNEVEN = 0.05
"""share by which a distance between slices may differ from the usual one"""


@dataclasses.dataclass(frozen=True)
class _Slice:
    path: pathlib.Path
    frame: int | None
    series: str
    """only compared, never shown"""
    position: tuple[float, ...]
    """of the first pixel in the patient, mm; () where not stated"""
    orientation: tuple[float, ...]
    """six direction cosines: along a row, down a column; () where not stated"""
    localizer: bool
    shape: tuple[int, int]


def load_series(
    source: str | os.PathLike | Iterable[str | os.PathLike],
    *,
    window: int | str | tuple[float, float] | None = None,
    three_windows: bool = False,
    full_range: bool = False,
    limit: int | None = None,
    untrusted: bool = False,
    progress: bool = True,
    options: ReadOptions | None = None,
) -> tuple[Scan, ...]:
    """The slices of one series, from the first along the normal of the slices (for axial CT: from the feet up).

    source      a folder (files that are no DICOM are passed over), one enhanced file, or paths (all must be DICOM)
    window, three_windows, full_range, untrusted, options   as for `load_scan`; every slice is shown alike
    limit       at most so many slices, evenly spaced, the first and the last among them; None for all
    progress    True shows a bar while decoding

    What was found about the series as a whole is among the notes of its first Scan. With `full_range`, or where the
    files have no window and none is given, each slice has its own black and white.

    Raises DataError: "mixed_series", "missing_file" for a folder without slices, "schema" for a slice without a
    position, and whatever a single file may raise; SpecError for a wrong `limit`.
    """
    if limit is not None:
        check_whole("limit", limit, 1)
    asked = asked_options(options, window=window, three_windows=three_windows, full_range=full_range)
    paths, strict = _paths(source)
    slices = [found for path in paths for found in _headers(path, asked, strict)]
    account = Account()
    slices = _without_localizers(slices, account)
    _check_one_series(slices)
    slices = _sorted(slices, account)
    slices = _spread(slices, limit, account)
    scans = list(_decoded(_counted(slices, progress), asked, untrusted))
    scans[0] = scans[0].replace(notes=(*account.notes, *scans[0].notes))
    return tuple(scans)


def _paths(source: Any) -> tuple[list[pathlib.Path], bool]:
    """(files, whether each of them must be DICOM)."""
    if isinstance(source, (bytes, bytearray)):
        raise SpecError("a series cannot be made from bytes", accepted="a folder, a path or several paths")
    if not isinstance(source, (str, os.PathLike)):
        if not isinstance(source, Iterable) or hasattr(source, "shape"):
            raise SpecError(
                f"a series cannot be made from a {shown(type(source).__name__)}",
                accepted="a folder, a path or several paths",
                fix="load_scan(array) for one picture" if hasattr(source, "shape") else "",
            )
        return [pathlib.Path(path).expanduser() for path in source], True
    path = pathlib.Path(source).expanduser()
    if not path.is_dir():
        return [path], True
    return sorted(child for child in path.iterdir() if child.is_file() and not child.name.startswith(".")), False


def _headers(path: pathlib.Path, options: ReadOptions, strict: bool) -> list[_Slice]:
    """The slices of a file: one, or one a frame; none where it is no DICOM picture and nobody listed it."""
    data, name = read_source(path, options)
    try:
        kind = sniff(data, name)
        if kind != "dicom":
            raise DataError("not_dicom", f"{shown(name)} is {kind}", accepted="DICOM slices")
        elements = open_container(data, options, Account()).elements
        if "PixelData" not in elements:
            raise DataError("no_pixels", f"{shown(name)} holds no pixel data", accepted="DICOM slices")
        layout = read_layout(elements, options, Account())
    except DataError as error:
        if not strict and error.code in ("not_dicom", "not_image", "no_pixels"):
            return []
        raise
    series = next(iter(elements.texts("SeriesInstanceUID")), "")
    localizer = "LOCALIZER" in [text.upper() for text in elements.texts("ImageType")]
    found = []
    for frame, header in enumerate(frame_headers(elements, count=layout.frames)):
        place = header.holder("PlanePositionSequence", "ImagePositionPatient").numbers("ImagePositionPatient")
        turn = header.holder("PlaneOrientationSequence", "ImageOrientationPatient").numbers("ImageOrientationPatient")
        found.append(
            _Slice(
                path=path,
                frame=frame if layout.frames > 1 else None,
                series=series,
                position=place if len(place) == 3 and np.all(np.isfinite(place)) else (),
                orientation=turn if len(turn) == 6 and np.all(np.isfinite(turn)) else (),
                localizer=localizer,
                shape=(layout.rows, layout.cols),
            )
        )
    return found


def _without_localizers(slices: list[_Slice], account: Account) -> list[_Slice]:
    kept = [found for found in slices if not found.localizer]
    if not kept:
        raise DataError(
            "missing_file",
            f"{len(slices)} localizer(s) and no slice" if slices else "no DICOM slice was found",
            accepted="the folder of one CT or MR series",
            fix="a study's folder holds one folder a series: give one of those",
        )
    if len(kept) < len(slices):
        note(account, "localizer_dropped", f"{len(slices) - len(kept)}")
    return kept


def _check_one_series(slices: list[_Slice]) -> None:
    """Raises DataError "mixed_series" where series, orientation or size differ; "schema" without a position."""
    first = slices[0]
    if len(slices) > 1 and not all(found.position and found.orientation for found in slices):
        raise DataError(
            "schema",
            "a slice does not say where in the patient it lies",
            accepted="Image Position and Image Orientation (Patient) in every slice",
            fix="load_scan(path) for single pictures",
        )
    uids = {found.series for found in slices}
    if len(uids) > 1:
        raise _mixed(f"slices of {len(uids)} series", slices)
    if any(found.shape != first.shape for found in slices):
        raise _mixed("slices of different size", slices)
    turned = [found for found in slices if not np.allclose(found.orientation, first.orientation, atol=SAME_DIRECTION)]
    if turned:
        raise _mixed(f"{len(turned)} of {len(slices)} slices are oriented unlike the first", slices)


def _mixed(what: str, slices: list[_Slice]) -> DataError:
    """Names one file of each kind by its own name, so that a person can part them."""
    last = next((found for found in slices if _kind(found) != _kind(slices[0])), slices[-1])
    return DataError(
        "mixed_series",
        f"{what}, such as {shown(slices[0].path.name)} and {shown(last.path.name)}",
        accepted="slices of one series, one orientation and one size",
        fix="load_series([path for path in paths if ...]) with the slices of one of them",
    )


def _kind(found: _Slice) -> tuple:
    return found.series, found.shape, tuple(round(value, 2) for value in found.orientation)


def _sorted(slices: list[_Slice], account: Account) -> list[_Slice]:
    """By the distance along the normal of the slices; doubts what is doubled or unevenly spaced."""
    if len(slices) < 2:
        return slices
    along_row, down_column = np.reshape(slices[0].orientation, (2, 3))
    normal = np.cross(along_row, down_column)
    depths = {id(found): float(np.dot(found.position, normal)) for found in slices}
    # the path decides between slices at one position, so that the order is always the same
    slices = sorted(slices, key=lambda found: (depths[id(found)], str(found.path), found.frame or 0))
    gaps = [depths[id(after)] - depths[id(before)] for before, after in itertools.pairwise(slices)]
    doubled = sum(gap < SAME_MM for gap in gaps)
    if doubled:
        note(account, "duplicate_position", f"{doubled} pair(s)")
    real = [gap for gap in gaps if gap >= SAME_MM]
    usual = float(np.median(real)) if real else 0.0
    if real and max(abs(gap - usual) for gap in real) > UNEVEN * usual:
        note(account, "uneven_spacing", f"{min(real):g} to {max(real):g} mm, usually {usual:g}")
    return slices


def _spread(slices: list[_Slice], limit: int | None, account: Account) -> list[_Slice]:
    """At most `limit`, evenly spaced, both ends kept; the middle one where the limit is 1."""
    if limit is None or len(slices) <= limit:
        return slices
    note(account, "slices_chosen", f"{limit} of {len(slices)}")
    if limit == 1:
        return [slices[len(slices) // 2]]
    return [slices[index] for index in np.round(np.linspace(0, len(slices) - 1, limit)).astype(int)]


def _decoded(slices: Iterable[_Slice], options: ReadOptions, untrusted: bool) -> Iterator[Scan]:
    """Each slice as a Scan; a file of many frames is read and hashed once."""
    for path, frames in itertools.groupby(slices, key=lambda found: found.path):
        data, name = read_source(path, options)
        sha256 = hashlib.sha256(data).hexdigest()
        for found in frames:
            chosen = options.replace(frame=found.frame)
            yield scan_of_bytes(data, chosen, name, sha256=sha256, untrusted=untrusted)


def _counted(slices: list[_Slice], progress: bool) -> Iterable[_Slice]:
    if not progress or len(slices) < 20:
        return slices
    from tqdm.auto import tqdm

    return tqdm(slices, desc="slices", leave=False)
