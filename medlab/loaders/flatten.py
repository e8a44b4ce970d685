"""A Pillow image of any mode, as grey or RGB numbers. It knows colour, not files and not what is black.

Transparency falls on black, profiles and CMYK become sRGB, and a grey film stored in three equal channels becomes
grey again; each is written down.
"""

import io
from typing import TYPE_CHECKING

import numpy as np

from medlab.core.errors import DataError, shown
from medlab.loaders.decoded import Account

if TYPE_CHECKING:
    from PIL import Image as pillow

_GREY = ("1", "L", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_COLOUR = ("P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
# EXIF orientation -> (axes swapped, rows then reversed, columns then reversed, in words); EXIF 3.0, tag 0x0112
_TURNS = {
    2: (False, False, True, "mirrored left to right"),
    3: (False, True, True, "turned by 180 degrees"),
    4: (False, True, False, "mirrored top to bottom"),
    5: (True, False, False, "mirrored and turned"),
    6: (True, False, True, "turned clockwise by 90 degrees"),
    7: (True, True, True, "mirrored and turned"),
    8: (True, True, False, "turned counter-clockwise by 90 degrees"),
}
_ORIENTATION_TAG = 0x0112


def flatten(image: "pillow.Image", account: Account) -> np.ndarray:
    """The numbers of a loaded image: (rows, cols) or (rows, cols, 3); bool, uint8, uint16, int32 or float32.

    Raises DataError "unsupported" for a mode that is not a picture's.
    """
    from PIL import Image

    if image.mode in _GREY and "transparency" not in image.info:
        values = np.asarray(image)
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
    if image.mode == "P":
        account.steps.append("palette applied")
    if "transparency" in image.info or image.mode in _ALPHA:
        layers = np.asarray(image.convert("RGBA"))
        colour = on_black(layers[..., :3], layers[..., 3:], account)
    elif image.mode in _COLOUR:
        colour = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    else:
        raise DataError("unsupported", f"a picture of Pillow mode {shown(image.mode)}", accepted="grey, RGB, CMYK")
    if image.mode in ("1", "L", "LA", "La"):
        return np.ascontiguousarray(colour[..., 0])
    grey = grey_if_equal(colour, account)
    profile = image.info.get("icc_profile")
    if profile and grey.ndim == 2:
        account.doubt("icc_ignored", "the colour profile of a grey picture was not applied")
    elif profile:
        return _to_srgb(image if image.mode == "CMYK" else Image.fromarray(grey), profile, account)
    elif image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        account.doubt("colour_converted", f"{image.mode} became RGB by formula: colours are approximate")
    return grey


def grey_if_equal(colour: np.ndarray, account: Account) -> np.ndarray:
    """(rows, cols, 3) as (rows, cols) where the three channels are the same throughout, else as it came."""
    if not _is_grey(colour):
        return colour
    account.correct("grey_in_rgb", "three equal colour channels were read as one of grey")
    return np.ascontiguousarray(colour[..., 0])


def orientation_of(image: "pillow.Image") -> int:
    """The EXIF orientation of an image that is loaded, 1 to 8; 1 where there is none or it cannot be read.

    Not before it is loaded: asking a PNG for its EXIF loads it, and what goes wrong then would be hushed up here.
    """
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a broken EXIF block must not cost the picture
        return 1
    return value if isinstance(value, int) else 1


def upright(values: np.ndarray, orientation: int, account: Account) -> np.ndarray:
    """(rows, cols[, 3]) turned as EXIF says, with a note; nothing else of the EXIF is kept."""
    if orientation not in _TURNS:
        return values
    swapped, flip_rows, flip_cols, _ = _TURNS[orientation]
    note_turn(orientation, account)
    turned = values.swapaxes(0, 1) if swapped else values
    return np.ascontiguousarray(turned[:: -1 if flip_rows else 1, :: -1 if flip_cols else 1])


def note_turn(orientation: int, account: Account) -> None:
    """Write down that the picture was turned, where EXIF `orientation` asks for a turn."""
    if orientation in _TURNS:
        account.correct("exif_rotation", f"{_TURNS[orientation][-1]}, as the EXIF orientation ({orientation}) says")


def _is_grey(colour: np.ndarray) -> bool:
    # most colour pictures differ within the first rows: look there before the whole
    for part in (colour[:8], colour):
        if not (np.array_equal(part[..., 0], part[..., 1]) and np.array_equal(part[..., 0], part[..., 2])):
            return False
    return True


def on_black(colour: np.ndarray, alpha: np.ndarray, account: Account) -> np.ndarray:
    """(rows, cols, n) colour with what (rows, cols, 1) `alpha` leaves transparent made black; the dtype stays."""
    opaque = np.iinfo(alpha.dtype).max
    if alpha.min() == opaque:
        account.steps.append("alpha dropped (opaque throughout)")
        return colour
    account.correct("alpha_on_black", "transparent parts were laid on black")
    return ((colour.astype(np.uint64) * alpha + opaque // 2) // opaque).astype(colour.dtype)


def _to_srgb(image: "pillow.Image", profile: bytes, account: Account) -> np.ndarray:
    """An RGB or CMYK image under an ICC profile, as (rows, cols, 3) sRGB; by formula where the profile fails."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            account.steps.append("profile is sRGB already")
            return np.asarray(image)
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        account.doubt("icc_ignored", "a colour profile is there but could not be applied")
        return np.asarray(image.convert("RGB"))
    account.correct("icc_to_srgb", "colours were converted from the file's profile to sRGB")
    return np.asarray(converted)
