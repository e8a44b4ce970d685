"""The demo model's tokenizer: Gemma's special tokens and chat template over a small vocabulary of its own.

Byte-pair encoding with bytes to fall back on, so that any text goes in and comes out again. Digits and punctuation
stand alone, as in Gemma; so do the Chinese words of side, zone and amount, because a map for a word needs a word.
"""

import json
from collections.abc import Iterable, Iterator

import numpy as np

from medlab.core.case import Box
from medlab.demo import world
from medlab.demo.lessons import LANGUAGES, Tutor
from medlab.demo.pool import FIRST_SEED, SIZE, STYLE
from medlab.phantom.sampling import choose_findings

SPECIAL = (
    "<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>",
    "<image_soft_token>", "<unused94>", "<unused95>",
)  # fmt: skip
BYTES = tuple(f"<0x{value:02X}>" for value in range(256))
VOCABULARY = 1536
"""the most tokens; the corpus is so small that it stops earlier"""
ALONE = (
    r"\d",
    r"\n",
    r"[.,;:!?。，；：？！、（）\[\]{}\"()'-]",
    r"(左侧|右侧|[左右](?=[肺侧])|[上中下](?=野)|少量|中等量|大量|轻度|中度|重度|未见|可见|是否|没有|实变|结节|气胸|胸腔积液|肺不张|起搏器"
    r"|中心静脉导管|气管插管|心影|增大|新出现|消失|加重|减轻|增多|减少|无变化)",
)
CHAT_TEMPLATE = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set opening = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}
        {%- set opening = messages[0]['content'][0]['text'] + '\\n\\n' -%}
    {%- endif -%}
    {%- set turns = messages[1:] -%}
{%- else -%}
    {%- set opening = '' -%}
    {%- set turns = messages -%}
{%- endif -%}
{%- for message in turns -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception('user and model speak by turns') }}
    {%- endif -%}
    {{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' }}
    {%- if loop.first -%}{{ opening }}{%- endif -%}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- else -%}
        {%- for part in message['content'] -%}
            {%- if part['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif part['type'] == 'text' -%}
                {{ part['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ '<start_of_turn>model\\n' }}
{%- endif -%}
"""
"""what Gemma 3's template does, in our words: the system's text opens the first turn"""


def corpus(cases: int) -> Iterator[str]:
    """Questions and answers about `cases` patients of whom no film was drawn; their boxes are invented."""
    for number in range(cases):
        rng = np.random.default_rng(number)
        tutor, findings = Tutor(rng), choose_findings(FIRST_SEED + number, STYLE)
        boxes = tuple(Box(f.name, _any_box(rng), side=f.side) for f in findings)
        for language in LANGUAGES:
            lessons = [tutor.report(findings, language), tutor.text_only(language)]
            lessons += [tutor.short(findings, boxes, language) for _ in range(6)]
            lessons += tutor.talk(findings, boxes, language)
            for lesson in lessons:
                yield lesson.question
                yield lesson.answer
    for language in LANGUAGES:
        yield from (text for pair in world.ABOUT_ITSELF[language] for text in pair)
        yield from world.ELSEWHERE[language] + world.CANNOT_TELL[language]
    yield from world.SYSTEM


def _any_box(rng: np.random.Generator) -> tuple[float, float, float, float]:
    top, left = rng.uniform(0, SIZE / 2, 2)
    height, width = rng.uniform(8, SIZE / 2, 2)
    return (float(top), float(left), float(top + height), float(left + width))


def build_tokenizer(texts: Iterable[str]):
    """A PreTrainedTokenizerFast trained on `texts`; the same texts give the same tokens."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bare = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=False))
    bare.normalizer = normalizers.Replace(" ", "▁")
    bare.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in ALONE]
        + [pre_tokenizers.Split(Regex("▁"), "merged_with_next")]
    )
    bare.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    letters = [chr(code) for code in range(33, 127)] + ["▁", "\n"]
    bare.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=VOCABULARY, special_tokens=[*SPECIAL, *BYTES], initial_alphabet=letters, min_frequency=2,
            max_token_length=20, show_progress=False,
        ),
    )  # fmt: skip
    # Bytes are ordinary tokens: special ones would be dropped when an answer is decoded.
    state = json.loads(bare.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] in SPECIAL]
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)), bos_token="<bos>", eos_token="<eos>",
        pad_token="<pad>", unk_token="<unk>", padding_side="left", chat_template=CHAT_TEMPLATE, model_max_length=4096,
        extra_special_tokens={
            "image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
        },
    )  # fmt: skip
