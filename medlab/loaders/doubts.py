"""What looks odd in a picture that was read without complaint. It only doubts: pixels are never changed here."""

from medlab.loaders.decoded import Decoded

MIN_SIDE = 32
MAX_ASPECT = 4


def look(decoded: Decoded) -> None:
    """Add a doubt for each odd thing about the decoded picture: "tiny", "extreme_aspect", "flat"."""
    rows, cols = decoded.stored.shape[:2]
    if min(rows, cols) < MIN_SIDE:
        decoded.doubt("tiny", f"{rows}x{cols} pixels is too small to show anatomy")
    if max(rows, cols) > MAX_ASPECT * min(rows, cols):
        decoded.doubt("extreme_aspect", f"{rows}x{cols} is a strip; squared for a model, little of it is left")
    first = decoded.stored.flat[0]
    # a corner and the middle differ in nearly every picture: the whole is compared only where they do not
    if first == decoded.stored[rows // 2, cols // 2].flat[0] and (decoded.stored == first).all():
        decoded.doubt("flat", "every pixel has the same value")
