"""Explaining a full-size MedGemma 4B with random weights on a GPU: seconds and peak memory of each method.

    python -m benchmarks.explain_gpu            # needs CUDA, 9 GB of disk; bfloat16
    python -m benchmarks.explain_gpu --tiny     # the same way with a shrunken model, on a CPU: does it run at all?

Not run on a GPU yet: there are no results of it in `results/`. Beside each method stand the floating-point operations
that it reckons before it works, the seconds that these would take at the speed of one large product of matrices, and,
of a 4B, those counted with transformers' own code on a device without memory, nothing saved that medlab saves in the
last layer. The shape is the catalog's, the weights are noise: it says nothing of what MedGemma would answer.
"""

import argparse
import json
import pathlib
import tempfile
from typing import NamedTuple

from benchmarks.explain_tasks import QUESTION, query_of
from benchmarks.gpu import ENTRY, write_checkpoint
from benchmarks.inference import _clock

RESULTS = pathlib.Path(__file__).parent / "results" / "explain_gpu.json"


class Row(NamedTuple):
    """A method, its options, and the operations counted of a 4B whose prompt of 310 tokens has the text first."""

    method: str
    options: dict
    counted_tflop: float | None = None


ROWS = (
    Row("rollout", {}, 7.5),
    Row("logit_lens", {}, 7.5),
    Row("relevance", {}, 11.6),
    Row("relevance", {"grid": "patches"}, 28.0),
    Row("input_x_gradient", {"of": "tokens"}, 9.0),
    Row("knockout", {}, 29.5),
    Row("rise_knockout", {"masks": 500}, 50.0),
    Row("integrated_gradients", {"steps": 20}, 76.0),
    Row("integrated_gradients", {"steps": 50}, 181.0),
    Row("shapley", {}),
    Row("token_occlusion", {}, 454.0),
    Row("rise_tokens", {"masks": 500}, 881.0),
)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 1 where there is no GPU and the shrunken model was not asked for."""
    asked = _parser().parse_args(arguments)
    import torch

    if not asked.tiny and not torch.cuda.is_available():
        print("no CUDA GPU here; python -m benchmarks.explain_gpu --tiny tries the way on a CPU")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        results = measure(write_checkpoint(pathlib.Path(folder) / "random", tiny=asked.tiny), asked)
    if asked.write:
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
        RESULTS.write_text(json.dumps({"entry": ENTRY, "device": device, "results": results}, indent=1) + "\n")
    return 0


def measure(checkpoint: pathlib.Path, asked: argparse.Namespace) -> list[dict]:
    """Each row's least seconds of the rounds, peak memory above the model, and the operations that it took."""
    from medlab import load_model
    from medlab.explainers.aims import aim_at
    from medlab.explainers.base import Request

    model = load_model(str(checkpoint), dtype="float32" if asked.tiny else "bfloat16")
    query = query_of(model, QUESTION, "text first")
    request = Request(model, aim_at(model, query, ("yes", "no")))
    request.glass  # noqa: B018  opened once outside the clock; each method is timed with nothing kept
    results = []
    for row in ROWS:
        told = {"method": row.method, "options": row.options}
        told["counted_tflop"] = None if asked.tiny else row.counted_tflop
        results.append(told | _measure_row(row, request, asked.rounds))
        print(_line(results[-1]), flush=True)
    return results


def _measure_row(row: Row, request, rounds: int) -> dict:
    import torch

    from medlab.explainers.cost import SHARE
    from medlab.explainers.methods import make_method

    method, cuda = make_method(row.method, **row.options), torch.cuda.is_available()
    cost = method.cost(request)
    seconds, peak = float("inf"), None
    for _ in range(rounds):
        request.model.forget()
        if cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated() if cuda else 0
        began = _clock(request.model)
        method.draw(request)
        seconds = min(seconds, _clock(request.model) - began)
        if cuda:
            peak = (torch.cuda.max_memory_allocated() - before) / 2**30
    floor = cost.seconds * SHARE  # at the whole speed of one large product
    return {"seconds": seconds, "peak_gb": peak, "tflop": cost.flop / 1e12, "floor_seconds": floor}


def _line(told: dict) -> str:
    name = " ".join([told["method"], *(f"{key}={value}" for key, value in told["options"].items())])
    line = f"{name:<36} {told['seconds']:9.3f} s  floor {told['floor_seconds']:9.3f} s  {told['tflop']:10.4f} TFLOP"
    if told["counted_tflop"]:
        line += f"  counted {told['counted_tflop']:g}"
    return line if told["peak_gb"] is None else f"{line}  peak {told['peak_gb']:.2f} GB above the model"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="a tiny model on whatever is here")
    parser.add_argument("--rounds", type=int, default=2, help="rounds; the least time of them counts (default 2)")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/explain_gpu.json")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
