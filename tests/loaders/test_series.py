"""A series in the order of the body: made of small slices whose places are chosen, so that the order is known."""

import io
import pathlib

import numpy as np
import pytest

from medlab.core.errors import DataError, SpecError
from medlab.loaders.series import load_series

AXIAL = [1, 0, 0, 0, 1, 0]
CORONAL = [1, 0, 0, 0, 0, -1]


def _slice(hu: int, z: float, **elements) -> bytes:
    """An 8 x 8 CT slice of one value at height z, unsigned with intercept -1024 as most scanners write it."""
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.8.498.2"
    made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    values = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.3",
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "ImagePositionPatient": [0, 0, z],
        "ImageOrientationPatient": AXIAL,
        "Rows": 8,
        "Columns": 8,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "RescaleType": "HU",
        "PixelData": np.full((8, 8), hu + 1024, "<u2").tobytes(),
    }
    for name, value in (values | elements).items():
        if value is not None:
            setattr(made, name, value)
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    """A folder that `add` writes slices into, in the order of their file names."""

    class Folder:
        path = tmp_path / "series"
        count = 0

        def add(self, data: bytes) -> None:
            self.count += 1
            (self.path / f"{self.count:03d}.dcm").write_bytes(data)

    made = Folder()
    made.path.mkdir()
    return made


def _greys(scans) -> list[int]:
    return [int(scan.to_uint8()[0, 0]) for scan in scans]


def _codes(scans) -> list[str]:
    return [note.code for note in scans[0].notes]


def test_slices_come_in_the_order_of_the_body_and_not_of_their_names(folder):
    for hu, z in ((40, 20), (0, 0), (20, 10)):
        folder.add(_slice(hu, z))
    scans = load_series(folder.path, window=(40, 80))
    assert [scan.name for scan in scans] == ["002.dcm", "003.dcm", "001.dcm"]
    greys = _greys(scans)
    assert greys == sorted(greys)
    assert greys[0] == 0, "HU 0 in 40/80: (0 - 39.5) / 79 + 0.5 = 0"


def test_coronal_slices_are_ordered_along_their_own_normal(folder):
    """The normal of (1,0,0) x (0,0,-1) is (0,1,0): y decides, z does not."""
    for hu, y in ((40, 30), (0, 10), (20, 20)):
        folder.add(_slice(hu, 0, ImagePositionPatient=[0, y, 99 - y], ImageOrientationPatient=CORONAL))
    scans = load_series(folder.path, window=(40, 80))
    assert [scan.name for scan in scans] == ["002.dcm", "003.dcm", "001.dcm"]


def test_three_windows_make_air_black_and_bone_white(folder):
    """MedGemma 1.5's channels: -1024..1024, -135..215, 0..80 HU, worked out by hand and rounded to 256 levels."""
    for hu, z in ((-1024, 0), (40, 5), (1024, 10)):
        folder.add(_slice(hu, z))
    air, soft, bone = (scan.to_uint8()[0, 0].tolist() for scan in load_series(folder.path, three_windows=True))
    assert air == [0, 0, 0]
    assert soft == [round(1064 / 2048 * 255), round(175 / 350 * 255), round(40 / 80 * 255)]
    assert bone == [255, 255, 255]


def test_a_limit_takes_evenly_spaced_slices_and_both_ends(folder):
    for z in range(9):
        folder.add(_slice(z, z))
    scans = load_series(folder.path, limit=3)
    assert [scan.name for scan in scans] == ["001.dcm", "005.dcm", "009.dcm"]
    assert "slices_chosen" in _codes(scans)
    assert len(load_series(folder.path, limit=9)) == 9
    assert [scan.name for scan in load_series(folder.path, limit=1)] == ["005.dcm"]


def test_localizers_are_left_out_with_a_note(folder):
    folder.add(_slice(0, 0))
    folder.add(_slice(0, 5))
    folder.add(_slice(0, 2, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ImageOrientationPatient=CORONAL))
    scans = load_series(folder.path)
    assert len(scans) == 2
    assert "localizer_dropped" in _codes(scans)


def test_58_two_orientations_are_refused(folder):
    folder.add(_slice(0, 0))
    folder.add(_slice(0, 5, ImageOrientationPatient=CORONAL))
    with pytest.raises(DataError, match=r"'001.dcm' and '002.dcm'") as caught:
        load_series(folder.path)
    assert caught.value.code == "mixed_series"


def test_two_series_are_refused_without_naming_their_uids(folder):
    folder.add(_slice(0, 0))
    folder.add(_slice(0, 5, SeriesInstanceUID="1.2.826.0.1.3680043.8.498.4444"))
    with pytest.raises(DataError) as caught:
        load_series(folder.path)
    assert caught.value.code == "mixed_series"
    assert "3680043" not in str(caught.value)


def test_slices_of_two_sizes_are_refused(folder):
    folder.add(_slice(0, 0))
    folder.add(_slice(0, 5, Rows=4, PixelData=bytes(64)))
    with pytest.raises(DataError, match="different size"):
        load_series(folder.path)


def test_59_two_slices_at_one_position_are_doubted(folder):
    for z in (0, 5, 5, 10):
        folder.add(_slice(0, z))
    scans = load_series(folder.path)
    assert len(scans) == 4
    assert "duplicate_position" in _codes(scans)
    assert "uneven_spacing" not in _codes(scans)


def test_a_missing_slice_is_doubted(folder):
    for z in (0, 5, 10, 20, 25):
        folder.add(_slice(0, z))
    assert "uneven_spacing" in _codes(load_series(folder.path))


def test_an_even_series_gets_no_note_about_its_slices(folder):
    for z in (0, 5, 10):
        folder.add(_slice(0, z))
    assert not {"duplicate_position", "uneven_spacing", "localizer_dropped", "slices_chosen"} & set(
        _codes(load_series(folder.path))
    )


def test_a_folder_s_other_files_are_passed_over_but_a_listed_one_is_not(folder):
    folder.add(_slice(0, 0))
    (folder.path / "readme.txt").write_text("no slice")
    assert len(load_series(folder.path)) == 1
    with pytest.raises(DataError):
        load_series([folder.path / "001.dcm", folder.path / "readme.txt"])


def test_a_folder_without_slices_says_so(folder):
    with pytest.raises(DataError) as caught:
        load_series(folder.path)
    assert caught.value.code == "missing_file"


def test_a_broken_slice_is_not_passed_over(folder):
    folder.add(_slice(0, 0))
    folder.add(_slice(0, 5)[:-20])
    with pytest.raises(DataError) as caught:
        load_series(folder.path)
    assert caught.value.code == "truncated"


def test_slices_without_positions_are_refused(folder):
    folder.add(_slice(0, 0))
    folder.add(_slice(0, 5, ImagePositionPatient=None))
    with pytest.raises(DataError, match="where in the patient"):
        load_series(folder.path)


def test_bytes_are_not_a_series():
    with pytest.raises(SpecError):
        load_series(b"DICM")


def test_the_frames_of_a_real_enhanced_ct_are_its_slices(fixtures):
    """Positions in the functional groups, orientation in the shared ones; read independently by pydicom."""
    import pydicom

    path = fixtures("dicom/eCT_Supplemental.dcm")
    header = pydicom.dcmread(path, stop_before_pixels=True)
    turn = header.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
    normal = np.cross(turn[:3], turn[3:])
    places = [group.PlanePositionSequence[0].ImagePositionPatient for group in header.PerFrameFunctionalGroupsSequence]
    scans = load_series(path)
    assert [scan.frame for scan in scans] == sorted(range(2), key=lambda frame: np.dot(places[frame], normal))
    assert all(scan.frames == 2 and scan.modality == "CT" for scan in scans)


@pytest.fixture
def samples():
    """Folders of real series in the pydicom wheel, cut down to 16 x 16 pixels by its makers."""
    from pydicom.data import get_testdata_file

    return pathlib.Path(get_testdata_file("DICOMDIR")).parent


def test_a_real_ct_series_is_in_the_order_of_its_slice_locations(samples):
    """Its file names run the other way."""
    import pydicom

    folder = samples / "98892001" / "CT5N"
    scans = load_series(folder)
    heights = [float(pydicom.dcmread(folder / scan.name).SliceLocation) for scan in scans]
    assert len(scans) == 5
    assert heights == sorted(heights)
    assert [scan.name for scan in scans] == sorted((scan.name for scan in scans), reverse=True)


@pytest.mark.parametrize("folder", ["98892003/MR700", "98892003/MR1"], ids=["rotating projections", "three series"])
def test_real_folders_that_are_no_stack_are_refused(samples, folder):
    with pytest.raises(DataError) as caught:
        load_series(samples / folder)
    assert caught.value.code == "mixed_series"


def test_a_real_folder_of_two_localizers_has_no_slice(samples):
    with pytest.raises(DataError, match="2 localizer"):
        load_series(samples / "98892001" / "CT2N")


def _enhanced(heights: list[int], open_ended: bool) -> bytes:
    """One file whose frame n is all of value n, at heights[n]; its items with or without a stated length."""
    import pydicom
    from pydicom.dataset import Dataset

    made = pydicom.dcmread(io.BytesIO(_slice(0, 0)))
    made.NumberOfFrames = len(heights)
    made.PixelData = np.repeat(np.arange(len(heights), dtype="<u2"), 64).tobytes()
    groups = []
    for z in heights:
        place, group = Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, z]
        group.PlanePositionSequence = [place]
        group.is_undefined_length_sequence_item = open_ended
        groups.append(group)
    made.PerFrameFunctionalGroupsSequence = groups
    made["PerFrameFunctionalGroupsSequence"].is_undefined_length = open_ended
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize("open_ended", [False, True])
def test_frames_of_one_file_come_in_the_order_of_the_body(tmp_path, open_ended):
    (tmp_path / "all.dcm").write_bytes(_enhanced([30, 10, 20], open_ended))
    scans = load_series(tmp_path / "all.dcm", window=(-1023, 3))
    assert [scan.frame for scan in scans] == [1, 2, 0]
    # -1023, -1022 and -1024 HU in a LINEAR window of width 3 about -1023: 3/4, 5/4 and 1/4
    assert _greys(scans) == [191, 255, 64]


def test_headers_of_many_frames_are_walked_once(tmp_path, monkeypatch):
    """Items without a stated length must be walked to be passed: once for all frames, not once for each."""
    from medlab.loaders.decoded import ReadOptions
    from medlab.loaders.dicom.elements import Elements
    from medlab.loaders.series import _headers

    walked = []
    begin = Elements.__init__
    monkeypatch.setattr(Elements, "__init__", lambda self, *given: (walked.append(1), begin(self, *given))[1])
    for count in (50, 100):
        (tmp_path / "all.dcm").write_bytes(_enhanced(list(range(count)), open_ended=True))
        walked.clear()
        assert len(_headers(tmp_path / "all.dcm", ReadOptions(), True)) == count
        assert len(walked) < 4 * count


@pytest.mark.parametrize("source", [None, 3, np.zeros((4, 4))])
def test_what_is_no_series_is_refused_by_its_kind(source):
    with pytest.raises(SpecError, match="a series cannot be made from"):
        load_series(source)


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "ct").mkdir()
    with pytest.raises(DataError) as error:
        load_series("~/ct")
    assert "no DICOM slice" in str(error.value)
