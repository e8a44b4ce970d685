"""`medlab ask`, `report` and `chat` as a person types them, with a model that only repeats."""

import json

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

from medlab import cli
from medlab.cli_ask import json_line, printable
from medlab.core.answer import Choices, Token
from medlab.core.errors import PrivacyError, SpecError
from tests.models.parrot import Parrot

runner = CliRunner()


@pytest.fixture
def parrot(monkeypatch):
    bird = Parrot()
    monkeypatch.setattr("medlab.models.load.load_model", lambda name, **settings: bird)
    return bird


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.png"
    PIL.Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4).save(path)
    return str(path)


def run(*words: str, typed: str | None = None):
    return runner.invoke(cli.app, list(words), input=typed, env={"COLUMNS": "100", "NO_COLOR": "1"})


def test_one_question_about_one_image_prints_the_answer_alone(parrot, film):
    result = run("ask", film, "Is it normal?")
    assert result.exit_code == 0, result.output
    assert result.stdout == "1 scan(s): Is it normal?\n"
    assert "not a diagnosis" in result.stderr


def test_several_images_go_into_one_question_in_their_order(parrot, film):
    assert run("ask", film, film, "Compare.").stdout.startswith("2 scan(s): ")


def test_no_image_asks_in_text_alone(parrot):
    assert run("ask", "What is an effusion?").stdout == "0 scan(s): What is an effusion?\n"


def test_an_image_without_a_question_is_an_error_that_says_so(parrot, film):
    result = run("ask", film)
    assert isinstance(result.exception, SpecError)
    assert "no question" in str(result.exception)
    assert parrot.asked == []


def test_an_image_that_is_not_there_is_named(parrot, tmp_path):
    result = run("ask", str(tmp_path / "nothing.png"), "Is it normal?")
    assert "nothing.png" in str(result.exception)
    assert parrot.asked == []


def test_json_holds_question_answer_and_what_was_shown(parrot, film):
    told = json.loads(run("ask", film, "Is it normal?", "--json").stdout)
    assert told["question"] == "Is it normal?"
    assert told["answer"]["text"].endswith("Is it normal?")
    assert told["scans"][0]["rows"] == 8
    assert "Research and teaching only" in told["notice"]


def test_weighing_replies_of_a_model_that_cannot_is_refused(parrot, film):
    result = run("ask", film, "Is it normal?", "--choose", "Yes|No")
    assert "scores no given continuation" in str(result.exception)


def test_weighing_less_than_two_replies_is_refused_before_anything_is_read(parrot):
    assert "--choose" in str(run("ask", "nothing.png", "Is it normal?", "--choose", "Yes").exception)


def test_weighed_replies_as_json_carry_the_notice(parrot, film):
    tokens = ((Token(None, "Yes", -0.1),), (Token(None, "No", -2.0),))
    parrot.score = lambda query, options: Choices(options, tokens)
    told = json.loads(run("ask", film, "Is it normal?", "--choose", "Yes | No", "--json").stdout)
    assert list(told["probabilities"]) == ["Yes", "No"]
    assert "Research and teaching only" in told["notice"]


def test_a_question_without_quotation_marks_is_told_as_such(parrot, film):
    result = run("ask", film, "Is", "it", "normal?")
    assert result.exception.fix.endswith('"Is it normal?"')
    assert parrot.asked == []


def test_a_model_that_embeds_is_refused_before_it_is_loaded(parrot, film):
    for verb in (["ask", film, "Is it normal?"], ["report", film], ["chat", film]):
        assert "writes no answer" in str(run(*verb, "--model", "medsiglip-448").exception)


def test_what_a_prompt_leaves_open_is_filled(parrot, film):
    result = run("report", film, "--prompt", "yes_no", "--fill", "finding=a pleural effusion")
    assert result.stdout == "1 scan(s): Is there a pleural effusion?\n"
    assert "--fill finding" in str(run("report", film, "--prompt", "yes_no").exception)


def test_a_prompt_for_two_films_takes_two_and_one_for_one_names_it(parrot, film):
    assert run("report", film, film, "--prompt", "compare").stdout.startswith("2 scan(s): ")
    assert "--prompt compare" in str(run("report", film, film).exception)


def test_a_prompt_in_text_alone_takes_no_image(parrot, film):
    words = ("--prompt", "medical_question", "--fill", "asked=What is an effusion?")
    assert run("report", *words).stdout.startswith("0 scan(s): ")
    assert "1 image(s)" in str(run("report", film, *words).exception)


def test_the_language_may_be_written_in_capitals(parrot, film):
    assert run("report", film, "--lang", "ZH").stdout == "1 scan(s): 请为这张胸片写一份报告。\n"


def test_an_error_says_what_to_do_at_a_terminal(monkeypatch, capsys):
    def closed(name, **settings):
        raise PrivacyError("would leave", fix='model.gate.allow("text")')

    monkeypatch.setattr("medlab.models.load.load_model", closed)
    with pytest.raises(SystemExit):
        cli.main(["ask", "Is it normal?"])
    assert "do this:  --allow text" in capsys.readouterr().err


def test_a_report_is_asked_in_the_language_wanted(parrot, film):
    assert run("report", film, "--lang", "zh").stdout == "1 scan(s): 请为这张胸片写一份报告。\n"
    assert run("report", film).stdout == "1 scan(s): Write a radiology report for this chest X-ray.\n"


def test_a_language_without_a_wording_is_refused(parrot, film):
    result = run("report", film, "--lang", "fr")
    assert "'fr'" in str(result.exception)


def test_a_talk_asks_each_line_with_all_before(parrot, film):
    result = run("chat", film, typed="first\nsecond\n/quit\nnever\n")
    assert result.exit_code == 0, result.output
    assert "first | " in result.stdout
    assert "second" in result.stdout
    assert "never" not in result.stdout


def test_a_talk_is_saved_and_gone_on_with(parrot, film, tmp_path):
    file = str(tmp_path / "talk.json")
    run("chat", film, typed=f"first\n/save {file}\n")
    result = run("chat", film, "--load", file, typed="/turns\nsecond\n")
    assert "1 turn(s)" in result.stderr
    assert "> first" in result.stdout


def test_a_talk_goes_on_after_an_error_and_after_a_wrong_command(parrot, film):
    result = run("chat", film, "--json", typed="refuse this\n/undo\n/wrong\nbetter\n")
    assert "the parrot refuses" in result.stderr
    assert "nothing was asked yet" in result.stderr
    assert "no command '/wrong'" in result.stderr
    assert "/reset" in result.stderr
    assert "better" in result.stdout


def test_forgetting_a_talk_is_confirmed_and_a_name_to_save_is_asked_for(parrot, film):
    told = run("chat", film, typed="first\nsecond\n/save\n/reset\n").stderr
    assert "/save needs the name of a file" in told
    assert "forgotten: 2 turn(s)" in told


def test_a_talk_in_json_is_one_line_an_answer(parrot, film):
    lines = run("chat", film, "--json", typed="first\nsecond\n").stdout.splitlines()
    assert [json.loads(line)["question"] for line in lines] == ["first", "second"]


def test_what_a_model_wrote_cannot_steer_the_terminal():
    assert printable("a\x1b[2Jb\r\u202ec\n") == "a\\x1b[2Jb\\x0d\\x202ec\n"
    assert printable("右侧胸腔积液，少量。　好") == "右侧胸腔积液，少量。　好"


@pytest.mark.parametrize("verb", ["ask", "report", "chat", "demo"])
def test_each_verb_is_listed_and_explains_itself(verb):
    assert verb in run("--help").output
    assert run(verb, "--help").exit_code == 0


def test_settings_of_an_endpoint_reach_it_and_its_gate(parrot, film, monkeypatch):
    given, cleared = {}, []
    parrot.gate = type("Gate", (), {"clear": lambda self, *scans: cleared.extend(scans)})()

    def load_model(name, **settings):
        given.update(settings, name=name)
        return parrot

    monkeypatch.setattr("medlab.models.load.load_model", load_model)
    run(
        "ask",
        film,
        "Is it normal?",
        "--model",
        "endpoint:http://x/v1",
        "--allow",
        "pixels",
        "--served",
        "m",
        "--looked",
    )
    assert given == {"name": "endpoint:http://x/v1", "allow": "pixels", "model": "m"}
    assert [scan.rows for scan in cleared] == [8]


def test_looking_at_pictures_that_stay_here_is_refused(parrot, film):
    assert "--looked" in str(run("ask", film, "Is it normal?", "--looked").exception)


def test_json_cannot_steer_the_terminal_and_reads_back_as_it_was():
    told = {"答": "胸部\u3000a \x9b2J \u202e \x7f \ud800"}
    line = json_line(told)
    assert line == '{"答": "胸部\u3000a \\u009b2J \\u202e \\u007f \\ud800"}'
    assert json.loads(line) == told
