"""The prepared cache: what goes in comes out, another kind is refused, damage is found, a kill loses nothing."""

import multiprocessing
import os
import pickle
import signal
import sqlite3

import numpy as np
import pytest
import torch

import medlab
from medlab.core import errors
from medlab.core.geometry import SquareFit
from medlab.imaging import Preparation, PreparedCache, to_square
from medlab.imaging.cache import Entry

WISH = Preparation(size=32)


def picture(seed: int, rows: int = 40, cols: int = 50) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, cols), np.uint8)


def entry(seed: int, wish: Preparation = WISH) -> Entry:
    drawn = picture(seed)
    return Entry(f"{seed:064x}", to_square(drawn, wish), wish.fit_of(*drawn.shape))


def filled(folder, count: int = 5) -> PreparedCache:
    cache = PreparedCache(folder, WISH)
    cache.add([entry(seed) for seed in range(count)])
    return cache


def test_what_comes_out_is_what_prepare_gives(tmp_path):
    cache = filled(tmp_path)
    for seed in range(5):
        expected = medlab.prepare(picture(seed), size=32)
        assert cache[seed] == expected
        assert cache[f"{seed:064x}"] == expected
    assert cache[-1] == cache[4]


def test_it_is_there_after_opening_again(tmp_path):
    filled(tmp_path)
    again = PreparedCache(tmp_path, WISH)
    assert len(again) == 5
    assert f"{3:064x}" in again
    assert again[3] == medlab.prepare(picture(3), size=32)
    assert repr(again) == "PreparedCache(5 grey pictures, 32 px, pad)"


def test_a_picture_that_is_there_is_not_stored_twice(tmp_path):
    cache = filled(tmp_path)
    before = (tmp_path / "pictures.u8").stat().st_size
    cache.add([entry(2), entry(7), entry(7)])
    assert len(cache) == 6
    assert (tmp_path / "pictures.u8").stat().st_size == before + 32 * 32


def test_one_cache_serves_encoders_with_other_means(tmp_path):
    filled(tmp_path)
    other = PreparedCache(tmp_path, Preparation(size=32, mean=(0.4, 0.5, 0.6), std=(0.2,)))
    assert other[1] == medlab.prepare(picture(1), size=32, mean=(0.4, 0.5, 0.6), std=0.2)
    grey = PreparedCache(tmp_path, Preparation(size=32, channels=1))
    assert grey[1].pixels.shape == (1, 32, 32)


def test_colour_keeps_three_channels(tmp_path):
    drawn = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    cache = PreparedCache(tmp_path, WISH, colour=True)
    cache.add([Entry("a" * 64, to_square(drawn, WISH), WISH.fit_of(20, 30))])
    assert cache[0] == medlab.prepare(drawn, size=32)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("mean", [(0.5,), (0.4, 0.5, 0.6)], ids=["one mean", "three means"])
def test_a_batch_is_what_torch_makes_of_the_pictures(tmp_path, dtype, mean):
    filled(tmp_path)
    cache = PreparedCache(tmp_path, WISH.replace(mean=mean))
    batch = cache.batch([4, 0, f"{2:064x}"], dtype)
    expected = torch.stack([torch.tensor(cache[slot].pixels) for slot in (4, 0, 2)]).to(getattr(torch, dtype))
    assert batch.dtype == getattr(torch, dtype)
    assert batch.shape == (3, 3, 32, 32)
    assert batch.stride(1) == (0 if len(mean) == 1 else 32 * 32)
    assert torch.equal(batch, expected)
    assert torch.equal(batch.contiguous(), expected)


def test_a_batch_of_colour_keeps_its_channels(tmp_path):
    drawn = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    cache = PreparedCache(tmp_path, WISH, colour=True)
    cache.add([Entry("a" * 64, to_square(drawn, WISH), WISH.fit_of(20, 30))])
    assert np.array_equal(cache.batch([0]).numpy()[0], cache[0].pixels)


def test_a_batch_fills_the_tensor_that_is_given(tmp_path):
    cache = filled(tmp_path)
    buffer = torch.empty(2, 3, 32, 32, dtype=torch.bfloat16)
    found = cache.batch([1, 2], "bfloat16", out=buffer)
    assert found.data_ptr() == buffer.data_ptr()
    assert found.is_contiguous()
    assert torch.equal(buffer, cache.batch([1, 2], "bfloat16"))
    with pytest.raises(errors.SpecError, match=r"contiguous float32 of shape \(2, 3, 32, 32\)"):
        cache.batch([1, 2], "float32", out=buffer)


def test_a_worker_process_opens_it_for_itself(tmp_path):
    cache = filled(tmp_path)
    again = pickle.loads(pickle.dumps(cache))
    assert again[2] == cache[2]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"preparation": Preparation(size=64)}, "size '32', not '64'"),
        ({"preparation": Preparation(size=32, fit="stretch")}, "fit 'pad', not 'stretch'"),
        ({"preparation": WISH, "reading": "lung window"}, "reading '', not 'lung window'"),
        ({"preparation": WISH, "colour": True}, "colour 'False', not 'True'"),
    ],
)
def test_a_cache_of_another_kind_is_refused_and_says_how_it_differs(tmp_path, other, told):
    filled(tmp_path)
    with pytest.raises(errors.DataError, match=told) as caught:
        PreparedCache(tmp_path, **other)
    assert caught.value.code == "mismatch"


def test_a_cache_of_another_pipeline_is_refused(tmp_path, monkeypatch):
    filled(tmp_path)
    monkeypatch.setattr("medlab.imaging.cache.PIPELINE", 10_000)
    with pytest.raises(errors.DataError, match="pipeline '1', not '10000'"):
        PreparedCache(tmp_path, WISH)


def test_one_flipped_bit_is_found_when_that_picture_is_read(tmp_path):
    cache = filled(tmp_path)
    with (tmp_path / "pictures.u8").open("r+b") as file:
        file.seek(3 * 32 * 32 + 100)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    assert cache[2] == medlab.prepare(picture(2), size=32)
    with pytest.raises(errors.DataError, match="picture 3"):
        cache[3]
    with pytest.raises(errors.DataError, match="delete the folder"):
        cache.batch([1, 3])


def test_missing_pictures_are_found_when_it_is_opened(tmp_path):
    filled(tmp_path)
    os.truncate(tmp_path / "pictures.u8", 4 * 32 * 32)
    with pytest.raises(errors.DataError, match="lists 5 pictures and holds 4"):
        PreparedCache(tmp_path, WISH)


def test_a_damaged_index_is_one_of_our_errors(tmp_path):
    filled(tmp_path)
    (tmp_path / "index.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(errors.DataError, match="cannot be read"):
        PreparedCache(tmp_path, WISH)


def test_what_was_written_but_not_listed_is_written_over(tmp_path):
    filled(tmp_path, 3)
    with (tmp_path / "pictures.u8").open("ab") as file:
        file.write(b"\x07" * 5000)  # a killed writer's
    cache = PreparedCache(tmp_path, WISH)
    assert len(cache) == 3
    cache.add([entry(8)])
    assert cache[3] == medlab.prepare(picture(8), size=32)


def test_nothing_is_listed_where_one_of_several_is_wrong(tmp_path):
    cache = filled(tmp_path, 2)
    wrong = Entry("b" * 64, np.zeros((32, 31), np.uint8), WISH.fit_of(4, 4))
    with pytest.raises(errors.SpecError, match="shape"):
        cache.add([entry(9), wrong])
    assert len(PreparedCache(tmp_path, WISH)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        Entry("xyz", np.zeros((32, 32), np.uint8), WISH.fit_of(4, 4)),
        Entry("c" * 64, np.zeros((32, 32, 3), np.uint8), WISH.fit_of(4, 4)),
        Entry("c" * 64, np.zeros((32, 32), np.uint8), SquareFit(4, 4, 32, "stretch")),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path, wrong):
    with pytest.raises(errors.SpecError):
        PreparedCache(tmp_path, WISH).add([wrong])


def test_an_unknown_picture_and_a_slot_too_far_are_told_apart(tmp_path):
    cache = filled(tmp_path)
    with pytest.raises(errors.UnknownName, match="prepared picture"):
        cache["f" * 64]
    with pytest.raises(IndexError, match="slot 5"):
        cache[5]


def test_two_writers_take_turns(tmp_path):
    one, two = PreparedCache(tmp_path, WISH), PreparedCache(tmp_path, WISH)
    one.add([entry(1), entry(2)])
    two.add([entry(2), entry(3)])
    one.add([entry(4)])
    again = PreparedCache(tmp_path, WISH)
    assert [again[slot] for slot in range(4)] == [medlab.prepare(picture(seed), size=32) for seed in (1, 2, 3, 4)]


def test_a_writer_that_keeps_the_lock_is_an_error_and_no_hang(tmp_path, monkeypatch):
    cache = filled(tmp_path)
    monkeypatch.setattr("medlab.core.database.LOCK_SECONDS", 0.05)
    holder = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(errors.CapabilityError, match="locked"):
            cache.add([entry(9)])
    finally:
        holder.close()
    cache.add([entry(9)])
    assert len(cache) == 6


def _die_while_adding(folder: str, done: int) -> None:
    """Add pictures one by one, and be killed with one written and not yet listed."""
    cache = PreparedCache(folder, WISH)
    for seed in range(done):
        cache.add([entry(seed)])
    write = cache._write

    def write_and_die(first, squares):
        write(first, squares)
        os.kill(os.getpid(), signal.SIGKILL)

    cache._write = write_and_die
    cache.add([entry(done)])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill a process outright")
def test_a_process_killed_in_the_middle_leaves_what_it_had_listed_and_the_next_goes_on(tmp_path):
    child = multiprocessing.get_context("spawn").Process(target=_die_while_adding, args=(str(tmp_path), 3))
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL
    assert (tmp_path / "pictures.u8").stat().st_size == 4 * 32 * 32  # the fourth was written
    cache = PreparedCache(tmp_path, WISH)
    assert len(cache) == 3  # and not listed
    cache.add([entry(seed) for seed in range(6)])
    assert len(cache) == 6
    assert all(cache[seed] == medlab.prepare(picture(seed), size=32) for seed in range(6))
