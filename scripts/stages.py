"""Run make targets one after the other, all of them even where one fails, and print how long each took.

A person who runs `make test` then sees lint, tests and notebooks in one go, and each with its wall time. pytest's own
closing lines stand as they are.
"""

import subprocess
import sys
import time


def run_stages(stages: list[str], call=subprocess.call) -> int:
    """Run `make STAGE` for each; 0 where all succeeded, else the exit status of the first that did not."""
    rows, status = [], 0
    for stage in stages:
        print(f"\n== {stage}", flush=True)
        began = time.monotonic()
        code = call(["make", "--no-print-directory", stage])
        rows.append((stage, code, time.monotonic() - began))
        status = status or code
    print()
    for stage, code, seconds in rows:
        print(f"{stage:<8} {'ok' if code == 0 else f'failed ({code})':<12} {seconds:7.1f} s")
    return status


if __name__ == "__main__":
    sys.exit(run_stages(sys.argv[1:]))
