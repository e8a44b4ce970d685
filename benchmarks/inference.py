"""Asking a model through medlab beside asking it through transformers' own pipeline, in one run, same answers checked.

    python -m benchmarks.inference                       # the demo model
    python -m benchmarks.inference --model tiny          # random weights of a few hundred kilobytes
    python -m benchmarks.inference --model FOLDER --rounds 5 --write

Twelve questions of one scan, then one question of sixteen scans. The ways take turns within a round, and the least of
the rounds counts: CPU seconds of this process (`time.process_time`, all threads) on a CPU, wall time on a GPU. Nothing
is kept from one round to the next. Peak memory is measured in a process of its own for each way, above the loaded
model (on Linux). The films are phantoms and square, so that both are given the same pixels.
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
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

QUESTIONS = (
    *(f"Is there {what}?" for what in ("cardiomegaly", "a pleural effusion", "consolidation", "a pneumothorax")),
    *(
        "Is there a nodule?",
        "Is there a pacemaker?",
        "Which side is the effusion on?",
        "有没有胸腔积液？",
        "有没有气胸？",
    ),
    *("How severe is the cardiomegaly?", "Where is the nodule?", "Describe this chest X-ray."),
)
SCANS = 16
TARGET = 3.0
"""times the pipeline's time for the twelve questions"""
RESULTS = pathlib.Path(__file__).parent / "results" / "inference.json"
Ways = dict[str, Callable[[], list[str]]]


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 1 where a way gave another answer."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        model = _load(asked.model, pathlib.Path(folder))
        tasks = tasks_of(model, asked.tokens, asked.scans)
        if asked.only:
            print(json.dumps(_peak(tasks, asked.only, model)))
            return 0
        results = {name: compare(name, ways, model, asked.rounds) for name, ways in tasks.items()}
    if not asked.no_memory:
        for name, ways in tasks.items():
            results[name]["peak_mb"] = {way: _peak_elsewhere(f"{name}/{way}", asked) for way in ways}
    differing = print_table(results)
    first = next(iter(results.values()))["seconds"]
    ratio = first["pipeline"] / first["medlab"]
    print(f"\ntarget {TARGET:g}x for the twelve questions: {ratio:.2f}x, {'met' if ratio >= TARGET else 'MISSED'}")
    if asked.write:
        _write(results, asked)
    return 1 if differing else 0


def _load(name: str, folder: pathlib.Path):
    import torch

    from medlab import load_model

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if name == "tiny":
        from tests.models.tiny import save_tiny_gemma3

        name = str(save_tiny_gemma3(folder / "tiny"))
    return load_model(name)


def tasks_of(model, tokens: int, scans: int) -> dict[str, Ways]:
    """What is asked, and the ways of asking it: each gives the texts of all answers."""
    from medlab.core.query import Decoding
    from medlab.phantom import Phantom

    films = [Phantom(224).draw(seed).scans[0] for seed in range(scans)]
    decoding = Decoding(max_new_tokens=tokens)
    pipeline = _pipeline(model, tokens)
    report = "Describe this chest X-ray."
    queries = [model.query(film, report, decoding=decoding) for film in films]
    return {
        "12 questions of one scan": {
            "medlab": lambda: [answer.text for answer in model.ask_many(films[0], QUESTIONS, decoding=decoding)],
            "medlab, one by one": lambda: [model.ask(films[0], text, decoding=decoding).text for text in QUESTIONS],
            "pipeline": lambda: [pipeline([films[0]], text)[0] for text in QUESTIONS],
        },
        f"a report of {scans} scans": {
            "medlab": lambda: [answer.text for answer in model.answer(queries)],
            "medlab, one by one": lambda: [model.answer([query])[0].text for query in queries],
            "pipeline": lambda: [pipeline([film], report)[0] for film in films],
            "pipeline, batch": lambda: pipeline(films, report),
        },
    }


def _pipeline(model, tokens: int):
    """transformers' pipeline with the same module: `run(scans, text)` gives the texts, all scans in one batch."""
    from PIL import Image
    from transformers import pipeline

    made = pipeline("image-text-to-text", model=model.module, processor=model.processor)
    model.processor.tokenizer.padding_side = "left"
    image_first = model.capabilities.order == "image_first"

    def run(scans, text: str) -> list[str]:
        turns = []
        for scan in scans:
            picture = {"type": "image", "image": Image.fromarray(scan.to_uint8()).convert("RGB")}
            words = {"type": "text", "text": text}
            turns.append([{"role": "user", "content": [picture, words] if image_first else [words, picture]}])
        settings = {"max_new_tokens": tokens, "do_sample": False}
        told = made(text=turns, batch_size=len(turns), return_full_text=False, generate_kwargs=settings)
        return [(one[0] if isinstance(one, list) else one)["generated_text"] for one in told]

    return run


def compare(name: str, ways: Ways, model, rounds: int) -> dict:
    """Least seconds of each way, and whether all gave the same texts."""
    seconds, texts = dict.fromkeys(ways, float("inf")), {}
    for number in range(rounds):
        for way, run in ways.items():
            model.forget()
            began = _clock(model)
            texts[way] = run()
            seconds[way] = min(seconds[way], _clock(model) - began)
        print(
            f"{name}, round {number + 1}: " + "  ".join(f"{way} {s:.3f} s" for way, s in seconds.items()), flush=True
        )
    same = {way: sum(a == b for a, b in zip(told, texts["medlab"], strict=True)) for way, told in texts.items()}
    return {"seconds": seconds, "answers": len(texts["medlab"]), "same": same}


def _clock(model) -> float:
    if model.module.device.type != "cuda":
        return time.process_time()
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def _peak(tasks: dict[str, Ways], only: str, model) -> float:
    """MB that the one way needs at most above what the loaded model takes; this process does nothing else."""
    task, _, way = only.partition("/")
    if model.module.device.type == "cuda":
        import torch

        before = torch.cuda.memory_allocated()
        tasks[task][way]()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # Linux: the high-water mark starts anew
    before = _resident_mb("VmRSS")
    tasks[task][way]()
    return _resident_mb("VmHWM") - before


def _resident_mb(field: str) -> float:
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def _peak_elsewhere(only: str, asked: argparse.Namespace) -> float:
    command = [sys.executable, "-m", "benchmarks.inference", "--model", asked.model, "--only", only]
    command += ["--tokens", str(asked.tokens), "--scans", str(asked.scans)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(told.stdout.splitlines()[-1])


def print_table(results: dict[str, dict]) -> bool:
    """The table; whether any way gave another answer."""
    differing = False
    for name, told in results.items():
        ours = told["seconds"]["medlab"]
        print(f"\n{name}")
        for way, seconds in told["seconds"].items():
            memory = f"{told['peak_mb'][way]:8.0f} MB" if "peak_mb" in told else ""
            same = f"{told['same'][way]} of {told['answers']} the same"
            print(f"  {way:<20} {seconds:8.3f} s  {seconds / ours:6.2f}x {memory}  {same}")
        differing |= any(count != told["answers"] for count in told["same"].values())
    return differing


def _write(results: dict[str, dict], asked: argparse.Namespace) -> None:
    import importlib.metadata

    versions = {name: importlib.metadata.version(name) for name in ("torch", "transformers")}
    about = {"what": __doc__.splitlines()[0], "model": asked.model, "rounds": asked.rounds, "tokens": asked.tokens}
    about |= {"machine": platform.machine(), "threads": os.environ["OMP_NUM_THREADS"], "versions": versions}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(about | {"results": results}, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="demo", help='catalog name, folder, or "tiny" (default demo)')
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the least time of them counts (default 3)")
    parser.add_argument("--tokens", type=int, default=96, help="most tokens of an answer (default 96)")
    parser.add_argument("--scans", type=int, default=SCANS, help=f"scans in the batch (default {SCANS})")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory")
    parser.add_argument("--only", default="", help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/inference.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
