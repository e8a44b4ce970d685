"""Explaining a model through medlab beside doing it with captum, in one run, same numbers checked.

    python -m benchmarks.explain                    # the demo model, every cell; three minutes of one core
    python -m benchmarks.explain --model tiny       # random weights of a few hundred kilobytes
    python -m benchmarks.explain --mid --write      # random weights of 331 million; twenty minutes of one core

captum is called as its pages show it, one perturbation a call: a forward function around the whole model, pixels in,
scores out. Ways of one task that say "same" must give medlab's numbers to 1e-3 nats; "other" ways answer the same
question by another change (of pixels, where medlab cuts attention), and their time alone is compared. Ways take turns
within a round, the least time counts: CPU seconds of this process on a CPU, wall time on a GPU. medlab keeps nothing
from one way to the next, its tower and its opening included.

captum's passes are all alike: with `--sample` (which --mid sets) it is asked about a few regions, or a few words, its
seconds are those of all by the number of passes, and the table says so. Its numbers are compared where there are any.
"""

import argparse
import json
import os
import pathlib
import platform
import sys
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np

from benchmarks.explain_tasks import PHRASES, QUESTION, Size, Task, answer_of, query_of, tasks_of
from benchmarks.inference import _clock

TARGETS = {
    "token occlusion": 5.0, "knockout, text first": 15.0, "knockout, image first": 8.0, "a report by words": 50.0,
    "integrated gradients": 2.5,
}  # fmt: skip
"""times captum's time, by the task's first words; against its first way"""
TOLERANCE = 1e-3
RESULTS = pathlib.Path(__file__).parent / "results" / "explain.json"
MEMORY = "memory of region_words"
MID = Size(side=4, sample=2, words=2, steps=16, together=1)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 1 where a way that must gave other numbers."""
    asked = _parser().parse_args(arguments)
    size = MID if asked.mid else Size(asked.side, asked.sample, asked.sample, asked.steps, asked.steps)
    with tempfile.TemporaryDirectory() as folder:
        model = _load("mid" if asked.mid else asked.model, pathlib.Path(folder))
        weights = sum(p.numel() for p in model.module.parameters())
        print(f"{weights:,} weights", flush=True)
        if not asked.mid:  # there it would take a minute, and what it saves is lost in the rest
            warm_up(model)
        tasks = tasks_of(model, size, min(asked.tokens, 16) if asked.mid else asked.tokens)
        memory = region_words_mb(model) if asked.mid and asked.task in MEMORY else None
        results = {
            name: compare(name, make(), model, asked.rounds) for name, make in tasks.items() if asked.task in name
        }
    wrong = print_table(results)
    if asked.write:
        _write(results, asked, {"weights": weights, "size": size._asdict(), "region_words_mb": memory})
    return 1 if wrong else 0


def _load(name: str, folder: pathlib.Path):
    import torch

    from medlab import load_model

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if name == "mid":
        return mid_model()
    if name == "tiny":
        from tests.models.tiny import save_tiny_gemma3

        name = str(save_tiny_gemma3(folder / "tiny"))
    return load_model(name)


def mid_model():
    """A random Gemma 3 of some 330 million weights: SigLIP of 1,024 patches, 256 tokens a scan, 16 text layers."""
    import torch
    from transformers import Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil, Gemma3Processor

    from medlab.models.catalog import config_of
    from medlab.models.conventions import Conventions
    from medlab.models.hf.model import HFModel
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
    size = {"height": 448, "width": 448}
    pictures = Gemma3ImageProcessorPil(size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2)
    processor = Gemma3Processor(
        pictures, tokenizer, chat_template=TEMPLATE, image_seq_length=config.mm_tokens_per_image
    )
    return HFModel(module, processor, name="mid", conventions=Conventions(), fingerprint="mid")


def warm_up(model) -> None:
    """One small run of everything, so that no way pays for what a process loads once."""
    from medlab.explainers.aims import aim_at
    from medlab.explainers.explain import attribute, request_for
    from medlab.explainers.methods import make_method

    request = request_for(model, aim_at(model, query_of(model, QUESTION, "text first"), PHRASES))
    for name, options in (
        ("token_occlusion", {"cells": 99}),
        ("knockout", {"cells": 99}),
        ("integrated_gradients", {"steps": 1}),
    ):
        attribute(make_method(name, **options), request)


def region_words_mb(model) -> float:
    """Peak memory above the model of one full batch of `region_words`, in MB (Linux)."""
    from benchmarks.explain_memory import resident_mb
    from medlab.explainers.knockout import BATCH
    from medlab.explainers.region_words import region_words

    answer = answer_of(model, 16)
    cells = np.eye(256, dtype=bool)[: BATCH - 2].reshape(-1, 16, 16)
    model.forget()
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    before = resident_mb("VmRSS")
    region_words(model, answer, cells)
    peak = resident_mb("VmHWM") - before
    print(f"region_words, {len(cells)} regions: {peak:.0f} MB above the model, tower and opening included", flush=True)
    return peak


def compare(name: str, task: Task, model, rounds: int) -> dict:
    """Least seconds of each way, and how far its numbers are from medlab's."""
    seconds, found = dict.fromkeys(task, float("inf")), {}
    for _ in range(rounds):
        for way, (run, _, share) in task.items():
            model.forget()
            began = _clock(model)
            found[way] = np.asarray(run(), np.float64)
            seconds[way] = min(seconds[way], (_clock(model) - began) / share)
    same = [way for way in task if task[way].same and way != "medlab"]
    apart = {way: float(np.nanmax(abs(found[way] - found["medlab"]))) for way in same}
    print(f"{name}: " + "  ".join(f"{way} {s:.3f} s" for way, s in seconds.items()), flush=True)
    shares = {way: one.share for way, one in task.items() if one.share < 1}
    told = {"seconds": seconds, "apart_nats": apart, "largest_nats": float(abs(found["medlab"]).max())}
    return told | ({"reckoned_from": shares} if shares else {})


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
            if share := told.get("reckoned_from", {}).get(way):
                same += f", reckoned from {share:.1%} of its passes"
            print(f"  {way:<32} {seconds:9.3f} s  {seconds / ours:8.2f}x  {same}")
            wrong |= apart is not None and apart > TOLERANCE
        if target:
            ratio = told["seconds"][rival] / ours
            print(f"  target {target:g}x of {rival}: {ratio:.1f}x, {'met' if ratio >= target else 'MISSED'}")
    return wrong


def _write(results: dict[str, dict], asked: argparse.Namespace, more: dict) -> None:
    import importlib.metadata

    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "captum")}
    about = {"what": __doc__.splitlines()[0], "model": "mid" if asked.mid else asked.model, **more}
    about |= {"rounds": asked.rounds, "machine": platform.machine(), "threads": os.environ["OMP_NUM_THREADS"]}
    about |= {"versions": versions, "results": results}
    RESULTS.parent.mkdir(exist_ok=True)
    path = RESULTS.with_stem("explain_mid") if asked.mid else RESULTS
    if asked.task and path.exists():  # a part was measured again; the rest stands
        before = json.loads(path.read_text())
        memory = about["region_words_mb"] or before["region_words_mb"]
        about = before | {"region_words_mb": memory, "results": before["results"] | results}
    path.write_text(json.dumps(about, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="demo", help='catalog name, folder, or "tiny" (default demo)')
    parser.add_argument("--mid", action="store_true", help="random weights of some 330 million instead, 16 tokens")
    parser.add_argument("--rounds", type=int, default=1, help="rounds; the least time of them counts (default 1)")
    parser.add_argument("--side", type=int, default=0, help="regions that token occlusion hides along a side (all)")
    parser.add_argument("--sample", type=int, default=0, help="regions and words that captum is asked about (all)")
    parser.add_argument("--steps", type=int, default=32, help="of integrated gradients (default 32)")
    parser.add_argument("--tokens", type=int, default=48, help="most tokens of the report (default 48)")
    parser.add_argument("--task", default="", help="only tasks whose name holds this; with --mid also memory")
    parser.add_argument(
        "--write", action="store_true", help="write benchmarks/results/explain.json, or of it what --task names"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
