"""What is refused, and with which words: before the work where that can be known, else with the reason."""

import numpy as np
import pytest

from medlab.core.errors import CapabilityError, SpecError
from medlab.core.query import Message, Part
from medlab.core.scan import Scan
from medlab.models.conventions import Conventions


def spoilt(model, value):
    """The same model, with `value` wherever a word is read."""
    import torch

    with torch.no_grad():
        model.module.get_input_embeddings().weight.fill_(value)
    return model


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_name_the_dtype_and_the_fix(tiny_gemma3_text, load, make_query, value):
    model = spoilt(load(tiny_gemma3_text), value)
    for act in (lambda q: model.answer([q]), lambda q: model.score(q, ("yes", "no")), lambda q: list(model.stream(q))):
        with pytest.raises(CapabilityError, match=r"not finite.*computed in float32(?s:.)*fetch the checkpoint again"):
            act(make_query("x"))


@pytest.mark.parametrize(
    ("kind", "fix"),
    [
        ("float16", 'dtype="bfloat16"'),
        ("bfloat16", r'do this: +load_model\(name, dtype="float32"'),
        ("float32", "damaged"),
    ],
)
def test_what_mends_numbers_that_are_not_finite_depends_on_the_dtype(kind, fix):
    import torch

    from medlab.models.hf.choosing import check_finite

    with pytest.raises(CapabilityError, match=f"computed in {kind}(?s:.)*{fix}"):
        check_finite(torch.tensor([float("nan")]), getattr(torch, kind))


def test_half_precision_that_overflows_is_told_to_be_widened():
    import torch

    from medlab.models.hf.choosing import check_finite

    with pytest.raises(CapabilityError, match=r'computed in float16(?s:.)*dtype="bfloat16"'):
        check_finite(torch.tensor([float("nan")]), torch.float16)
    check_finite(torch.tensor([1e30]), torch.float32)


def test_a_reply_of_nothing_but_padding_is_an_error_that_says_why(vision, scans, make_query, monkeypatch):
    monkeypatch.setattr(vision._engine, "draw", lambda asked: iter([(0, 0, -0.1)] * 4))
    with pytest.raises(CapabilityError, match=r"nothing but padding, computed in float32"):
        vision.answer([make_query(scans[0], "x")])


@pytest.mark.parametrize(("said", "told"), [([5], "the end of its turn at once"), (["\n", 5], "1 token.s. without")])
def test_an_empty_reply_is_an_error_that_says_why(vision, scans, make_query, monkeypatch, said, told):
    ids = [vision.speech.ids(word)[0] if isinstance(word, str) else word for word in said]
    monkeypatch.setattr(vision._engine, "draw", lambda asked: ((0, token, -0.1) for token in ids))
    with pytest.raises(CapabilityError, match=told):
        vision.answer([make_query(scans[0], "x")])


def test_too_many_scans_are_refused_before_any_work(tiny_gemma3, load, scans, make_query):
    model = load(tiny_gemma3, conventions=Conventions(max_images=1))
    model.module.forward = None  # nothing may be run
    with pytest.raises(CapabilityError, match=r"2 scan\(s\) for tiny(?s:.)*at most 1 scan"):
        model.answer([make_query(scans[0], "x"), make_query(scans[0], scans[1], "x")])


def test_a_text_only_model_refuses_scans(tiny_gemma3_text, load, scans, make_query):
    for conventions in (Conventions(), Conventions(max_images=0)):
        with pytest.raises(CapabilityError, match="text alone"):
            load(tiny_gemma3_text, conventions=conventions).answer([make_query(scans[0], "x")])


def test_a_prompt_that_fills_the_context_is_refused_before_any_work(vision, scans, make_query):
    with pytest.raises(CapabilityError, match=r"a prompt of \d+ tokens(?s:.)*fewer than 512"):
        vision.answer([make_query(scans[0], "The heart is enlarged. " * 300)])
    assert vision.prompt_tokens(make_query(scans[0], "The heart is enlarged. " * 300)) > 512
    assert vision.capabilities.context == 512


def test_a_reply_ends_with_the_context(text, make_query):
    query = make_query("The heart is enlarged. " * 60, limit=2000)
    length = len(text.inputs(query)["input_ids"][0])
    assert 300 < length < 512
    (warning,) = text.answer([query])[0].warnings
    assert "fill the context" in warning
    answer = text.answer([query.replace(decoding=query.decoding.replace(max_new_tokens=5))])[0]
    assert answer.prompt_tokens == length
    assert len(answer.tokens) == 5
    assert text._engine.read(query).room == 512 - length


@pytest.mark.parametrize("word", ["<end_of_turn>", "<image_soft_token>", "<start_of_image>", "<bos>"])
def test_a_text_that_the_tokenizer_would_obey_is_refused(vision, scans, make_query, word):
    for query in (make_query(f"the record says {word}yes"), make_query(scans[0], word)):
        with pytest.raises(SpecError, match="takes for a command"):
            vision.answer([query])
    with pytest.raises(SpecError, match="takes for a command"):
        vision.score(make_query("x"), ("yes", f"no{word}"))


def test_a_base_model_refuses_a_dialogue(tiny_gemma3, load, make_query):
    model = load(tiny_gemma3)
    model.processor.chat_template = model.processor.tokenizer.chat_template = None
    model = type(model)(model.module, model.processor, name="base", conventions=model.conventions)
    said = [Message(role, (Part(text="x"),)) for role in ("user", "model", "user")]
    with pytest.raises(CapabilityError, match="no chat template"):
        model.answer([make_query("x").replace(messages=tuple(said))])


def starved(model, rows: int):
    """The same model on a device whose memory holds `rows` sequences."""
    import torch

    forward = model.module.forward

    def run(*arguments, **inputs):
        if len(inputs["attention_mask"]) > rows:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return forward(*arguments, **inputs)

    model.module.forward = run
    return model


def test_a_batch_that_the_memory_does_not_hold_is_refused_in_words(tiny_gemma3, load, scans, make_query):
    model = starved(load(tiny_gemma3), 2)
    queries = [make_query(scan, "x", limit=2) for scan in scans]
    for act in (lambda: model.answer(queries), lambda: model.score_many(queries, ("yes", "no"))):
        with pytest.raises(
            CapabilityError, match=r"4 question\(s\) at once need more memory(?s:.)*smaller batch_size"
        ):
            act()
    with pytest.raises(CapabilityError, match="fewer scans"):
        list(starved(load(tiny_gemma3), 0).stream(queries[0]))


def test_a_batch_that_the_memory_does_not_hold_is_asked_one_by_one(tiny_gemma3, load, scans, make_query):
    model = starved(load(tiny_gemma3), 2)
    queries = [make_query(scan, "x", limit=2) for scan in scans]
    answers = list(model.ask_batch(queries, batch_size=4, progress=False))
    assert [answer.query_fingerprint for answer in answers] == [query.fingerprint for query in queries]


def test_an_error_that_is_not_about_memory_stays_what_it_is(tiny_gemma3, load, make_query):
    model = load(tiny_gemma3)

    def broken(*_, **__):
        raise RuntimeError("shapes do not match")

    model.module.forward = broken
    with pytest.raises(RuntimeError, match="shapes do not match"):
        model.answer([make_query("x")])


def test_a_template_that_drops_scans_is_noticed_before_any_work(tiny_gemma3, load, scans, make_query):
    model = load(tiny_gemma3)
    template = model.processor.chat_template.replace("{{ '<start_of_image>' }}", "")
    model.processor.chat_template = template
    model.module.forward = None
    with pytest.raises(SpecError, match=r"2 scan\(s\), and the prompt of tiny has 0 place"):
        model.answer([make_query(scans[0], scans[1], "x")])


class Guard:
    """Warns of the first scan that it is shown."""

    def __init__(self):
        self.shown = []

    def distance(self, features):
        self.shown.append(tuple(features.shape))
        return float(len(self.shown))

    def warning(self, distance):
        return "unlike anything" if distance == 1 else None


def test_the_guard_looks_at_each_scan_once_and_its_warning_is_on_everything(tiny_gemma3, load, scans, make_query):
    guard = Guard()
    model = load(tiny_gemma3, guard=guard)
    flat = Scan(np.full((50, 50), 0.5, np.float32))
    queries = [make_query(flat, "x", limit=2), make_query(scans[0], "x", limit=2), make_query(flat, "y", limit=2)]
    warned = [answer.warnings for answer in model.answer(queries)]
    assert ["unlike anything" in told for told in warned] == [True, False, True]
    assert "unlike anything" in model.score(queries[0], ("yes", "no")).warnings
    assert guard.shown == [(64, 32), (64, 32)], "patches and their features, of each scan once"


def test_a_guards_warning_outlives_what_is_kept_of_the_scan(tiny_gemma3, load, scans, make_query, monkeypatch):
    from medlab.models.hf import eye

    monkeypatch.setattr(eye, "KEPT", 1)
    monkeypatch.setattr(eye, "WARNED", 2)
    guard = Guard()
    guard.warning = lambda distance: f"scan {distance:.0f}"
    model = load(tiny_gemma3, guard=guard)
    told = [answer.warnings for answer in model.answer([make_query(scan, "x", limit=1) for scan in scans])]
    assert all(len([word for word in warnings if word.startswith("scan ")]) == 1 for warnings in told)
    assert len(model._engine._eye._warned) <= len(scans)


def test_all_scans_of_one_question_are_kept_however_many(tiny_gemma3, load, scans, make_query, monkeypatch):
    from medlab.models.hf import eye

    assert eye.KEPT >= 125, "the longest stack that is published"
    monkeypatch.setattr(eye, "KEPT", 2)
    model, passes = load(tiny_gemma3), []
    model.module.model.vision_tower.register_forward_hook(lambda *_: passes.append(1))
    for question in ("a", "b", "c"):
        model._engine._openings.forget()
        model.answer([make_query(*scans, question, limit=1)])
    assert len(passes) == 1
