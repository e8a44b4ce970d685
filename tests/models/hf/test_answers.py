"""What is answered: the same as transformers' own pipeline, whichever way questions are put together."""

import numpy as np
import pytest

QUESTION = "Is there a pleural effusion?"


def ids_of(answer) -> list[int]:
    return [token.id for token in answer.tokens]


@pytest.fixture
def mixed(scans, make_query):
    """Queries of many lengths: with one scan, two, none; the same scan several times."""
    return [
        make_query(scans[0], QUESTION),
        make_query("The heart is enlarged."),
        make_query(scans[1], scans[2], "Compare the first film with the second.", limit=7),
        make_query(scans[0], "Describe this chest X-ray. Where is the nodule? Where is the effusion?"),
        make_query("No.", scans[3]),
        make_query(scans[1], "有没有胸腔积液？", limit=3),
        make_query("x", limit=1),
    ]


@pytest.mark.parametrize("order", ["image first", "text first", "two images", "the same image twice", "text only"])
def test_a_greedy_answer_is_the_pipelines_token_for_token(vision, scans, make_query, theirs, order):
    pieces = {
        "image first": (scans[0], QUESTION),
        "text first": (QUESTION, scans[0]),
        "two images": (scans[1], "before,", scans[2], "and after. Compare."),
        "the same image twice": (scans[1], scans[1], QUESTION),
        "text only": (QUESTION,),
    }[order]
    query = make_query(*pieces, limit=20)
    answer = vision.answer([query])[0]
    assert ids_of(answer) == theirs(vision, query)
    assert answer.text == vision.processor.tokenizer.decode(ids_of(answer), skip_special_tokens=True)


def test_a_text_only_models_answer_is_the_pipelines(text, make_query, theirs):
    query = make_query("The lungs are clear. Where is the nodule? Compare the first film with the second.", limit=20)
    assert ids_of(text.answer([query])[0]) == theirs(text, query)


def test_a_family_that_pads_is_given_the_padded_square(tiny_gemma3, load, scans, make_query, theirs):
    from PIL import Image

    from medlab.models.conventions import Conventions

    def padded(scan):
        square = np.zeros((90, 90), np.uint8)
        square[:, 10:80] = scan.to_uint8()
        return Image.fromarray(square).convert("RGB")

    model = load(tiny_gemma3, conventions=Conventions(fit="pad"))
    query = make_query(scans[0], QUESTION)
    assert ids_of(model.answer([query])[0]) == theirs(model, query, padded)


def test_pixels_are_those_of_the_checkpoints_own_processor(vision, scans, make_query):
    from PIL import Image

    for scan in scans:
        picture = Image.fromarray(scan.to_uint8()).convert("RGB")
        own = vision.processor.image_processor(images=[picture], return_tensors="np")["pixel_values"]
        assert np.array_equal(vision.inputs(make_query(scan, "x"))["pixel_values"].numpy(), own)


def test_a_batch_of_all_kinds_is_one_by_one(vision, mixed):
    together = vision.answer(mixed)
    vision.forget()
    alone = [vision.answer([query])[0] for query in mixed]
    assert [ids_of(answer) for answer in together] == [ids_of(answer) for answer in alone]
    assert [len(answer.tokens) for answer in together] == [12, 12, 7, 12, 12, 3, 1]
    for one, other in zip(together, alone, strict=True):
        assert one.logprob_nats == pytest.approx(other.logprob_nats, abs=1e-4)
        assert (one.prompt_tokens, one.query_fingerprint) == (other.prompt_tokens, other.query_fingerprint)


def test_small_batches_are_one_large_one(vision, mixed, monkeypatch):
    from medlab.models.hf import cached

    together = vision.answer(mixed)
    monkeypatch.setattr(cached, "ROWS", 2)
    assert [ids_of(answer) for answer in vision.answer(mixed)] == [ids_of(answer) for answer in together]


def test_a_text_only_batch_is_one_by_one(text, make_query):
    queries = [make_query("x", limit=30), make_query("The heart is enlarged. " * 5, limit=5), make_query("No.")]
    together = text.answer(queries)
    assert [ids_of(a) for a in together] == [ids_of(text.answer([query])[0]) for query in queries]


def test_the_sliding_window_matters_here(tiny_gemma3, load, scans, make_query):
    """The twin of the tests above: with a window that nothing leaves, the model says other things."""
    narrow, wide = load(tiny_gemma3), load(tiny_gemma3)
    wide.module.config.text_config.sliding_window = 512
    query = make_query(scans[0], QUESTION)
    assert ids_of(narrow.answer([query])[0]) != ids_of(wide.answer([query])[0])


def test_twelve_questions_of_one_scan_are_twelve_asks_and_the_scan_is_encoded_once(vision, scans, make_query):
    passes = []
    hook = vision.module.model.vision_tower.register_forward_hook(lambda *_: passes.append(1))
    questions = [f"{QUESTION} {'No. ' * number}" for number in range(12)]
    try:
        together = vision.answer([make_query(scans[0], question, limit=4) for question in questions])
        assert len(passes) == 1
        apart = []
        for question in questions[::4]:
            vision.forget()
            apart.append(vision.answer([make_query(scans[0], question, limit=4)])[0])
    finally:
        hook.remove()
    assert len(passes) == 4
    assert [ids_of(answer) for answer in together[::4]] == [ids_of(answer) for answer in apart]


def test_an_opening_that_is_kept_gives_the_answer_of_one_that_is_not(vision, scans, make_query):
    first = vision.answer([make_query(scans[0], QUESTION)])[0]
    passes = []
    hook = vision.module.model.language_model.register_forward_hook(lambda *_: passes.append(1))
    kept = vision.answer([make_query(scans[0], QUESTION, limit=1)])[0]
    hook.remove()
    assert len(passes) == 1, "the question alone is run"
    assert ids_of(kept) == ids_of(first)[:1]


def test_changed_weights_are_seen_once_nothing_is_kept(tiny_gemma3, load, scans, make_query):
    import torch

    model = load(tiny_gemma3)
    query = make_query(scans[0], QUESTION)
    before = model.answer([query])[0]
    with torch.no_grad():
        model.module.model.multi_modal_projector.mm_input_projection_weight.mul_(-3)
    model.forget()
    assert ids_of(model.answer([query])[0]) != ids_of(before)


def test_another_dtype_of_the_module_is_noticed(tiny_gemma3, load, scans, make_query):
    import torch

    model, fresh = load(tiny_gemma3), load(tiny_gemma3)
    query = make_query(scans[0], QUESTION, limit=4)
    model.answer([query])
    model.notes["kept"] = "for the weights as they were"
    model.module.to(torch.float64)
    fresh.module.to(torch.float64)
    assert ids_of(model.answer([query])[0]) == ids_of(fresh.answer([query])[0])
    assert model.notes == {}


def test_an_adapter_that_is_switched_off_is_noticed(tiny_gemma3, load, scans, make_query):
    import torch

    model = load(tiny_gemma3)
    layer = torch.nn.Module()
    layer.active_adapters, layer.disable_adapters, layer.merged, layer.lora_A = ["default"], False, False, None
    model.module.add_module("layer", layer)
    model.module._hf_peft_config_loaded = True
    query = make_query(scans[0], QUESTION, limit=2)
    model.answer([query])
    model.notes["kept"] = 1
    model.answer([query])
    assert model.notes
    layer.disable_adapters = True
    model.answer([query])
    assert not model.notes


def test_a_reply_ends_where_the_checkpoint_ends_it_or_at_the_limit(vision, scans, make_query, monkeypatch):
    query = make_query(scans[0], QUESTION)
    cut = vision.answer([query])[0]
    assert cut.truncated
    assert len(cut.tokens) == 12
    end = next(i for i, token in enumerate(ids_of(cut)) if i >= 3 and token not in ids_of(cut)[:i])
    monkeypatch.setattr(vision.speech, "stops", frozenset({ids_of(cut)[end]}))
    whole = vision.answer([query])[0]
    assert not whole.truncated
    assert ids_of(whole) == ids_of(cut)[: end + 1]
    assert whole.text == vision.speech.text(ids_of(cut)[:end])


def test_the_checkpoints_generation_settings_do_not_leak(tiny_gemma3, load, scans, make_query):
    model = load(tiny_gemma3)
    query = make_query(scans[0], QUESTION)
    before = ids_of(model.answer([query])[0])
    settings = model.module.generation_config
    settings.do_sample, settings.temperature, settings.repetition_penalty, settings.max_new_tokens = True, 5.0, 3.0, 2
    assert ids_of(model.answer([query])[0]) == before


def test_where_nobody_says_a_reply_is_as_long_as_its_family_needs(tiny_gemma3, load, scans):
    from medlab.core.query import Decoding, Prompt
    from medlab.models.conventions import conventions_for
    from medlab.models.stacks import comparison_query

    model = load(tiny_gemma3, conventions=conventions_for("medgemma-1.5").replace(reply_tokens=200))
    asked = [model.query(scans[0], QUESTION), model.chat(scans[0]).query(QUESTION)]
    asked += [model.query(scans[0], Prompt("x", QUESTION)), comparison_query(model, scans[0], scans[1], "Changed?")]
    assert [query.decoding for query in asked] == [Decoding(max_new_tokens=200)] * 4
    short = model.query(scans[0], Prompt("x", QUESTION, max_new_tokens=7))
    assert short.decoding.max_new_tokens == 7
    assert load(tiny_gemma3).query(scans[0], QUESTION).decoding == Decoding()


def test_what_it_is_capable_of_is_known_before_work(vision, text):
    assert (vision.capabilities.images, text.capabilities.images) == (None, 0)
    assert vision.capabilities.logprobs == "full"
    assert vision.capabilities.streams
    assert vision.capabilities.gradients
    assert vision.capabilities.languages == (), "nobody said"


def test_a_base_model_takes_an_empty_text_for_nothing(tiny_gemma3, load, scans, make_query):
    model = load(tiny_gemma3)
    model.processor.chat_template = model.processor.tokenizer.chat_template = None
    model = type(model)(model.module, model.processor, name="base", conventions=model.conventions)
    with_text, without = (model.inputs(make_query(scans[1], *more))["input_ids"] for more in (("",), ()))
    assert with_text.tolist() == without.tolist()


def test_a_base_model_goes_on_with_a_text(tiny_gemma3, load, scans, make_query):
    import torch

    model = load(tiny_gemma3)
    model.processor.chat_template = model.processor.tokenizer.chat_template = None
    model = type(model)(model.module, model.processor, name="base", conventions=model.conventions)
    query = make_query(scans[1], " findings:", limit=8)
    inputs = model.processor(
        text="<bos><start_of_image> findings:",
        images=[[scans[1].to_uint8()[..., None].repeat(3, 2)]],
        return_tensors="pt",
        add_special_tokens=False,
    )
    with torch.no_grad():
        told = model.module.generate(**inputs, max_new_tokens=8, do_sample=False)
    assert ids_of(model.answer([query])[0]) == told[0, inputs["input_ids"].shape[1] :].tolist()
