"""`medlab explain` and `medlab trust` as a person types them, with a tiny random Gemma 3."""

import json

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

from medlab import cli
from medlab.core.attribution import Attribution
from medlab.core.errors import SpecError, UnknownName
from medlab.explainers.trust.card import TrustTable
from tests.explainers.conftest import loaded
from tests.explainers.trust.conftest import Knowing, film
from tests.models import tiny

runner = CliRunner()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return loaded(tiny.save_tiny_gemma3(tmp_path_factory.mktemp("tiny") / "gemma3"))


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path, model):
    monkeypatch.setenv("MEDLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("medlab.models.load.load_model", lambda name, **settings: model)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "film.png"
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(path)
    return str(path)


def run(*words: str):
    return runner.invoke(cli.app, list(words), env={"COLUMNS": "100", "NO_COLOR": "1"})


def explain(picture, *words):
    return run("explain", picture, "--ask", "Is there a nodule?", "--method", "token_occlusion", *words)


def test_a_map_is_told_with_its_words_places_and_verdict(picture):
    result = explain(picture, "--word", "yes|no", "--force")
    assert result.exit_code == 0, result.output
    assert "token_occlusion: 'yes against no'" in result.stdout
    assert "rows " in result.stdout
    assert "verdict: untested" in result.stdout
    assert "A map is a claim" in result.stderr


def test_without_a_word_the_whole_answer_is_explained(picture, model):
    result = explain(picture, "--tokens", "5")
    assert result.exit_code == 0, result.output
    from medlab.cli_ask import decoding_of
    from medlab.loaders import load_scan

    answer = model.ask(load_scan(picture), "Is there a nodule?", decoding=decoding_of(5))
    assert answer.text.strip() in result.stdout


def test_json_holds_the_map_and_what_was_asked(picture):
    told = json.loads(explain(picture, "--word", "yes|no", "--force", "--json").stdout)
    one = Attribution.from_dict(told["attributions"][0])
    assert one.values.shape == (4, 4)
    assert one.contrast
    assert told["question"] == "Is there a nodule?"
    assert told["answer"] is None
    assert "Research and teaching only" in told["notice"]


def test_the_map_is_drawn_into_a_file(picture, tmp_path):
    out = tmp_path / "map.png"
    result = explain(picture, "--word", "yes|no", "--force", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert PIL.Image.open(out).width > 100


def test_several_methods_tell_how_far_they_agree(picture):
    result = run(
        "explain", picture, "--ask", "Is there a nodule?", "--word", "yes|no", "--force", "--method", "centre,edges"
    )
    assert result.exit_code == 0, result.output
    assert "agreement" in result.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--force",), "--force without --word"),
        (("--word", "a|b|c"), "a|b|c"),
        (("--out", "map.pdf"), "map.pdf"),
        (("--out", "nowhere/map.png"), "nowhere"),
        (("--word", "a|"), "a|"),
        (("--word", "zebra"), "zebra"),
    ],
)
def test_what_cannot_be_explained_is_said(picture, words, said):
    result = explain(picture, *words, "--tokens", "5")
    assert isinstance(result.exception, SpecError)
    assert said in str(result.exception)


def test_a_wrong_method_is_named_with_near_ones(picture):
    result = run("explain", picture, "--ask", "Is it?", "--word", "a|b", "--force", "--method", "edgse")
    assert isinstance(result.exception, UnknownName)
    assert "edges" in str(result.exception)


@pytest.fixture
def squares(monkeypatch):
    monkeypatch.setattr("medlab.models.load.load_model", lambda name, **settings: Knowing())
    monkeypatch.setattr("medlab.explainers.trust.study.phantoms", lambda seed: map(film, range(100)))


def test_a_study_prints_its_table_and_writes_it(squares, tmp_path):
    out = tmp_path / "study"
    result = run("trust", "--n", "3", "--deep", "1", "--methods", "edges", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "not ranked" in result.stdout
    assert "6 answered right" in result.stdout
    table = TrustTable.from_json((out / "trust.json").read_text())
    assert [card.method for card in table.cards] == ["edges", "random", "centre"]
    assert (out / "trust.txt").read_text().strip() == result.stdout.strip()
    assert list(out.rglob("*.jsonl"))


def test_a_study_in_json_reads_back(squares):
    result = run("trust", "--n", "2", "--deep", "0", "--methods", "centre", "--json")
    assert TrustTable.from_json(result.stdout).shown == 2


def test_a_study_that_is_stopped_says_how_to_go_on(squares, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("medlab.explainers.trust.study.trust", stopped)
    result = run("trust")
    assert result.exit_code == 130
    assert "goes on where it stopped" in result.stderr


def test_a_study_of_a_method_that_is_not_there_names_near_ones(squares):
    assert isinstance(run("trust", "--methods", "randmo").exception, UnknownName)


def test_the_methods_are_listed_with_what_they_ask():
    told = run("methods").stdout
    assert "relevance (instant), attention\n  From which places" in told
    assert "knockout, perturbation, causal\n" in told


def test_one_method_tells_all_of_itself_and_its_verdict(model):
    told = run("methods", "refine", "--model", "demo").stdout
    assert told.startswith("rise_knockout (refine), perturbation, causal")
    assert "options: masks, coarse, keep" in told
    assert "verdict on demo: untested" in told


def test_the_list_of_methods_reads_back_as_json():
    rows = json.loads(run("methods", "--json").stdout)
    assert {row["name"]: row["causal"] for row in rows}.items() >= {("knockout", "yes"), ("saliency", "no")}
