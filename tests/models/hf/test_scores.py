"""Log-probabilities: those of a plain forward with nothing cached, for what was said and for what might have been."""

import pytest

from medlab.core.errors import SpecError

OPTIONS = ("yes", "no", "There is a small left pleural effusion.", "有。", "")


def test_the_tokens_of_an_answer_carry_the_log_probabilities_of_a_plain_forward(vision, scans, make_query, plain):
    queries = [make_query(scans[0], "Is there a nodule?"), make_query(scans[1], "x", scans[2]), make_query("Where?")]
    for query, answer in zip(queries, vision.answer(queries), strict=True):
        expected = plain(vision, query, [token.id for token in answer.tokens])
        assert [token.logprob_nats for token in answer.tokens] == pytest.approx(expected, abs=1e-4)


def test_a_score_is_that_of_a_plain_forward_with_the_end_of_the_turn(vision, scans, make_query, plain):
    tokenizer = vision.processor.tokenizer
    query = make_query(scans[0], "Is there a pleural effusion?")
    scored = vision.score(query, OPTIONS)
    assert scored.options == OPTIONS
    for option, row in zip(OPTIONS, scored.tokens, strict=True):
        ids = [
            *tokenizer(option, add_special_tokens=False).input_ids,
            tokenizer.convert_tokens_to_ids("<end_of_turn>"),
        ]
        assert [token.id for token in row] == ids
        assert row[-1].text == "<end_of_turn>"
        assert [token.logprob_nats for token in row] == pytest.approx(plain(vision, query, ids), abs=1e-4)
    assert sum(scored.probabilities) == pytest.approx(1)


def test_many_queries_are_scored_as_one_by_one(vision, scans, make_query):
    queries = [make_query(scans[i % 3], "Is there a nodule?" + " No." * (i % 4)) for i in range(7)]
    queries.append(make_query("The lungs are clear. Is there a nodule?"))
    together = vision.score_many(queries, ("yes", "not seen"))
    for query, choices in zip(queries, together, strict=True):
        alone = vision.score(query, ("yes", "not seen"))
        assert choices.logprobs_nats == pytest.approx(alone.logprobs_nats, abs=1e-4)
        assert choices.query_fingerprint == query.fingerprint
    assert vision.score_many([], ("yes", "no")) == []


@pytest.fixture
def passes(monkeypatch):
    """(rows, places, numbers) of the logits of each pass."""
    from medlab.models.hf import cached

    run, made = cached.run_pass, []

    def watched(*arguments, **inputs):
        logits = run(*arguments, **inputs)
        made.append((*logits.shape[:2], logits.numel()))
        return logits

    monkeypatch.setattr(cached, "run_pass", watched)
    return made


def test_no_pass_gives_more_logits_than_the_bound(vision, scans, make_query, monkeypatch, passes):
    """Questions of many lengths: a pass gives the logits of every wanted place for every row."""
    from medlab.models.hf import cached

    words = vision.module.config.text_config.vocab_size
    queries = [make_query(scans[0], "Is it?" + " No." * (3 * i), limit=1) for i in range(8)]
    free = vision.score_many(queries, ("yes", "no")), vision.answer(queries)
    assert max(numbers for *_, numbers in passes) > 20 * words, "the bound below has something to do"
    passes.clear()
    monkeypatch.setattr(cached, "LOGITS", 20 * words)
    bound = vision.score_many(queries, ("yes", "no")), vision.answer(queries)
    assert max(numbers for *_, numbers in passes) <= 20 * words
    assert any(rows > 1 for rows, *_ in passes), "some still go together"
    for one, other in zip(free[0], bound[0], strict=True):
        assert one.logprobs_nats == pytest.approx(other.logprobs_nats, abs=1e-4)
    assert [answer.tokens[0].id for answer in free[1]] == [answer.tokens[0].id for answer in bound[1]]


@pytest.mark.parametrize("scanned", [True, False])
def test_a_long_prompt_is_read_once_for_all_options(vision, scans, make_query, monkeypatch, scanned):
    """Where each option needs a batch of its own, and the opening is too large to be kept for later questions."""
    from medlab.models.hf import cached, openings

    query = make_query(*([scans[0]] if scanned else []), "The heart is enlarged. " * 5)
    length, run, groups = vision.prompt_tokens(query), openings.Openings._run, []
    for place in (cached, openings):
        monkeypatch.setattr(place, "TOKENS", length + 10)
    monkeypatch.setattr(openings, "KEPT_BYTES", 1000)
    monkeypatch.setattr(openings.Openings, "_run", lambda self, group: groups.append(len(group)) or run(self, group))
    vision.score(query, ("yes", "no", "left", "right"))
    assert groups == [1]
    vision.score(query, ("yes", "no"))
    assert groups == [1], "the latest is kept"
    vision.score(make_query("The lungs are clear. " * 5), ("yes",))
    vision.score(query, ("yes",))
    assert groups == [1, 1, 1], "and no more than the latest"


def test_a_large_opening_does_not_push_out_small_ones(vision, scans, make_query, monkeypatch):
    from medlab.models.hf import openings

    vision.answer([make_query(scans[0], "x", limit=1)])
    kept = vision._engine._openings._kept
    monkeypatch.setattr(openings, "KEPT_BYTES", int(1.5 * next(iter(kept.values())).bytes))
    vision.answer([make_query(*scans[1:4], "x", limit=1)])
    assert len(kept) == 1
    passes = []
    hook = vision.module.model.vision_tower.register_forward_hook(lambda *_: passes.append(1))
    vision._engine._eye.forget()
    vision.answer([make_query(scans[0], "y", limit=1)])
    hook.remove()
    assert not passes


def test_a_text_only_model_scores_as_a_plain_forward(text, make_query, plain):
    query = make_query("The heart is enlarged. " * 4)
    row = text.score(query, ("yes",)).tokens[0]
    expected = plain(text, query, [token.id for token in row])
    assert [token.logprob_nats for token in row] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("options", [(), ("yes", "yes")])
def test_options_that_are_none_or_the_same_are_refused(vision, make_query, options):
    with pytest.raises(SpecError, match="options are"):
        vision.score(make_query("x"), options)


LISTS_ALONE = (
    "{{ bos_token }}{%- for turn in messages -%}{{ '<start_of_turn>' + turn.role }}{%- for part in turn.content -%}"
    "{%- if part.type == 'image' -%}<start_of_image>{%- elif part.type == 'text' -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{{ '<end_of_turn>' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}<start_of_turn>model{%- endif -%}"
)


def test_a_template_that_reads_lists_alone_ends_turns_as_it_writes(tiny_gemma3, load, make_query):
    """A plain text would be rendered as nothing, and the first end token of the rest is the one that begins a text."""
    model = load(tiny_gemma3)
    model.processor.chat_template, model.processor.tokenizer.chat_template = LISTS_ALONE, None
    model.processor.tokenizer.bos_token = "<eos>"
    model = type(model)(model.module, model.processor, name="x", conventions=model.conventions)
    row = model.score(make_query("Where?"), ("yes",)).tokens[0]
    assert row[-1].text == "<end_of_turn>"


def test_several_chat_templates_are_scored_with_the_default_one(tiny_gemma3_text, load, make_query):
    model = load(tiny_gemma3_text)
    expected = model.score(make_query("Where?"), ("yes", "no"))
    model.processor.chat_template = {"default": model.processor.chat_template, "rag": "never"}
    model = type(model)(model.module, model.processor, name="tiny", conventions=model.conventions, fingerprint="f")
    assert model.score(make_query("Where?"), ("yes", "no")) == expected


def forced(model, monkeypatch, *each: float) -> None:
    """Lets every token of the first option have the first log-probability, and so on."""
    monkeypatch.setattr(
        model._engine,
        "force",
        lambda asked, more: [[[nats] * len(reply) for reply, nats in zip(group, each, strict=True)] for group in more],
    )


def test_replies_that_the_model_would_hardly_give_are_warned_of(vision, scans, make_query, monkeypatch):
    forced(vision, monkeypatch, -6.0, -9.0)
    (warning,) = vision.score(make_query(scans[0], "x"), ("yes", "no")).warnings
    assert warning.startswith("the model would hardly say any of these: the likeliest, 'yes'")
    assert "capitals" in warning


def test_one_likely_reply_is_enough(vision, scans, make_query, monkeypatch):
    forced(vision, monkeypatch, -0.1, -9.0)
    assert vision.score(make_query(scans[0], "x"), ("yes", "no")).warnings == ()


def test_a_long_reply_of_likely_words_is_not_warned_of(vision, scans, make_query, monkeypatch):
    forced(vision, monkeypatch, -0.9)
    choices = vision.score(make_query(scans[0], "x"), ("The heart is enlarged. " * 10,))
    assert choices.logprobs_nats[0] < -10
    assert choices.warnings == ()


def test_letters_of_a_text_are_not_taken_for_replies(vision, scans, make_query):
    with pytest.raises(SpecError, match="options are 'Yes'"):
        vision.score(make_query(scans[0], "x"), "Yes")


def test_a_scan_is_no_query_and_no_query_has_no_answer(vision, scans, make_query):
    for act in (vision.stream, vision.prompt_tokens, lambda scan: vision.score(scan, ["a"])):
        with pytest.raises(SpecError, match="a Scan where a Query was expected"):
            act(scans[0])
    with pytest.raises(SpecError, match="a list of them"):
        vision.answer(make_query("x"))
    assert vision.answer([]) == []
    assert vision.ask_many(scans[0], []) == []


def test_a_model_tells_what_it_is(vision):
    assert repr(vision) == f"HFModel({vision.name!r}, float32 on cpu, {vision.capabilities.context} tokens)"


def test_a_prompt_too_long_is_refused_without_a_log_line_of_transformers(tiny_gemma3_text, load, make_query, caplog):
    model = load(tiny_gemma3_text)
    model.speech.tokenizer.model_max_length = 8
    model.prompt_tokens(make_query("The heart is enlarged. " * 9))
    assert "sequence length" not in caplog.text
