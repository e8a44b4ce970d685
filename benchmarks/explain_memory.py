"""Peak memory of relevance through a tower of 4,096 patches: streamed, beside every map kept, same map checked.

    python -m benchmarks.explain_memory
    python -m benchmarks.explain_memory --layers 6 --heads 8 --write

Random weights: a SigLIP tower of 896 pixels and few layers, 256 tokens a scan, a small language model. Each way works
in a process of its own, and what counts is its peak above the loaded model (Linux). Kept means eager layers with
output_attentions=True and autograd through them, which is how transformers gives maps; streamed is medlab's method
"relevance" with grid="patches". The more layers and heads, the better streaming looks: kept grows with both.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

WAYS = ("streamed", "kept")
TARGET = 0.15
"""of the memory of every map kept"""
PIXELS, PATCH, TOKENS = 896, 14, 256
RESULTS = pathlib.Path(__file__).parent / "results" / "explain_memory.json"


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 1 where the two maps differ."""
    import numpy as np

    asked = _parser().parse_args(arguments)
    if asked.only:
        print(json.dumps(measure(asked.only, asked)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        told = {way: _elsewhere(way, asked, folder) for way in WAYS}
        maps = [np.load(told[way].pop("map")) for way in WAYS]
    apart = float(np.abs(maps[0] - maps[1]).max() / np.abs(maps[1]).max())
    ratio = told["streamed"]["peak_mb"] / told["kept"]["peak_mb"]
    for way, one in told.items():
        print(f"  {way:<10} {one['peak_mb']:8.0f} MB  {one['seconds']:7.1f} s of this process")
    print(f"  reckoned   {told['streamed']['reckoned_mb']:8.0f} MB  for streamed, before the work")
    print(f"maps apart by {apart:.1e} of their greatest value")
    print(f"target {TARGET:g}x of kept: {ratio:.3f}x, {'met' if ratio <= TARGET else 'MISSED'}")
    if asked.write:
        _write(told | {"ratio": ratio, "apart": apart}, asked)
    return int(apart > 1e-4)


def measure(way: str, asked: argparse.Namespace) -> dict:
    """Peak of one way above the loaded model, and its CPU seconds; the map is saved where `asked.map` says."""
    import numpy as np

    from medlab.explainers.relevance import Relevance
    from tests.explainers import materialised

    request = request_of(asked)
    reckoned = Relevance("patches").cost(request).peak_bytes
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # Linux: the high-water mark starts anew
    before, began = resident_mb("VmRSS"), time.process_time()
    if way == "streamed":
        values = Relevance("patches").draw(request).values
    else:
        values = materialised.relevance(request, patches=True)
    seconds, peak = time.process_time() - began, resident_mb("VmHWM") - before
    np.save(asked.map, values)
    return {"peak_mb": peak, "seconds": seconds, "reckoned_mb": reckoned / 2**20, "map": asked.map}


def request_of(asked: argparse.Namespace):
    """One word forced on a phantom's film."""
    import torch

    from medlab.explainers.aims import aim_at
    from medlab.explainers.base import Request
    from medlab.phantom import Phantom

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = model_of(asked.layers, asked.heads)
    query = model.query(Phantom(224).draw(1).scans[0], "Is there a pleural effusion?")
    request = Request(model, aim_at(model, query, "yes"))
    request.glass.tokens()
    return request


def model_of(layers: int, heads: int):
    """A random Gemma 3 whose tower takes 896 pixels; parameters ask for no gradient, in both ways alike."""
    import torch
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil, Gemma3Processor

    from medlab.models.conventions import Conventions
    from medlab.models.hf.model import HFModel
    from tests.models.tiny import TEMPLATE, text_settings, tiny_tokenizer

    tokenizer = tiny_tokenizer()
    tower = {"hidden_size": 32 * heads, "intermediate_size": 128 * heads, "num_hidden_layers": layers}
    tower |= {"num_attention_heads": heads, "image_size": PIXELS, "patch_size": PATCH, "vision_use_head": False}
    special = {"boi": tokenizer.boi_token_id, "eoi": tokenizer.eoi_token_id, "image": tokenizer.image_token_id}
    config = Gemma3Config(
        text_config=text_settings(tokenizer, max_position_embeddings=2048, sliding_window=64),
        vision_config=tower,
        mm_tokens_per_image=TOKENS,
        initializer_range=0.1,
        **{f"{name}_token_index": number for name, number in special.items()},
    )
    torch.manual_seed(0)
    module = Gemma3ForConditionalGeneration(config).eval().requires_grad_(False)
    # transformers starts it at zero, and a blind model has no relevance
    module.model.multi_modal_projector.mm_input_projection_weight.normal_(0, 0.2)
    pictures = Gemma3ImageProcessorPil(
        size={"height": PIXELS, "width": PIXELS}, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2
    )
    processor = Gemma3Processor(pictures, tokenizer, chat_template=TEMPLATE, image_seq_length=TOKENS)
    return HFModel(module, processor, name="random", conventions=Conventions(), fingerprint="random")


def resident_mb(field: str) -> float:
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def _elsewhere(way: str, asked: argparse.Namespace, folder: str) -> dict:
    command = [sys.executable, "-m", "benchmarks.explain_memory", "--only", way, "--map", f"{folder}/{way}.npy"]
    command += ["--layers", str(asked.layers), "--heads", str(asked.heads)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(told.stdout.splitlines()[-1])


def _write(results: dict, asked: argparse.Namespace) -> None:
    import importlib.metadata

    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers")}
    about = {"what": __doc__.splitlines()[0], "layers": asked.layers, "heads": asked.heads, "patches": 4096}
    about |= {"machine": platform.machine(), "threads": os.environ["OMP_NUM_THREADS"], "versions": versions}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(about | {"results": results}, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=3, help="of the tower (default 3; SigLIP has 27)")
    parser.add_argument("--heads", type=int, default=4, help="of the tower (default 4; SigLIP has 16)")
    parser.add_argument("--only", choices=WAYS, default="", help=argparse.SUPPRESS)
    parser.add_argument("--map", default="map.npy", help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/explain_memory.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
