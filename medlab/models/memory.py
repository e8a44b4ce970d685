"""How much memory one question needs: weights, the cache of keys and values, and what a forward pass holds at once.

Arithmetic on a shape. What it leaves out is said where it is left out; the tests hold it against the bytes that torch
allocates for a small model of the same classes. It does not know the machine.
"""

from medlab.core.errors import SpecError
from medlab.core.record import Record, check_choice, check_whole, record
from medlab.models.sizes import Shape, Sizes, patches_of, sizes_of

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""of one number"""
QUANTIZED = {"4bit": 0.5 + 1 / 64 + 4 / (64 * 256), "8bit": 1.0}
"""bytes of one quantized weight in bitsandbytes: NF4 keeps one byte a block of 64 and one float32 a 256 of those
(QLoRA, https://arxiv.org/abs/2305.14314); LLM.int8's one float32 a row, under 0.2 %, is left out"""
COPIES = 2
"""of the keys and values: an opening is kept for the next question while a copy of it grows with the reply"""
TOKENS_AROUND_IMAGE = 4
"""that Gemma 3 writes around the tokens of one scan: a blank line and a marker on each side"""


@record
class Ask(Record):
    """The question that memory is worked out for."""

    images: int = 1
    text_tokens: int = 200
    """question, system prompt and template"""
    reply_tokens: int = 300

    def __post_init__(self):
        for name in ("images", "text_tokens", "reply_tokens"):
            check_whole(name, getattr(self, name))


@record
class Need(Record):
    """Bytes that a model needs for one question of one user."""

    weights: int
    cache: int
    """keys and values of prompt and reply, COPIES times"""
    activations: int
    """the most that one forward pass holds: of the image tower, one scan at a time, or of the prompt"""

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.activations


def weights_bytes(sizes: Sizes, dtype: str, quantize: str | None = None) -> int:
    """Of the weights. Only the language model's linear layers are quantized; the rest stays in `dtype`."""
    check_choice("dtype", dtype, BYTES)
    if quantize is None:
        return sizes.total * BYTES[dtype]
    check_choice("quantize", quantize, QUANTIZED)
    return int(sizes.quantizable * QUANTIZED[quantize]) + (sizes.total - sizes.quantizable) * BYTES[dtype]


def cache_bytes(shape: Shape, tokens: int, dtype: str) -> int:
    """Keys and values of `tokens` in every layer: local ones keep all of theirs too (`medlab.models.hf.states`)."""
    text = shape.get("text_config", shape)
    if "num_key_value_heads" not in text:  # an embedding model keeps nothing
        return 0
    return 2 * tokens * text["num_hidden_layers"] * text["num_key_value_heads"] * text["head_dim"] * BYTES[dtype]


def activation_bytes(shape: Shape, tokens: int, images: int, dtype: str) -> int:
    """The most that one forward pass holds besides weights and cache, without attention weights ("sdpa").

    The towers and the prompt follow one another, so the larger counts. In the image tower: the scan, four copies of
    the hidden state and two of the inner one. In the prompt: four and three, and the masks. "eager" attention holds
    ten bytes a head and pair of patches besides: 2.7 GB for one scan of 896 x 896.
    """
    number, text = BYTES[dtype], shape.get("text_config", shape)
    prompt = tokens * (4 * text["hidden_size"] + 3 * text["intermediate_size"]) * number + tokens**2 * (2 + number)
    vision = shape.get("vision_config")
    if not images or vision is None:
        return prompt
    tower = patches_of(vision) * (4 * vision["hidden_size"] + 2 * vision["intermediate_size"])
    return max(prompt, (vision["num_channels"] * vision["image_size"] ** 2 + tower) * number)


def need_of(shape: Shape, dtype: str, quantize: str | None = None, *, ask: Ask | None = None) -> Need:
    """What `ask` needs of a model of this shape. `ask` is one scan, 200 tokens of text and a reply of 300 if None.

    Raises SpecError for scans where the model sees none.
    """
    ask = ask or Ask(images=1 if "vision_config" in shape else 0)
    if ask.images and "vision_config" not in shape:
        raise SpecError(f"{ask.images} scans for a model of text alone", accepted="images=0")
    per_image = shape["mm_tokens_per_image"] + TOKENS_AROUND_IMAGE if "mm_tokens_per_image" in shape else 0
    prompt = ask.text_tokens + ask.images * per_image
    if shape["model_type"] == "siglip":
        prompt = shape["text_config"]["max_position_embeddings"]
    return Need(
        weights_bytes(sizes_of(shape), dtype, quantize),
        COPIES * cache_bytes(shape, prompt + ask.reply_tokens, dtype),
        activation_bytes(shape, prompt, ask.images, dtype),
    )
