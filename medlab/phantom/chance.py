"""Named streams of random numbers: what one part of a phantom draws never changes what another part gets.

A stream is addressed by the seed and by words, so a patient's ribs stay the same when a finding is added, a picture is
drawn larger, or a second visit follows. It knows nothing of anatomy.
"""

import zlib

import numpy as np


def stream(seed: int, *words: object) -> np.random.Generator:
    """The generator for `words` (any short values, told apart by their text) under `seed`, at its start."""
    key = tuple(zlib.crc32(str(word).encode()) for word in words)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
