"""What looks odd in a picture that was read without complaint. It only doubts: pixels are never changed here."""

import numpy as np

from medlab.loaders.decoded import Decoded

MIN_SIDE = 32
MAX_ASPECT = 4
INVERTED_BELOW = -0.3
"""of `polarity`: 72 real chest pictures gave 0.36 to 1.29, their inverted copies -0.36 to -1.29 (docs/loading.md)"""
_FILMS = ("unknown", "CR", "DX", "RG")
_GRID = 64


def look(decoded: Decoded) -> None:
    """Add a doubt for each odd thing: "tiny", "extreme_aspect", "flat", "looks_inverted"."""
    rows, cols = decoded.stored.shape[:2]
    if max(rows, cols) > MAX_ASPECT * min(rows, cols):
        decoded.doubt("extreme_aspect", f"{rows}x{cols} is a strip; squared for a model, little of it is left")
    if min(rows, cols) < MIN_SIDE:
        decoded.doubt("tiny", f"{rows}x{cols} pixels is too small to show anatomy")
    first = decoded.stored[0, 0]
    # two pixels differ in nearly every picture: the whole is compared only where they do not
    if np.array_equal(first, decoded.stored[rows // 2, cols // 2]) and (decoded.stored == first).all():
        decoded.doubt("flat", "every pixel has the same value")
    elif _is_film(decoded) and polarity(_sample(decoded)) < INVERTED_BELOW:
        decoded.doubt(
            "looks_inverted",
            "bright around and dark in the middle, as a chest film is when black and white are swapped; look at it",
        )


def polarity(picture: np.ndarray) -> float:
    """How far a frontal film is bright where a body is, from -2 to 2; below `INVERTED_BELOW` it looks inverted.

    picture     (rows, cols), at least 16 x 16, any scale; a coarse sample will do
    Sum of two contrasts, of a picture stretched between its 2nd and 98th percentile: the strip of the spine and heart
    against the lungs beside it, and against the air at the two upper corners.
    """
    ordered = np.sort(picture, axis=None)
    low, high = (float(ordered[int(share * (ordered.size - 1))]) for share in (0.02, 0.98))
    shares = np.clip((picture - low) / (high - low or 1.0), 0, 1)
    rows, cols = shares.shape
    middle = shares[rows // 4 : 3 * rows // 4, 27 * cols // 64 : 37 * cols // 64].mean()
    chest = shares[rows // 4 : 5 * rows // 8]
    left, right = (np.median(chest[:, start * cols // 16 : (start + 3) * cols // 16]) for start in (3, 10))
    side, down = 5 * cols // 32, 5 * rows // 32
    corners = (shares[:down, :side].mean() + shares[:down, -side:].mean()) / 2
    return float(middle - (left + right) / 2 + middle - corners)


def _is_film(decoded: Decoded) -> bool:
    plain = decoded.stored.ndim == 2 and min(decoded.stored.shape) >= _GRID
    return plain and decoded.fields.get("modality", "unknown") in _FILMS


def _sample(decoded: Decoded) -> np.ndarray:
    """(64, 64) float32 of the picture's pixels as they are shown, evenly spread."""
    rows, cols = (np.arange(_GRID) * (side - 1) // (_GRID - 1) for side in decoded.stored.shape)
    few = np.ascontiguousarray(decoded.stored[rows[:, None], cols])
    return few if decoded.lut is None else decoded.lut[few.view(f"u{few.itemsize}")]
