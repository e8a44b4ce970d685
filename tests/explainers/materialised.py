"""Attention maps kept whole: eager layers, one run of the model itself over the whole sequence, plain autograd.

The reference that streamed maps are held against. It shares no step with `Glass`: embeddings, masks and positions are
transformers' own, nothing is cached, and every map of every layer is there at once.
"""

import contextlib

import torch


@contextlib.contextmanager
def eager(module):
    before = {name: getattr(module.config, name)._attn_implementation for name in ("text_config", "vision_config")}
    module.set_attn_implementation(dict.fromkeys(before, "eager"))
    try:
        yield
    finally:
        module.set_attn_implementation(before)


def maps_of(request, strand):
    """(maps of the language model, those of the tower for the scan, logits at the strand's places, place of the scan).

    Each map is (heads, queries, keys) with a way back to it.
    """
    module = request.model.module
    inputs = request.model.inputs(request.aim.query, strand.reply)
    length = inputs["input_ids"].shape[1] - len(strand.reply)
    of_scans, tower = [], ()
    # the way back has to reach the lowest map even where no parameter asks for a gradient
    for number, pixels in enumerate(inputs["pixel_values"].requires_grad_()):
        seen = module.model.vision_tower(pixel_values=pixels[None], output_attentions=True)
        of_scans.append(module.model.multi_modal_projector(seen.last_hidden_state)[0])
        if number == request.scan:
            tower = seen.attentions
    ids = inputs["input_ids"]
    image = ids == module.config.image_token_id
    words = module.get_input_embeddings()(ids.masked_fill(image, 0))
    embedded = words.masked_scatter(image[..., None], torch.cat(of_scans))
    out = module(
        inputs_embeds=embedded, token_type_ids=inputs["token_type_ids"], attention_mask=torch.ones_like(ids),
        output_attentions=True,
    )  # fmt: skip
    at = [length - 1 + place for place in strand.places]
    start = int(image[0].nonzero()[0, 0])
    runs = image[0].int().diff(prepend=torch.zeros(1, dtype=torch.int32)).eq(1).nonzero()[:, 0].tolist()
    start = runs[request.scan]
    return out.attentions, tower, out.logits[0, at], at, slice(start, start + len(of_scans[0]))


def logprob(logits, strand):
    """Sum of the log-probabilities of the strand's tokens."""
    chosen = torch.tensor([strand.reply[place] for place in strand.places])
    return logits.log_softmax(-1).gather(-1, chosen[:, None]).sum()


def relevance(request, *, patches=False):
    """Chefer's R, whole matrices in the order of the paper, of one context: all strands must share it."""
    strands = request.aim.strands
    with eager(request.model.module):
        language, tower, logits, at, place = maps_of(request, strands[0])
        score = sum(strand.sign * logprob(logits, strand) for strand in strands)
        slopes = torch.autograd.grad(score, [*language, *tower])
    whole = _product(language, slopes[: len(language)])
    row = whole[at].sum(0)[place]
    if not patches:
        side = round(len(row) ** 0.5)
        return row.reshape(side, side).numpy()
    config = request.model.module.config.vision_config
    side, few = config.image_size // config.patch_size, round(len(row) ** 0.5)
    spread = torch.nn.functional.interpolate(row.reshape(1, 1, few, few), (side, side), mode="nearest")
    inner = _product(tower, slopes[len(language) :])
    return ((spread.flatten() / (side // few) ** 2) @ inner).reshape(side, side).numpy()


def rollout(request, *, patches=False):
    """Abnar & Zuidema's product, whole matrices from the lowest layer up, of one context."""
    strand = request.aim.strands[0]
    with eager(request.model.module), torch.no_grad():
        language, tower, _, at, place = maps_of(request, strand)
    row = _rolled(language)[at].mean(0)[place]
    side = round(len(row) ** 0.5)
    if not patches:
        return row.reshape(side, side).numpy()
    inner = _rolled(tower)
    many = round(len(inner) ** 0.5)
    spread = torch.nn.functional.interpolate(row.reshape(1, 1, side, side), (many, many), mode="nearest")
    return ((spread.flatten() / (many // side) ** 2) @ inner).reshape(many, many).numpy()


def _product(maps, slopes):
    whole = torch.eye(maps[0].shape[-1])
    for one, slope in zip(maps, slopes, strict=True):
        whole = whole + (one[0] * slope[0]).clamp(min=0).mean(0).detach() @ whole
    return whole


def _rolled(maps):
    same = torch.eye(maps[0].shape[-1])
    whole = same
    for one in maps:
        whole = (one[0].mean(0) + same) / 2 @ whole
    return whole


def whole_score(request):
    """The aim's score by transformers' own run over the whole sequence, nothing cached."""
    total = 0.0
    for strand in request.aim.strands:
        inputs = request.model.inputs(request.aim.query, strand.reply)
        first = inputs["input_ids"].shape[1] - len(strand.reply) - 1
        with torch.no_grad():
            logits = request.model.module(**inputs).logits[0, [first + place for place in strand.places]]
        total += strand.sign * float(logprob(logits, strand))
    return total
