"""What leaves the figure: the page's HTML, the saved file, and nothing else changed."""

import base64
import html.parser
import io
import re
import xml.etree.ElementTree

import matplotlib
import numpy as np
import PIL.Image
import pytest

from medlab.core.case import Box, Case, Finding, Mask, Report
from medlab.core.errors import SpecError
from medlab.core.scan import Note, Scan
from medlab.plots.show import show

HOSTILE = (
    '"><script>alert(1)</script><img src=x onerror=alert(1)> $\\frac{1}{0}$ $ ]]> --> \x00\x1b[31m\u202e 报告\ud800'
)


class Tags(html.parser.HTMLParser):
    """Every tag with its attributes, as a browser would read them."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@pytest.fixture
def hostile_case():
    scan = Scan(
        np.zeros((20, 20), np.float32),
        name=HOSTILE,
        modality=HOSTILE,
        steps=(HOSTILE,),
        notes=(Note("doubt", "x", HOSTILE), Note("correction", "y", HOSTILE)),
    )
    return Case(
        HOSTILE,
        (scan,),
        findings=(Finding(HOSTILE, "present", severity=HOSTILE),),
        reports=(Report("en", findings=HOSTILE, impression=HOSTILE, indication=HOSTILE),),
        boxes=(Box(HOSTILE, (1.0, 1.0, 9.0, 9.0), rater=HOSTILE),),
        masks=(Mask("m" + HOSTILE, np.ones((20, 20), bool), rater=HOSTILE),),
    )


def test_the_page_gets_one_picture_inside_a_figure_with_the_description_as_alt_text(case):
    plate = show(case)
    bundle = plate._repr_mimebundle_()
    (figure, _), (image, attributes) = Tags(bundle["text/html"]).found
    assert (figure, image) == ("figure", "img")
    assert attributes["alt"] == plate.description == bundle["text/plain"]
    picture = PIL.Image.open(io.BytesIO(base64.b64decode(attributes["src"].partition("base64,")[2])))
    assert picture.width == pytest.approx(int(attributes["width"]), abs=1)


def test_hostile_text_stays_text_on_the_page(hostile_case):
    bundle = show(hostile_case)._repr_mimebundle_()
    assert [tag for tag, _ in Tags(bundle["text/html"]).found] == ["figure", "img"]
    assert set(Tags(bundle["text/html"]).found[1][1]) == {"style", "width", "alt", "src"}
    assert "\x1b" not in bundle["text/plain"]
    assert "\u202e" not in bundle["text/plain"]


def test_the_hostile_text_would_break_a_page_that_did_not_escape_it():
    assert "script" in [tag for tag, _ in Tags(f'<img alt="{HOSTILE}">').found]


def test_hostile_text_stays_text_in_saved_files(hostile_case, tmp_path):
    plate = show(hostile_case)
    tree = xml.etree.ElementTree.parse(plate.save(tmp_path / "a.svg"))
    assert not [node for node in tree.iter() if re.search(r"\b(script|foreignObject)$", node.tag)]
    assert not [key for node in tree.iter() for key in node.attrib if key.lower().startswith("on")]
    with PIL.Image.open(plate.save(tmp_path / "a.png")) as picture:
        assert "<script>" in picture.text["Description"]


def test_an_alt_text_of_your_own_is_escaped_too(scan):
    assert [tag for tag, _ in Tags(show(scan, alt=HOSTILE).html).found] == ["figure", "img"]


def test_a_saved_png_carries_its_provenance(case, tmp_path):
    with PIL.Image.open(show(case).save(tmp_path / "a.png", dpi=100)) as picture:
        told = picture.text
    assert told["Description"] == show(case).description
    assert "ab" * 32 in told["Source"]
    assert '"numpy"' in told["Source"]
    assert told["Software"].startswith("medlab ")


def test_a_saved_svg_carries_its_provenance_and_no_date(case, tmp_path):
    text = show(case).save(tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "ab" * 32 in text
    assert "dc:date" not in text


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_the_same_case_gives_the_same_bytes(case, tmp_path, name):
    assert show(case).save(tmp_path / f"1{name}").read_bytes() == show(case).save(tmp_path / f"2{name}").read_bytes()


def test_a_saved_png_is_lossless_and_large_enough_to_print(scan, tmp_path):
    plate = show(scan)
    with PIL.Image.open(plate.save(tmp_path / "a.png")) as picture:
        assert picture.width == pytest.approx(300 * plate.figure.get_figwidth(), abs=1)


def test_another_suffix_is_refused_with_a_name_that_would_do(scan, tmp_path):
    with pytest.raises(SpecError, match=r"(?s)a\.pdf.*a\.png"):
        show(scan).save(tmp_path / "a.pdf")


def test_the_settings_of_the_user_are_neither_used_nor_changed(case):
    plain = show(case).png()
    with matplotlib.rc_context(
        {"text.usetex": True, "font.size": 30, "axes.facecolor": "red", "savefig.bbox": "tight"}
    ):
        before = dict(matplotlib.rcParams)
        assert show(case).png() == plain
        assert dict(matplotlib.rcParams) == before


def test_no_figure_is_left_open_in_pyplot(scan):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    show(scan).png()
    assert pyplot.get_fignums() == before
