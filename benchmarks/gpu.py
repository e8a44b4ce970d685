"""A full-size MedGemma 4B with random weights on a GPU: tokens a second and memory, in bfloat16 and in 4 bits.

    python -m benchmarks.gpu                    # needs CUDA, 9 GB of disk; 4 bits need the extra "quantized"
    python -m benchmarks.gpu --tiny             # the same way with a shrunken model, on a CPU: does it run at all?

The shape is the catalog's, the weights are noise: it needs no account, and says nothing of what MedGemma would answer.
The whole way is gone: a checkpoint is written, loaded by `medlab.load_model`, asked through medlab and through
transformers' own pipeline with the same module. In bfloat16 two tokens may be so nearly alike that batches choose
differently; how many answers are the same is told, not demanded.
"""

import argparse
import json
import pathlib
import tempfile
import time

from benchmarks.inference import compare, print_table, tasks_of

ENTRY = "medgemma-4b-it"
PLACEMENTS = {"bfloat16": {"dtype": "bfloat16"}, "4bit": {"quantize": "4bit"}}
RESULTS = pathlib.Path(__file__).parent / "results" / "gpu.json"


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    import torch

    if not asked.tiny and not torch.cuda.is_available():
        print("no CUDA GPU here; python -m benchmarks.gpu --tiny tries the way on a CPU")
        return 1
    placements = {"float32": {"dtype": "float32"}} if asked.tiny else PLACEMENTS
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = write_checkpoint(pathlib.Path(folder) / "random", tiny=asked.tiny)
        for name, options in placements.items():
            print(f"\n== {name}", flush=True)
            results[name] = measure(checkpoint, options, asked)
    if asked.write:
        about = {"entry": ENTRY, "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"}
        RESULTS.write_text(json.dumps(about | {"results": results}, indent=1) + "\n")
    return 0


def write_checkpoint(folder: pathlib.Path, *, tiny: bool) -> pathlib.Path:
    """A folder with random weights of the full shape, or of a shrunken one, and a processor that fits it."""
    import torch
    from transformers import Gemma3ForConditionalGeneration, Gemma3ImageProcessorPil, Gemma3Processor

    from medlab.models.catalog import config_of
    from tests.models.tiny import TEMPLATE, tiny_tokenizer

    config = shrunken(config_of(ENTRY)) if tiny else config_of(ENTRY)
    tokenizer = tiny_tokenizer(config.text_config.vocab_size)
    config.image_token_index = tokenizer.image_token_id
    config.boi_token_index, config.eoi_token_index = tokenizer.boi_token_id, tokenizer.eoi_token_id
    torch.manual_seed(0)
    with torch.device("cpu" if tiny else "cuda"):
        model = Gemma3ForConditionalGeneration._from_config(config, dtype=torch.float32 if tiny else torch.bfloat16)
    with torch.no_grad():
        # transformers starts it at zero, and the model would be blind
        model.model.multi_modal_projector.mm_input_projection_weight.normal_(0, 0.02)
    model.generation_config.pad_token_id, model.generation_config.eos_token_id = 0, [1, 5]
    model.save_pretrained(folder)
    size = {"height": config.vision_config.image_size, "width": config.vision_config.image_size}
    pictures = Gemma3ImageProcessorPil(size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2)
    processor = Gemma3Processor(
        pictures, tokenizer, chat_template=TEMPLATE, image_seq_length=config.mm_tokens_per_image
    )
    processor.save_pretrained(folder)
    return folder


def shrunken(config):
    """The same kind of model, small enough for any machine: one whole period of local and global layers."""
    text, tower = config.text_config, config.vision_config
    text.hidden_size, text.intermediate_size, text.vocab_size = 48, 96, 640
    text.num_attention_heads, text.num_key_value_heads, text.head_dim, text.query_pre_attn_scalar = 4, 2, 16, 16
    text.num_hidden_layers, text.layer_types = 6, text.layer_types[:6]
    tower.hidden_size, tower.intermediate_size, tower.num_attention_heads = 32, 64, 2
    tower.num_hidden_layers, tower.image_size = 2, 112
    config.mm_tokens_per_image = 16
    return config


def measure(checkpoint: pathlib.Path, options: dict, asked: argparse.Namespace) -> dict:
    """Loading, memory, the speed of one reply and of a batch, and the ratios to the pipeline."""
    import torch

    from medlab import load_model

    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    model = load_model(str(checkpoint), **options)
    told = {"load_seconds": time.perf_counter() - began}
    loaded = torch.cuda.memory_allocated() if cuda else 0
    tasks = tasks_of(model, asked.tokens, asked.scans)
    results = {name: compare(name, ways, model, asked.rounds) for name, ways in tasks.items()}
    print_table(results)
    reports = results[f"a report of {asked.scans} scans"]["seconds"]
    words = asked.tokens * asked.scans  # random weights hardly ever end a turn
    told["tokens_per_second"] = {way: words / seconds for way, seconds in reports.items()}
    if cuda:
        told["loaded_gb"] = loaded / 2**30
        told["peak_gb"] = torch.cuda.max_memory_allocated() / 2**30
    print("  ".join(f"{way} {rate:.1f} tokens/s" for way, rate in told["tokens_per_second"].items()))
    print("  ".join(f"{name} {told[name]:.2f}" for name in ("load_seconds", "loaded_gb", "peak_gb") if name in told))
    return told | {"tasks": results}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="a tiny model on whatever is here")
    parser.add_argument("--rounds", type=int, default=2, help="rounds; the least time of them counts (default 2)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens of each answer (default 64)")
    parser.add_argument("--scans", type=int, default=8, help="scans in the batch (default 8)")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/gpu.json")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
