"""How fast phantoms are drawn beside reading a picture of the same size, and whether a thousand agree with themselves.

    python benchmarks/phantom.py                 milliseconds for each size, and as a multiple of decoding a PNG
    python benchmarks/phantom.py --check 1000    masks, boxes, reports and questions of 1,000 phantoms
    python benchmarks/phantom.py --read 1000     reports of 1,000 patients in both languages, without pictures

Times are CPU time of one process. The check exits with 1 where a single phantom disagrees.
"""

import argparse
import io
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable

from PIL import Image
from tqdm.auto import tqdm

from medlab.phantom import Phantom, PhantomStyle, check_case, parse_report
from medlab.phantom.reports import write_report
from medlab.phantom.sampling import choose_findings

SIZES = (64, 224, 512, 1024)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", type=int, metavar="N", help="draw N phantoms and check each")
    parser.add_argument("--read", type=int, metavar="N", help="write and read back the reports of N patients")
    parser.add_argument("--size", type=int, default=128, help="pixels a side for --check")
    parser.add_argument("--repeats", type=int, default=12, help="pictures for each time")
    given = parser.parse_args()
    if given.check:
        return check(given.check, given.size)
    if given.read:
        return read_back(given.read)
    measure(given.repeats)
    return 0


def measure(repeats: int) -> None:
    print(f"{'size':>5} {'draw ms':>9} {'PNG decode ms':>14} {'ratio':>7}")
    for size in SIZES:
        phantom = Phantom(size)
        phantom.draw(0)
        film = io.BytesIO()
        Image.fromarray(phantom.draw(1).scans[0].to_uint8()).save(film, "PNG")
        draw = median_ms([lambda seed=seed, phantom=phantom: phantom.draw(seed) for seed in range(repeats)])
        decode = median_ms([lambda film=film: decode_png(film.getvalue())] * repeats)
        print(f"{size:>5} {draw:>9.1f} {decode:>14.2f} {draw / decode:>7.1f}")


def decode_png(content: bytes) -> None:
    Image.open(io.BytesIO(content)).load()


def median_ms(jobs: list[Callable[[], object]]) -> float:
    """Median CPU milliseconds of the jobs, each run once."""
    times = []
    for job in jobs:
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times)


def check(n: int, size: int) -> int:
    phantom, seen = Phantom(size), Counter()
    bad = 0
    for seed in tqdm(range(n), desc="checked"):
        case = phantom.draw(seed, view="AP" if seed % 3 == 0 else "PA")
        seen.update(finding.name for finding in case.findings if finding.state == "present")
        problems = check_case(case)
        bad += bool(problems)
        for problem in problems:
            print(problem)
    print(f"{n} phantoms at {size} pixels, {sum(seen.values())} findings, {bad} phantoms that disagree")
    print(", ".join(f"{name} {count}" for name, count in seen.most_common()))
    return int(bad > 0)


def read_back(n: int) -> int:
    bad = 0
    for seed in tqdm(range(n), desc="read"):
        findings = choose_findings(seed, PhantomStyle())
        truth = {(f.name, f.side, f.zone, f.severity) for f in findings}
        for language in ("en", "zh"):
            read = parse_report(write_report(findings, language, seed).text)
            said = {(f.name, f.side, f.zone, f.severity) for f in read if f.state == "present"}
            bad += said != truth
    print(f"{n} patients x 2 languages, {bad} reports that do not read back")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
