"""What was typed is checked before anything is read; what would be written in Python is told as an option."""

import pytest

from medlab.cli_words import (
    check_prompt,
    check_question,
    check_stays_here,
    check_writes,
    choices_of,
    in_words,
    values_of,
    wrong_command,
)
from medlab.core.errors import CapabilityError, SpecError
from medlab.core.query import Prompt


@pytest.mark.parametrize(
    ("words", "told", "fix"),
    [
        (["a.png", "Is", "it", "normal?"], "no quotation marks", 'medlab ask a.png "Is it normal?"'),
        (["Is", "it", "normal?"], "no quotation marks", 'medlab ask "Is it normal?"'),
        (["a b.png", "It", "costs", "$5"], "no quotation marks", "medlab ask 'a b.png' 'It costs $5'"),
        (["a.png"], "no question", 'medlab ask a.png "Is there a pleural effusion?"'),
        (["Is it normal?", "a.png"], "after the question", 'medlab ask a.png "Is it normal?"'),
        (["a.png", " "], "is empty", 'medlab ask a.png "Is there a pleural effusion?"'),
    ],
)
def test_words_that_are_no_question_get_the_whole_command_to_paste(words, told, fix):
    with pytest.raises(SpecError, match=told) as refused:
        check_question(words)
    assert refused.value.fix == fix


@pytest.mark.parametrize("words", [["Is it normal?"], ["a.png", "Describe"], ["a.png", "b.dcm", "Compare."]])
def test_words_that_are_images_and_a_question_pass(words):
    check_question(words)


def test_a_file_that_is_not_there_is_not_taken_for_a_question():
    check_question(["film", "Is it normal?"])  # reading it says that it is not there


def test_a_folder_is_not_taken_for_a_word(tmp_path):
    check_question([str(tmp_path), "Describe"])


def test_replies_are_weighed_without_the_blanks_around_them():
    assert choices_of(" Yes | No") == ("Yes", "No")


@pytest.mark.parametrize("text", ["", "Yes", "Yes|", "|", "Yes| ", "Yes|Yes", "Yes | Yes"])
def test_less_than_two_replies_to_weigh_are_refused(text):
    with pytest.raises(SpecError, match="--choose"):
        choices_of(text)


def test_values_for_a_prompt_are_read():
    assert values_of(["finding=pleural effusion", "a = b=c"]) == {"finding": "pleural effusion", "a": "b=c"}


@pytest.mark.parametrize("fill", ["finding", "=x", "finding=", "finding= "])
def test_a_value_without_name_or_without_anything_is_refused(fill):
    with pytest.raises(SpecError, match="NAME=VALUE"):
        values_of([fill])


ONE, TWO, TEXT = Prompt("one", "?"), Prompt("two", "?", images=2), Prompt("text", "{asked}", images=0)


def test_the_wrong_number_of_images_names_the_prompts_that_take_them():
    with pytest.raises(SpecError, match=r"2 image\(s\) for prompt one") as refused:
        check_prompt(ONE, 2, {}, [ONE, TWO])
    assert refused.value.fix == '--prompt two, or medlab ask IMAGE IMAGE "QUESTION"'
    with pytest.raises(SpecError, match=r"1 image\(s\) for prompt text"):
        check_prompt(TEXT, 1, {"asked": "?"}, [ONE])
    with pytest.raises(SpecError, match=r"0 image\(s\)"):
        check_prompt(Prompt("any", "?", images=None), 0, {}, [])


def test_what_a_prompt_leaves_open_has_to_be_filled_and_nothing_else():
    with pytest.raises(SpecError, match="no value for asked") as refused:
        check_prompt(TEXT, 0, {}, [])
    assert refused.value.fix == '--fill asked="…"'
    with pytest.raises(SpecError, match="nothing to fill called side"):
        check_prompt(ONE, 1, {"side": "left"}, [])
    check_prompt(TEXT, 0, {"asked": "Why?"}, [])


def test_an_option_of_an_endpoint_is_refused_with_a_model_of_this_machine():
    with pytest.raises(SpecError, match="--allow") as refused:
        check_stays_here("demo", allow="text", looked=False)
    assert refused.value.fix == "leave it out"
    check_stays_here("demo", allow=None, looked=False)
    check_stays_here("endpoint:http://localhost/v1", allow="text")


@pytest.mark.parametrize("name", ["medsiglip-448", "google/medsiglip-448", "medsiglip-448@main"])
def test_a_model_that_embeds_is_refused_by_its_name(name):
    with pytest.raises(CapabilityError, match="writes no answer"):
        check_writes(name)


@pytest.mark.parametrize("name", ["demo", "medgemma-4b-it", "org/name", "./folder"])
def test_other_models_are_not_refused_by_their_name(name):
    check_writes(name)


@pytest.mark.parametrize(
    ("python", "terminal"),
    [
        ('model.gate.allow("pixels")', "--allow pixels"),
        ('load_model("demo"); `medlab models` lists the others', "--model demo; `medlab models` lists the others"),
        ('load_model("endpoint:http://h/v1")', "--model endpoint:http://h/v1"),
        ("EndpointModel(url, model='a/b')", '--served "a/b"'),
        ('model.ask(scan, prompt, finding="…")', '--fill finding="…", once for each name'),
        ('medlab.prompts.load("report", language="zh")', "--prompt report --lang zh"),
        ("ask again with a larger Decoding(max_new_tokens=…)", "ask again with a larger --tokens"),
        ("model.ask(None, question)", 'medlab ask "QUESTION", without an image'),
        ("the image tower", "the image tower"),
    ],
)
def test_what_is_written_in_python_is_told_as_an_option(python, terminal):
    assert in_words(python) == terminal


def test_a_wrong_command_of_a_talk_names_the_near_one():
    assert wrong_command("/rest", ["/reset", "/undo"]) == "no command '/rest', did you mean /reset?"
    assert wrong_command("/zzz", ["/reset"]) == "no command '/zzz'"
