"""Words in pictures are found, and films without any are let through: one of each kind; the rates are in the docs."""

import sys

import numpy as np
import pytest

import medlab
from medlab.core.errors import MissingDependency, PrivacyError
from medlab.core.scan import Scan
from medlab.models.endpoint import burned_in
from medlab.models.endpoint.address import read_address
from medlab.models.endpoint.burned_in import MARKERS, find_words
from medlab.models.endpoint.gate import Gate
from medlab.phantom.style import PhantomStyle

pytest.importorskip("rapidocr", reason='pip install "medlab-workbench[ocr]"')


@pytest.fixture(scope="module")
def film() -> Scan:
    """A phantom with a side marker printed on it, 256 pixels."""
    return medlab.Phantom(size=256, style=PhantomStyle(marker="correct")).draw(5).scans[0]


def written(scan: Scan, text: str, left: int, top: int, size: int = 16) -> Scan:
    """`scan` with `text` burned in."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.fromarray(scan.to_uint8())
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)
    ImageDraw.Draw(picture).text((left, top), text, fill=255, font=font)
    return Scan(np.asarray(picture, np.float32) / 255, name="written")


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """RapidOCR's models come with it; a download would be an error here."""

    def refuse(*_args):
        raise OSError("the tests are offline")

    monkeypatch.setattr("socket.socket.connect", refuse)


def test_a_name_is_found_where_it_stands(film):
    (box,) = find_words(written(film, "SMITH, ANNA", left=20, top=230))
    top, left, bottom, right = box
    assert 222 < top < 240 < bottom < 256
    assert 10 < left < 30
    assert 105 < right < 150


def test_a_film_with_nothing_but_its_side_marker_is_let_through(film):
    assert find_words(film) == ()
    assert find_words(written(film, "L", left=225, top=20, size=24)) == ()


def test_a_gate_that_is_open_stops_the_film_with_the_name_and_not_the_other(film, server):
    from medlab.models.endpoint.model import EndpointModel

    gate = Gate(read_address("https://gpu.example/v1"), "medgemma", "pixels")
    query = EndpointModel(server.url, model="medgemma").query
    gate.check([query(film, "Effusion?")])
    with pytest.raises(PrivacyError, match="1 picture") as caught:
        gate.check([query(film, "Effusion?"), query(written(film, "SMITH, ANNA", 20, 230), "Effusion?")])
    assert "SMITH" not in str(caught.value)


def test_the_ultrasound_screen_of_a_real_clinic_is_stopped(fixtures):
    scan = medlab.load_scan(fixtures("dicom/US1_UNCI.dcm"))
    assert len(find_words(scan)) >= 10


@pytest.mark.parametrize("word", ["L", "r", "LEFT", "rt", "PA", "左", "右侧", "A"])
def test_markers_identify_nobody(word):
    assert MARKERS.fullmatch(word)


@pytest.mark.parametrize("word", ["LI", "Anna", "L 1961", "RIGHTER", "54", "张伟"])
def test_what_only_looks_like_a_marker_is_none(word):
    assert not MARKERS.fullmatch(word)


def test_a_picture_larger_than_one_tile_is_covered_without_a_gap():
    for length in (1, 1999, 2000, 2001, 3700, 3701, 9000):
        starts = burned_in._starts(length)
        ends = [start + burned_in.TILE_PX for start in starts]
        assert starts[0] == 0
        assert ends[-1] >= length
        assert all(start + burned_in.OVERLAP_PX <= end for start, end in zip(starts[1:], ends[:-1], strict=True))


def test_without_rapidocr_the_error_is_the_install_command(film, monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    burned_in._reader.cache_clear()
    with pytest.raises(MissingDependency, match=r"medlab-workbench\[ocr\]"):
        find_words(film)
