"""Classes that nothing special is known of: transformers' own generate, one at a time, to the same contract."""

import pytest

from medlab.core.errors import CapabilityError
from medlab.core.query import Decoding
from medlab.models.hf.borrowed import BorrowedEngine
from medlab.models.hf.cached import CachedEngine
from tests.models import tiny


def ids_of(answer) -> list[int]:
    return [token.id for token in answer.tokens]


@pytest.fixture(scope="module", params=["the template begins", "the tokenizer begins"])
def llava(request, tmp_path_factory, load):
    """A LLaVA of a CLIP tower and a Llama, small and random: neither class is named anywhere in medlab.

    The first token is written by the chat template, or, as with LLaVA 1.5, put there by the tokenizer.
    """
    import torch
    from tokenizers.processors import TemplateProcessing
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    folder = tmp_path_factory.mktemp("tiny") / "llava"
    template = tiny.TEMPLATE.replace("<start_of_image>", "<image_soft_token>")
    tokenizer = tiny.tiny_tokenizer()
    if request.param == "the tokenizer begins":
        template = template.replace("{{ bos_token }}", "")
        begins = TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", tokenizer.bos_token_id)])
        tokenizer._tokenizer.post_processor = begins
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**size, image_size=28, patch_size=14),
        text_config=LlamaConfig(
            **size, vocab_size=len(tokenizer), max_position_embeddings=256, initializer_range=0.3, pad_token_id=0
        ),
        image_token_index=tokenizer.image_token_id,
        vision_feature_layer=-1,
        initializer_range=0.3,
    )
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config).eval()
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = [1, 5], 0
    model.save_pretrained(folder)
    LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token="<image_soft_token>",
        chat_template=template,
    ).save_pretrained(folder)
    return load(folder)


@pytest.fixture(scope="module")
def both(tiny_gemma3, load):
    """The tiny Gemma 3 asked in both ways; a filter that medlab does not resize with leads to the borrowed one."""
    cached, borrowed = load(tiny_gemma3), load(tiny_gemma3)
    borrowed.processor.image_processor.resample = 3
    borrowed = type(borrowed)(borrowed.module, borrowed.processor, name="tiny", conventions=borrowed.conventions)
    borrowed.processor.image_processor.resample = 2
    assert isinstance(cached._engine, CachedEngine)
    assert isinstance(borrowed._engine, BorrowedEngine)
    return cached, borrowed


def test_an_unknown_class_answers_as_its_own_pipeline(llava, scans, make_query, theirs):
    assert isinstance(llava._engine, BorrowedEngine)
    for query in (make_query(scans[0], "Is there a nodule?"), make_query(scans[0], "and", scans[1], limit=5)):
        assert ids_of(llava.answer([query])[0]) == theirs(llava, query)


def test_a_prompt_begins_once_whoever_writes_its_first_token(llava, scans, make_query):
    ids = llava.inputs(make_query(scans[0], "Is there a nodule?"))["input_ids"][0].tolist()
    assert ids[0] == llava.processor.tokenizer.bos_token_id
    assert ids.count(ids[0]) == 1


def test_its_log_probabilities_are_those_of_a_plain_forward(llava, scans, make_query, plain):
    query = make_query(scans[0], "Is there a nodule?", limit=5)
    answer = llava.answer([query])[0]
    assert [token.logprob_nats for token in answer.tokens] == pytest.approx(
        plain(llava, query, ids_of(answer)), abs=1e-4
    )
    for option, row in zip(("yes", "not seen"), llava.score(query, ("yes", "not seen")).tokens, strict=True):
        ids = [*llava.speech.ids(option), 5]
        assert [token.id for token in row] == ids
        assert [token.logprob_nats for token in row] == pytest.approx(plain(llava, query, ids), abs=1e-4)


def test_both_ways_answer_and_score_alike(both, scans, make_query):
    cached, borrowed = both
    queries = [make_query(scans[0], "Is there a nodule?", limit=6), make_query("The heart is enlarged.", limit=6)]
    queries.append(queries[0].replace(decoding=Decoding(max_new_tokens=6, temperature=1.0, seed=4)))
    for one, other in zip(cached.answer(queries), borrowed.answer(queries), strict=True):
        assert ids_of(one) == ids_of(other)
        assert one.logprob_nats == pytest.approx(other.logprob_nats, abs=1e-4)
        assert (one.text, one.truncated, one.prompt_tokens) == (other.text, other.truncated, other.prompt_tokens)
    scores = [model.score(queries[0], ("yes", "no")).logprobs_nats for model in both]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_the_checkpoints_generation_settings_neither_leak_nor_change(both, scans, make_query):
    _, borrowed = both
    query = make_query(scans[0], "Is there a nodule?", limit=6)
    before = ids_of(borrowed.answer([query])[0])
    settings = borrowed.module.generation_config
    settings.do_sample, settings.repetition_penalty, settings.top_k = True, 5.0, 3
    assert ids_of(borrowed.answer([query])[0]) == before
    assert borrowed.module.generation_config is settings
    assert settings.repetition_penalty == 5.0
    settings.do_sample, settings.repetition_penalty, settings.top_k = None, None, None


def test_streams_that_are_read_side_by_side_do_not_mix_their_settings(both, scans, make_query):
    _, borrowed = both
    settings = borrowed.module.generation_config
    told = settings.to_dict()
    queries = [make_query(scans[0], "Describe this chest X-ray.", limit=limit) for limit in (6, 9)]
    streams = [borrowed.stream(query) for query in queries]
    pieces = [[next(stream)] for stream in streams]
    for said, stream in zip(pieces, streams, strict=True):
        said.extend(stream)
    assert ["".join(said) for said in pieces] == [borrowed.answer([query])[0].text for query in queries]
    assert borrowed.module.generation_config is settings
    assert settings.to_dict() == told


def test_numbers_that_are_not_finite_name_the_dtype_they_were_computed_in(tiny_gemma3, load, scans, make_query):
    import torch

    model = load(tiny_gemma3)
    model.processor.image_processor.resample = 3
    model = type(model)(model.module.to(torch.bfloat16), model.processor, name="x", conventions=model.conventions)
    assert isinstance(model._engine, BorrowedEngine)
    with torch.no_grad():
        model.module.get_input_embeddings().weight.fill_(float("nan"))
    query = make_query("x", limit=2)
    for act in (lambda: model.answer([query]), lambda: model.score(query, ("yes", "no"))):
        with pytest.raises(
            CapabilityError, match=r'computed in bfloat16(?s:.)*do this: +load_model\(name, dtype="float32'
        ):
            act()


def test_whoever_stops_reading_stops_generate(both, scans, make_query):
    import threading

    _, borrowed = both
    query = make_query(scans[0], "Describe this chest X-ray.", limit=300)
    passes, threads = [], threading.active_count()
    hook = borrowed.module.lm_head.register_forward_hook(lambda *_: passes.append(1))
    stream = borrowed.stream(query)
    next(stream)
    stream.close()
    hook.remove()
    assert len(passes) < 300
    assert threading.active_count() == threads


def test_an_error_in_generate_reaches_who_asked(both, scans, make_query):
    _, borrowed = both
    query = make_query(scans[0], "x", limit=3)

    def broken(*_):
        raise RuntimeError("out of everything")

    hook = borrowed.module.lm_head.register_forward_pre_hook(broken)
    try:
        with pytest.raises(RuntimeError, match="out of everything"):
            borrowed.answer([query])
    finally:
        hook.remove()
