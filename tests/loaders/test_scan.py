"""The way in: which bytes go to which reader, which paths are opened, what the options mean."""

import gzip
import hashlib
import io
import os
import pathlib
import re
import subprocess
import sys
import types

import nibabel
import numpy as np
import pytest
from PIL import Image

import medlab
from medlab.core.case import Case
from medlab.core.errors import DataError, SpecError, UnknownName
from medlab.loaders.decode import READERS, decode
from medlab.loaders.decoded import WINDOW_PRESETS, ReadOptions
from medlab.loaders.sandbox import Limits
from medlab.loaders.scan import load_scan
from medlab.loaders.sniff import sniff

GREY = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50).astype(np.uint8)


def written(kind: str, array: np.ndarray = GREY, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, kind, **options)
    return stream.getvalue()


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def nifti(array: np.ndarray) -> bytes:
    image = nibabel.Nifti1Image(array, np.diag([-1.0, -1.0, 1.0, 1.0]))
    image.header.set_xyzt_units("mm")
    return image.to_bytes()


def refused(*given, **asked) -> DataError:
    with pytest.raises(DataError) as caught:
        load_scan(*given, **asked)
    return caught.value


# which reader


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (written("PNG"), "png"),
        (written("JPEG"), "jpeg"),
        (written("TIFF"), "tiff"),
        (b"MM\0+" + bytes(100), "tiff"),
        (written("GIF"), "gif"),
        (npy(GREY), "npy"),
        (nifti(GREY[..., None]), "nifti"),
        (gzip.compress(nifti(GREY[..., None]), mtime=0), "nifti"),
        (bytes(128) + b"DICM" + bytes(20), "dicom"),
        (b"PK\x03\x04" + bytes(124) + b"DICM" + bytes(20), "dicom"),
        (b"II*\0" + bytes(124) + b"DICM" + bytes(20), "dicom"),
        (b"\x08\0\x05\0CS\x0a\0ISO_IR 100", "dicom"),
    ],
)
def test_the_format_is_told_by_the_bytes(data, kind):
    assert sniff(data, "misleading.txt") == kind


@pytest.mark.parametrize(
    ("data", "looks"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG"),
        (b"\xef\xbb\xbf  <?xml version='1.0'?><svg></svg>", "SVG"),
        (b"<!DOCTYPE html><title>404</title>", "web page"),
        (b"<?xml version='1.0'?><report/>", "XML"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"GIF89a" + bytes(20), "GIF header without a picture"),
        (b"BM" + bytes(40), "BMP"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b'{"image": 1}', "JSON"),
        (b"name,age\nx,1\n", "text"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (gzip.compress(b"not a volume", mtime=0), "gzip"),
        (bytes(range(1, 200)), "no kind known here"),
    ],
)
def test_what_is_no_picture_is_refused_by_what_it_looks_like(data, looks):
    error = refused(data)
    assert error.code == "not_image"
    assert looks in str(error)
    assert "DICOM, PNG, JPEG" in error.accepted
    assert error.fix


@pytest.mark.parametrize("data", [b"", b"plain text", bytes(range(1, 200))])
def test_a_file_called_dcm_that_is_nothing_is_not_dicom(tmp_path, data):
    path = tmp_path / "x.dcm"
    path.write_bytes(data)
    assert refused(path).code == "not_dicom"


def test_a_pickle_is_refused_as_a_pickle():
    assert refused(b"\x80\x04\x95\x10\0\0\0\0\0\0\0.").code == "pickle"


def test_a_name_that_disagrees_with_the_bytes_is_a_doubt(tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(written("PNG"))
    scan = load_scan(path)
    assert "name_disagrees" in [note.code for note in scan.doubts]
    path = path.rename(tmp_path / "film.PNG")
    assert "name_disagrees" not in [note.code for note in load_scan(path).doubts]


def test_every_reader_of_the_registry_is_there():
    for name in READERS:
        assert callable(READERS.get(name))


def test_whatever_a_reader_throws_becomes_one_family(monkeypatch):
    class Panic(BaseException):
        pass

    def read(data, options, name):
        raise Panic("DOE^JOHN")

    monkeypatch.setattr("medlab.loaders.picture.read", read)
    error = refused(written("PNG"))
    assert error.code == "decode"
    assert "Panic" in str(error)
    assert "DOE" not in str(error)
    assert error.__suppress_context__


def test_memory_that_does_not_suffice_is_too_large(monkeypatch):
    def read(data, options, name):
        raise MemoryError

    monkeypatch.setattr("medlab.loaders.picture.read", read)
    assert refused(written("PNG")).code == "too_large"


# paths


def test_a_scan_knows_its_file_by_name_and_sha256_only(tmp_path):
    path = tmp_path / "DOE_JOHN" / "film.png"
    path.parent.mkdir()
    path.write_bytes(written("PNG"))
    scan = load_scan(str(path))
    assert scan.name == "film.png"
    assert scan.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "DOE" not in scan.to_json()


def test_bytes_paths_and_path_objects_give_the_same_picture(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(written("PNG"))
    scans = [
        load_scan(path),
        load_scan(str(path)),
        load_scan(path.read_bytes()),
        load_scan(memoryview(written("PNG"))),
    ]
    for scan in scans:
        np.testing.assert_array_equal(scan.to_uint8(), GREY)


@pytest.mark.parametrize(
    "address",
    ["http://x.org/a.png", "https://x.org/a.png", "file:///etc/passwd", "file:/etc/passwd", "FTP://x/a", "s3://b/a",
     "data:image/png;base64,AAAA"],
)  # fmt: skip
def test_addresses_are_refused(address):
    assert refused(address).code == "remote_disabled"


def test_an_address_that_went_through_pathlib_is_still_one():
    assert refused(pathlib.PurePosixPath("https://x.org/a.png")).code == "remote_disabled"


def test_an_empty_path_and_the_folder_one_is_in_are_named():
    assert "path is empty" in str(refused(" "))
    assert "'.' is a folder" in str(refused("."))


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        (io.BytesIO(b"x"), "file.read()"),
        (["a.png"], "load_series"),
        (load_scan(GREY), "Scan already"),
        (Case("one", (load_scan(GREY),)), "case.scans[0]"),
        (types.SimpleNamespace(numpy=lambda: GREY), "tensor.numpy()"),
    ],
)
def test_what_is_no_source_is_told_what_to_give_instead(source, hint):
    with pytest.raises(SpecError) as error:
        load_scan(source)
    assert hint in error.value.fix


def test_only_text_that_looks_like_a_table_is_sent_to_cohorts(tmp_path):
    note, table = tmp_path / "film.dcm", tmp_path / "films.csv"
    note.write_text("Dear colleague, here is the film.\nKind regards\n")
    table.write_text("image,view\na.png,PA\n")
    assert "text editor" in refused(note).fix
    assert "load_cohort" in refused(table).fix


def test_a_missing_file_names_its_near_neighbours(tmp_path):
    (tmp_path / "chest_001.png").write_bytes(b"")
    error = refused(tmp_path / "chest_01.png")
    assert error.code == "missing_file"
    assert "'chest_001.png'" in error.fix
    assert refused(tmp_path / "nowhere" / "x.png").code == "missing_file"


def test_a_folder_points_to_series_and_cohorts(tmp_path):
    error = refused(tmp_path)
    assert error.code == "not_image"
    assert "load_series" in error.fix
    assert "load_cohort" in error.fix


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert refused(tmp_path / "pipe.png").code == "unsafe_path"


def test_a_nul_in_a_path_is_refused():
    assert refused("a\0b.png").code == "unsafe_path"


def test_roots_hold_against_dots_absolute_paths_and_links(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "a.png").write_bytes(written("PNG"))
    (outside / "b.png").write_bytes(written("PNG"))
    (inside / "link.png").symlink_to(outside / "b.png")
    options = ReadOptions(roots=(str(inside),))
    assert load_scan(inside / "a.png", options=options).rows == 40
    for path in (inside / ".." / "out" / "b.png", outside / "b.png", inside / "link.png"):
        error = refused(path, options=options)
        assert error.code == "unsafe_path"
        assert str(tmp_path) not in str(error)
    assert load_scan(inside / "link.png").rows == 40


def test_a_file_above_the_limit_is_not_read(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(written("PNG"))
    assert refused(path, options=ReadOptions(max_bytes=50)).code == "too_large"
    assert refused(path.read_bytes(), options=ReadOptions(max_bytes=50)).code == "too_large"
    pasted = re.search(r"options=(.*)\) if", refused(path, options=ReadOptions(max_bytes=50)).fix)[1]
    assert eval(pasted).max_bytes == path.stat().st_size


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps names that are no text")
def test_a_name_that_is_no_text_becomes_text(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xfe.png"
    pathlib.Path(os.fsdecode(path)).write_bytes(written("PNG"))
    scan = load_scan(os.fsdecode(path))
    assert scan.name == "\ufffd\ufffd.png"
    assert medlab.Scan.from_json(scan.to_json()) == scan


def test_control_characters_of_a_name_do_not_reach_the_screen(tmp_path):
    path = tmp_path / "a\x1b[2J\nb.png"
    path.write_bytes(written("PNG"))
    assert "\x1b" not in repr(load_scan(path))
    path.write_bytes(b"nothing")
    assert "\x1b" not in str(refused(path))


# options


@pytest.mark.parametrize("source", [3, None, [1, 2], {"a": 1}, open])
def test_other_things_are_refused_with_what_is_accepted(source):
    with pytest.raises(SpecError, match="numpy array or a PIL image"):
        load_scan(source)


def test_a_window_is_a_number_a_preset_or_a_pair():
    hu = np.linspace(-1500, 500, 2500).reshape(50, 50)
    by_name, by_pair = load_scan(hu, window="lung"), load_scan(hu, window=(-600, 1500))
    assert by_name.window == by_pair.window == (-600.0, 1500.0)
    np.testing.assert_array_equal(by_name.pixels, by_pair.pixels)
    with pytest.raises(UnknownName, match="did you mean 'lung'"):
        load_scan(hu, window="lungs")
    for wrong in ((1, 2, 3), (0, 0), (0, -5), (np.nan, 1), True, 4.5):
        with pytest.raises(SpecError):
            load_scan(hu, window=wrong)


def test_windows_exclude_each_other():
    with pytest.raises(SpecError, match="several windows"):
        load_scan(GREY, window=(0, 1), full_range=True)


def test_keywords_overrule_options():
    hu = np.linspace(-1500, 500, 2500).reshape(50, 50)
    assert load_scan(hu, window="bone", options=ReadOptions(window=(0.0, 1.0))).window == (400.0, 1800.0)


def test_decode_and_load_scan_show_the_same_picture(tmp_path):
    for data in (written("PNG"), written("TIFF"), nifti(GREY[..., None]), npy(GREY)):
        np.testing.assert_array_equal(decode(data).to_uint8(), load_scan(data).to_uint8())
    np.testing.assert_array_equal(decode(Image.fromarray(GREY)).to_uint8(), GREY)


def test_loading_an_array_imports_neither_pydicom_nor_nibabel_nor_torch():
    code = (
        "import sys, numpy, medlab; medlab.load_scan(numpy.zeros((40, 40), 'uint8'));"
        "print([m for m in ('pydicom', 'nibabel', 'torch', 'transformers') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# the page


def test_the_page_lists_every_note_and_every_default():
    checkout = pathlib.Path(__file__).resolve().parents[2]
    page = (checkout / "docs" / "loading.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \| (correction|doubt) \|", page, re.MULTILINE))
    written_down = set()
    for name in ("array", "doubts", "flatten", "nifti", "picture", "png", "decode", "tiff", "tone"):
        source = (checkout / "medlab" / "loaders" / f"{name}.py").read_text(encoding="utf-8")
        for method, code in re.findall(r"\.(correct|doubt)\(\s*\"(\w+)\"", source):
            written_down.add((code, "correction" if method == "correct" else "doubt"))
    assert listed == written_down
    assert ReadOptions().max_bytes == 1 << 30
    assert ReadOptions().max_pixels == 100_000_000
    assert "| 1 GiB |" in page
    assert "| 100 million |" in page
    assert f"| {ReadOptions().max_frames} |" in page
    assert Limits().memory_bytes == 4 << 30
    assert (Limits().cpu_seconds, Limits().seconds) == (60, 60)
    assert all(f'"{name}"' in page for name in WINDOW_PRESETS)
