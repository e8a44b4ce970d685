"""One place pairs English and Chinese: every name that medlab itself uses is in it, and no two things share a word."""

import pytest

from medlab.core.case import SIDES, ZONES, Finding
from medlab.core.vocabulary import (
    AMOUNT_TERMS,
    ARTEFACT_TERMS,
    DEGREE_TERMS,
    FINDING_TERMS,
    ORGAN_TERMS,
    SCALES,
    severity_term,
    term,
)
from medlab.phantom.artefacts import EXTRA_LABELS
from medlab.phantom.checker import ORGANS
from medlab.phantom.reports import PHRASES
from medlab.phantom.vocabulary import FINDINGS, KINDS


def test_every_name_of_a_phantom_has_a_term_in_both_languages():
    for name in (*FINDINGS, *ORGANS, *EXTRA_LABELS, *SIDES, *ZONES):
        assert all(term(name))


def test_the_scales_of_the_phantom_are_those_of_the_vocabulary_in_their_order():
    assert {name: kind.severities for name, kind in KINDS.items() if kind.severities} == {
        name: tuple(scale) for name, scale in SCALES.items()
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_things_are_called_the_same(language):
    for tables in ((FINDING_TERMS, ORGAN_TERMS, ARTEFACT_TERMS), (DEGREE_TERMS,), (AMOUNT_TERMS,)):
        called = [getattr(known, language) for table in tables for known in table.values()]
        assert len(set(called)) == len(called)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_phrase_books_of_the_phantom_call_findings_by_their_terms(language):
    assert {name: getattr(term(name), language) for name in FINDINGS} == PHRASES[language].NAMES


def test_a_side_and_a_zone_stand_alone_as_words():
    assert (term("right"), term("upper")) == (("right", "右侧"), ("upper", "上野"))


def test_moderate_is_an_amount_of_fluid_and_a_degree_of_enlargement():
    assert severity_term("moderate", "effusion").zh == "中等量"
    assert severity_term("moderate", "cardiomegaly").zh == "中度"
    assert severity_term("small", "haemothorax").zh == "少量"


def test_what_is_not_known_has_no_term_and_is_a_finding_all_the_same():
    assert term("kerley_lines") is None
    assert severity_term("3/6", "murmur") is None
    assert Finding("kerley_lines", "present", severity="3/6").name == "kerley_lines"
