"""What `look` doubts: the polarity of films above all, counted on real ones and on their inverted copies."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from medlab.loaders.decoded import Decoded
from medlab.loaders.doubts import INVERTED_BELOW, look, polarity
from medlab.loaders.scan import load_scan


def films(fixtures) -> list[str]:
    """Paths of every real chest picture among the fixtures."""
    with fixtures("cxr_covid/metadata.csv").open(newline="") as table:
        names = [f"cxr_covid/images/{row['filename']}" for row in csv.DictReader(table)]
    names += ["nih/00000001_000.png", "nih/00027426_000.png"]
    names += [f"openi/images/{name}.png" for name in ("2_1", "2_2", "861_1", "2577_1", "2882_1")]
    questions = json.loads(fixtures("vqa_rad/testset.json").read_text()) + json.loads(
        fixtures("vqa_rad/trainset.json").read_text()
    )
    chests = {row["image_name"] for row in questions if row["image_organ"] == "CHEST"}
    folder = fixtures("vqa_rad/images")
    return [fixtures(name) for name in names] + [folder / name for name in sorted(chests) if (folder / name).exists()]


def test_real_films_are_not_doubted_and_their_inverted_copies_are(fixtures):
    false_alarms, found, paths = 0, 0, films(fixtures)
    for path in paths:
        scan = load_scan(path)
        grey = scan.pixels if not scan.is_colour else scan.pixels[..., 1]
        false_alarms += "looks_inverted" in [note.code for note in load_scan(grey).doubts]
        found += "looks_inverted" in [note.code for note in load_scan(1 - grey).doubts]
    assert len(paths) >= 60
    assert false_alarms == 0
    assert found == len(paths)


def test_polarity_changes_its_sign_with_the_picture():
    rng = np.random.default_rng(0)
    picture = rng.random((64, 64))
    assert polarity(1 - picture) == pytest.approx(-polarity(picture), abs=0.02)
    assert polarity(np.zeros((64, 64))) == 0


def test_polarity_of_a_drawn_chest_is_worked_out_by_hand():
    chest = np.zeros((64, 64))
    chest[16:48, 27:37] = 1.0
    # middle 1, lungs 0, corners 0: 1 - 0 + 1 - 0
    assert polarity(chest) == pytest.approx(2)
    assert polarity(1 - chest) == pytest.approx(-2)
    assert INVERTED_BELOW < 0


@pytest.mark.parametrize(("modality", "doubted"), [("unknown", True), ("DX", True), ("CT", False), ("NM", False)])
def test_only_films_are_doubted_for_their_polarity(modality, doubted):
    chest = np.full((128, 128), 255, np.uint8)
    chest[32:96, 54:74] = 0
    decoded = Decoded(chest, np.linspace(0, 1, 256, dtype=np.float32), {"modality": modality})
    look(decoded)
    assert ("looks_inverted" in [note.code for note in decoded.notes]) == doubted


def test_the_shown_picture_counts_and_not_the_stored_one():
    chest = np.zeros((128, 128), np.int16)
    chest[32:96, 54:74] = 1000
    table = np.linspace(1, 0, 65536, dtype=np.float32)
    decoded = Decoded(chest, table)
    look(decoded)
    assert [note.code for note in decoded.notes] == ["looks_inverted"]


def test_noise_and_ramps_are_not_doubted():
    rng = np.random.default_rng(1)
    for picture in (rng.random((100, 100)), np.linspace(0, 1, 10_000).reshape(100, 100)):
        assert load_scan(picture).notes == ()


def test_one_value_throughout_is_doubted_and_two_are_not():
    flat = np.full((100, 100), 7, np.uint8)
    assert [note.code for note in load_scan(flat).doubts] == ["flat"]
    flat[-1, -1] = 8
    assert load_scan(flat).doubts == ()
    assert [note.code for note in load_scan(Image.new("RGB", (40, 40), (1, 2, 3))).doubts] == ["flat"]
