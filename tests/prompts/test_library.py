"""Packaged prompts are found, complete and versioned; a person's own file is read strictly, its faults named."""

import pathlib
import re

import pytest

from medlab import prompts
from medlab.core.errors import DataError, SpecError, UnknownName
from medlab.core.query import Prompt
from medlab.models import catalog
from medlab.prompts.yaml_text import MAX_YAML_BYTES

SUMS = pathlib.Path(__file__).with_name("wordings.txt")
GOOD = "- name: mine\n  language: en\n  purpose: p\n  source: me\n  template: Is there {finding}?\n"


def wording_sum(prompt: Prompt) -> str:
    """Over everything that reaches a model; not over what is said about the prompt."""
    sent = prompt.replace(purpose="", source="", suits=(), task="open", modality=None, version=1)
    return sent.fingerprint[:12]


def sums() -> list[str]:
    return [f"{p.name} {p.language} {p.version} {wording_sum(p)}" for p in prompts.read_prompts()]


def changed_without_a_version(before: list[str], now: list[str]) -> list[str]:
    """Name and language of wordings whose sum changed while their version did not."""
    old = {tuple(line.split()[:3]): line.split()[3] for line in before}
    return [" ".join(key[:2]) for *key, sum_ in map(str.split, now) if old.get(tuple(key), sum_) != sum_]


def written(folder: pathlib.Path, text: "str | bytes", name: str = "mine.yaml") -> pathlib.Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def error_of(path: pathlib.Path) -> DataError:
    with pytest.raises(DataError) as caught:
        prompts.read_prompts(path)
    return caught.value


def test_a_prompt_is_found_by_name_and_language():
    prompt = prompts.load("report", language="zh")
    assert (prompt.name, prompt.language, prompt.template) == ("report", "zh", "请为这张胸片写一份报告。")
    assert prompts.load("report").language == "en"


def test_a_misspelt_name_gets_near_ones():
    with pytest.raises(UnknownName, match="did you mean 'report'"):
        prompts.load("reprot")


def test_a_language_that_a_prompt_lacks_is_an_error_with_those_it_has():
    with pytest.raises(SpecError, match=r'load\("localise", language="en"\)'):
        prompts.load("localise", language="zh")


def test_names_can_be_asked_for_by_language():
    assert "xrayglm_report" in prompts.names(language="zh")
    assert "xrayglm_report" not in prompts.names(language="en")
    assert set(prompts.names()) == set(prompts.names(language="en")) | set(prompts.names(language="zh"))


def test_every_task_is_there_in_both_languages_where_it_is_medlab_s_own():
    own = {(p.name, p.language) for p in prompts.read_prompts() if p.source == "medlab"}
    assert {name for name, language in own if language == "en"} - {
        name for name, language in own if language == "zh"
    } == set()
    named = (
        "report impression yes_no compare box explain_report skin fundus histopathology record_question rewrite_report"
    )
    assert set(f"{named} summarise_report cannot_tell".split()) <= {name for name, _ in own}


def test_every_model_that_a_prompt_suits_is_in_the_catalog():
    known = {entry.name for entry in catalog.entries()}
    assert {name for prompt in prompts.read_prompts() for name in prompt.suits} <= known


def test_no_prompt_gets_advice_for_a_model_that_it_suits():
    advice = [
        (prompt.name, prompt.language, name, str(one))
        for prompt in prompts.read_prompts()
        for name in prompt.suits
        for one in prompts.lint(prompt, catalog.entry(name))
    ]
    assert advice == []


def test_what_suits_the_demo_model_is_worded_as_it_was_taught():
    from medlab.demo import world
    from medlab.phantom import phrases_en, phrases_zh

    books = {"en": phrases_en, "zh": phrases_zh}
    for prompt in prompts.read_prompts():
        if "demo" not in prompt.suits:
            continue
        book, language = books[prompt.language], prompt.language
        taught = {
            *world.REPORT[language],
            *world.IMPRESSION[language],
            *world.PLAIN[language],
            *world.COMPARE[language],
        }
        name, a_name = book.NAMES["effusion"], book.A_NAMES["effusion"]
        taught |= {text.format(name=name, a_name=a_name) for text in (*book.IS_THERE["*"], *book.WHERE, *book.BOX)}
        value = a_name if prompt.task == "yes_no" else name
        assert prompt.template.format(finding=value) in taught, prompt.name


def test_a_changed_wording_has_a_new_version():
    now = sums()
    assert changed_without_a_version(SUMS.read_text("utf-8").splitlines(), now) == [], "raise `version` in the YAML"
    assert SUMS.read_text("utf-8").splitlines() == now, "write the new list:\n" + "\n".join(now)


def test_a_wording_that_changes_under_one_version_is_noticed():
    before = ["report en 1 aaa", "report zh 1 bbb"]
    assert changed_without_a_version(before, ["report en 1 aaa", "report zh 1 ccc"]) == ["report zh"]
    assert changed_without_a_version(before, ["report en 2 ddd", "report zh 1 bbb", "new en 1 eee"]) == []


def test_the_sum_is_over_what_is_sent_and_not_over_what_is_said_about_it():
    prompt = prompts.load("report")
    assert wording_sum(prompt.replace(purpose="another", suits=())) == wording_sum(prompt)
    for change in (
        {"template": "x"},
        {"order": "text_first"},
        {"system": "x"},
        {"opening": "x"},
        {"max_new_tokens": 9},
    ):
        assert wording_sum(prompt.replace(**change)) != wording_sum(prompt)


def test_a_file_of_one_s_own_is_read_and_a_folder_of_them(tmp_path):
    written(tmp_path, GOOD)
    written(tmp_path, GOOD.replace("mine", "other").replace("- name", "- version: 3\n  name"), "b.yml")
    assert prompts.load("mine", source=tmp_path / "mine.yaml").variables == ("finding",)
    assert prompts.names(source=tmp_path) == ("mine", "other")
    assert prompts.load("other", source=tmp_path).version == 3


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (GOOD.replace("purpose", "porpoise"), "schema", r"mine\.yaml line 1: unknown key 'porpoise'"),
        (GOOD.replace("  template: Is there {finding}?\n", ""), "schema", "line 1: no template"),
        (GOOD + GOOD, "schema", r"line 6: 'mine' in en stands in mine\.yaml line 1 already"),
        (GOOD + "  source: twice\n", "schema", "line 6: 'source' stands twice"),
        (GOOD.replace("Is there {finding}?", '"{finding.__class__}"'), "schema", "line 1: template of mine has"),
        (GOOD.replace("{finding}", "{question}"), "schema", "line 1: a variable called question"),
        (GOOD.replace("language: en", "language: no"), "schema", "line 1: no language"),
        (GOOD.replace("language: en", "language: fr"), "schema", "line 1: language is 'fr'"),
        (GOOD + "  images: many\n", "schema", "line 1: Prompt.images is 'many'"),
        (GOOD + "  1: one\n", "schema", "line 6: a key that is no plain word"),
        (GOOD + "  version: 0x" + "f" * 5000 + "\n", "schema", "line 6: a number '0xff"),
        (GOOD + "  version: 1" + ":59" * 30_000 + "\n", "schema", "line 6: a number '1:59"),
        (GOOD + "  version: 1:30\n", "schema", "line 6: a number '1:30'"),
        (GOOD + "  1" + ":59" * 30_000 + ": x\n", "decode", "not YAML"),
        (GOOD.replace("name: mine", 'name: "\\e[2J"'), "schema", r"line 1: name is '\\x1b\[2J'"),
        (GOOD.replace("name: mine", "name: " + "a" * 81), "schema", "line 1: name is"),
        ("name: mine\n", "schema", "mine.yaml is no list"),
        ("", "schema", "mine.yaml is no list"),
        ("- just text\n", "schema", "'just text' where a prompt was expected"),
        (GOOD + "  suits: [a\n", "decode", "line 7"),
        ("- a: 1\n---\n- b: 2\n", "decode", "not YAML"),
        ("- &a [x]\n- *a\n", "schema", "line 2: an alias"),
        ("- !!python/object/apply:os.system [echo]\n", "pickle", "line 1: tag"),
        ("- !mine {a: 1}\n", "schema", "line 1: tag"),
        ("[" * 400, "too_deep", "line 1: nested more than 20 deep"),
        (b"\xff\xfe\xfa", "encoding", "not UTF-8"),
        ("# " + "x" * MAX_YAML_BYTES, "too_large", "at most"),
    ],
)
def test_a_faulty_file_is_an_error_that_names_the_place(tmp_path, text, code, told):
    error = error_of(written(tmp_path, text))
    assert error.code == code
    assert re.search(told, str(error)), str(error)


def test_a_near_key_is_suggested(tmp_path):
    assert "did you mean template?" in str(error_of(written(tmp_path, GOOD.replace("template", "templat"))))


def test_two_files_with_one_prompt_are_both_named(tmp_path):
    written(tmp_path, GOOD, "a.yaml")
    written(tmp_path, GOOD, "b.yaml")
    assert "b.yaml line 1: 'mine' in en stands in a.yaml line 1 already" in str(error_of(tmp_path))


@pytest.mark.parametrize("name", ["nowhere.yaml", "nul\0.yaml", "."])
def test_a_source_that_is_not_there_is_an_error(tmp_path, name):
    assert error_of(tmp_path / name).code == "missing_file"
