"""The tower's targets, worked out by hand for one drawn square."""

import numpy as np

from medlab.core.case import Box
from medlab.demo.pool import Pool
from medlab.demo.targets import CHANNELS, channel_of, make_targets
from medlab.phantom import present
from medlab.phantom.vocabulary import FINDINGS, KINDS

NODULE = present("nodule", "left", zone="upper")
STILL = np.zeros((1, 2), int)


def pool_with(rows: slice, cols: slice) -> Pool:
    mask = np.zeros((224, 224), bool)
    mask[rows, cols] = True
    film = np.full((1, 224, 224), 9, np.uint8)
    film[0][mask] = 200
    return Pool(
        film, [(NODULE,)], [(Box("nodule", (32, 64, 48, 80), side="left"),)],
        np.packbits(mask, axis=1)[None], np.array([[0, 0]]), np.array([False]),
    )  # fmt: skip


def test_there_is_a_channel_for_each_side_of_each_sided_finding():
    assert len(CHANNELS) == sum(2 if KINDS[name].sided else 1 for name in FINDINGS) == 16
    assert len(set(CHANNELS)) == 16


def test_a_patch_that_the_finding_fills_is_one_and_the_others_nothing():
    targets = make_targets(pool_with(slice(32, 48), slice(64, 80)), np.array([0]), 16, STILL)
    channel = channel_of(NODULE)
    assert targets.share[0, channel, 2, 4] == 1
    assert targets.share.sum() == 1
    assert targets.present[0].sum() == 1
    assert targets.present[0, channel] == 1
    assert targets.zone[0, channel] == 0
    assert (targets.severity == -1).all()


def test_a_quarter_of_a_patch_counts_four_times_for_a_nodule():
    targets = make_targets(pool_with(slice(32, 40), slice(64, 72)), np.array([0]), 16, STILL)
    assert targets.share[0, channel_of(NODULE), 2, 4] == 1.0
    eighth = make_targets(pool_with(slice(32, 36), slice(64, 72)), np.array([0]), 16, STILL)
    assert eighth.share[0, channel_of(NODULE), 2, 4] == 0.5


def test_edges_are_hundredths_of_the_film():
    targets = make_targets(pool_with(slice(56, 112), slice(0, 224)), np.array([0]), 16, STILL)
    assert targets.edges[0, channel_of(NODULE)].tolist() == [25, 0, 50, 100]


def test_a_shift_moves_film_share_and_edges_together():
    moved = make_targets(pool_with(slice(32, 48), slice(64, 80)), np.array([0]), 16, np.array([[16, -16]]))
    assert moved.share[0, channel_of(NODULE), 3, 3] == 1
    assert moved.share.sum() == 1
    assert (moved.films[0, 48:64, 48:64] == 200).all()
    assert (moved.films[0] == 200).sum() == 256
    assert moved.edges[0, channel_of(NODULE)].tolist() == [21, 21, 29, 29]
