"""Tiny checkpoints of the very classes that MedGemma is made of, with random weights, for tests and benchmarks.

The shapes are MedGemma 4B's in small: a SigLIP tower, patches averaged into fewer tokens, local and global text
layers, grouped heads, tied embeddings, Gemma's special tokens and turns. They have learned nothing: what they say is
noise, but the same noise every time. They know nothing of medlab.
"""

import pathlib

SPECIAL = (
    *("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"),
    *("<start_of_image>", "<end_of_image>", "<image_soft_token>"),
)
"""their places are their ids"""
THINKING = ("<unused94>", "<unused95>")
"""in Gemma's vocabulary these are not special: decoding keeps them"""
SENTENCES = """
Is there a pleural effusion? yes no There is a small left pleural effusion. No pneumothorax. Describe this chest X-ray.
FINDINGS: The heart is enlarged. The lungs are clear. IMPRESSION: Mild cardiomegaly. Where is the consolidation?
```json [{"box_2d": [140, 110, 340, 470], "label": "right effusion"}]``` The nodule is in the right upper lung.
Compare the first film with the second. You are an expert radiologist. The question cannot be answered from this film.
有没有胸腔积液？ 有。 没有。 左侧少量胸腔积液。 未见气胸。 心影增大。 影像所见：双肺清晰。
印象：轻度心影增大。 请描述这张胸片。
"""
TEMPLATE = (
    "{{ bos_token }}"
    "{%- set told = namespace(first='') -%}"
    "{%- if messages[0].role == 'system' -%}"
    "{%- set words = messages[0].content -%}"
    "{%- set told.first = (words if words is string else words[0].text) + '\\n\\n' -%}"
    "{%- set messages = messages[1:] -%}"
    "{%- endif -%}"
    "{%- for turn in messages -%}"
    "{%- if (turn.role == 'user') != (loop.index0 % 2 == 0) -%}"
    "{{ raise_exception('turns must alternate') }}"
    "{%- endif -%}"
    "{{ '<start_of_turn>' + ('model' if turn.role == 'assistant' else turn.role) + '\\n' }}"
    "{{ told.first if loop.first else '' }}"
    "{%- if turn.content is string -%}{{ turn.content | trim }}{%- else -%}"
    "{%- for part in turn.content -%}"
    "{%- if part.type == 'image' -%}{{ '<start_of_image>' }}{%- else -%}{{ part.text | trim }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{ '<end_of_turn>\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}"
)
"""writes turns as Gemma's own template does"""


def tiny_tokenizer(size: int = 0):
    """Byte pairs with byte fallback, as Gemma's; about 600 tokens, or `size` by adding words that mean nothing."""
    import json

    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    pieces.normalizer = normalizers.Replace(" ", "▁")
    pieces.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    pieces.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    letters = [chr(code) for code in range(33, 127)] + ["▁", "\n"]
    pieces.train_from_iterator(
        SENTENCES.splitlines(),
        trainers.BpeTrainer(
            special_tokens=list(SPECIAL), initial_alphabet=letters, max_token_length=6, show_progress=False
        ),
    )
    pieces.add_tokens([AddedToken(token, normalized=False) for token in THINKING])
    # Bytes are plain vocabulary: a trainer can only make them special, and decoding drops what is special.
    told = json.loads(pieces.to_str())
    taken = pieces.get_vocab_size()
    told["model"]["vocab"].update({f"<0x{byte:02X}>": taken + byte for byte in range(256)})
    told["model"]["vocab"].update({f"▁word{number}": number for number in range(taken + 256, size)})
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(told)),
        **{f"{name}_token": f"<{name}>" for name in ("bos", "eos", "pad", "unk")},
        padding_side="left",
        extra_special_tokens={
            "image_token": "<image_soft_token>",
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
        },
        chat_template=TEMPLATE,
        model_max_length=2048,
    )


def text_settings(tokenizer, **changes) -> dict:
    """Gemma 3's text stack in small: three layers of a 24-token window, then one of full attention, twice."""
    local, whole = "sliding_attention", "full_attention"
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "query_pre_attn_scalar": 16,
        "layer_types": [local, local, whole, local, whole],
        "num_hidden_layers": 5,
        "sliding_window": 24,
        "max_position_embeddings": 512,
        "initializer_range": 0.35,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
        "tie_word_embeddings": True,
    } | changes


def save_tiny_gemma3(folder: pathlib.Path, *, seed: int = 0, pixels: int = 112, **changes) -> pathlib.Path:
    """A Gemma3ForConditionalGeneration with its processor: 64 patches of 14 pixels, 16 tokens a scan.

    pixels   side of the square that it is given
    changes  of `text_settings`
    """
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil, Gemma3Processor

    tokenizer = tiny_tokenizer()
    tower = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": pixels,
        "patch_size": 14,
        "vision_use_head": False,
    }
    config = Gemma3Config(
        text_config=text_settings(tokenizer, **changes),
        vision_config=tower,
        mm_tokens_per_image=(pixels // 28) ** 2,
        boi_token_index=tokenizer.boi_token_id,
        eoi_token_index=tokenizer.eoi_token_id,
        image_token_index=tokenizer.image_token_id,
        eos_token_id=[1, SPECIAL.index("<end_of_turn>")],
        tie_word_embeddings=True,
        initializer_range=0.35,
    )
    torch.manual_seed(seed)
    model = Gemma3ForConditionalGeneration(config).eval()
    with torch.no_grad():
        # transformers starts it at zero, and a model that is blind would pass every test about pictures
        model.model.multi_modal_projector.mm_input_projection_weight.normal_(0, 0.2)
    _make_talkative(model)
    pictures = Gemma3ImageProcessorPil(
        size={"height": pixels, "width": pixels}, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2
    )
    model.save_pretrained(folder)
    Gemma3Processor(
        pictures, tokenizer, chat_template=TEMPLATE, image_seq_length=config.mm_tokens_per_image
    ).save_pretrained(folder)
    return folder


def save_tiny_gemma3_text(folder: pathlib.Path, *, seed: int = 0, **changes) -> pathlib.Path:
    """A Gemma3ForCausalLM with its tokenizer, as MedGemma's text-only checkpoint."""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    tokenizer = tiny_tokenizer()
    torch.manual_seed(seed)
    model = Gemma3ForCausalLM(Gemma3TextConfig(**text_settings(tokenizer, **changes))).eval()
    _make_talkative(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _make_talkative(model) -> None:
    """Turns end where Gemma's end, and words are small beside what the layers add: else each word repeats itself."""
    import torch

    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(0.12)
    settings = model.generation_config
    settings.pad_token_id, settings.bos_token_id = 0, 2
    settings.eos_token_id = [1, SPECIAL.index("<end_of_turn>")]
