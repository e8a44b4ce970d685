"""How the stored values lie in memory (PS3.3, C.7.6.3): rows, columns, bits, signs, frames, colour.

Everything here is checked before a byte of pixels is touched, so that an absurd header costs nothing.
"""

import dataclasses

import numpy as np

from medlab.core.errors import DataError
from medlab.loaders.decoded import Account, ReadOptions
from medlab.loaders.dicom.elements import Elements
from medlab.loaders.dicom.notes import note

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")
OTHERS = ("ARGB", "CMYK", "HSV", "XYB", "YBR_PARTIAL_420", "YBR_PARTIAL_422")
"""valid and not read here: retired, or of video"""
ASSUMED_GREY = ("CR", "DX", "CT")
"""modalities that are grey by definition: only there may a photometric interpretation be missing"""


@dataclasses.dataclass(frozen=True)
class Layout:
    rows: int
    cols: int
    samples: int
    """1, or 3 for colour"""
    bits_allocated: int
    """1, 8 or 16"""
    bits_stored: int
    shift: int
    """how far the stored bits lie above bit 0; 0 in all but old files"""
    signed: bool
    frames: int
    photometric: str
    """one of GREY, COLOUR or "PALETTE COLOR" """
    planar: bool
    """True where all of red comes before all of green"""

    @property
    def frame_bits(self) -> int:
        """Size of one frame as native data, in bits; frames of 1-bit data need not begin at a byte."""
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        return self.rows * self.cols * samples * self.bits_allocated

    @property
    def frame_bytes(self) -> int:
        return -(-self.frame_bits // 8)

    @property
    def dtype(self) -> np.dtype:
        """Of the stored values, native byte order."""
        return np.dtype(f"{'i' if self.signed else 'u'}{max(1, self.bits_allocated // 8)}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows, self.cols) if self.samples == 1 else (self.rows, self.cols, self.samples)

    def check_size(self, options: ReadOptions) -> None:
        """Raises DataError "too_large"."""
        if self.rows * self.cols > options.max_pixels:
            raise DataError(
                "too_large",
                f"{self.rows} x {self.cols} pixels",
                accepted=f"{options.max_pixels} pixels",
                fix="ReadOptions(max_pixels=...) where you trust the file",
            )


def read_layout(elements: Elements, options: ReadOptions, account: Account) -> Layout:
    """The layout that a header states. Raises DataError "geometry", "unsupported", "too_large" (frames)."""
    rows, cols = _count(elements, "Rows"), _count(elements, "Columns")
    samples = elements.whole("SamplesPerPixel") or 1
    frames = _frames(elements, options)
    photometric = _photometric(elements, samples, account)
    allocated, stored = _bits(elements)
    if (photometric in COLOUR) != (samples == 3) or samples not in (1, 3):
        raise DataError(
            "geometry",
            f"{photometric} with {samples} samples per pixel",
            accepted="1 for grey and palettes, 3 for colour",
        )
    signed = elements.whole("PixelRepresentation") == 1
    if (signed or allocated == 1) and photometric not in GREY:
        raise DataError("geometry", "colour or palette indices with a sign or of 1 bit")
    high = elements.whole("HighBit")
    shift = high - stored + 1 if high is not None and stored <= high + 1 <= allocated else 0
    planar = samples == 3 and elements.whole("PlanarConfiguration") == 1
    return Layout(rows, cols, samples, allocated, stored, shift, signed, frames, photometric, planar)


def _count(elements: Elements, name: str) -> int:
    value = elements.whole(name)
    if value is None or value < 1:
        raise DataError("geometry", f"{name} is {'missing' if value is None else value}", accepted="1 or more")
    return value


def _frames(elements: Elements, options: ReadOptions) -> int:
    frames = elements.whole("NumberOfFrames")
    # a few writers put junk ("1A") or 0 where they mean one
    frames = 1 if frames is None or frames < 1 else frames
    if frames > options.max_frames:
        raise DataError(
            "too_large",
            f"{frames} frames",
            accepted=f"{options.max_frames} frames",
            fix="ReadOptions(max_frames=...) where you trust the file",
        )
    return frames


def _bits(elements: Elements) -> tuple[int, int]:
    allocated = elements.whole("BitsAllocated")
    if allocated not in (1, 8, 16):
        given = "missing" if allocated is None else allocated
        raise DataError("unsupported", f"Bits Allocated is {given}", accepted="1, 8 or 16")
    stored = elements.whole("BitsStored")
    stored = allocated if stored is None else stored
    if not 1 <= stored <= allocated:
        raise DataError("geometry", f"Bits Stored is {stored} of {allocated} allocated", accepted=f"1 to {allocated}")
    return allocated, stored


def _photometric(elements: Elements, samples: int, account: Account) -> str:
    text = elements.code("PhotometricInterpretation")
    if text in GREY or text in COLOUR or text == "PALETTE COLOR":
        return text
    if not text and samples == 1 and elements.code("Modality") in ASSUMED_GREY:
        note(account, "photometric_missing")
        return "MONOCHROME2"
    # what is no code of DICOM's may be anything, a name included
    named = text if text in OTHERS else "none that DICOM knows" if text else "missing"
    raise DataError(
        "unsupported" if text else "geometry",
        f"Photometric Interpretation is {named}",
        accepted=", ".join((*GREY, "PALETTE COLOR", *COLOUR)),
    )
