"""Pictures: medlab's own preparation where it gives the processor's numbers, the processor where it does not."""

import numpy as np
import pytest

from medlab.core.errors import CapabilityError, SpecError
from medlab.core.scan import Scan
from medlab.imaging.preparing import Preparation
from medlab.models.embedding.model import EmbeddingModel
from medlab.models.embedding.pictures import Pictures


def noise(rows: int, cols: int, *channels: int) -> Scan:
    return Scan(np.random.default_rng(7).random((rows, cols, *channels), np.float32))


def theirs(processor, scan: Scan, *, padded: bool) -> np.ndarray:
    from PIL import Image

    pixels = scan.to_uint8()
    if padded:
        side = max(pixels.shape[:2])
        square = np.zeros((side, side, *pixels.shape[2:]), np.uint8)
        top, left = (side - scan.rows) // 2, (side - scan.cols) // 2
        square[top : top + scan.rows, left : left + scan.cols] = pixels
        pixels = square
    return processor(images=Image.fromarray(pixels).convert("RGB"), return_tensors="np")["pixel_values"][0]


@pytest.mark.parametrize("resample", [2, 3], ids=["bilinear", "bicubic"])
@pytest.mark.parametrize("fit", ["pad", "own"])
@pytest.mark.parametrize("shape", [(50, 80), (80, 50, 3), (32, 32)])
def test_the_numbers_are_the_processors_bit_by_bit(build, resample, fit, shape):
    processor = build(resample)[1].image_processor
    pictures = Pictures(processor, 3, fit)
    scan = noise(*shape)
    ours = pictures.inputs([scan])["pixel_values"].numpy()[0]
    assert np.array_equal(ours, theirs(processor, scan, padded=fit == "pad"))
    assert (pictures.preparation is None) == (resample == 3)


def test_a_padded_scan_keeps_its_ends_where_clip_alone_would_crop_them(checkpoints):
    processor = checkpoints["clip"][1].image_processor
    pixels = np.full((40, 120), 0.5, np.float32)
    pixels[:, :20] = 1  # what the crop of the middle square loses
    bright = Scan(pixels)
    plain = Scan(np.full((40, 120), 0.5, np.float32))

    def differ(fit: str) -> bool:
        made = Pictures(processor, 3, fit).inputs([bright, plain])["pixel_values"]
        return not np.array_equal(made[0], made[1])

    assert differ("pad")
    assert not differ("own")


def test_naflex_keeps_the_aspect_by_itself_and_is_not_padded_unless_asked(checkpoints):
    processor = checkpoints["siglip2"][1].image_processor
    own, padded = Pictures(processor), Pictures(processor, fit="pad")
    assert (own.fit, padded.fit) == ("own", "pad")
    scan = noise(30, 120)
    assert own.inputs([scan])["spatial_shapes"].tolist() == [[2, 8]]  # 16 patches at most
    assert padded.inputs([scan])["spatial_shapes"].tolist() == [[4, 4]]


def test_the_numbers_of_a_checkpoint_are_read_from_its_processor(build):
    processor = build(2)[1].image_processor
    processor.image_mean, processor.image_std = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
    expected = Preparation(32, "pad", 3, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
    assert Pictures(processor).preparation == expected


@pytest.mark.parametrize(
    "change", [{"do_rescale": False}, {"rescale_factor": 1 / 127.5}, {"size": {"height": 32, "width": 48}}]
)
def test_a_processor_that_does_anything_else_is_asked_itself(build, change):
    processor = build(2)[1].image_processor
    for name, value in change.items():
        setattr(processor, name, value)
    assert Pictures(processor).preparation is None


def test_a_tower_of_one_channel_takes_grey_scans_and_refuses_colour(build):
    module, processor = build(2, channels=1)
    model = EmbeddingModel(module, processor, name="grey", fingerprint="grey")
    assert model.embed_scans([noise(40, 40)]).shape == (1, 32)
    with pytest.raises(SpecError, match="a colour picture"):
        model.embed_scans([noise(40, 40, 3)])
    module, processor = build(3, channels=1)
    with pytest.raises(CapabilityError, match=r"1 channel\(s\)"):
        EmbeddingModel(module, processor, name="grey", fingerprint="grey")


def test_another_fit_is_refused(build):
    with pytest.raises(SpecError, match="accepted: pad, own"):
        Pictures(build()[1].image_processor, fit="crop")
