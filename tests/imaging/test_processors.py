"""What a processor's settings are worth to `medlab.prepare`: the same numbers, or None."""

import types

import pytest

from medlab.imaging import Preparation, preparation_of

PLAIN = {
    "do_resize": True,
    "do_rescale": True,
    "do_normalize": True,
    "resample": 2,
    "rescale_factor": 1 / 255,
    "size": {"height": 896, "width": 896},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def processor(**changes):
    return types.SimpleNamespace(**PLAIN | changes)


def test_a_processor_that_resizes_to_a_square_and_normalises_is_a_preparation():
    assert preparation_of(processor(do_pan_and_scan=False), "pad") == Preparation(896, "pad")
    colours = processor(image_mean=[0.1, 0.2, 0.3])
    assert preparation_of(colours, "stretch") == Preparation(896, "stretch", 3, (0.1, 0.2, 0.3), (0.5,))
    assert preparation_of(processor(), "pad", 1) == Preparation(896, "pad", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"do_resize": False},
        {"do_rescale": None},
        {"do_normalize": False},
        {"resample": 3},
        {"rescale_factor": 1 / 127.5},
        {"size": {"height": 32, "width": 48}},
        {"size": {"shortest_edge": 224}},
        {"size": None},
        {"do_center_crop": True},
        {"do_pad": True},
        {"do_pan_and_scan": True},
        {"max_num_patches": 256},
    ],
)
def test_one_that_does_anything_else_is_none(change):
    assert preparation_of(processor(**change), "pad") is None


def test_no_processor_is_none():
    assert preparation_of(None, "pad") is None
