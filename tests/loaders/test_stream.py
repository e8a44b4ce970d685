"""stream: the pictures of `prepare(load_scan(...))`, in order, few at a time, with each failure accounted for."""

import io
import threading

import numpy as np
import pytest
from PIL import Image

import medlab
from medlab.core import errors
from medlab.imaging import Preparation
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.stream import AHEAD_PER_WORKER, Stream, prepare_file, stream

WISH = Preparation(size=48)


def encoded(seed: int, kind: str = "PNG", dtype: type = np.uint8, channels: tuple[int, ...] = ()) -> bytes:
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(seed).integers(0, top, (60 + seed, 80, *channels), dtype)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, kind)
    return data.getvalue()


@pytest.fixture
def paths(tmp_path):
    """Nine pictures of three kinds."""
    made = []
    for seed in range(9):
        kind, dtype, channels = [("PNG", np.uint8, ()), ("PNG", np.uint16, ()), ("JPEG", np.uint8, (3,))][seed % 3]
        made.append(tmp_path / f"{seed}.{kind.lower()}")
        made[-1].write_bytes(encoded(seed, kind, dtype, channels))
    return made


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_pictures_come_in_order_and_are_those_of_prepare_and_load_scan(paths, workers):
    found = list(stream(paths, WISH, workers=workers))
    assert found == [medlab.prepare(medlab.load_scan(path), size=48) for path in paths]


@pytest.mark.parametrize(
    "name",
    [
        "dicom/RG1_UNCR.dcm",
        "dicom/RG1_J2KI.dcm",
        "dicom/693_UNCI.dcm",
        "dicom/US1_UNCI.dcm",
        "nih/00000001_000.png",
        "openi/images/2_1.png",
        "other/fundus_retina.jpg",
    ],
)
@pytest.mark.parametrize("fit", ["pad", "stretch"])
def test_real_files_are_bit_identical_to_prepare_and_load_scan(fixtures, name, fit):
    path = fixtures(name)
    assert prepare_file(path, Preparation(fit=fit)) == medlab.prepare(medlab.load_scan(path), fit=fit)


def test_the_options_reach_the_reader(paths):
    inside_out = ReadOptions(window=(30000.0, 1000.0))
    found = next(iter(stream(paths[1:2], WISH, options=inside_out)))
    assert found == medlab.prepare(medlab.load_scan(paths[1], window=(30000.0, 1000.0)), size=48)
    assert found != prepare_file(paths[1], WISH)


def test_bytes_and_arrays_stream_too():
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = list(stream([encoded(0), pixels], WISH))
    assert found == [medlab.prepare(medlab.load_scan(source), size=48) for source in (encoded(0), pixels)]


def test_a_bad_file_stops_it_with_that_files_error(paths):
    paths[4].write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    running = iter(stream(paths, WISH))
    assert len([next(running) for _ in range(4)]) == 4
    with pytest.raises(errors.DataError, match=r"4\.png"):
        next(running)


@pytest.mark.parametrize("workers", [0, 2])
def test_skipped_files_are_told_with_their_places(paths, workers):
    paths[2].write_bytes(b"")
    paths[8].unlink()
    running = stream(paths, WISH, workers=workers, on_error="skip")
    assert len(list(running)) == 7
    assert [failure.index for failure in running.failures] == [2, 8]
    assert running.failures[1].error.code == "missing_file"
    assert [place for place, _ in running.numbered()] == [0, 1, 3, 4, 5, 6, 7]


def test_an_error_that_is_not_ours_is_never_skipped():
    def broken(source):
        raise RuntimeError("a mistake in the programme")

    for workers in (0, 2):
        with pytest.raises(RuntimeError, match="a mistake"):
            list(Stream(broken, [1, 2], workers=workers, on_error="skip", progress=False))


def test_only_a_few_files_are_read_ahead():
    taken = []

    def sources():
        for number in range(100):
            taken.append(number)
            yield encoded(0)

    workers = 2
    running = iter(stream(sources(), WISH, workers=workers))
    next(running)
    assert len(taken) == workers * AHEAD_PER_WORKER + 1


def test_closing_it_early_leaves_no_thread_behind(paths):
    running = iter(stream(paths * 5, WISH, workers=2))
    next(running)
    assert [t.name for t in threading.enumerate() if t.name.startswith("medlab-stream")]
    running.close()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("medlab-stream")]


def test_threads_work_at_the_same_time():
    meeting = threading.Barrier(2, timeout=30)

    def work(source):
        meeting.wait()  # never over where one thread does all
        return source

    assert list(Stream(work, range(4), workers=2, on_error="raise", progress=False)) == [0, 1, 2, 3]


def test_the_bar_counts_every_file(paths, capsys):
    paths[0].write_bytes(b"")
    list(stream(paths, WISH, on_error="skip", progress=True))
    assert "9/9" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [{"workers": -1}, {"workers": 1.5}, {"on_error": "ignore"}])
def test_a_wrong_wish_is_refused_before_work_starts(paths, wrong):
    with pytest.raises(errors.SpecError):
        stream(paths, WISH, **wrong)
