"""From stored values to grey: every number here is worked out by hand from the clause it names (PS3.3)."""

import numpy as np
import pytest

from medlab.core.errors import SpecError


def levels(forge, values, options=None, dtype=np.uint16, **elements) -> list[int]:
    """Grey levels 0..255 of one row of stored values."""
    data = forge.dicom(np.array([values], dtype), **elements)
    return forge.picture(data, **(options or {})).to_uint8()[0].tolist()


def lut_item(first: int, entries: list[int], bits: int, count: int | None = None):
    from pydicom.dataset import Dataset

    item = Dataset()
    item.add_new(0x00283002, "SS" if first < 0 else "US", [len(entries) if count is None else count, first, bits])
    item.add_new(0x00283006, "OW", np.array(entries, "<u2").tobytes())
    return item


def test_a_linear_window_follows_c_11_2_1_2_1(forge):
    """y = ((x - 2047.5) / 4095 + 0.5) x 255: 63.8 at 1024, 127.5+ at 2048."""
    found = levels(forge, [0, 1024, 2048, 4095], WindowCenter=2048, WindowWidth=4096)
    assert found == [0, 64, 128, 255]


def test_a_linear_window_of_width_1_is_a_threshold_below_its_centre(forge):
    assert levels(forge, [99, 100, 101], WindowCenter=100, WindowWidth=1) == [0, 255, 255]


def test_an_exact_window_follows_c_11_2_1_3_2(forge):
    """(x - c) / w + 0.5: 0, 1/4, 1/2, 3/4, 1 times 255."""
    found = levels(forge, range(5), WindowCenter=2, WindowWidth=4, VOILUTFunction="LINEAR_EXACT")
    assert found == [0, 64, 128, 191, 255]


def test_a_sigmoid_follows_c_11_2_1_3_1(forge):
    """1 / (1 + exp(-4 (x - c) / w)): 1/2 at the centre, 1 / (1 + 1/e) = 0.7311 at a quarter of the width above."""
    found = levels(forge, [0, 90, 100, 110, 300], WindowCenter=100, WindowWidth=40, VOILUTFunction="SIGMOID")
    assert found == [0, round(255 * (1 - 0.73106)), 128, round(255 * 0.73106), 255]


def test_a_negative_slope_inverts_once(forge):
    """4095 - x through 2048/4096."""
    found = levels(forge, [0, 4095], RescaleSlope=-1, RescaleIntercept=4095, WindowCenter=2048, WindowWidth=4096)
    assert found == [255, 0]


def test_the_window_applies_to_rescaled_values(forge):
    """x / 4 + 100 through 100/2 LINEAR_EXACT: 99 to 101 units are 0 to 4 above -4."""
    found = levels(
        forge,
        [0, 2, 4],
        RescaleSlope=0.25,
        RescaleIntercept=100,
        WindowCenter=100,
        WindowWidth=2,
        VOILUTFunction="LINEAR_EXACT",
    )
    assert found == [128, 191, 255]


def test_48_air_of_an_unsigned_ct_is_black(forge):
    ct = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": -1024}
    assert levels(forge, [0, 1064, 4095], WindowCenter=40, WindowWidth=400, **ct) == [0, 128, 255]
    decoded = forge.picture(forge.dicom(np.array([[0, 1064, 4095]], np.uint16), **ct), three_windows=True)
    assert decoded.to_uint8()[0].tolist() == [[0, 0, 0], [132, 128, 128], [255, 255, 255]]
    assert "not_hounsfield" not in forge.codes(decoded)


def test_three_windows_on_a_film_are_doubted_and_on_colour_refused(forge):
    assert "not_hounsfield" in forge.codes(forge.picture(forge.dicom(), three_windows=True))
    with pytest.raises(SpecError, match="colour"):
        forge.picture(forge.dicom(np.zeros((2, 2, 3), np.uint8)), three_windows=True)


SIGNED = {"WindowCenter": 0, "WindowWidth": 4096, "VOILUTFunction": "LINEAR_EXACT"}


def test_49_signed_values_without_extended_sign_are_extended(forge):
    """0x800 of 12 bits is -2048, 0x7ff is 2047."""
    raw = np.array([[0x0800, 0x0000, 0x07FF]], np.uint16)
    decoded = forge.picture(forge.dicom(raw, PixelRepresentation=1, **SIGNED))
    assert decoded.to_uint8()[0].tolist() == [0, 128, 255]
    assert "high_bits" in forge.codes(decoded)


def test_signed_values_with_extended_sign_need_no_correction(forge):
    raw = np.array([[-2048, 0, 2047]], np.int16)
    decoded = forge.picture(forge.dicom(raw, **SIGNED))
    assert decoded.to_uint8()[0].tolist() == [0, 128, 255]
    assert forge.codes(decoded) == set()


@pytest.mark.parametrize("bits", range(8, 17))
def test_every_number_of_stored_bits_uses_its_own_range(forge, bits):
    """Signed: -2^(b-1), 0, 2^(b-1) - 1, with whatever in the bits above."""
    values = np.array([[-(1 << bits - 1), 0, (1 << bits - 1) - 1]], np.int16).view(np.uint16)
    junk = 0x5555 << bits & 0xFFFF
    data = forge.dicom(
        values & np.uint16((1 << bits) - 1) | np.uint16(junk),
        BitsStored=bits,
        PixelRepresentation=1,
        WindowCenter=-0.5,
        WindowWidth=(1 << bits) - 1,
        VOILUTFunction="LINEAR_EXACT",
    )
    assert forge.picture(data).to_uint8()[0].tolist() == [0, 128, 255]


def test_50_overlay_bits_above_the_stored_ones_make_no_difference(forge):
    plain, overlaid = forge.ramp(4, 8) * 100, (forge.ramp(4, 8) * 100) | 0x5000
    assert np.array_equal(
        forge.picture(forge.dicom(plain)).to_uint8(), forge.picture(forge.dicom(overlaid)).to_uint8()
    )


def test_stored_bits_may_lie_at_the_top_of_the_word(forge):
    """High Bit 15 of 12: the value is x / 16, and the four bits below may hold anything."""
    values = [0, 2048 * 16 + 5, 4095 * 16 + 15]
    assert levels(forge, values, HighBit=15, WindowCenter=2048, WindowWidth=4096) == [0, 128, 255]


@pytest.mark.parametrize(
    ("elements", "inverted"),
    [
        ({}, False),
        ({"PhotometricInterpretation": "MONOCHROME1"}, True),
        ({"PresentationLUTShape": "INVERSE"}, True),
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}, True),
        ({"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "IDENTITY"}, True),
        ({"PresentationLUTShape": "IDENTITY"}, False),
    ],
)
def test_46_47_inversion_happens_exactly_once(forge, elements, inverted):
    """And about the whole range of grey: a picture whose brightest pixel is 64 comes out no darker than 191."""
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    data = forge.dicom(np.array([[0, 1024]], np.uint16), **window, **elements)
    decoded = forge.picture(data)
    assert decoded.to_uint8()[0].tolist() == ([255, 191] if inverted else [0, 64])
    assert ("inverted" in forge.codes(decoded)) == inverted


def test_a_modality_lut_comes_before_the_window(forge):
    """Stored 10, 11, 12 mean 0, 500, 1000; below and above take the ends (C.11.1.1.1)."""
    found = levels(
        forge,
        [0, 10, 11, 12, 13],
        ModalityLUTSequence=[lut_item(10, [0, 500, 1000], 16)],
        WindowCenter=500,
        WindowWidth=1000,
        VOILUTFunction="LINEAR_EXACT",
    )
    assert found == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(("bits", "white"), [(8, 255), (10, 1023), (16, 65535)])
def test_a_voi_lut_is_white_at_the_top_of_its_own_bits(forge, bits, white):
    found = levels(forge, [0, 1, 2], VOILUTSequence=[lut_item(0, [0, white // 2 + 1, white], bits)])
    assert found == [0, 128, 255]


def test_a_voi_lut_may_begin_below_zero(forge):
    """First entry at -2 for signed data; written as 65534 where the descriptor is unsigned (C.11.2.1.1)."""
    for first in (-2, 65534):
        found = levels(
            forge,
            [-3, -2, -1, 0, 1],
            dtype=np.int16,
            VOILUTSequence=[lut_item(first, [0, 64, 128, 255], 8)],
        )
        assert found == [0, 0, 64, 128, 255]


def test_45_a_count_of_zero_means_65536_entries(forge):
    entries = list(range(65536))
    item = lut_item(0, entries, 16, count=0)
    assert levels(forge, [0, 4095], VOILUTSequence=[item]) == [0, 16]


def test_44_a_lut_shorter_than_its_descriptor_is_used_with_a_note(forge):
    data = forge.dicom(np.array([[0, 1, 5]], np.uint16), VOILUTSequence=[lut_item(0, [0, 255], 8, count=6)])
    decoded = forge.picture(data)
    assert decoded.to_uint8()[0].tolist() == [0, 255, 255]
    assert "lut_length" in forge.codes(decoded)


def test_lut_data_may_be_packed_in_bytes(forge):
    item = lut_item(0, [], 8, count=4)
    item.add_new(0x00283006, "OW", bytes([0, 100, 200, 255]))
    assert levels(forge, [0, 1, 2, 3], VOILUTSequence=[item]) == [0, 100, 200, 255]


@pytest.mark.parametrize("name", ["VOILUTSequence", "ModalityLUTSequence"])
def test_an_unusable_lut_falls_back_to_the_window(forge, name):
    window = {"WindowCenter": 2, "WindowWidth": 4, "VOILUTFunction": "LINEAR_EXACT"}
    data = forge.dicom(np.array([[0, 4]], np.uint16), **{name: [lut_item(0, [1, 2], 77)]}, **window)
    decoded = forge.picture(data)
    assert decoded.to_uint8()[0].tolist() == [0, 255]
    assert {"VOILUTSequence": "voi_lut_unusable", "ModalityLUTSequence": "modality_lut_unusable"}[name] in forge.codes(
        decoded
    )


def test_a_voi_lut_is_number_0_and_windows_follow(forge):
    """Two ways to show it: the LUT (inverts), then the window (does not)."""
    elements = {
        "VOILUTSequence": [lut_item(0, [255, 0], 8)],
        "WindowCenter": 0.5,
        "WindowWidth": 1,
        "VOILUTFunction": "LINEAR_EXACT",
    }
    assert levels(forge, [0, 1], **elements) == [255, 0]
    assert levels(forge, [0, 1], {"window_index": 1}, **elements) == [0, 255]


def test_39_the_first_of_several_windows_is_shown_and_all_are_listed(forge):
    data = forge.dicom(WindowCenter=[40, 400], WindowWidth=[350, 1500])
    decoded = forge.picture(data)
    assert decoded.fields["window"] == (40, 350)
    assert decoded.fields["windows"] == ((40, 350), (400, 1500))
    assert forge.picture(data, window_index=1).fields["window"] == (400, 1500)
    with pytest.raises(SpecError, match="0 to 1"):
        forge.picture(data, window_index=2)
    with pytest.raises(SpecError, match="no window"):
        forge.picture(forge.dicom(), window_index=1)


def test_a_window_that_a_person_gives_replaces_the_file_s(forge):
    data = forge.dicom(np.array([[0, 100, 200]], np.uint16), WindowCenter=2048, WindowWidth=4096)
    decoded = forge.picture(data, window=(100.5, 201))
    assert decoded.to_uint8()[0].tolist() == [0, 128, 255]
    assert decoded.fields["window"] == (100.5, 201)


def test_a_person_s_window_may_be_narrower_than_1(forge):
    found = levels(forge, [0, 1], {"window": (0.5, 0.5)}, RescaleSlope=1, RescaleIntercept=0)
    assert found == [0, 255]


def test_a_person_s_window_outside_the_data_is_obeyed_and_doubted(forge):
    decoded = forge.picture(forge.dicom(), window=(90000, 10))
    assert decoded.to_uint8().max() == 0
    assert "window_outside_data" in forge.codes(decoded)


def test_41_the_file_s_window_outside_the_data_gives_way_to_the_range(forge):
    data = forge.dicom(np.array([[0, 100, 200]], np.uint16), WindowCenter=90000, WindowWidth=10)
    decoded = forge.picture(data)
    assert decoded.to_uint8()[0].tolist() == [0, 128, 255]
    assert decoded.fields["window"] is None


def test_full_range_ignores_the_window(forge):
    assert levels(forge, [100, 150, 200], {"full_range": True}, WindowCenter=40, WindowWidth=80) == [0, 128, 255]


def test_51_padding_does_not_count_in_the_range(forge):
    ct = {"Modality": "CT", "PixelRepresentation": 1, "BitsStored": 16, "PixelPaddingValue": -2000}
    data = forge.dicom(np.array([[-2000, 0, 100, 200]], np.int16), **ct)
    decoded = forge.picture(data)
    assert decoded.to_uint8()[0].tolist() == [0, 0, 128, 255]
    assert "padding" in forge.codes(decoded)
    ranged = forge.dicom(np.array([[-2000, -1999, 0, 100, 200]], np.int16), PixelPaddingRangeLimit=-1990, **ct)
    assert forge.picture(ranged).to_uint8()[0].tolist() == [0, 0, 0, 128, 255]


def test_padding_that_no_pixel_has_is_not_mentioned(forge):
    decoded = forge.picture(forge.dicom(PixelPaddingValue=5000))
    assert "padding" not in forge.codes(decoded)


def test_eight_bits_without_a_window_are_shown_as_they_are(forge):
    decoded = forge.picture(forge.dicom(np.array([[10, 20]], np.uint8), Modality="OT"))
    assert decoded.to_uint8()[0].tolist() == [10, 20]
    assert "no_window" not in forge.codes(decoded)


def test_53_one_bit_is_a_mask(forge):
    """Frames are packed without gaps, lowest bit first: 9 pixels a frame, the second frame begins at bit 9."""
    packed = np.packbits([1, 0, 1, 0, 1, 0, 1, 0, 1] + [0, 1, 1, 1, 1, 1, 1, 1, 0], bitorder="little").tobytes()
    data = forge.dicom(
        np.zeros((3, 3), np.uint8),
        Modality="SEG",
        BitsAllocated=1,
        BitsStored=1,
        HighBit=0,
        NumberOfFrames=2,
        PixelData=packed + b"\0",
    )
    second = forge.picture(data, frame=1)
    assert second.to_uint8().ravel().tolist() == [0, 255, 255, 255, 255, 255, 255, 255, 0]
    assert second.fields["frames"] == 2


def test_an_empty_mask_is_black_and_a_full_one_white(forge):
    for byte, level in ((b"\0\0", 0), (b"\xff\xff", 255)):
        data = forge.dicom(np.zeros((4, 4), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=byte)
        assert set(forge.picture(data).to_uint8().ravel()) == {level}


def test_frames_are_chosen_by_number(forge):
    frames = np.arange(3 * 4, dtype=np.uint16).reshape(3, 2, 2)
    data = forge.dicom(frames[0], NumberOfFrames=3, PixelData=frames.tobytes())
    for frame in range(3):
        assert np.array_equal(forge.picture(data, frame=frame).stored, frames[frame])
    with pytest.raises(SpecError, match="0 to 2"):
        forge.picture(data, frame=3)


def test_each_frame_of_an_enhanced_object_has_its_own_rescale_and_window(forge):
    """Frame 0: x - 10 through 0/20; frame 1 falls back to the shared 2 x and the window on top."""
    from pydicom.dataset import Dataset

    def group(slope, intercept, window=None, spacing=None):
        item, values = Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept = slope, intercept
        item.PixelValueTransformationSequence = [values]
        if window:
            shown = Dataset()
            shown.WindowCenter, shown.WindowWidth, shown.VOILUTFunction = *window, "LINEAR_EXACT"
            item.FrameVOILUTSequence = [shown]
        if spacing:
            measures = Dataset()
            measures.PixelSpacing = spacing
            item.PixelMeasuresSequence = [measures]
        return item

    frames = np.array([[[0, 10, 20]], [[0, 10, 20]]], np.uint16)
    data = forge.dicom(
        frames[0],
        NumberOfFrames=2,
        PixelData=frames.tobytes(),
        PerFrameFunctionalGroupsSequence=[group(1, -10, (0, 20)), Dataset()],
        SharedFunctionalGroupsSequence=[group(2, 0, spacing=[0.5, 0.5])],
        WindowCenter=40,
        WindowWidth=80,
        VOILUTFunction="LINEAR_EXACT",
    )
    first, second = forge.picture(data, frame=0), forge.picture(data, frame=1)
    assert first.to_uint8()[0].tolist() == [0, 128, 255]
    assert second.to_uint8()[0].tolist() == [0, 64, 128]
    assert first.fields["spacing_mm"] == (0.5, 0.5)


def test_a_picture_largely_outside_its_window_is_doubted_and_one_inside_is_not(forge):
    inside = {"WindowCenter": 2048, "WindowWidth": 4096}
    narrow = {"WindowCenter": 2048, "WindowWidth": 100}
    assert "clipped" not in forge.codes(forge.picture(forge.dicom(**inside)))
    assert "clipped" in forge.codes(forge.picture(forge.dicom(**narrow)))


def test_black_beside_the_body_is_not_clipping(forge):
    """Half of the film is unexposed: it is the least value, and no body."""
    pixels = forge.ramp()
    pixels[:, :32] = 0
    decoded = forge.picture(forge.dicom(pixels, WindowCenter=2048, WindowWidth=4000))
    assert "clipped" not in forge.codes(decoded)


def test_air_in_a_ct_is_not_clipping(forge):
    hu = np.where(np.arange(64) < 40, -1000, np.arange(64)).astype(np.int16) + np.zeros((64, 1), np.int16)
    ct = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": 0, "BitsStored": 16}
    assert "clipped" not in forge.codes(forge.picture(forge.dicom(hu, WindowCenter=40, WindowWidth=400, **ct)))
    assert "clipped" in forge.codes(forge.picture(forge.dicom(hu, WindowCenter=-600, WindowWidth=100, **ct)))


def test_floats_and_bytes_of_a_picture_agree(forge):
    decoded = forge.picture(forge.dicom(WindowCenter=1000, WindowWidth=3000))
    decoded.fields["name"] = "test.dcm"
    assert np.array_equal(decoded.to_scan().to_uint8(), decoded.to_uint8())
