"""Small files with bytes changed, cut out or put in: a picture or one of medlab's errors, and nothing else.

The examples are derived from the test's name, so that a failure repeats. A decoder that kills the process would kill
this test too; what a child process is for is tested with it.
"""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medlab.core.errors import MedlabError
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.dicom.reader import read

SIDE = 32
KINDS = ("explicit", "implicit", "deflated", "rle", "jpeg", "jpeg lossless", "jpeg-ls", "jpeg 2000")
mutation = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 1 << 20), st.integers(0, 255)),
    st.tuples(st.just("cut"), st.integers(0, 1 << 20), st.integers(1, 64)),
    st.tuples(st.just("fill"), st.integers(0, 1 << 20), st.sampled_from((0, 127, 255))),
    st.tuples(st.just("end"), st.integers(0, 1 << 20), st.just(0)),
)


def mutated(data: bytes, changes: list[tuple[str, int, int]]) -> bytes:
    raw = bytearray(data)
    for what, where, value in changes:
        # the preamble is not worth the examples
        place = 132 + where % max(1, len(raw) - 132)
        if what == "set" and place < len(raw):
            raw[place] = value
        elif what == "cut":
            del raw[place : place + value]
        elif what == "fill":
            raw[place : place + 4] = bytes([value] * 4)
        elif what == "end":
            del raw[place:]
    return bytes(raw)


@pytest.fixture(scope="module")
def seeds(forge) -> dict[str, bytes]:
    from PIL import Image

    pixels = (np.arange(SIDE * SIDE, dtype=np.uint16) * 4).reshape(SIDE, SIDE)
    window = {"WindowCenter": 2048, "WindowWidth": 4096, "RescaleSlope": 1, "RescaleIntercept": -1024}
    made = {kind: forge.compressed(kind, pixels, **window) for kind in KINDS if kind != "jpeg"}
    colours = np.random.default_rng(5).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colours).save(buffer, "JPEG")
    made["jpeg"] = forge.encapsulated(
        [buffer.getvalue()], "jpeg", pixels=colours, PhotometricInterpretation="YBR_FULL"
    )
    return made


@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=st.lists(mutation, min_size=1, max_size=6))
def test_a_mutated_file_gives_a_picture_or_a_medlab_error(seeds, kind, changes):
    try:
        decoded = read(mutated(seeds[kind], changes), ReadOptions(max_pixels=1 << 20), "test.dcm")
    except MedlabError:
        return
    decoded.fields["name"] = "test.dcm"
    scan = decoded.to_scan()
    assert np.array_equal(scan.to_uint8(), decoded.to_uint8())


@pytest.mark.parametrize("kind", KINDS)
def test_every_length_of_a_file_that_was_cut_gives_a_picture_or_a_medlab_error(seeds, kind):
    """Every 7th byte of the header, every 61st of the rest."""
    data = seeds[kind]
    complete = 0
    for length in [*range(0, min(len(data), 1200), 7), *range(1200, len(data), 61)]:
        try:
            read(data[:length], ReadOptions(), "test.dcm")
            complete += 1
        except MedlabError:
            pass
    assert complete <= 2, "a cut file passed for a whole one"


def test_an_unmutated_file_is_read(seeds):
    """What the two tests above let pass as an error is not everything."""
    for data in seeds.values():
        assert read(data, ReadOptions(), "test.dcm").to_uint8().shape[:2] == (SIDE, SIDE)
