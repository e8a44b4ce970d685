"""Each advice of the linter appears where it is due, says what to change, and is gone when that is done."""

import dataclasses

import pytest

from medlab import prompts
from medlab.core.errors import SpecError
from medlab.core.query import Prompt
from medlab.models import catalog
from medlab.models.base import Capabilities
from medlab.prompts.linter import CODES, Facts, facts_of, lint

PLAIN = Prompt("ask", "Describe this.")
EYE = Facts(
    "eye", order="image_first", languages=("en",), images=2, context=1000, image_tokens=256, system="", thinks="never"
)


def codes(prompt: Prompt, facts: Facts = EYE, **options) -> list[str]:
    return [advice.code for advice in lint(prompt, facts, **options)]


def test_a_prompt_that_suits_gets_no_advice():
    assert codes(PLAIN) == []


@pytest.mark.parametrize(
    ("prompt", "facts", "options", "code", "mended"),
    [
        (PLAIN.replace(order="text_first"), EYE, {}, "order", PLAIN),
        (PLAIN.replace(language="zh"), EYE, {}, "language", PLAIN),
        (PLAIN.replace(images=3), EYE, {}, "images", PLAIN.replace(images=2)),
        (PLAIN, Facts("text only", images=0), {}, "images", PLAIN.replace(images=0)),
        (PLAIN.replace(modality="CT"), Facts("films", modalities=("chest X-ray",)), {}, "modality", PLAIN),
        (PLAIN.replace(system="You are a radiologist."), EYE, {}, "system", PLAIN),
        (PLAIN.replace(thinks=True), EYE, {}, "thinking", PLAIN),
        (PLAIN, Facts("thinker", thinks="unasked"), {}, "thinking", PLAIN.replace(max_new_tokens=1000)),
        (PLAIN.replace(max_new_tokens=900), EYE, {}, "context", PLAIN.replace(max_new_tokens=500)),
        (PLAIN, Facts("captions", answers=False), {}, "silent", None),
        (
            PLAIN.replace(images=None, order="text_first"),
            Facts("any"),
            {"scans": 85},
            "closing",
            PLAIN.replace(images=None, order="image_first", opening="These are slices."),
        ),
    ],
)
def test_each_advice_comes_when_it_is_due_and_goes_when_it_is_followed(prompt, facts, options, code, mended):
    assert codes(prompt, facts, **options) == [code]
    if mended is not None:
        assert codes(mended, facts, **options) == []


def test_every_code_is_tried_above():
    assert set(CODES) == {
        "closing",
        "context",
        "images",
        "language",
        "modality",
        "order",
        "silent",
        "system",
        "thinking",
    }


def test_an_advice_says_what_to_paste():
    (advice,) = lint(PLAIN.replace(order="text_first"), EYE)
    assert str(advice) == (
        'order: text first, and eye was published with scans first\n  do this:  prompt.replace(order="image_first")'
    )


def test_the_switch_for_thinking_is_no_persona():
    assert codes(PLAIN.replace(system="SYSTEM INSTRUCTION: think silently if needed.")) == []


def test_a_long_value_counts():
    prompt = Prompt("record", "{record}\n{asked}", images=0)
    assert codes(prompt, record="short", asked="?") == []
    assert codes(prompt, record="word " * 1000, asked="?") == ["context"]


def test_what_nobody_published_is_not_advised_about():
    assert codes(PLAIN.replace(order="text_first", language="zh", system="x", modality="CT"), Facts("unknown")) == []


def test_of_a_loaded_model_the_catalog_is_asked_by_its_name_and_what_it_can_do_overrules():
    class Loaded:
        name = "medgemma-4b-it@abc"
        capabilities = Capabilities(images=1, order="image_first", languages=(), context=500)
        published = catalog.entry("medgemma-4b-it")

    told = facts_of(Loaded())
    assert told == dataclasses.replace(
        facts_of(Loaded.published), name=Loaded.name, images=1, order="image_first", context=500
    )
    assert {"modality", "context"} <= {advice.code for advice in lint(prompts.load("ct"), Loaded(), scans=85)}


def test_the_published_pitfalls_of_medgemma_are_found():
    stack = prompts.load("ct")
    first = catalog.entry("medgemma-4b-it")
    assert {advice.code for advice in lint(stack, first, scans=85)} >= {"modality", "order"}
    assert lint(stack, catalog.entry("medgemma-1.5-4b-it"), scans=85) == ()
    assert [a.code for a in lint(prompts.load("describe"), catalog.entry("medgemma-1.5-4b-it"))] == ["order", "system"]
    assert [a.code for a in lint(prompts.load("report"), catalog.entry("medsiglip-448"))] == ["silent"]
    assert "language" in [
        a.code for a in lint(prompts.load("skin", language="zh"), catalog.entry("medgemma-1.5-4b-it"))
    ]


def test_a_loaded_model_is_judged_by_its_capabilities():
    class Loaded:
        name = "mine"
        capabilities = Capabilities(images=1, order="text_first", languages=("zh",), context=50)

    assert facts_of(Loaded()) == Facts("mine", "text_first", ("zh",), 1, 50)
    assert [advice.code for advice in lint(PLAIN.replace(images=2), Loaded())] == ["images", "language", "order"]


def test_what_is_no_model_is_refused():
    with pytest.raises(SpecError, match="a str where a model was expected"):
        lint(PLAIN, "medgemma-4b-it")
