"""Prompt and Query: a template is filled once, and what fills it is never read as a template."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlab.core.case import Case
from medlab.core.errors import SpecError
from medlab.core.query import Decoding, Message, Part, Prompt, Query
from medlab.core.scan import Scan

SCAN = Scan(np.zeros((2, 2), np.float32))
OTHER = Scan(np.ones((2, 2), np.float32))


def text_of(query: Query) -> str:
    return next(part.text for part in query.messages[-1].parts if part.text is not None)


def test_a_filled_prompt_shows_the_scan_and_then_the_text():
    query = Prompt("ask", "Is there {finding}?").fill(SCAN, finding="effusion")
    assert query.messages == (Message("user", (Part(scan=0), Part(text="Is there effusion?"))),)
    assert query.scans == (SCAN,)
    assert query.decoding == Decoding()


def test_the_text_stands_first_where_the_prompt_says_so():
    query = Prompt("ask", "Describe.", order="text_first").fill(SCAN)
    assert query.messages[0].parts == (Part(text="Describe."), Part(scan=0))


def test_a_system_text_is_a_message_of_its_own():
    query = Prompt("ask", "Describe.", system="You are a radiologist.").fill(SCAN)
    assert [message.role for message in query.messages] == ["system", "user"]


@given(st.text())
def test_whatever_fills_a_prompt_stands_there_as_it_is(value):
    query = Prompt("ask", "{{as JSON}} {finding}").fill(SCAN, finding=value)
    assert text_of(query) == "{as JSON} " + value


def test_a_value_with_braces_is_not_a_template():
    query = Prompt("ask", "{a} {b}").fill(SCAN, a="{b}", b="{a.__class__}")
    assert text_of(query) == "{b} {a.__class__}"


@pytest.mark.parametrize(
    "template", ["{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{a:{b}}", "{A}", "{case}", "{decoding}", "{a b}"]
)
def test_a_template_with_more_than_plain_names_is_refused(template):
    with pytest.raises(SpecError, match="plain"):
        Prompt("ask", template)


@pytest.mark.parametrize("template", ["{a", "a}", "{a{b}}"])
def test_a_template_with_a_lone_brace_is_refused(template):
    with pytest.raises(SpecError, match="template of ask"):
        Prompt("ask", template)


def test_names_are_in_order_and_each_once():
    assert Prompt("ask", "{b} {a} {b}").variables == ("b", "a")


def test_what_is_missing_and_what_is_not_known_is_named():
    with pytest.raises(SpecError, match=r"missing \['finding'\], unknown \['fnding'\]") as refused:
        Prompt("ask", "{finding}").fill(SCAN, fnding="x")
    assert refused.value.fix == 'model.ask(scan, prompt, finding="…")'
    with pytest.raises(SpecError, match=r"prompt ask: missing \['finding'\]\n"):
        Prompt("ask", "{finding}").fill(SCAN)


def test_a_prompt_for_two_scans_takes_the_first_two_of_a_case_and_says_so():
    prompt = Prompt("compare", "What changed?", images=2)
    with pytest.warns(UserWarning, match="compare shows the first 2 of a case's 3 scans"):
        query = prompt.fill(Case("c", scans=(SCAN, OTHER, SCAN)))
    assert query.scans == (SCAN, OTHER)
    assert [part.scan for part in query.messages[0].parts] == [0, 1, None]


def test_a_prompt_refuses_fewer_scans_than_it_shows_and_more_than_it_would_show():
    prompt = Prompt("compare", "What changed?", images=2)
    with pytest.raises(SpecError, match=r"shows 2 scan\(s\), not 1"):
        prompt.fill(SCAN)
    with pytest.raises(SpecError, match=r"shows 2 scan\(s\), not 3"):
        prompt.fill((SCAN, OTHER, SCAN))
    with pytest.raises(SpecError, match=r"shows 0 scan\(s\), not 1"):
        prompt.replace(images=0).fill(SCAN)


def test_a_prompt_without_a_scan_needs_none():
    prompt = Prompt("chat", "What is an effusion?", images=0)
    assert prompt.fill(Case("c")).scans == ()
    with pytest.warns(UserWarning, match="chat shows no scan of a case"):
        assert prompt.fill(Case("c", scans=(SCAN,))).scans == ()


def test_a_part_is_a_text_or_a_scan():
    for fields in ({}, {"text": "a", "scan": 0}):
        with pytest.raises(SpecError, match="one of text and scan"):
            Part(**fields)


def test_a_query_shows_each_of_its_scans():
    with pytest.raises(SpecError, match="messages show scans"):
        Query((Message("user", (Part(text="a"),)),), (SCAN,))
    with pytest.raises(SpecError, match="messages show scans"):
        Query((Message("user", (Part(scan=-1),)),), (SCAN,))
    with pytest.raises(SpecError, match="no messages"):
        Query(())


@pytest.mark.parametrize("fields", [{"max_new_tokens": 0}, {"temperature": -1}, {"top_p": 0}, {"seed": -1}])
def test_decoding_that_cannot_be_is_refused(fields):
    with pytest.raises(SpecError):
        Decoding(**fields)


def test_the_cache_key_changes_with_scan_words_and_decoding_and_with_nothing_else():
    prompt = Prompt("ask", "Is there {finding}?")
    base = prompt.fill(SCAN, finding="effusion")
    same = prompt.replace(name="other", purpose="same words").fill((SCAN,), finding="effusion")
    assert same.fingerprint == base.fingerprint
    assert prompt.fill(SCAN, finding="effusion", decoding=Decoding(temperature=0)).fingerprint == base.fingerprint
    different = [
        prompt.fill(OTHER, finding="effusion"),
        prompt.fill(SCAN, finding="nodule"),
        prompt.fill(SCAN, finding="effusion", decoding=Decoding(seed=1)),
    ]
    assert len({query.fingerprint for query in (base, *different)}) == 4


def test_a_prompt_for_a_stack_opens_labels_each_scan_and_closes():
    prompt = Prompt("ct", "Is {organ} normal?", images=None, opening="A CT of the {region}.", label="SLICE {number}")
    query = prompt.fill((SCAN, OTHER), organ="the liver", region="abdomen")
    assert prompt.variables == ("region", "organ")
    assert query.messages[0].parts == (
        Part(text="A CT of the abdomen."),
        Part(scan=0),
        Part(text="SLICE 1"),
        Part(scan=1),
        Part(text="SLICE 2"),
        Part(text="Is the liver normal?"),
    )


def test_a_prompt_for_any_number_of_scans_needs_one():
    with pytest.raises(SpecError, match=r"shows 1 scan\(s\), not 0"):
        Prompt("ct", "?", images=None).fill(())


def test_a_prompt_suggests_how_long_an_answer_may_be_and_decoding_overrules_it():
    prompt = Prompt("ask", "Describe.", max_new_tokens=7)
    assert prompt.fill(SCAN).decoding == Decoding(max_new_tokens=7)
    assert prompt.fill(SCAN, decoding=Decoding()).decoding == Decoding()


@pytest.mark.parametrize("label", ["SLICE", "{}", "{count}", "{number} {name}", "{number"])
def test_a_label_that_does_not_count_is_refused(label):
    with pytest.raises(SpecError, match="label of ct"):
        Prompt("ct", "?", label=label)


def test_the_pixels_of_a_scan_are_read_once_for_all_questions_about_it():
    scan = Scan(np.zeros((3, 3), np.float32))
    query = Query((Message("user", (Part(scan=0), Part(text="a"))),), (scan,))
    other = query.replace(messages=(Message("user", (Part(scan=0), Part(text="b"))),))
    assert query.fingerprint != other.fingerprint
    assert vars(scan)["fingerprint"] == scan.fingerprint  # kept on the scan by the first of them
    assert query.replace(scans=(Scan(np.zeros((3, 3), np.float32)),)) == query
    assert query.replace(scans=(Scan(np.ones((3, 3), np.float32)),)) != query
