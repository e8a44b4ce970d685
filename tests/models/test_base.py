"""What every model refuses before any work, and how prompts and their values become questions."""

import pathlib

import pytest

from medlab.core.case import Case
from medlab.core.errors import CapabilityError, SpecError
from medlab.core.query import Decoding, Prompt
from medlab.models.base import check_options, check_queries
from medlab.models.catalog import entry
from tests.models.parrot import Parrot, film, question

FINDING = Prompt("finding", "Is there {finding}?")


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.mark.parametrize("nothing", ["", "  \n", None, 7, ["Is it normal?"], film()])
def test_what_is_no_question_is_refused_with_an_example(parrot, nothing):
    with pytest.raises(SpecError, match="the question is") as refused:
        parrot.ask(film(), nothing)
    assert refused.value.fix == 'model.ask(scan, "Is there a pleural effusion?")'
    assert parrot.asked == []


def test_a_path_in_the_place_of_a_scan_gets_the_call_that_reads_it(parrot):
    for path in ("p7.png", pathlib.Path("p7.png"), ["p7.png"]):
        with pytest.raises(SpecError, match="where a Scan was expected") as refused:
            parrot.ask(path, "Is it normal?")
        assert refused.value.fix == "medlab.load_scan('p7.png')"
    with pytest.raises(SpecError, match="a int where a Scan was expected"):
        parrot.ask(7, "Is it normal?")
    with pytest.raises(SpecError, match="a str where a Scan was expected"):
        parrot.ask("p7.png", FINDING, finding="fluid")


def test_a_setting_of_decoding_given_beside_it_gets_the_decoding_to_write(parrot):
    with pytest.raises(SpecError) as refused:
        parrot.ask(film(), "Is it normal?", temperature=1.0)
    assert refused.value.fix.startswith("decoding=Decoding(temperature=1.0)")
    with pytest.raises(SpecError, match="temperature"):
        parrot.ask(film(), FINDING, finding="fluid", temperature=1.0)
    with pytest.raises(SpecError, match="temperature"):
        parrot.ask_many(film(), ["Is it normal?"], temperature=1.0)


def test_a_prompt_may_have_a_variable_that_decoding_has_too(parrot):
    assert parrot.ask(film(), Prompt("a", "{seed}?"), seed="corn").text == "1 scan(s): corn?"


def test_several_questions_that_are_one_text_are_refused(parrot):
    for one in ("Is there?", FINDING):
        with pytest.raises(SpecError, match="several questions") as refused:
            parrot.ask_many(film(), one)
        assert "model.ask_many(scan, [" in refused.value.fix
    assert parrot.asked == []


def test_no_question_has_no_answer(parrot):
    assert parrot.ask_many(film(), []) == []


def test_values_fill_those_of_several_questions_that_are_prompts(parrot):
    both = Prompt("both", "{finding} on the {side}?")
    told = parrot.ask_many(film(), ["Normal?", FINDING, both], finding="fluid", side="left")
    assert [one.text.partition(": ")[2] for one in told] == ["Normal?", "Is there fluid?", "fluid on the left?"]


def test_a_value_that_no_question_has_a_place_for_is_refused(parrot):
    with pytest.raises(SpecError, match="side"):
        parrot.ask_many(film(), [FINDING], finding="fluid", side="left")


def test_a_prompt_without_its_value_says_how_to_give_it(parrot):
    with pytest.raises(SpecError) as refused:
        parrot.ask(film(), FINDING)
    assert refused.value.given == "prompt finding: missing ['finding']"
    assert refused.value.fix == 'model.ask(scan, prompt, finding="…")'


def test_a_prompt_of_another_kind_of_picture_leaves_a_warning_on_the_answer(parrot):
    parrot.name = "demo"  # which the catalog knows
    skin = Prompt("skin", "Describe this.", modality="dermatology")
    (warning,) = parrot.ask(film(), skin).warnings
    assert warning.startswith("prompt skin: it speaks of dermatology, and demo was published for chest X-ray")
    assert parrot.ask(film(), skin).query.scans == (film(),)
    assert parrot.ask_many(film(), [skin, "Normal?"])[1].warnings == ()
    assert parrot.ask(film(), skin.replace(modality="chest X-ray")).warnings == ()


@pytest.mark.parametrize("name", ["demo", "demo@abc", "demo+tuned"])
def test_what_was_published_of_a_model_is_found_by_its_name(parrot, name):
    parrot.name = name
    assert parrot.published == entry("demo")


def test_of_a_model_that_the_catalog_does_not_know_nothing_is_published(parrot):
    assert parrot.published is None


def test_a_case_shows_all_its_scans(parrot):
    assert parrot.ask(Case("c", scans=(film(), film(0.2))), "Compare.").text.startswith("2 scan(s)")


def test_embeddings_of_a_model_that_writes_are_refused(parrot):
    for verb in (parrot.embed_scans, parrot.embed_texts, parrot.zero_shot):
        with pytest.raises(CapabilityError, match="no embeddings") as refused:
            verb([film()])
        assert refused.value.fix == 'medlab.load_model("medsiglip-448")'


@pytest.mark.parametrize("wrong", [film(), [film()], "Is it?", ["Is it?"], None, question("x"), iter([question("x")])])
def test_what_is_no_list_of_queries_is_refused(wrong):
    with pytest.raises(SpecError, match="was expected") as refused:
        check_queries(wrong)
    assert refused.value.fix.startswith("model.query(scan,")


def test_queries_pass():
    check_queries([])
    check_queries([question("x"), question("y", film())])


@pytest.mark.parametrize("options", ["Yes", [], ["Yes", "Yes"], ["Yes", None], None, 7])
def test_what_is_no_list_of_different_replies_is_refused(options):
    with pytest.raises(SpecError, match="options are") as refused:
        check_options(options)
    assert refused.value.fix == 'model.score(query, ["Yes", "No"])'


def test_decoding_is_still_given_as_such(parrot):
    assert parrot.query(film(), "x", decoding=Decoding(seed=3)).decoding.seed == 3
