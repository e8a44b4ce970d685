"""NIfTI-1 and NIfTI-2 volumes: one slice of one, hung as a radiologist hangs it. nibabel reads the header.

A NIfTI file states sizes and (often) the patient's axes, but neither modality nor window: without a choice of the
person, black is the least value of the whole volume and white the greatest, and that is noted as a doubt.
Reference: https://nifti.nimh.nih.gov/nifti-1 (datatype, scl_slope, qform, sform, xyzt_units).
"""

import logging
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medlab.core.errors import DataError, shown
from medlab.loaders.decoded import Account, Decoded, ReadOptions
from medlab.loaders.flatten import grey_if_equal, on_black
from medlab.loaders.sniff import GZIP, unzipped_head
from medlab.loaders.tone import show_values

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header

_SLACK = 1 << 20
_MM = {"mm": 1.0, "micron": 1e-3, "meter": 1e3, "unknown": 1.0}
_OBLIQUE_DEGREES = 10
# plane -> (axis cut, axis down, axis across) of right, anterior, superior; down and across run against the axes, so
# that the picture's top is superior (axial: anterior) and its left is the patient's right (sagittal: anterior)
_PLANES = {"axial": (2, 1, 0), "coronal": (1, 2, 0), "sagittal": (0, 2, 1)}


class _Volume(NamedTuple):
    voxels: np.ndarray
    """(right, anterior, superior, time) as stored, before slope and intercept"""
    slope: float
    intercept: float
    spacing_mm: tuple[float, float, float]


def read(data: bytes, options: ReadOptions, name: str) -> Decoded:
    """One slice, number `options.frame` of all; `options.plane` says how the volume is cut.

    Slices are counted from the feet up (axial), from the back forward (coronal), from left to right (sagittal); a
    second volume (time) goes on counting after the first.
    Raises DataError "too_large" before unpacking, "truncated", "geometry", "needs_frame", "unsupported", "decode".
    """
    account = Account(steps=["nifti decoded"])
    header = _header(unzipped_head(data, name) if data[:2] == GZIP else data, name, account)
    volume = _volume(data, header, options, name, account)
    cut, down, across = _plane(volume.voxels.shape, options.plane)
    frame, frames = _frame(volume.voxels.shape, cut, options, name)
    _check_pixels(volume.voxels.shape, (down, across), options, name)
    time, index = divmod(frame, volume.voxels.shape[cut])
    stored = np.take(volume.voxels[..., time], index, axis=cut)
    values = stored[::-1, ::-1].T  # the axis that runs down is always the later of the two
    plane = next(plane for plane, axes in _PLANES.items() if axes[0] == cut)
    account.steps.append(f"{plane} slice {index}")
    decoded = _shown(values, volume, options, account, name)
    decoded.fields |= {
        "name": name,
        "frame": frame if frames > 1 else None,
        "frames": frames,
        "spacing_mm": (volume.spacing_mm[down], volume.spacing_mm[across]),
        "bits": min(64, 8 * volume.voxels.dtype.itemsize),
    }
    return decoded


def _header(head: bytes, name: str, account: Account) -> "Nifti1Header":
    """The header as nibabel mends it; what it mends is a doubt."""
    import nibabel
    from nibabel.spatialimages import HeaderDataError

    if b"ni1\0" in head[344:348] or b"ni2\0" in head[4:8]:
        raise DataError(
            "unsupported",
            f"{shown(name)} is a NIfTI header whose voxels are in a second file (.img)",
            accepted="one .nii or .nii.gz file",
            fix="nibabel.save(nibabel.load('x.hdr'), 'x.nii.gz')",
        )
    order = "<" if struct.unpack("<i", head[:4])[0] in (348, 540) else ">"
    size = struct.unpack(f"{order}i", head[:4])[0]
    kind = nibabel.Nifti1Header if size == 348 else nibabel.Nifti2Header
    if len(head) < size:
        raise DataError("truncated", f"{shown(name)}: {len(head)} bytes, less than a NIfTI header")
    header, mended = kind(head[:size], endianness=order, check=False), _Listener()
    try:
        header.check_fix(logger=mended.logger)
        header.get_data_dtype()  # asked for here because both may raise
        header.get_slope_inter()
    except (HeaderDataError, ValueError, KeyError, OverflowError) as error:
        raise DataError("decode", f"{shown(name)}: the NIfTI header is broken: {shown(str(error))[1:-1]}") from error
    if mended.heard:
        account.doubt("header_mended", f"nibabel mended the header: {shown('; '.join(mended.heard), 300)[1:-1]}")
    return header


class _Listener(logging.Handler):
    """Hears a logger of its own: nibabel's would print."""

    def __init__(self):
        super().__init__()
        self.heard: list[str] = []
        self.logger = logging.Logger("nifti header")
        self.logger.addHandler(self)

    def emit(self, entry: logging.LogRecord) -> None:
        self.heard.append(entry.getMessage())


def _volume(data: bytes, header: "Nifti1Header", options: ReadOptions, name: str, account: Account) -> _Volume:
    """The voxels with axes right, anterior, superior, time, as nearly as the header tells them."""
    shape = tuple(int(side) for side in header.get_data_shape())
    if not 2 <= len(shape) <= 7 or min(shape) < 1 or np.prod(shape[4:], dtype=object) > 1:
        raise DataError("geometry", f"{shown(name)} has shape {shown(shape)}", accepted="2, 3 or 4 axes")
    shape = (*shape, 1, 1)[:4]
    dtype, start = header.get_data_dtype(), int(header.get_data_offset())
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if start < 0 or dtype.itemsize == 0 or dtype.kind == "c":
        raise DataError("unsupported", f"{shown(name)} holds {dtype}", accepted="whole or real numbers, RGB")
    if start + size > options.max_bytes:
        raise DataError("too_large", f"{shown(name)} declares {size} bytes", accepted=f"at most {options.max_bytes}")
    if data[:2] == GZIP:
        data = _unzip(data, start + size, name)
    if len(data) < start + size:
        raise DataError("truncated", f"{shown(name)}: {start + size} bytes are declared, {len(data)} are there")
    voxels = np.frombuffer(data, dtype, size // dtype.itemsize, start).reshape(shape, order="F")
    affine = _affine(header, account)
    order, signs = _orientation(affine)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)[order] * _MM[_unit(header, account)]
    voxels = voxels.transpose(*order, 3)[tuple(slice(None, None, sign) for sign in signs)]
    slope, intercept = header.get_slope_inter()
    return _Volume(
        voxels,
        1.0 if slope is None else float(slope),
        0.0 if intercept is None else float(intercept),
        tuple(spacing.tolist()),
    )


def _affine(header: "Nifti1Header", account: Account) -> np.ndarray:
    """(4, 4) voxel index to millimetres right, anterior, superior; stored order where the header does not say."""
    from nibabel.affines import obliquity

    if header["sform_code"] <= 0 and header["qform_code"] <= 0:
        account.doubt("no_orientation", "the header names no axes of the patient: left and right are not certain")
    with np.errstate(all="ignore"):
        try:
            affine = np.asarray(header.get_best_affine(), np.float64)
        except (ValueError, ArithmeticError):  # a quaternion that is none
            affine = np.full((4, 4), np.nan)
        sizes = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or not (sizes > 1e-6).all() or not (sizes < 1e6).all() or _is_flat(affine):
        account.doubt("no_orientation", "the header's map to the patient is no map: voxels are shown as stored")
        return np.diag([-1.0, 1.0, 1.0, 1.0])
    degrees = float(np.degrees(obliquity(affine)).max())
    if degrees > _OBLIQUE_DEGREES:
        account.doubt("oblique", f"the volume lies {degrees:.0f} degrees off the patient's axes; cut along its own")
    return affine


def _is_flat(affine: np.ndarray) -> bool:
    """Whether the three axes do not span space."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return abs(np.linalg.det(directions)) < 1e-3


def _orientation(affine: np.ndarray) -> tuple[list[int], list[int]]:
    """For right, anterior, superior: (the stored axis nearest to it, 1 or -1 where it runs the other way)."""
    from nibabel.orientations import io_orientation

    towards = io_orientation(affine)
    order = [int(np.flatnonzero(towards[:, 0] == axis)[0]) for axis in range(3)]
    return order, [int(towards[axis, 1]) for axis in order]


def _unit(header: "Nifti1Header", account: Account) -> str:
    try:
        unit = header.get_xyzt_units()[0]
    except KeyError:
        unit = "unknown"
    if unit == "unknown":
        account.doubt("unit_unknown", "the header names no unit of length: spacing is taken as millimetres")
    return unit


def _plane(shape: tuple[int, ...], plane: str) -> tuple[int, int, int]:
    """(axis cut, axis down, axis across): the axis of one slice where there is just one, else as asked."""
    single = [axes for axes in _PLANES.values() if shape[axes[0]] == 1]
    return single[0] if len(single) == 1 else _PLANES[plane]


def _frame(shape: tuple[int, ...], cut: int, options: ReadOptions, name: str) -> tuple[int, int]:
    """(frame, frames), the slices of all volumes counted through."""
    frames = shape[cut] * shape[3]
    if options.frame is None and frames > 1:
        volumes = f" in each of {shape[3]} volumes" if shape[3] > 1 else ""
        raise DataError(
            "needs_frame",
            f"{shown(name)} holds {shape[cut]} slices{volumes}",
            accepted=f"frame=0 to frame={frames - 1}",
            fix=f"medlab.load_scan(..., frame={shape[cut] // 2})",
        )
    frame = options.frame or 0
    if frame >= frames:
        raise DataError("geometry", f"slice {frame} of {shown(name)}", accepted=f"0 to {frames - 1}")
    return frame, frames


def _check_pixels(shape: tuple[int, ...], axes: tuple[int, int], options: ReadOptions, name: str) -> None:
    rows, cols = (shape[axis] for axis in axes)
    if rows * cols > options.max_pixels:
        raise DataError(
            "too_large", f"{shown(name)} has slices of {rows} x {cols}", accepted=f"at most {options.max_pixels}"
        )


def _shown(values: np.ndarray, volume: _Volume, options: ReadOptions, account: Account, name: str) -> Decoded:
    if values.dtype.names:
        channels = np.stack([values[channel] for channel in values.dtype.names], axis=-1)
        if channels.shape[2] == 4:
            channels = on_black(channels[..., :3], channels[..., 3:], account)
        return show_values(grey_if_equal(channels, account), options, account, name)
    scaled = values.astype(np.float64) * volume.slope + volume.intercept
    if (volume.slope, volume.intercept) != (1, 0):
        account.steps.append(f"times {volume.slope:g} plus {volume.intercept:g}")
    missing = np.isnan(scaled)
    black, white = _extent(volume, name)
    if missing.any():
        account.correct("nan_as_black", f"{int(missing.sum())} voxels without a number were made the least value")
        scaled[missing] = black
    if options.window is None and not (options.full_range or options.three_windows):
        like_ct = ' (it looks like CT: window="lung")' if black <= -900 else ""
        account.doubt("no_window", f"a NIfTI file names none: the volume's {black:g} to {white:g} is shown{like_ct}")
    return show_values(scaled, options, account, name, extent=(black, white))


def _extent(volume: _Volume, name: str) -> tuple[float, float]:
    """The least and greatest value of the whole volume, after slope and intercept; NaN does not count."""
    ends = [float(np.fmin.reduce(volume.voxels, None)), float(np.fmax.reduce(volume.voxels, None))]
    low, high = sorted(end * volume.slope + volume.intercept for end in ends)
    if not np.isfinite([low, high]).all():
        raise DataError("decode", f"{shown(name)} holds infinity, or no number at all")
    return low, high


def _unzip(data: bytes, size: int, name: str) -> bytes:
    """The bytes inside a gzip that should be `size`; a bomb is let out only a little further than that."""
    parts, left = [], size + _SLACK
    while data[:2] == GZIP and left > 0:
        stream = zlib.decompressobj(wbits=31)
        try:
            parts.append(stream.decompress(data, left))
        except zlib.error as error:
            raise DataError("decode", f"{shown(name)}: the gzip stream is broken") from error
        left -= len(parts[-1])
        if not stream.eof and left > 0:
            raise DataError("truncated", f"{shown(name)}: the gzip stream ends early")
        data = stream.unused_data
    if left <= 0:
        raise DataError("too_large", f"{shown(name)} unpacks to more than the {size} bytes that its header declares")
    return b"".join(parts)
