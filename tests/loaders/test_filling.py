"""fill_cache: every file once, whatever stopped it, and nothing of a name on disk."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

import medlab
from medlab.core import errors
from medlab.imaging import Preparation
from medlab.loaders import filling
from medlab.loaders.decoded import ReadOptions
from medlab.loaders.filling import fill_cache

WISH = Preparation(size=40)


def write(path, seed: int, channels: tuple[int, ...] = ()):
    pixels = np.random.default_rng(seed).integers(0, 256, (50, 70 + seed % 7, *channels), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def paths(tmp_path):
    folder = tmp_path / "DOE^JANE"
    folder.mkdir()
    return [write(folder / f"{seed}.png", seed) for seed in range(20)]


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that were decoded."""
    names = []
    real = filling.decode_bytes

    def counting(data, options, name):
        names.append(name)
        return real(data, options, name)

    monkeypatch.setattr(filling, "decode_bytes", counting)
    return names


def test_every_file_has_its_slot_and_its_picture(tmp_path, paths):
    filled = fill_cache(tmp_path / "cache", paths, WISH, progress=False)
    assert filled.slots == tuple(range(20))
    assert filled.failures == ()
    for slot, path in zip(filled.slots, paths, strict=True):
        assert filled.cache[slot] == medlab.prepare(medlab.load_scan(path), size=40)
        assert filled.cache[medlab.load_scan(path).sha256] == filled.cache[slot]


def test_the_second_time_opens_no_file(tmp_path, paths, decoded, monkeypatch):
    first = fill_cache(tmp_path / "cache", paths, WISH, progress=False)
    monkeypatch.setattr(filling, "read_source", None)
    again = fill_cache(tmp_path / "cache", paths[::-1], WISH, progress=False)
    assert again.slots == first.slots[::-1]
    assert len(decoded) == 20


def test_a_copy_under_another_name_is_known_by_its_bytes(tmp_path, paths, decoded):
    copy = tmp_path / "copy.png"
    shutil.copyfile(paths[3], copy)
    filled = fill_cache(tmp_path / "cache", [*paths, copy], WISH, workers=0, progress=False)
    assert filled.slots[-1] == 3
    assert len(filled.cache) == 20


def test_a_file_that_changed_is_made_anew(tmp_path, paths):
    fill_cache(tmp_path / "cache", paths, WISH, progress=False)
    write(paths[5], 99)
    os.utime(paths[5], ns=(1, 1))
    filled = fill_cache(tmp_path / "cache", paths, WISH, progress=False)
    assert filled.slots[5] == 20
    assert filled.cache[20] == medlab.prepare(medlab.load_scan(paths[5]), size=40)


def test_stopped_by_a_bad_file_it_goes_on_from_there(tmp_path, paths, decoded):
    good = paths[18].read_bytes()
    paths[18].write_bytes(b"")
    with pytest.raises(errors.DataError):
        fill_cache(tmp_path / "cache", paths, WISH, workers=0, progress=False)
    paths[18].write_bytes(good)
    decoded.clear()
    filled = fill_cache(tmp_path / "cache", paths, WISH, workers=0, progress=False)
    assert decoded == ["16.png", "17.png", "18.png", "19.png"]  # the first sixteen had been listed together
    assert filled.slots == tuple(range(20))


def test_skipped_files_have_no_slot(tmp_path, paths):
    paths[4].write_bytes(b"")
    filled = fill_cache(tmp_path / "cache", paths, WISH, on_error="skip", progress=False)
    assert filled.slots[3:6] == (3, None, 4)
    assert [failure.index for failure in filled.failures] == [4]


def test_another_window_is_another_cache_and_another_secret_is_not(tmp_path, paths):
    fill_cache(tmp_path / "cache", paths[:1], WISH, progress=False)
    fill_cache(tmp_path / "cache", paths[:1], WISH, options=ReadOptions(salt="secret"), progress=False)
    with pytest.raises(errors.DataError, match="mismatch"):
        fill_cache(tmp_path / "cache", paths[:1], WISH, options=ReadOptions(full_range=True), progress=False)


def test_colour_in_a_grey_cache_is_refused_by_name_and_fits_a_colour_cache(tmp_path, paths):
    colour = write(tmp_path / "skin.png", 1, (3,))
    with pytest.raises(errors.SpecError, match=r"skin\.png"):
        fill_cache(tmp_path / "grey", [colour], WISH, progress=False)
    filled = fill_cache(tmp_path / "colour", [colour, paths[0]], WISH, colour=True, progress=False)
    assert filled.cache[0] == medlab.prepare(medlab.load_scan(colour), size=40)
    assert filled.cache[1] == medlab.prepare(medlab.load_scan(paths[0]), size=40)


def test_no_name_of_a_file_or_folder_is_stored(tmp_path, paths):
    fill_cache(tmp_path / "cache", paths, WISH, options=ReadOptions(salt="secret"), progress=False)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "cache").iterdir())
    for word in (b"DOE", b"JANE", b".png", b"secret", os.fsencode(tmp_path.name)):
        assert word not in stored
