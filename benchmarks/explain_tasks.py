"""The tasks of `benchmarks.explain`: the same question put to medlab and to captum, in the ways that each has for it.

captum perturbs a function around the whole model, one perturbation a call. It times nothing and judges nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

QUESTION = "Is there a pleural effusion?"
REPORT = "Describe this chest X-ray."
PHRASES = ("There is an effusion.", "No effusion.")


class Size(NamedTuple):
    """How much is explained."""

    side: int = 0
    """regions along the grid that token occlusion hides, 0 for each cell"""
    sample: int = 0
    """regions that captum is asked about, 0 for all"""
    words: int = 0
    """words of the report that captum's LLMAttribution is asked about, 0 for all"""
    steps: int = 32
    """of integrated gradients"""
    together: int = 32
    """of them that captum may take at once"""


class Way(NamedTuple):
    """One way to do a task: it gives (regions,) or (regions, tokens) of drops in nats."""

    run: Callable[[], np.ndarray]
    same: bool = True
    """whether it must give medlab's numbers; NaN where it was not asked"""
    share: float = 1.0
    """of the passes that the whole task takes"""


class Regions(NamedTuple):
    """The regions of a task, and which of them captum is asked about."""

    number: int
    picked: np.ndarray
    """(asked,) whole numbers"""
    groups: np.ndarray
    """(grid_rows, grid_cols) whole numbers, as captum's masks want it: those picked, then all others as one"""

    @property
    def share(self) -> float:
        """Of captum's passes: the scan as it is, and one a group."""
        return (1 + len(np.unique(self.groups))) / (1 + self.number)

    def told(self, found: np.ndarray) -> np.ndarray:
        """(regions, ...): what captum found, (asked, ...), and NaN where it was not asked."""
        told = np.full((self.number, *found.shape[1:]), np.nan)
        told[self.picked] = found
        return told

    def by_group(self, values: np.ndarray) -> np.ndarray:
        """(regions,) of (grid_rows, grid_cols) values that are alike in each group."""
        return self.told(np.array([values[self.groups == group][0] for group in range(len(self.picked))]))


def regions_of(numbered: np.ndarray, sample: int = 0) -> Regions:
    """Of (grid_rows, grid_cols) region numbers; `sample` of them, evenly spread, for captum, or all."""
    number = int(numbered.max()) + 1
    picked = np.linspace(0, number - 1, sample + 2)[1:-1].round().astype(int) if sample else np.arange(number)
    groups = np.full(numbered.shape, len(picked))
    for group, region in enumerate(picked):
        groups[numbered == region] = group
    return Regions(number, picked, groups)


Task = dict[str, Way]
"""medlab first, then the way that its time is compared with"""


def tasks_of(model, size: Size, tokens: int) -> dict[str, Callable[[], Task]]:
    """What is explained; the report has `tokens` tokens at most."""

    def words(order: str, target: tuple[str, str] | None = None):
        from medlab.explainers.aims import aim_at
        from medlab.explainers.base import Request

        return Request(model, aim_at(model, query_of(model, QUESTION, order), target or _words(model)))

    tasks = {
        "token occlusion, text first": lambda: token_task(words("text first"), size),
        "knockout, text first": lambda: knockout_task(words("text first"), size),
        "knockout, image first": lambda: knockout_task(words("image first"), size),
        "integrated gradients on tokens": lambda: gradient_task(words("text first"), size),
        "a report by words, 4 x 4 regions": lambda: report_task(model, tokens, size),
    }
    if not size.sample:
        tasks |= {
            "token occlusion, image first": lambda: token_task(words("image first"), size, few=True),
            "token occlusion, two phrases": lambda: token_task(words("text first", PHRASES), size, few=True),
        }
    return tasks


def _words(model) -> tuple[str, str]:
    """A contrast of two words of one token each: nothing that medlab could do once and captum twice."""
    pairs = ("Yes", "No"), ("yes", "no")
    return next(pair for pair in pairs if all(len(model.speech.ids(word)) == 1 for word in pair))


def query_of(model, text: str, order: str, tokens: int = 8):
    from medlab.core.query import Decoding, Message, Part, Query
    from medlab.phantom import Phantom

    parts = (Part(text=text), Part(scan=0))
    scans = Phantom(224).draw(700_008).scans[:1]
    turn = Message("user", parts if order == "text first" else parts[::-1])
    return Query((turn,), scans, Decoding(max_new_tokens=tokens))


def answer_of(model, tokens: int):
    query = query_of(model, REPORT, "image first", tokens)
    return model.answer([query])[0].to(query)


def numbered(grid: tuple[int, int], cells: int) -> np.ndarray:
    """(grid_rows, grid_cols): which region of `cells` x `cells` each cell is in."""
    rows, cols = np.indices(grid) // cells
    return rows * (cols.max() + 1) + cols


def token_task(request, size: Size, few: bool = False) -> Task:
    """few  captum's nearest way alone"""
    import torch
    from captum.attr import LayerFeatureAblation

    from medlab.explainers.tokens import TokenOcclusion

    glass, forward = request.glass, forward_of(request)
    cells = glass.grid[0] // size.side if size.side else 1
    regions = regions_of(numbered(glass.grid, cells), size.sample)
    groups = torch.from_numpy(regions.groups).reshape(1, -1, 1)
    mean, pixels = glass.tokens()[0].mean(0), glass.pixels
    ours = TokenOcclusion(cells=cells, stride=cells)

    def layer() -> np.ndarray:
        found = LayerFeatureAblation(forward, request.model.module.model.multi_modal_projector).attribute(
            pixels, layer_baselines=mean.expand(1, glass.count, -1), layer_mask=groups
        )
        return regions.by_group(found[0, :, 0].reshape(glass.grid).numpy())

    task = {
        "medlab": Way(lambda: ours.draw(request).values[::cells, ::cells].ravel()),
        "captum LayerFeatureAblation": Way(_without_gradients(layer), share=regions.share),
    }
    return task if few or size.sample else task | {"captum Occlusion of pixels": _of_pixels(request, forward, cells)}


def _of_pixels(request, forward: Callable, cells: int) -> Way:
    from captum.attr import Occlusion

    pixels = request.glass.pixels
    window = pixels.shape[-1] // request.glass.grid[0] * cells

    def occlusion() -> np.ndarray:
        shape = (3, window, window)
        found = Occlusion(forward).attribute(pixels, sliding_window_shapes=shape, strides=shape)
        return found[0, 0, ::window, ::window].flatten().numpy()

    return Way(_without_gradients(occlusion), same=False)


def knockout_task(request, size: Size) -> Task:
    import torch
    from captum.attr import FeatureAblation

    from medlab.explainers.knockout import Knockout

    glass, forward = request.glass, forward_of(request, of="columns")
    regions = regions_of(numbered(glass.grid, 1), size.sample)
    groups = torch.from_numpy(regions.groups).reshape(1, -1)

    def ablation() -> np.ndarray:
        found = FeatureAblation(forward).attribute(torch.ones(1, glass.count), feature_mask=groups)
        return regions.by_group(found.reshape(glass.grid).numpy())

    return {
        "medlab": Way(lambda: Knockout().draw(request).values.ravel()),
        "captum FeatureAblation": Way(_without_gradients(ablation), share=regions.share),
    }


def gradient_task(request, size: Size) -> Task:
    """Both at the same nodes, and so of the same completeness error."""
    from captum.attr import IntegratedGradients, LayerIntegratedGradients

    from medlab.explainers.methods import make_method

    glass, forward = request.glass, forward_of(request)
    how = {"n_steps": size.steps, "internal_batch_size": size.together}
    black = glass.pixels.new_full(glass.pixels.shape, -1)
    ours = make_method("integrated_gradients", of="tokens", steps=size.steps, baseline="blank")

    def layer() -> np.ndarray:
        attributor = LayerIntegratedGradients(forward, request.model.module.model.multi_modal_projector)
        return attributor.attribute(glass.pixels, black, **how).detach().sum(-1).flatten().numpy()

    def of_pixels() -> np.ndarray:
        found = IntegratedGradients(forward).attribute(glass.pixels, black, **how)
        return found.detach().sum().reshape(1).numpy()

    task = {
        "medlab": Way(lambda: ours.draw(request).values.ravel()),
        "captum LayerIntegratedGradients": Way(layer),
    }
    return task if size.sample else task | {"captum IntegratedGradients": Way(of_pixels, same=False)}


def report_task(model, tokens: int, size: Size) -> Task:
    """(regions, tokens): captum's LLMAttribution greys out pixels, its FeatureAblation cuts what medlab cuts."""
    import torch
    from captum.attr import FeatureAblation, ImageMaskInput, LLMAttribution
    from PIL import Image

    from medlab.core.scan import Scan
    from medlab.explainers.aims import aim_at
    from medlab.explainers.base import Request
    from medlab.explainers.region_words import region_words

    answer = answer_of(model, tokens)
    query = answer.query
    request = Request(model, aim_at(model, answer))
    glass, strand = request.glass, request.aim.strands[0]
    cells = np.indices(glass.grid) * 4 // np.array(glass.grid)[:, None, None]
    regions = regions_of(cells[0] * 4 + cells[1], min(size.sample, 1))
    asked = _sayable(model, strand, size.words) if size.words else strand.places
    alone = asked[:1] if size.words else asked
    groups = torch.from_numpy(regions.groups).reshape(1, -1)
    scan = query.scans[0]
    rows, cols = np.indices((scan.rows, scan.cols)) * glass.grid[0] // scan.rows
    picture = Image.fromarray(scan.to_uint8()).convert("RGB")

    def processed(image) -> dict:
        shown = Scan(np.asarray(image).astype(np.float32) / 255)
        return model.inputs(query.replace(scans=(shown,)))

    def by_tokens() -> np.ndarray:
        # its defaults give zeros with transformers 5: the picture never reaches the model
        mask = torch.from_numpy(regions.groups[rows, cols]).int()
        given = ImageMaskInput(picture, mask=mask, processor_fn=processed)
        made = LLMAttribution(FeatureAblation(model.module), model.speech.tokenizer)
        target = torch.tensor(strand.reply[: asked[-1] + 1])
        return made.attribute(given, target=target, use_cached_outputs=False).token_attr.T.numpy()

    def ablation() -> np.ndarray:
        found = np.full((regions.number, len(strand.places)), np.nan)
        for column, place in enumerate(alone):
            forward = forward_of(request, of="columns", place=place)
            drops = FeatureAblation(forward).attribute(torch.ones(1, glass.count), feature_mask=groups)
            found[:, column] = regions.by_group(drops.reshape(glass.grid).numpy())
        return found

    share = regions.share * len(alone) / len(strand.places)
    task = {
        "medlab": Way(lambda: region_words(model, answer, "grid:4").values),
        # it is forced from the reply's first token on, which may not be the first that counts
        "captum LLMAttribution": Way(
            _without_gradients(by_tokens), same=False, share=regions.share * (asked[-1] + 1) / (strand.places[-1] + 1)
        ),
    }
    if size.sample:
        task["captum FeatureAblation"] = Way(_without_gradients(ablation), share=share)
        return task
    return task | {
        "captum FeatureAblation": Way(_without_gradients(ablation)),
        "medlab, every cell": Way(lambda: region_words(model, answer).values, same=False),
    }


def _sayable(model, strand, words: int) -> tuple[int, ...]:
    """The first places, at least `words`, up to one where captum finds the text of a reply that ends there.

    It looks beyond the end where the last token is a part of a character.
    """
    whole = (n for n in range(words, len(strand.places)) if "\ufffd" not in model.speech.text([strand.reply[n - 1]]))
    return strand.places[: next(whole, words)]


def forward_of(request, of: str = "pixels", place: int | None = None) -> Callable:
    """The function that captum perturbs: the whole model, as `module(**inputs)` runs it.

    of     "pixels": (n, 3, size, size) -> (n,) scores; "columns": (1, image tokens), 0 where the text may not look
    place  of the first strand's reply, to score that token alone
    """
    import torch

    from medlab.explainers.glass import chosen_logprobs, foretelling

    model, aim, glass = request.model, request.aim, request.glass
    strands = aim.strands
    if place is not None:
        reply = strands[0].reply[: place + 1]
        strands = (type(strands[0])(reply, (place,)),)
    contexts: dict[tuple, list] = {}
    for strand in strands:
        contexts.setdefault(strand.reply[:-1], []).append(strand)
    given = [dict(model.inputs(aim.query, group[0].reply)) for group in contexts.values()]
    scan = glass.places(request.scan)

    def forward(changed: torch.Tensor) -> torch.Tensor:
        total = 0
        for inputs, group in zip(given, contexts.values(), strict=True):
            if of == "pixels":
                more = {name: value.expand(len(changed), *value.shape[1:]) for name, value in inputs.items()}
                more["pixel_values"] = changed
            else:
                more = inputs | {"attention_mask": masked(inputs["input_ids"].shape[1], changed[0] > 0.5)}
            logits = model.module(**more).logits
            for strand in group:
                said = foretelling(glass, strand)
                total = total + strand.sign * chosen_logprobs(logits[:, said], strand).sum(-1)
        return total

    def masked(length: int, seen: torch.Tensor) -> dict:
        masks = {kind: mask.clone()[None] for kind, mask in glass.allowed(length).items()}
        for mask in masks.values():
            mask[:, :, scan.stop :, scan] &= seen
        return masks

    return forward


def _without_gradients(run: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
    import torch

    return torch.no_grad()(run)
