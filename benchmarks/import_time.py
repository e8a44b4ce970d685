"""How long `import medlab` takes, beside Python's own start and `import numpy`, in one run on one machine.

    python -m benchmarks.import_time [--rounds 9]

Each statement runs in a fresh process; the rounds alternate between the statements, so that a busy machine slows all
of them alike. Printed is the median, and how much each adds to Python's own start.
"""

import argparse
import statistics
import subprocess
import sys
import time

STATEMENTS = ("pass", "import medlab", "import medlab; medlab.Scan", "import numpy")


def seconds(statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - began


def measure(rounds: int) -> dict[str, float]:
    """Median seconds of each statement."""
    for statement in STATEMENTS:
        seconds(statement)  # bytecode and the disk's cache are warm from here on
    taken = {statement: [] for statement in STATEMENTS}
    for _ in range(rounds):
        for statement in STATEMENTS:
            taken[statement].append(seconds(statement))
    return {statement: statistics.median(times) for statement, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    medians = measure(parser.parse_args().rounds)
    start, numpy = medians["pass"], medians["import numpy"] - medians["pass"]
    print(f"{'statement':<28} {'seconds':>8} {'added':>8} {'of numpy':>9}")
    for statement, median in medians.items():
        print(f"{statement:<28} {median:8.3f} {median - start:8.3f} {(median - start) / numpy:9.2f}")


if __name__ == "__main__":
    main()
