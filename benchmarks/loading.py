"""How long a picture takes from file to what a vision encoder is given, beside other people's loaders, in one run.

    pip install -r benchmarks/requirements.txt
    python -m benchmarks.loading                  # or --rows raw --rounds 3 for a quick look

CPU milliseconds of this process (`time.process_time`, all threads), the least of several rounds, competitors taking
turns within a round, so that another load on the machine meets all alike. One thread each. The ratios are what counts:
how many times the CPU time of medlab the other takes, both stretching and both giving as many channels: one for
torchxrayvision and MONAI, three for the processor. "padded" is medlab's default: it resizes a larger square.
"""

import argparse
import json
import os
import pathlib
import platform
import tempfile
import time
import warnings
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np

from benchmarks.loading_files import make_files

SIZE = 896
OURS = {"torchxrayvision": "medlab, 1 channel", "MONAI": "medlab, 1 channel", "processor": "medlab, 3 channels"}
"""what each competitor is compared with: the pipeline of ours that gives as many channels; both stretch"""
TARGETS = {
    "DICOM raw": {"torchxrayvision": 4.0, "MONAI": 5.0, "processor": 6.0},
    "DICOM JPEG lossless": {"torchxrayvision": 4.0, "MONAI": 4.0, "processor": 5.0},
    "JPEG q95 2500x2048": {"torchxrayvision": 1.5, "MONAI": 2.5, "processor": 2.0},
}
"""how many times the CPU time of medlab; every other row: more than once"""
TARGET_CACHED_PER_SECOND = 500.0
PACKAGES = (
    *("numpy", "pillow", "pydicom", "torch", "transformers", "datasets", "imagecodecs"),
    *("torchxrayvision", "monai", "opencv-python-headless", "pylibjpeg-libjpeg"),
)
RESULTS = pathlib.Path(__file__).parent / "results" / "loading.json"


def main() -> None:
    asked = _arguments()
    _one_thread()
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(pathlib.Path(folder))
        rows = {row: path for row, path in files.items() if asked.rows in row}
        table = {row: _time_row(row, path, asked.rounds) for row, path in rows.items()}
        cached = _time_cache(pathlib.Path(folder) / "cache", asked.rounds)
    _print_table(table, cached)
    if asked.write:
        _write(table, cached, asked.rounds)


def _time_row(row: str, path: pathlib.Path, rounds: int) -> dict[str, float]:
    """Least CPU ms of each pipeline on one file."""
    pipelines = _pipelines(path)
    slow = "2000" in row
    least = dict.fromkeys(pipelines, float("inf"))
    for name, run in list(pipelines.items()):
        try:
            shape = np.asarray(run()).shape
        except Exception as error:  # a competitor that cannot read the file is told, not hidden
            print(f"{row}: {name} failed: {type(error).__name__}: {str(error)[:100]}")
            del pipelines[name], least[name]
            continue
        assert shape in ((1, SIZE, SIZE), (3, SIZE, SIZE)), (name, shape)
    for _ in range(max(3, rounds // 3) if slow else rounds):
        for name, run in pipelines.items():
            least[name] = min(least[name], _cpu_ms(run))
    print(f"{row:26s} " + "  ".join(f"{name} {ms:.1f}" for name, ms in least.items()), flush=True)
    return least


def _pipelines(path: pathlib.Path) -> dict[str, Callable[[], np.ndarray]]:
    import medlab
    from benchmarks.competitors import gemma_processor, monai_resize, torchxrayvision_cv2
    from medlab.imaging import Preparation
    from medlab.loaders.stream import prepare_file

    grey = Preparation(size=SIZE, fit="stretch", channels=1)
    stretch, pad = Preparation(size=SIZE, fit="stretch"), Preparation(size=SIZE)
    ours = {
        "medlab, 1 channel": lambda: prepare_file(path, grey).pixels,
        "medlab, 3 channels": lambda: prepare_file(path, stretch).pixels,
        "medlab, padded": lambda: prepare_file(path, pad).pixels,
        "medlab, by load_scan": lambda: medlab.prepare(medlab.load_scan(path), SIZE, "stretch").pixels,
    }
    others = [part.pipelines(path, SIZE) for part in (torchxrayvision_cv2, monai_resize, gemma_processor)]
    return ours | {name: run for part in others for name, run in part.items()}


def _time_cache(folder: pathlib.Path, rounds: int) -> dict[str, float]:
    """CPU ms a picture of an epoch in random order over a prepared cache of 64 noisy squares."""
    from medlab.imaging import Preparation, PreparedCache
    from medlab.imaging.cache import Entry

    count, batch = 64, 8
    cache = PreparedCache(folder, Preparation(size=SIZE))
    rng = np.random.default_rng(0)
    fit = cache.preparation.fit_of(2500, 2048)
    squares = rng.integers(0, 256, (count, SIZE, SIZE), np.uint8)
    cache.add([Entry(f"{number:064x}", square, fit) for number, square in enumerate(squares)])

    def one_by_one() -> None:
        for slot in rng.permutation(count):
            cache[int(slot)]

    def batches(dtype: str) -> None:
        for slots in rng.permutation(count).reshape(-1, batch).tolist():
            cache.batch(slots, dtype)

    runs = {
        "one by one, float32": one_by_one,
        "batches, float32": lambda: batches("float32"),
        "batches, bfloat16": lambda: batches("bfloat16"),
    }
    return {name: min(_cpu_ms(run) for _ in range(rounds)) / count for name, run in runs.items()}


def _cpu_ms(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return (time.process_time() - start) * 1e3


def _print_table(table: dict[str, dict[str, float]], cached: dict[str, float]) -> None:
    names = list(dict.fromkeys(name for times in table.values() for name in times))
    print("\nCPU ms a picture (how many times that of medlab with as many channels)")
    print("| file | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for row, times in table.items():
        print(f"| {row} | " + " | ".join(_cell(times, name) for name in names) + " |")
    print()
    for row, times in table.items():
        for kind, factor in TARGETS.get(row, dict.fromkeys(OURS, 1.0)).items():
            found = [ms for name, ms in times.items() if name.startswith(kind)]
            if found:
                ratio = min(found) / times[OURS[kind]]
                print(f"target {row}: {factor:g}x {kind}: {ratio:.2f}x, {'met' if ratio >= factor else 'MISSED'}")
            else:
                print(f"target {row}: {factor:g}x {kind}: it cannot read this file")
    for name, ms in cached.items():
        verdict = "met" if 1e3 / ms >= TARGET_CACHED_PER_SECOND else "MISSED"
        print(f"cached epoch, {name}: {ms:.2f} ms = {1e3 / ms:.0f} pictures/s/core, target 500: {verdict}")


def _cell(times: dict[str, float], name: str) -> str:
    if name not in times:
        return "fails"
    ours = next((OURS[kind] for kind in OURS if name.startswith(kind)), None)
    return f"{times[name]:.1f}" + (f" ({times[name] / times[ours]:.1f}x)" if ours else "")


def _write(table: dict[str, dict[str, float]], cached: dict[str, float], rounds: int) -> None:
    import importlib.metadata

    result = {
        "what": f"CPU ms a picture to {SIZE} px float32, least of {rounds} rounds, one thread",
        "cpu": _cpu_name(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "ms": {row: {name: round(ms, 2) for name, ms in times.items()} for row, times in table.items()},
        "cached_ms": {name: round(ms, 3) for name, ms in cached.items()},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def _cpu_name() -> str:
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _one_thread() -> None:
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds; the least time of them counts (default 9)")
    parser.add_argument("--rows", default="", help="only rows whose name holds this, such as raw")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/loading.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
