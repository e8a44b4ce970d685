"""Explaining a model through medlab beside doing it with captum, in one run, same numbers checked.

    python -m benchmarks.explain                    # the demo model, every cell; the report on 4 x 4 regions
    python -m benchmarks.explain --model tiny       # random weights of a few hundred kilobytes
    python -m benchmarks.explain --mid --write      # random weights of some 330 million, 4 x 4 regions; half an hour

captum is called as its pages show it, one perturbation a call: a forward function around the whole model, pixels in,
scores out. Ways of one task that say "same" must give medlab's numbers to 1e-3 nats; "other" ways answer the same
question by another change (of pixels, where medlab cuts attention), and their time alone is compared. Ways take turns
within a round, the least time counts: CPU seconds of this process on a CPU, wall time on a GPU. medlab keeps nothing
from one way to the next, its tower and its opening included.
"""

import argparse
import json
import os
import pathlib
import platform
import sys
import tempfile
from collections.abc import Callable
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np

from benchmarks.inference import _clock

QUESTION = "Is there a pleural effusion?"
REPORT = "Describe this chest X-ray."
TARGETS = {
    "token occlusion": 5.0, "knockout, text first": 15.0, "knockout, image first": 8.0, "a report by words": 50.0,
    "integrated gradients": 2.5,
}  # fmt: skip
"""times captum's time, by the task's first words; against its first way"""
TOLERANCE = 1e-3
RESULTS = pathlib.Path(__file__).parent / "results" / "explain.json"


class Way(NamedTuple):
    """One way to do a task: it gives (regions,) or (regions, tokens) of drops in nats."""

    run: Callable[[], np.ndarray]
    same: bool = True
    """whether it must give medlab's numbers"""


Task = dict[str, Way]
"""medlab first, then the way that its time is compared with"""


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 1 where a way that must gave other numbers."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        model = _load("mid" if asked.mid else asked.model, pathlib.Path(folder))
        side = 4 if asked.mid else asked.side
        tasks = tasks_of(model, side, asked.tokens)
        results = {
            name: compare(name, task, model, asked.rounds) for name, task in tasks.items() if asked.task in name
        }
    wrong = print_table(results)
    if asked.write:
        _write(results, asked, sum(p.numel() for p in model.module.parameters()))
    return 1 if wrong else 0


def _load(name: str, folder: pathlib.Path):
    import torch

    from medlab import load_model

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if name in ("tiny", "mid"):
        from tests.models.tiny import save_tiny_gemma3

        name = str(_save_mid(folder / "mid") if name == "mid" else save_tiny_gemma3(folder / "tiny"))
    return load_model(name)


def _save_mid(folder: pathlib.Path) -> pathlib.Path:
    """A random Gemma 3 of some 330 million weights: SigLIP of 1,024 patches, 256 tokens a scan, 16 text layers."""
    import torch
    from transformers import Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil, Gemma3Processor

    from medlab.models.catalog import config_of
    from tests.models.tiny import TEMPLATE, tiny_tokenizer

    tokenizer, config = tiny_tokenizer(), config_of("medgemma-4b-it")
    text, tower = config.text_config, config.vision_config
    text.hidden_size, text.intermediate_size, text.vocab_size = 1024, 4096, len(tokenizer)
    text.num_attention_heads, text.num_key_value_heads, text.head_dim, text.query_pre_attn_scalar = 8, 2, 128, 128
    text.num_hidden_layers, text.layer_types = 16, text.layer_types[:16]
    tower.hidden_size, tower.intermediate_size, tower.num_attention_heads = 768, 3072, 12
    tower.num_hidden_layers, tower.image_size = 12, 448
    config.image_token_index = tokenizer.image_token_id
    config.boi_token_index, config.eoi_token_index = tokenizer.boi_token_id, tokenizer.eoi_token_id
    torch.manual_seed(0)
    module = Gemma3ForConditionalGeneration._from_config(config, dtype=torch.float32)
    with torch.no_grad():  # transformers starts it at zero, and the model would be blind
        module.model.multi_modal_projector.mm_input_projection_weight.normal_(0, 0.02)
    module.generation_config.pad_token_id, module.generation_config.eos_token_id = 0, [1, 5]
    module.save_pretrained(folder)
    size = {"height": 448, "width": 448}
    pictures = Gemma3ImageProcessorPil(size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2)
    Gemma3Processor(
        pictures, tokenizer, chat_template=TEMPLATE, image_seq_length=config.mm_tokens_per_image
    ).save_pretrained(folder)
    return folder


def tasks_of(model, side: int, tokens: int) -> dict[str, Task]:
    """What is explained. `side` regions along the grid, 0 for each cell; the report has `tokens` tokens at most."""
    from medlab.explainers.aims import aim_at
    from medlab.explainers.base import Request
    from medlab.explainers.methods import METHODS

    tasks: dict[str, Task] = {}
    for order in ("text first", "image first"):
        query = _query(model, QUESTION, order)
        request = Request(model, aim_at(model, query, ("yes", "no")))
        tasks[f"token occlusion, {order}"] = token_task(request, side)
        tasks[f"knockout, {order}"] = knockout_task(request, side)
    if "integrated_gradients" in METHODS.names():
        tasks["integrated gradients on tokens, 32 steps"] = gradient_task(request)
    tasks["a report by words, 4 x 4 regions"] = report_task(model, tokens)
    return tasks


def _query(model, text: str, order: str, tokens: int = 8):
    from medlab.core.query import Decoding, Message, Part, Query
    from medlab.phantom import Phantom

    parts = (Part(text=text), Part(scan=0))
    scans = Phantom(224).draw(700_008).scans[:1]
    turn = Message("user", parts if order == "text first" else parts[::-1])
    return Query((turn,), scans, Decoding(max_new_tokens=tokens))


def cells_of(grid: tuple[int, int], side: int) -> tuple[int, dict]:
    """(side of a region in cells, the options that hide such regions, none twice)."""
    cells = grid[0] // side if side else 1
    return cells, {"cells": cells, "stride": cells}


def by_region(values: np.ndarray, cells: int) -> np.ndarray:
    """(regions,): a map of regions of `cells` x `cells` has one value in each."""
    return np.asarray(values)[::cells, ::cells].ravel()


def numbered(grid: tuple[int, int], cells: int) -> np.ndarray:
    """(grid_rows, grid_cols): which region each cell is in, as captum's masks want it."""
    rows, cols = np.indices(grid) // cells
    return rows * (cols.max() + 1) + cols


def token_task(request, side: int) -> Task:
    import torch
    from captum.attr import LayerFeatureAblation, Occlusion

    from medlab.explainers.tokens import TokenOcclusion

    glass, forward = request.glass, forward_of(request)
    cells, options = cells_of(glass.grid, side)
    regions = torch.from_numpy(numbered(glass.grid, cells)).reshape(1, -1, 1)
    mean, pixels = glass.tokens()[0].mean(0), glass.pixels
    window = pixels.shape[-1] // glass.grid[0] * cells

    def layer() -> np.ndarray:
        found = LayerFeatureAblation(forward, request.model.module.model.multi_modal_projector).attribute(
            pixels, layer_baselines=mean.expand(1, glass.count, -1), layer_mask=regions
        )
        return by_region(found[0, :, 0].reshape(glass.grid), cells)

    def of_pixels() -> np.ndarray:
        shape = (3, window, window)
        found = Occlusion(forward).attribute(pixels, sliding_window_shapes=shape, strides=shape)
        return found[0, 0, ::window, ::window].flatten().numpy()

    return {
        "medlab": Way(lambda: by_region(TokenOcclusion(**options).draw(request).values, cells)),
        "captum LayerFeatureAblation": Way(_without_gradients(layer)),
        "captum Occlusion of pixels": Way(_without_gradients(of_pixels), same=False),
    }


def knockout_task(request, side: int) -> Task:
    import torch
    from captum.attr import FeatureAblation

    from medlab.explainers.knockout import Knockout

    glass = request.glass
    cells, options = cells_of(glass.grid, side)
    regions = torch.from_numpy(numbered(glass.grid, cells)).reshape(1, -1)
    forward = forward_of(request, of="columns")

    def ablation() -> np.ndarray:
        found = FeatureAblation(forward).attribute(torch.ones(1, glass.count), feature_mask=regions)
        return by_region(found.reshape(glass.grid), cells)

    return {
        "medlab": Way(lambda: by_region(Knockout(**options).draw(request).values, cells)),
        "captum FeatureAblation": Way(_without_gradients(ablation)),
        "captum Occlusion of pixels": token_task(request, side)["captum Occlusion of pixels"],
    }


def gradient_task(request) -> Task:
    from captum.attr import IntegratedGradients, LayerIntegratedGradients

    from medlab.explainers.methods import make_method

    glass, forward, steps = request.glass, forward_of(request), 32
    black = glass.pixels.new_full(glass.pixels.shape, -1)
    ours = make_method("integrated_gradients", of="tokens", steps=steps, baseline="blank")

    def layer() -> np.ndarray:
        attributor = LayerIntegratedGradients(forward, request.model.module.model.multi_modal_projector)
        found = attributor.attribute(glass.pixels, black, n_steps=steps, internal_batch_size=steps)
        return found.detach().sum(-1).flatten().numpy()

    def of_pixels() -> np.ndarray:
        found = IntegratedGradients(forward).attribute(glass.pixels, black, n_steps=steps, internal_batch_size=steps)
        return found.detach().sum().reshape(1).numpy()

    return {
        "medlab": Way(lambda: ours.draw(request).values.ravel()),
        "captum LayerIntegratedGradients": Way(layer),
        "captum IntegratedGradients": Way(of_pixels, same=False),
    }


def report_task(model, tokens: int) -> Task:
    """(regions, tokens): captum's LLMAttribution greys out pixels, its FeatureAblation cuts what medlab cuts."""
    import torch
    from captum.attr import FeatureAblation, ImageMaskInput, LLMAttribution
    from PIL import Image

    from medlab.core.scan import Scan
    from medlab.explainers.aims import aim_at
    from medlab.explainers.base import Request
    from medlab.explainers.region_words import region_words

    query = _query(model, REPORT, "image first", tokens)
    answer = model.answer([query])[0].to(query)
    request = Request(model, aim_at(model, answer))
    glass, strand = request.glass, request.aim.strands[0]
    cells = np.indices(glass.grid) * 4 // np.array(glass.grid)[:, None, None]
    regions = torch.from_numpy(cells[0] * 4 + cells[1]).reshape(1, -1)
    scan = query.scans[0]
    rows, cols = np.indices((scan.rows, scan.cols)) * glass.grid[0] // scan.rows * 4 // glass.grid[0]
    picture = Image.fromarray(scan.to_uint8()).convert("RGB")

    def processed(image) -> dict:
        shown = Scan(np.asarray(image).astype(np.float32) / 255)
        return model.inputs(query.replace(scans=(shown,)))

    def by_tokens() -> np.ndarray:
        # its defaults give zeros with transformers 5: the picture never reaches the model
        given = ImageMaskInput(picture, mask=torch.from_numpy(rows * 4 + cols).int(), processor_fn=processed)
        target = torch.tensor(strand.reply)
        made = LLMAttribution(FeatureAblation(model.module), model.speech.tokenizer)
        return made.attribute(given, target=target, use_cached_outputs=False).token_attr.T.numpy()

    def ablation() -> np.ndarray:
        found = []
        for place in strand.places:
            forward = forward_of(request, of="columns", place=place)
            drops = FeatureAblation(forward).attribute(torch.ones(1, glass.count), feature_mask=regions)
            found.append([float(drops[regions == region][0]) for region in range(16)])
        return np.array(found).T

    return {
        "medlab": Way(lambda: region_words(model, answer, "grid:4").values),
        "captum LLMAttribution": Way(_without_gradients(by_tokens), same=False),
        "captum FeatureAblation": Way(_without_gradients(ablation)),
        "medlab, every cell": Way(lambda: region_words(model, answer).values, same=False),
    }


def forward_of(request, of: str = "pixels", place: int | None = None) -> Callable:
    """The function that captum perturbs: the whole model, as `module(**inputs)` runs it.

    of     "pixels": (n, 3, size, size) -> (n,) scores; "columns": (1, image tokens), 0 where the text may not look
    place  of the first strand's reply, to score that token alone
    """
    import torch

    from medlab.explainers.glass import chosen_logprobs

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
                said = [len(glass.ids) - 1 + at for at in strand.places]
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


def compare(name: str, task: Task, model, rounds: int) -> dict:
    """Least seconds of each way, and how far its numbers are from medlab's."""
    seconds, found = dict.fromkeys(task, float("inf")), {}
    for _ in range(rounds):
        for way, (run, _) in task.items():
            model.forget()
            began = _clock(model)
            found[way] = np.asarray(run(), np.float64)
            seconds[way] = min(seconds[way], _clock(model) - began)
    apart = {way: float(abs(found[way] - found["medlab"]).max()) for way in task if task[way].same and way != "medlab"}
    print(f"{name}: " + "  ".join(f"{way} {s:.3f} s" for way, s in seconds.items()), flush=True)
    return {"seconds": seconds, "apart_nats": apart, "largest_nats": float(abs(found["medlab"]).max())}


def print_table(results: dict[str, dict]) -> bool:
    """The table; whether any way that must be the same was not."""
    wrong = False
    for name, told in results.items():
        ours, rival = told["seconds"]["medlab"], list(told["seconds"])[1]
        target = next((goal for words, goal in TARGETS.items() if name.startswith(words)), None)
        print(f"\n{name} (largest value {told['largest_nats']:.3g} nats)")
        for way, seconds in told["seconds"].items():
            apart = told["apart_nats"].get(way)
            same = "" if way == "medlab" else "other numbers" if apart is None else f"same to {apart:.1g}"
            print(f"  {way:<32} {seconds:9.3f} s  {seconds / ours:8.2f}x  {same}")
            wrong |= apart is not None and apart > TOLERANCE
        if target:
            ratio = told["seconds"][rival] / ours
            print(f"  target {target:g}x of {rival}: {ratio:.1f}x, {'met' if ratio >= target else 'MISSED'}")
    return wrong


def _write(results: dict[str, dict], asked: argparse.Namespace, weights: int) -> None:
    import importlib.metadata

    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "captum")}
    about = {"what": __doc__.splitlines()[0], "model": "mid" if asked.mid else asked.model, "weights": weights}
    about |= {"rounds": asked.rounds, "machine": platform.machine(), "threads": os.environ["OMP_NUM_THREADS"]}
    about |= {"versions": versions, "results": results}
    RESULTS.parent.mkdir(exist_ok=True)
    path = RESULTS.with_stem("explain_mid") if asked.mid else RESULTS
    path.write_text(json.dumps(about, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="demo", help='catalog name, folder, or "tiny" (default demo)')
    parser.add_argument("--mid", action="store_true", help="random weights of some 330 million instead")
    parser.add_argument("--rounds", type=int, default=2, help="rounds; the least time of them counts (default 2)")
    parser.add_argument("--side", type=int, default=0, help="regions along each side (default 0: every cell)")
    parser.add_argument("--tokens", type=int, default=96, help="most tokens of the report (default 96)")
    parser.add_argument("--task", default="", help="only tasks whose name holds this")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/explain.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
